package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/formula"
)

// few writes winoFew4AVX512: products of four tiles whose taps are transformed in
// registers. The 24 sums of a row of points, six for each tile, stay in registers over
// the channels, 16 columns at a time, so that no transformed tap goes through memory.
// All registers have their one purpose, hence their names here.
type few struct {
	*build.Context
	rowOf            [4]operand.Mem // where the pixels of this row of points begin, for each tile
	sums             [4]operand.Mem // and its sums
	w, next          operand.Mem    // taps of these columns; what is fetched for this row
	coef             operand.Mem    // of this row
	channels         operand.Mem
	rowsLeft, halves operand.Mem
	acc, fetches     operand.Mem
	consts           operand.Mem
}

const (
	fewPoints = 36
	fewRow    = 6 * 128 // bytes of the sums of a row of points
)

// Registers: of each tile, of rows of taps, distances.
var (
	fewTile  = [4]reg.GPPhysical{reg.RAX, reg.RBX, reg.RCX, reg.RDX}
	fewTap   = [3]reg.GPPhysical{reg.R9, reg.R10, reg.R11}
	fewPitch = [3]reg.GPPhysical{reg.RSI, reg.RDI, reg.R8} // 1, 3 and 5 pitches of the points
	fewStep  = reg.R12                                     // distance of the taps
	fewNext  = reg.R13
	fewLeft  = reg.R14 // channels
	fewTemp  = reg.R15
)

func zmm(i int) reg.VecPhysical {
	return reg.Vector.Lookup(reg.Index(i), reg.S512).(reg.VecPhysical)
}

// fewSum is the sum of a tile and a point.
func fewSum(tile, point int) reg.VecPhysical { return zmm(6*tile + point) }

var (
	fewG  = [3]reg.VecPhysical{zmm(24), zmm(25), zmm(26)} // a row of G·g
	fewU  = zmm(27)
	fewH  = zmm(28)
	fewC0 = zmm(29) // coefficients of the row
	fewC1 = zmm(30)
	fewA  = zmm(31) // a
)

func (f *few) write() {
	f.consts = f.StaticGlobal("winoFewConstants")
	f.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, v := range []float32{formula.A1, formula.A2, formula.B1, formula.B2} {
		f.AddDatum(4*i, operand.F32(v))
	}
	f.Function("winoFew4AVX512")
	f.Attributes(attr.NOSPLIT)
	f.SignatureExpr("func(m, v *float32, tiles, pitch int, w *float32, wStep, k, acc int, next, coef *float32)")
	f.Doc("winoFew4AVX512 is WinoFew.Run for F(4×4), taps in the order in which they are wanted.")
	f.setUp()
	f.Label("half")
	f.row("First")
	f.Label("inner")
	f.row("Inner")
	f.DECQ(f.rowsLeft)
	f.JNZ(operand.LabelRef("inner"))
	f.row("Last")
	f.nextHalf()
	f.VZEROUPPER()
	f.RET()
}

func (f *few) local(x operand.Op) operand.Mem {
	m := f.AllocLocal(8)
	f.MOVQ(x, m)
	return m
}

func (f *few) setUp() {
	load := func(name string, r reg.GPPhysical) reg.GPPhysical {
		f.Load(f.Param(name), r)
		return r
	}
	pitch := load("pitch", fewPitch[0])
	f.SHLQ(operand.U8(2), pitch)
	f.LEAQ(operand.Mem{Base: pitch, Index: pitch, Scale: 2}, fewPitch[1])
	f.LEAQ(operand.Mem{Base: pitch, Index: pitch, Scale: 4}, fewPitch[2])
	f.SHLQ(operand.U8(2), load("wStep", fewStep))
	f.w, f.next = f.local(load("w", fewTemp)), f.local(load("next", fewTemp))
	f.channels, f.acc, f.coef = f.local(load("k", fewTemp)), f.local(load("acc", fewTemp)), f.local(load("coef", fewTemp))
	f.fetches = f.local(operand.I32(9))
	f.halves, f.rowsLeft = f.local(operand.I32(2)), f.local(operand.I32(4))
	f.Comment("Beyond the last tile that one again")
	left, v, sums, step := fewTap[0], fewTap[1], fewTap[2], fewLeft
	load("tiles", left)
	load("v", v)
	load("m", sums)
	f.IMUL3Q(operand.I32(fewPoints), pitch, step)
	zero := fewTile[0]
	f.XORQ(zero, zero)
	other := fewTile[1]
	f.MOVQ(operand.I32(fewPoints*128), other)
	for i := range 4 {
		if i > 0 {
			f.DECQ(left)
			f.CMOVQEQ(zero, step)
			f.CMOVQEQ(zero, other)
			f.ADDQ(step, v)
			f.ADDQ(other, sums)
		}
		f.rowOf[i], f.sums[i] = f.local(v), f.local(sums)
	}
	f.VBROADCASTSS(f.consts.Offset(0), fewA)
}

