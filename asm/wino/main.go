// Command wino writes the transforms of Winograd's convolutions F(4×4, 3×3)
// and F(2×2, 3×3); simd/wino_generic.go says what they compute.
//
// A transform in two dimensions is done for two of its rows at a time: first
// down the columns, which gives those rows, then along them. So few values
// live at once that 16 registers hold them.
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/emit"
)

func main() {
	emit.Main("wino", map[string]func(*build.Context){
		"avx512": func(c *build.Context) { all(c, true) },
		"avx2":   func(c *build.Context) { all(c, false) },
	})
}

func all(c *build.Context, wide bool) {
	m := &machine{Context: c, wide: wide}
	m.tables()
	for _, f := range []form{four, two} {
		m.input(f, input{"winoIn", "is WinoIn.Run for n channels.", f.side(), f.inPairs, f.in, f.inAlong}, a1, a2, b1, b2, sum, prod)
		for _, k := range f.weights {
			m.weights(f, k)
		}
		m.output(f)
		m.input(f, input{"winoBack", "is WinoIn.RunBack for n channels.", f.m, f.inPairs, f.back, f.backAlong}, a1, a2, b1, b2)
		m.taps(f)
	}
}

// A form is F(m×m, 3×3) with its transforms of one dimension, two of their
// results at a time. in gives the rows pair[0] and pair[1] of a tile's
// columns, out those of a result's; along transforms a whole row. back and taps
// are those of the gradient of the taps, back by inPairs; a pair of taps may be
// one row.
type form struct {
	m           int
	inPairs     [][2]int
	in          func(m *machine, pair int, d func(i int) vec) (a, b vec)
	inAlong     func(m *machine, z []vec, store func(v vec, j int))
	weights     []weightKind
	weightAlong func(m *machine, w []vec, store func(v vec, j int))
	outPairs    [][2]int
	out         func(m *machine, pair int, d func(i int) vec) (a, b vec)
	outAlong    func(m *machine, z []vec) []vec
	back        func(m *machine, pair int, d func(i int) vec) (a, b vec)
	backAlong   func(m *machine, z []vec, store func(v vec, j int))
	tapPairs    [][]int
	taps        func(m *machine, pair int, d func(i int) vec) (a, b vec)
	tapsAlong   func(m *machine, z []vec) []vec
}

// sumsStep is simd.WinoSumsStep.
const sumsStep = 12*32 + 16

// A weightKind is the transform down a column of the taps to rows of one
// kind; coef numbers in memory make them different.
type weightKind struct {
	name, doc string
	coef      int
	column    func(m *machine, coef []vec, w func(i int) operand.Op) vec
}

// side returns the points along a side.
func (f form) side() int { return f.m + 2 }

// A vec is the vector of one value: 16 or 8 float32.
type vec = reg.VecVirtual

type machine struct {
	*build.Context
	wide   bool
	consts operand.Mem       // each constant as often as a register has lanes
	masks  operand.Mem       // AVX-512: bits; AVX2: 16 words of ones, then zeros
	loaded map[constant]vec  // AVX-512: constants in registers
	kmask  reg.OpmaskVirtual // AVX-512: the lanes that exist
	vmask  reg.GPVirtual     // AVX2: points at the mask
	labels int
}

func (m *machine) lanes() int {
	if m.wide {
		return 16
	}
	return 8
}

// step is the size of a register in bytes.
func (m *machine) step() int { return 4 * m.lanes() }

func (m *machine) tables() {
	m.consts = m.StaticGlobal("winoConstants")
	m.DataAttributes(attr.RODATA | attr.NOPTR)
	for c := range constants {
		for i := range m.lanes() {
			m.AddDatum(m.step()*c+4*i, operand.F32(constants[c]))
		}
	}
	m.masks = m.StaticGlobal("winoTails")
	m.DataAttributes(attr.RODATA | attr.NOPTR)
	if m.wide { // entry r: the low r bits
		for r := range 16 {
			m.AddDatum(2*r, operand.U16(1<<r-1))
		}
		return
	}
	for i := range 16 { // 8 lanes from entry 8−r on: the first r set
		v := uint32(0)
		if i < 8 {
			v = 1<<32 - 1
		}
		m.AddDatum(4*i, operand.U32(v))
	}
}

