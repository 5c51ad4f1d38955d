// Command quick writes the elementary functions on float64 of package simd for
// amd64.
package main

import (
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/emit"
	"heavytail/asm/internal/formula"
	"heavytail/asm/internal/lanes"
)

func main() {
	emit.Main("quick", map[string]func(*build.Context){
		"avx512": func(c *build.Context) { all(c, true) },
		"avx2":   func(c *build.Context) { all(c, false) },
	})
}

func all(c *build.Context, wide bool) {
	m := lanes.New(c, wide, "quick")
	m.Double = true
	for _, f := range formula.Functions {
		kernel(m, f)
	}
}

// kernel writes the loop over slices.
func kernel(m *lanes.Machine, f formula.Function) {
	m.Func(f.Name, "func("+f.Args+" []float64)", f.Doc)
	m.Narrow = true
	var base []reg.GPVirtual
	names := strings.Split(f.Args, ", ")
	for _, n := range names {
		base = append(base, m.Ptr(n))
	}
	n := m.Len(names[0])
	last := len(names) - 1
	of := func(x lanes.V) []lanes.V { return f.Of(formula.Quick{Machine: m}, x) }
	m.Hoist(func() { of(m.New16()) })
	m.Loop(n, 1, func(x lanes.Index) {
		for k, r := range of(m.Load(x.Of(base[last]), x.Tail)) {
			m.Store(r, x.Of(base[k]), x.Tail)
		}
	})
	m.Ret()
}