// row writes the sums of a row of points for 16 columns.
func (f *few) row(kind string) {
	label := func(s string) operand.LabelRef { return operand.LabelRef(s + kind) }
	f.Comment(kind + " row: the sums so far")
	f.CMPQ(f.acc, operand.I8(0))
	f.JEQ(label("empty"))
	f.eachSum(func(sum reg.VecPhysical, at operand.Mem) { f.VMOVUPS(at, sum) })
	f.JMP(label("started"))
	f.Label(string(label("empty")))
	for i := range 24 {
		f.VPXORD(zmm(i), zmm(i), zmm(i))
	}
	f.Label(string(label("started")))
	for i, r := range fewTile {
		f.MOVQ(f.rowOf[i], r)
	}
	f.MOVQ(f.w, fewTap[0])
	f.LEAQ(operand.Mem{Base: fewStep, Index: fewStep, Scale: 2}, fewTemp)
	f.LEAQ(operand.Mem{Base: fewTap[0], Index: fewTemp, Scale: 1}, fewTap[1])
	f.LEAQ(operand.Mem{Base: fewTap[0], Index: fewTemp, Scale: 2}, fewTap[2])
	f.MOVQ(f.next, fewNext)
	f.MOVQ(f.channels, fewLeft)
	if kind == "Inner" {
		f.MOVQ(f.coef, fewTemp)
		f.VBROADCASTSS(operand.Mem{Base: fewTemp}, fewC0)
		f.VBROADCASTSS(operand.Mem{Base: fewTemp, Disp: 4}, fewC1)
		f.ADDQ(operand.I8(8), f.coef)
	}
	f.SUBQ(operand.I8(4), fewLeft)
	f.JLT(label("rest"))
	f.Label(string(label("four")))
	f.channelsOf(kind, 4)
	f.SUBQ(operand.I8(4), fewLeft)
	f.JGE(label("four"))
	f.Label(string(label("rest")))
	f.ADDQ(operand.I8(4), fewLeft)
	f.JEQ(label("summed"))
	f.Label(string(label("one")))
	f.channelsOf(kind, 1)
	f.DECQ(fewLeft)
	f.JNE(label("one"))
	f.Label(string(label("summed")))
	f.eachSum(func(sum reg.VecPhysical, at operand.Mem) { f.VMOVUPS(sum, at) })
	f.nextRow(kind)
}

// eachSum calls do for every sum of the row of points and where it lies.
func (f *few) eachSum(do func(sum reg.VecPhysical, at operand.Mem)) {
	for i, r := range fewTile {
		f.MOVQ(f.sums[i], r)
		for j := range 6 {
			do(fewSum(i, j), operand.Mem{Base: r, Disp: 128 * j})
		}
	}
}

// channelsOf writes n channels.
func (f *few) channelsOf(kind string, n int) {
	for c := range n {
		f.PREFETCHT1(operand.Mem{Base: fewNext, Disp: 128 * c})
		f.PREFETCHT1(operand.Mem{Base: fewNext, Disp: 128*c + 64})
		f.column(kind, 128*c)
		f.along(4 * c)
	}
	for _, r := range fewTile {
		f.ADDQ(operand.I32(4*int32(n)), r)
	}
	for _, r := range append(fewTap[:], fewNext) {
		f.ADDQ(operand.I32(128*int32(n)), r)
	}
}

