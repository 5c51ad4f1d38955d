package lanes

import (
	"slices"

	"github.com/mmcloughlin/avo/ir"
)

// Values of one register each may be joined to one of several: operations with it do
// the same for each in turn, so that none waits for the one before.

// LoadAll joins Load of all of at.
func (m *Machine) LoadAll(at []V, tail bool) (v V) {
	for _, a := range at {
		v = append(v, m.Load(a, tail)...)
	}
	return v
}

// FetchAll joins Fetch of all of at.
func (m *Machine) FetchAll(at []V, tail bool) (v V) {
	for _, a := range at {
		v = append(v, m.Fetch(a, tail)...)
	}
	return v
}

// StoreAll does Store of each register of v.
func (m *Machine) StoreAll(v V, at []V, tail bool) {
	for i, a := range at {
		m.Store(v[i:i+1], a, tail)
	}
}

// Staggered writes what first and second write, which have no labels and need nothing of
// each other: the second begins when the first is half written, and from there on they
// take turns. Chains in step all need the same kind of instruction at a time, and then
// all wait for their ends.
func (m *Machine) Staggered(first, second func()) {
	a := m.written(first)
	b := m.written(second)
	half := len(a) / 2
	out := slices.Concat(a[:half]...)
	for i := range max(len(a)-half, len(b)) {
		for _, part := range [][][]ir.Node{a[half:], b} {
			if i < len(part) {
				out = append(out, part[i]...)
			}
		}
	}
	f := m.current()
	f.Nodes = append(f.Nodes, out...)
}

// current returns the function that is being written.
func (m *Machine) current() *ir.Function {
	file, err := m.Context.Result()
	if err != nil {
		panic(err)
	}
	all := file.Functions()
	return all[len(all)-1]
}

// written returns what part writes, a copy of a register with the instruction for which
// it is.
func (m *Machine) written(part func()) (steps [][]ir.Node) {
	f := m.current()
	start := len(f.Nodes)
	part()
	copied := false
	for _, n := range f.Nodes[start:] {
		if !copied {
			steps = append(steps, nil)
		}
		steps[len(steps)-1] = append(steps[len(steps)-1], n)
		in, ok := n.(*ir.Instruction)
		copied = ok && in.Opcode == "VMOVAPS"
	}
	f.Nodes = f.Nodes[:start]
	return steps
}