// begin starts a function that needs the given constants in its loops.
func (m *machine) begin(name, signature, doc string, need ...constant) {
	isa := "AVX2"
	if m.wide {
		isa = "AVX512"
	}
	m.Function(name + isa)
	m.Attributes(attr.NOSPLIT)
	m.SignatureExpr(signature)
	m.Doc(name + isa + " " + doc)
	m.loaded = map[constant]vec{}
	if m.wide {
		for _, c := range need {
			m.loaded[c] = m.ZMM()
			m.VMOVUPS(m.consts.Offset(64*int(c)), m.loaded[c])
		}
	}
}

func (m *machine) end() {
	m.VZEROUPPER()
	m.RET()
}

func (m *machine) int(name string) reg.GPVirtual {
	r := m.GP64()
	m.Load(m.Param(name), r)
	return r
}

// bytes is int of a number of float32, in bytes.
func (m *machine) bytes(name string) reg.GPVirtual {
	r := m.int(name)
	m.SHLQ(operand.U8(2), r)
	return r
}

func (m *machine) label(s string) string {
	m.labels++
	return fmt.Sprintf("%s%d", s, m.labels)
}

func (m *machine) new() vec {
	if m.wide {
		return m.ZMM()
	}
	return m.YMM()
}

func (m *machine) load(a operand.Op, tail bool) vec {
	v := m.new()
	switch {
	case !tail:
		m.VMOVUPS(a, v)
	case m.wide:
		m.VMOVUPS_Z(a, m.kmask, v)
	default:
		m.VMOVUPS(operand.Mem{Base: m.vmask}, v)
		m.VMASKMOVPS(a, v, v)
	}
	return v
}

func (m *machine) store(v vec, a operand.Op, tail bool) {
	switch {
	case !tail:
		m.VMOVUPS(v, a)
	case m.wide:
		m.VMOVUPS(v, m.kmask, a)
	default:
		k := m.YMM()
		m.VMOVUPS(operand.Mem{Base: m.vmask}, k)
		m.VMASKMOVPS(v, k, a)
	}
}

// constant c as an operand.
func (m *machine) constant(c constant) operand.Op {
	if v, ok := m.loaded[c]; ok {
		return v
	}
	return m.consts.Offset(m.step() * int(c))
}

func (m *machine) copy(v vec) vec {
	w := m.new()
	m.VMOVAPS(v, w)
	return w
}

// fma sets acc += c·v, fnma acc −= c·v.
func (m *machine) fma(c constant, v, acc vec)  { m.VFMADD231PS(m.constant(c), v, acc) }
func (m *machine) fnma(c constant, v, acc vec) { m.VFNMADD231PS(m.constant(c), v, acc) }

// mul returns c·v in v.
func (m *machine) mul(c constant, v vec) vec {
	m.VMULPS(m.constant(c), v, v)
	return v
}

// add returns a + b, sub a − b, both new.
func (m *machine) add(a, b vec) vec {
	v := m.new()
	m.VADDPS(b, a, v)
	return v
}

func (m *machine) sub(a, b vec) vec {
	v := m.new()
	m.VSUBPS(b, a, v)
	return v
}

// chunks runs body for the float32 0…n−1, a register at a time; idx counts
// bytes. n is destroyed.
func (m *machine) chunks(n reg.GPVirtual, body func(idx reg.GPVirtual, tail bool)) {
	idx := m.GP64()
	m.XORQ(idx, idx)
	loop, last, done := m.label("chunk"), m.label("last"), m.label("done")
	m.Label(loop)
	m.SUBQ(operand.Imm(uint64(m.lanes())), n)
	m.JL(operand.LabelRef(last))
	body(idx, false)
	m.ADDQ(operand.Imm(uint64(m.step())), idx)
	m.JMP(operand.LabelRef(loop))
	m.Label(last)
	m.ADDQ(operand.Imm(uint64(m.lanes())), n)
	m.JZ(operand.LabelRef(done))
	t := m.GP64()
	m.LEAQ(m.masks, t)
	if m.wide {
		m.kmask = m.K()
		m.KMOVW(operand.Mem{Base: t, Index: n, Scale: 2}, m.kmask)
	} else {
		m.SHLQ(operand.U8(2), n)
		m.SUBQ(n, t)
		m.ADDQ(operand.Imm(32), t)
		m.vmask = t
	}
	body(idx, true)
	m.Label(done)
}