// column sets fewG to a row of G·g, disp bytes further on.
func (f *few) column(kind string, disp int) {
	for j, g := range fewG {
		tap := func(i int) operand.Mem {
			m := operand.Mem{Base: fewTap[i], Disp: disp}
			if j > 0 {
				m.Index, m.Scale = fewStep, uint8(j)
			}
			return m
		}
		switch kind {
		case "First":
			f.VMOVUPS(tap(0), g)
		case "Last":
			f.VMOVUPS(tap(2), g)
		default:
			f.VMOVUPS(tap(0), g)
			f.VFMADD231PS(tap(2), fewC1, g)
			f.VFMADD231PS(tap(1), fewC0, g)
		}
	}
}

// along adds the products of a row of points, pixels disp bytes further on.
func (f *few) along(disp int) {
	at := func(tile, point int) operand.Mem {
		m := operand.Mem{Base: fewTile[tile], Disp: disp}
		if point > 0 {
			m.Index = []reg.GPPhysical{fewPitch[0], fewPitch[0], fewPitch[1], fewPitch[0], fewPitch[2]}[point-1]
			m.Scale = []uint8{1, 2, 1, 4, 1}[point-1]
		}
		return m
	}
	add := func(u reg.VecPhysical, point int) {
		for i := range 4 {
			f.VFMADD231PS_BCST(at(i, point), u, fewSum(i, point))
		}
	}
	a2, b1, b2 := f.consts.Offset(4), f.consts.Offset(8), f.consts.Offset(12)
	f.VMOVAPS(fewG[0], fewH)
	f.VFMADD231PS_BCST(a2, fewG[2], fewH)
	add(fewG[0], 0)
	f.VMOVAPS(fewH, fewU)
	f.VFMADD231PS(fewA, fewG[1], fewU)
	f.VFNMADD231PS(fewA, fewG[1], fewH)
	f.VFMADD231PS_BCST(b2, fewG[2], fewG[0])
	add(fewG[2], 5)
	add(fewU, 1)
	f.VMOVAPS(fewG[0], fewU)
	f.VFMADD231PS_BCST(b1, fewG[1], fewU)
	f.VFNMADD231PS_BCST(b1, fewG[1], fewG[0])
	add(fewH, 2)
	add(fewU, 3)
	add(fewG[0], 4)
}

// nextRow moves to the next row of points, and to the tap that is fetched meanwhile, up
// to the ninth.
func (f *few) nextRow(kind string) {
	f.XORQ(fewTemp, fewTemp)
	f.DECQ(f.fetches)
	f.CMOVQGT(fewStep, fewTemp)
	f.ADDQ(fewTemp, f.next)
	if kind == "Last" {
		return
	}
	f.LEAQ(operand.Mem{Base: fewPitch[0], Index: fewPitch[2], Scale: 1}, fewTemp)
	for i := range 4 {
		f.ADDQ(fewTemp, f.rowOf[i])
		f.ADDQ(operand.I32(fewRow), f.sums[i])
	}
}

// nextHalf returns to the first row of points for the other 16 columns.
func (f *few) nextHalf() {
	f.LEAQ(operand.Mem{Base: fewPitch[0], Index: fewPitch[2], Scale: 4}, fewTemp) // 21 pitches
	f.ADDQ(fewPitch[1], fewTemp)
	f.ADDQ(fewPitch[1], fewTemp)
	f.ADDQ(fewPitch[1], fewTemp)
	for i := range 4 {
		f.SUBQ(fewTemp, f.rowOf[i])
		f.SUBQ(operand.I32(5*fewRow-64), f.sums[i])
	}
	f.ADDQ(operand.I8(64), f.w)
	f.SUBQ(operand.I8(32), f.coef)
	f.MOVQ(operand.I32(4), fewTemp)
	f.MOVQ(fewTemp, f.rowsLeft)
	f.DECQ(f.halves)
	f.JNE(operand.LabelRef("half"))
}
