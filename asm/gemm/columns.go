package main

import (
	"fmt"
	"go/token"
	"go/types"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// columns writes tiles of two vectors of columns whose rows are neighbours in A and rows
// of a panel in C, so that nothing is indirect and all is in registers. They fetch
// nothing: their operands are in a cache, and fetches would take the places of loads.
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
	name = fmt.Sprintf("tiles%dx%d%s%s", k.rows, k.vecs*k.lanes, name, k.isa)
	k.Function(name)
	k.Attributes(nosplit)
	k.Signature(tilesSignature(types.NewParam(token.NoPos, nil, "s", types.NewPointer(types.Typ[types.Float32]))))
	width := "more than 16"
	if k.lanes == 8 {
		width = "up to 16"
	}
	k.Doc(fmt.Sprintf("%s is Tiles.%s for %d rows and %s columns.", name, doc, k.rows, width))
	k.setUp()
	k.Label("tile")
	k.initial()
	k.MOVQ(colA, colTerm)
	k.MOVQ(colB, colRow)
	if !k.max {
		k.TESTQ(colVector, colVector)
		k.JEQ(label("plain"))
		k.terms("scaled", true)
		k.JMP(label("added"))
		k.Label("plain")
	}
	k.terms("sum", false)
	k.Label("added")
	k.store(0, k.rows)
	k.Label("stored")
	if k.max {
		k.maxima()
	} else {
		k.XORQ(colVector, colVector) // B is scaled
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
	if k.hasFactors() {
		k.TESTQ(colVector, colVector)
		k.JEQ(label("tile"))
		for v := range 2 {
			k.VMOVUPS(k.vector(colVector, v), k.spare(2+v))
		}
	}
}

// hasFactors reports whether registers hold the factors of B. Six rows of AVX2 leave none.
func (k *columns) hasFactors() bool { return !k.max && (k.lanes == 16 || k.rows == 4) }

// vector returns vector v of the row at base.
func (k *columns) vector(base reg.GPPhysical, v int) operand.Mem {
	return operand.Mem{Base: base, Disp: 4 * k.lanes * v}
}

// initial sets the accumulators to C or to zero.
func (k *columns) initial() {
	if !k.max {
		k.CMPB(field(fieldAcc), operand.U8(0))
		k.JEQ(label("empty"))
		for i := range k.rows {
			for v := range 2 {
				k.VMOVUPS(k.vector(colC, v).Offset(i*panelRow), k.accum(i, v))
			}
		}
		k.JMP(label("started"))
		k.Label("empty")
	}
	for i := range 2 * k.rows {
		k.clear(i)
	}
	if !k.max {
		k.Label("started")
	}
}

// lastRows is how many rows take the last four terms before the next ones do: a register
// that was just computed is stored beside multiply-adds, one that waited for its turn
// takes the place of one on a Zen 4, and of two on a Zen 3.
const lastRows = 2

// terms adds all terms: first those that are left of fours. Of terms that are not scaled
// the last four come by few rows, which are stored.
func (k *columns) terms(name string, scaled bool) {
	k.MOVQ(field(fieldK), colLeft)
	k.ANDQ(operand.I8(3), colLeft)
	k.JEQ(label(name + "Fours"))
	k.Label(name + "One")
	k.term(0, 0, k.rows, scaled)
	k.ADDQ(colKA, colTerm)
	k.ADDQ(operand.I32(panelRow), colRow)
	k.DECQ(colLeft)
	k.JNE(label(name + "One"))
	k.Label(name + "Fours")
	k.MOVQ(field(fieldK), colLeft)
	k.SHRQ(operand.U8(2), colLeft)
	k.JEQ(label("added"))
	if !scaled {
		k.DECQ(colLeft)
		k.JEQ(label("last"))
	}
	k.Label(name + "Four")
	for i := range 4 {
		k.term(i, 0, k.rows, scaled)
	}
	k.LEAQ(operand.Mem{Base: colTerm, Index: colKA, Scale: 4}, colTerm)
	k.ADDQ(operand.I32(4*panelRow), colRow)
	k.DECQ(colLeft)
	k.JNE(label(name + "Four"))
	if scaled {
		return
	}
	k.Label("last")
	for row := 0; row < k.rows; row += lastRows {
		for i := range 4 {
			k.term(i, row, row+lastRows, false)
		}
		k.store(row, row+lastRows)
	}
	k.JMP(label("stored"))
}

// store writes rows lo to hi of the tile.
func (k *columns) store(lo, hi int) {
	for i := lo; i < hi; i++ {
		for v := range 2 {
			k.VMOVUPS(k.accum(i, v), k.vector(colC, v).Offset(i*panelRow))
		}
	}
}

// term adds term i, 0 to 3, of those to come to rows lo to hi.
func (k *columns) term(i, lo, hi int, scaled bool) {
	at := func(v int) operand.Mem { return k.vector(colRow, v).Offset(i * panelRow) }
	first := 2
	if k.hasFactors() {
		first = 4
	}
	for v := range 2 {
		switch {
		case scaled && k.hasFactors():
			k.VMULPS(at(v), k.spare(2+v), k.spare(v))
		case scaled:
			k.VMOVUPS(at(v), k.spare(v))
			k.VMULPS(k.vector(colVector, v), k.spare(v), k.spare(v))
		default:
			k.VMOVUPS(at(v), k.spare(v))
		}
	}
	a := []operand.Mem{{Base: colTerm}, {Base: colTerm, Index: colKA, Scale: 1}, {Base: colTerm, Index: colKA, Scale: 2},
		{Base: colTerm, Index: colKA3, Scale: 1}}[i]
	for row := lo; row < hi; row++ {
		x := k.spare(first + row%min(6, 2*k.lanes-2*k.rows-first))
		k.VBROADCASTSS(a.Offset(4*row), x)
		for v := range 2 {
			k.VFMADD231PS(k.spare(v), x, k.accum(row, v))
		}
		for v := range 2 {
			if scaled && row == lo { // here a store takes no place
				k.VMOVUPS(k.spare(v), at(v))
			}
		}
	}
}

// maxima takes the outputs into the maxima, in two chains for each vector: a maximum
// waits for the one before. NaN is passed over, being the first source.
func (k *columns) maxima() {
	at := func(v int) operand.Mem { return k.vector(colVector, v) }
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
