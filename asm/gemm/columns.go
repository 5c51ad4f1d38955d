package main

import (
	"fmt"
	"go/token"
	"go/types"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// columns writes tiles of 32 columns whose rows are neighbours in A and rows of a panel
// in C, so that nothing is indirect and all is in registers. They fetch nothing: their
// operands are in a cache, and fetches would take the places of loads.
type columns struct {
	kernel
	max bool // the second parameter is maxima, which outputs are taken into; else nil or factors of B
}

var (
	colA, colC, colTiles = reg.RAX, reg.RSI, reg.R8 // of the next tile, and how many are left
	colKA, colKA3        = reg.RBX, reg.RCX
	colB, colVector      = reg.RDX, reg.RDI
	colAInc, colCInc     = reg.R9, reg.R10
	colTerm, colRow      = reg.R11, reg.R12 // of A and of B, to come
	colLeft              = reg.R13
)

// tiles writes the function.
func (k *columns) tiles() {
	name, doc := "Scaled", "RunScaled, s being nil or factors,"
	if k.max {
		name, doc = "Max", "RunMax, s being maxima,"
	}
	name = fmt.Sprintf("tiles%dx32%s%s", k.rows, name, k.isa)
	k.Function(name)
	k.Attributes(nosplit)
	k.Signature(tilesSignature(types.NewParam(token.NoPos, nil, "s", types.NewPointer(types.Typ[types.Float32]))))
	k.Doc(fmt.Sprintf("%s is Tiles.%s for %d rows and more than 16 columns.", name, doc, k.rows))
	k.setUp()
	k.Label("tile")
	k.initial()
	k.MOVQ(colA, colTerm)
	k.MOVQ(colB, colRow)
	k.MOVQ(field(fieldK), colLeft)
	if !k.max {
		k.TESTQ(colVector, colVector)
		k.JEQ(label("plain"))
		k.terms("scaled", true)
		k.XORQ(colVector, colVector)
		k.JMP(label("added"))
		k.Label("plain")
	}
	k.terms("sum", false)
	k.Label("added")
	if k.max {
		k.maxima()
	}
	for i := range k.rows {
		for v := range 2 {
			k.VMOVUPS(k.accum(i, v), operand.Mem{Base: colC, Disp: i*panelRow + 64*v})
		}
	}
	k.ADDQ(colAInc, colA)
	k.ADDQ(colCInc, colC)
	k.DECQ(colTiles)
	k.JNE(label("tile"))
	k.VZEROUPPER()
	k.RET()
}

func (k *columns) setUp() {
	k.Load(k.Param("t"), args)
	k.Load(k.Param("s"), colVector)
	for _, f := range []struct {
		off    int
		to     reg.GPPhysical
		stride bool
	}{{fieldA, colA, false}, {fieldB, colB, false}, {fieldC, colC, false}, {fieldN, colTiles, false},
		{fieldKA, colKA, true}, {fieldAInc, colAInc, true}, {fieldCInc, colCInc, true}} {
		k.MOVQ(field(f.off), f.to)
		if f.stride {
			k.SHLQ(operand.U8(2), f.to)
		}
	}
	k.LEAQ(operand.Mem{Base: colKA, Index: colKA, Scale: 2}, colKA3)
	if !k.max {
		k.TESTQ(colVector, colVector)
		k.JEQ(label("tile"))
		for v := range 2 {
			k.VMOVUPS(operand.Mem{Base: colVector, Disp: 64 * v}, k.spare(2+v))
		}
	}
}

// initial sets the accumulators to C or to zero.
func (k *columns) initial() {
	if !k.max {
		k.CMPB(field(fieldAcc), operand.U8(0))
		k.JEQ(label("empty"))
		for i := range k.rows {
			for v := range 2 {
				k.VMOVUPS(operand.Mem{Base: colC, Disp: i*panelRow + 64*v}, k.accum(i, v))
			}
		}
		k.JMP(label("started"))
		k.Label("empty")
	}
	for i := range 2 * k.rows {
		k.VPXORD(k.reg(i), k.reg(i), k.reg(i))
	}
	if !k.max {
		k.Label("started")
	}
}

// terms adds all terms, four at a time.
func (k *columns) terms(name string, scaled bool) {
	k.SUBQ(operand.I8(4), colLeft)
	k.JLT(label(name + "Few"))
	k.Label(name + "Four")
	for i := range 4 {
		k.term(i, scaled)
	}
	k.LEAQ(operand.Mem{Base: colTerm, Index: colKA, Scale: 4}, colTerm)
	k.ADDQ(operand.I32(4*panelRow), colRow)
	k.SUBQ(operand.I8(4), colLeft)
	k.JGE(label(name + "Four"))
	k.Label(name + "Few")
	k.ADDQ(operand.I8(4), colLeft)
	k.JEQ(label(name + "Done"))
	k.Label(name + "One")
	k.term(0, scaled)
	k.ADDQ(colKA, colTerm)
	k.ADDQ(operand.I32(panelRow), colRow)
	k.DECQ(colLeft)
	k.JNE(label(name + "One"))
	k.Label(name + "Done")
}

// term adds term i, 0 to 3, of those to come.
func (k *columns) term(i int, scaled bool) {
	for v := range 2 {
		m := operand.Mem{Base: colRow, Disp: i*panelRow + 64*v}
		if !scaled {
			k.VMOVUPS(m, k.spare(v))
			continue
		}
		k.VMULPS(m, k.spare(2+v), k.spare(v))
		k.VMOVUPS(k.spare(v), m)
	}
	first := 2
	if !k.max {
		first = 4
	}
	a := []operand.Mem{{Base: colTerm}, {Base: colTerm, Index: colKA, Scale: 1}, {Base: colTerm, Index: colKA, Scale: 2},
		{Base: colTerm, Index: colKA3, Scale: 1}}[i]
	for row := range k.rows {
		x := k.spare(first + row%min(6, 32-2*k.rows-first))
		k.VBROADCASTSS(a.Offset(4*row), x)
		for v := range 2 {
			k.VFMADD231PS(k.spare(v), x, k.accum(row, v))
		}
	}
}

// maxima takes the outputs into the maxima, in two chains for each vector: a maximum
// waits for the one before. NaN is passed over, being the first source.
func (k *columns) maxima() {
	at := func(v int) operand.Mem { return operand.Mem{Base: colVector, Disp: 64 * v} }
	for c := range 4 {
		k.VMOVUPS(at(c%2), k.spare(c))
	}
	for i := range k.rows {
		for v := range 2 {
			top := k.spare(i%2*2 + v)
			k.VMAXPS(top, k.accum(i, v), top)
		}
	}
	for v := range 2 {
		k.VMAXPS(k.spare(2+v), k.spare(v), k.spare(v))
		k.VMOVUPS(k.spare(v), at(v))
	}
}
