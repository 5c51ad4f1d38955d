package main

import (
	"fmt"
	"go/token"
	"go/types"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const nosplit = attr.NOSPLIT

// Byte offsets of the fields of simd.Tiles; a test in simd keeps them.
const (
	fieldA, fieldB, fieldC, fieldBias, fieldRes, fieldZero = 0, 24, 48, 72, 96, 120
	fieldAOff, fieldBOff, fieldCOff, fieldROff             = 144, 168, 192, 216

	fieldN, fieldCols, fieldSegs, fieldK, fieldKA, fieldKB = 240, 256, 264, 272, 280, 288
	fieldAStep, fieldCStep, fieldRStep                     = 296, 304, 312
	fieldAInc, fieldCInc, fieldRInc, fieldBInc             = 320, 328, 336, 344
	fieldAcc, fieldPacked, fieldBeside                     = 352, 353, 354
	fieldNext, fieldNextLen, fieldSoon, fieldFar           = 360, 368, 384, 385
)

// ahead is how many bytes of a packed panel of B are fetched before they are used:
// several hundred cycles, the latency of main memory, for weights that no cache
// holds. Of a matrix as it is a row so many rows further on is fetched, of which an
// address can hold 8 at most.
const (
	ahead     = 8192
	rowsAhead = 8
)

// panelRow is the size of a row of a packed panel of B.
const panelRow = 32 * 4

// cacheLine is the least that is fetched of Next.
const cacheLine = 64

// tableRow is the size of one segment's row offsets.
const tableRow = 12 * 4

// kernel writes one micro-kernel: rows × vecs accumulators of lanes float32.
type kernel struct {
	*build.Context
	isa    string
	rows   int
	vecs   int
	lanes  int
	masked bool        // columns beyond Cols are not touched
	masks  operand.Mem // AVX2: 16 words of ones, then 16 of zeros

	// state of the loops, in the frame
	ka, kb, first       operand.Mem // byte strides, −K·KA
	packed              operand.Mem // 1 if Packed and KA is 1
	a, zero, b, c, r    operand.Mem // bases; a and zero end where the sum ends
	aTab, cTab, rTab    operand.Mem
	seg, segsLeft, bTab operand.Mem
	tilesLeft           operand.Mem
	next, nextEnd, line operand.Mem // what is fetched of Next, and by how many bytes at a time
}

var (
	rowRegs = []reg.GPPhysical{reg.RAX, reg.RBX, reg.RCX, reg.RDX, reg.RSI, reg.RDI,
		reg.R8, reg.R9, reg.R10, reg.R11, reg.R12, reg.R13}
	args = reg.RBP // the *Tiles, all the time
	bPtr = reg.R14 // row k of B
	idx  = reg.R15 // (k − K)·KA
)

// reg returns vector register i.
func (k *kernel) reg(i int) reg.VecPhysical {
	spec := reg.S256
	if k.lanes == 16 {
		spec = reg.S512
	}
	return reg.Vector.Lookup(reg.Index(i), spec).(reg.VecPhysical)
}

// clear makes vector register i zero.
func (k *kernel) clear(i int) {
	if k.lanes == 16 {
		k.VPXORD(k.reg(i), k.reg(i), k.reg(i))
	} else {
		k.VXORPS(k.reg(i), k.reg(i), k.reg(i))
	}
}

// accum returns the accumulator of row i, vector v.
func (k *kernel) accum(i, v int) reg.VecPhysical { return k.reg(i*k.vecs + v) }

// spare returns the v-th register that is no accumulator.
func (k *kernel) spare(v int) reg.VecPhysical { return k.reg(k.rows*k.vecs + v) }

// lines returns how many lines of Next may be fetched with every four terms. Eight rows
// are half of an image of 4×4: two such tiles read a panel while the next one arrives.
// Twelve read three lines of A meanwhile.
func (k *kernel) lines() int {
	switch {
	case k.lanes == 16 && k.rows == 8:
		return 4
	case k.lanes == 16 && k.rows == 12:
		return 3
	}
	return 1
}

func field(off int) operand.Mem { return operand.Mem{Base: args, Disp: off} }

func lanesText(n int) string { return fmt.Sprintf("%d float32", n) }

// label makes s unique within the function.
func label(s string) operand.LabelRef { return operand.LabelRef(s) }

// tiles writes the function.
func (k *kernel) tiles() {
	name := fmt.Sprintf("tiles%dx%d", k.rows, k.vecs*k.lanes)
	if k.masked {
		name += "Tail"
	}
	k.Function(name + k.isa)
	k.Attributes(nosplit)
	k.Signature(tilesSignature())
	width := fmt.Sprintf("%d columns", k.vecs*k.lanes)
	if k.masked {
		width = "at most " + width
	}
	k.Doc(fmt.Sprintf("%s%s is Tiles.Run for %d rows and %s.", name, k.isa, k.rows, width))
	k.Load(k.Param("t"), args)
	k.setMasks()
	k.setUp()
	k.Label("tile")
	k.initial()
	k.segments()
	k.Label("finish")
	k.addBias()
	k.addRes()
	k.store()
	k.nextTile()
	k.VZEROUPPER()
	k.RET()
}

// tilesSignature returns func(t *Tiles), with more parameters behind it.
func tilesSignature(more ...*types.Var) *gotypes.Signature {
	pkg := types.NewPackage("heavytail/simd", "simd")
	named := types.NewNamed(types.NewTypeName(token.NoPos, pkg, "Tiles", nil), types.NewStruct(nil, nil), nil)
	t := types.NewParam(token.NoPos, pkg, "t", types.NewPointer(named))
	return gotypes.NewSignature(pkg, types.NewSignatureType(nil, nil, nil, types.NewTuple(append([]*types.Var{t}, more...)...), nil, false))
}

// setMasks derives the column masks from Cols.
func (k *kernel) setMasks() {
	if !k.masked {
		return
	}
	if k.lanes == 16 {
		k.Comment("K1, K2: the columns that exist")
		k.MOVQ(field(fieldCols), reg.RCX)
		k.MOVQ(operand.I32(1), reg.RAX)
		k.SHLQ(reg.CL, reg.RAX)
		k.DECQ(reg.RAX)
		k.KMOVW(reg.EAX, reg.K1)
		k.SHRQ(operand.U8(16), reg.RAX)
		k.KMOVW(reg.EAX, reg.K2)
	} else {
		k.Comment("R8: the masks of the columns that exist")
		k.LEAQ(k.masks.Offset(64), reg.R8)
		k.MOVQ(field(fieldCols), reg.RAX)
		k.SHLQ(operand.U8(2), reg.RAX)
		k.SUBQ(reg.RAX, reg.R8)
	}
}

// local reserves a word of the frame and stores x in it.
func (k *kernel) local(x operand.Op) operand.Mem {
	m := k.AllocLocal(8)
	k.MOVQ(x, m)
	return m
}

// setUp fills the frame.
func (k *kernel) setUp() {
	t, u := reg.RAX, reg.RBX
	scaled := func(off int) operand.Mem {
		k.MOVQ(field(off), t)
		k.SHLQ(operand.U8(2), t)
		return k.local(t)
	}
	copied := func(off int) operand.Mem {
		k.MOVQ(field(off), t)
		return k.local(t)
	}
	k.Comment("Strides in bytes")
	k.kb = scaled(fieldKB)
	k.ka = scaled(fieldKA)
	k.Comment("A and Zero are kept at their end, so that the index of k runs up to zero")
	k.IMULQ(field(fieldK), t)
	k.MOVQ(field(fieldA), u)
	k.ADDQ(t, u)
	k.a = k.local(u)
	k.MOVQ(field(fieldZero), u)
	k.ADDQ(t, u)
	k.zero = k.local(u)
	k.NEGQ(t)
	k.first = k.local(t)
	k.packed = k.local(operand.I32(0))
	k.CMPQ(field(fieldKA), operand.I8(1))
	k.JNE(label("strides"))
	k.CMPB(field(fieldPacked), operand.U8(0))
	k.JEQ(label("strides"))
	k.MOVQ(operand.I32(1), k.packed)
	k.Label("strides")
	k.b, k.c, k.r = copied(fieldB), copied(fieldC), copied(fieldRes)
	k.aTab, k.cTab, k.rTab = copied(fieldAOff), copied(fieldCOff), copied(fieldROff)
	k.tilesLeft = copied(fieldN)
	k.seg, k.bTab, k.segsLeft = k.AllocLocal(8), k.AllocLocal(8), k.AllocLocal(8)
	k.Comment("Next, line by line; without it the same line of B")
	k.next, k.nextEnd = copied(fieldB), k.AllocLocal(8)
	k.line = k.local(operand.I32(0))
	k.MOVQ(field(fieldNextLen), t)
	k.TESTQ(t, t)
	k.JEQ(label("nothing"))
	k.MOVQ(field(fieldNext), u)
	k.MOVQ(u, k.next)
	k.LEAQ(operand.Mem{Base: u, Index: t, Scale: 4}, u)
	k.MOVQ(u, k.nextEnd)
	k.MOVQ(operand.I32(cacheLine), k.line)
	if k.lines() > 1 {
		k.CMPB(field(fieldSoon), operand.U8(0))
		k.JEQ(label("nothing"))
		k.MOVQ(operand.I32(cacheLine*int32(k.lines())), k.line)
	}
	k.Label("nothing")
}

// load loads the columns of vector v at m.
func (k *kernel) load(m operand.Mem, v int, dst reg.VecPhysical) {
	m = m.Offset(4 * k.lanes * v)
	switch {
	case k.masked && k.lanes == 16:
		k.VMOVUPS_Z(m, []reg.OpmaskPhysical{reg.K1, reg.K2}[v], dst)
	case k.masked:
		k.VMOVUPS(operand.Mem{Base: reg.R8, Disp: 32 * v}, dst)
		k.VMASKMOVPS(m, dst, dst)
	default:
		k.VMOVUPS(m, dst)
	}
}

// rowPointers sets the row registers to base + 4·table[i].
func (k *kernel) rowPointers(base, table operand.Mem) {
	k.MOVQ(table, bPtr)
	k.MOVQ(base, idx)
	for i, r := range rowRegs[:k.rows] {
		k.MOVLQSX(operand.Mem{Base: bPtr, Disp: 4 * i}, r)
		k.LEAQ(operand.Mem{Base: idx, Index: r, Scale: 4}, r)
	}
}

// initial sets the accumulators to C or to zero.
func (k *kernel) initial() {
	k.CMPB(field(fieldAcc), operand.U8(0))
	k.JEQ(label("empty"))
	k.Comment("Continue the sums in C")
	k.rowPointers(k.c, k.cTab)
	for i := range k.rows {
		for v := range k.vecs {
			k.load(operand.Mem{Base: rowRegs[i]}, v, k.accum(i, v))
		}
	}
	k.Comment("Fetch the rows of the next tile, whose sums will wait for them")
	k.MOVQ(field(fieldCInc), idx)
	for _, r := range rowRegs[:k.rows] {
		for v := 0; v < k.vecs*k.lanes; v += 16 {
			k.PREFETCHT0(operand.Mem{Base: r, Index: idx, Scale: 4, Disp: 4 * v})
		}
	}
	k.JMP(label("started"))
	k.Label("empty")
	k.fetchRows()
	for i := range k.rows * k.vecs {
		k.clear(i)
	}
	k.Label("started")
}

// fetchRows fetches the rows of C and Res, for which the end of the tile would wait.
func (k *kernel) fetchRows() {
	if k.lanes != 16 {
		return
	}
	k.CMPB(field(fieldFar), operand.U8(0))
	k.JEQ(label("near"))
	fetch := func() {
		for _, r := range rowRegs[:k.rows] {
			for v := 0; v < k.vecs*k.lanes; v += 16 {
				k.PREFETCHT0(operand.Mem{Base: r, Disp: 4 * v})
			}
		}
	}
	k.rowPointers(k.c, k.cTab)
	fetch()
	k.CMPQ(field(fieldRes), operand.I8(0))
	k.JEQ(label("near"))
	k.rowPointers(k.r, k.rTab)
	fetch()
	k.Label("near")
}

// addBias adds the bias to every row.
func (k *kernel) addBias() {
	k.MOVQ(field(fieldBias), reg.RAX)
	k.TESTQ(reg.RAX, reg.RAX)
	k.JEQ(label("unbiased"))
	for v := range k.vecs {
		k.load(operand.Mem{Base: reg.RAX}, v, k.spare(v))
	}
	for i := range k.rows {
		for v := range k.vecs {
			k.VADDPS(k.spare(v), k.accum(i, v), k.accum(i, v))
		}
	}
	k.Label("unbiased")
}

// addRes adds the rows of Res, all before the first store because Res may be C.
func (k *kernel) addRes() {
	k.CMPQ(field(fieldRes), operand.I8(0))
	k.JEQ(label("alone"))
	k.rowPointers(k.r, k.rTab)
	for i := range k.rows {
		for v := range k.vecs {
			k.load(operand.Mem{Base: rowRegs[i]}, v, k.spare(v))
			k.VADDPS(k.spare(v), k.accum(i, v), k.accum(i, v))
		}
	}
	k.Label("alone")
}

// store writes the accumulators to C.
func (k *kernel) store() {
	k.rowPointers(k.c, k.cTab)
	if k.masked && k.lanes == 8 {
		for v := range k.vecs {
			k.VMOVUPS(operand.Mem{Base: reg.R8, Disp: 32 * v}, k.spare(v))
		}
	}
	for i, r := range rowRegs[:k.rows] {
		for v := range k.vecs {
			m := operand.Mem{Base: r, Disp: 4 * k.lanes * v}
			switch {
			case k.masked && k.lanes == 16:
				k.VMOVUPS(k.accum(i, v), []reg.OpmaskPhysical{reg.K1, reg.K2}[v], m)
			case k.masked:
				k.VMASKMOVPS(k.accum(i, v), k.spare(v), m)
			default:
				k.VMOVUPS(k.accum(i, v), m)
			}
		}
	}
}

// nextTile advances the tables and bases and ends the loop over tiles.
func (k *kernel) nextTile() {
	for _, s := range []struct {
		at  operand.Mem
		off int
	}{{k.a, fieldAInc}, {k.aTab, fieldAStep}, {k.b, fieldBInc}, {k.c, fieldCInc}, {k.cTab, fieldCStep}, {k.r, fieldRInc}, {k.rTab, fieldRStep}} {
		k.MOVQ(field(s.off), reg.RAX)
		k.SHLQ(operand.U8(2), reg.RAX)
		k.ADDQ(reg.RAX, s.at)
	}
	k.Comment("No more of Next beyond its end")
	k.MOVQ(k.next, reg.RAX)
	k.CMPQ(reg.RAX, k.nextEnd)
	k.JCS(label("more"))
	k.MOVQ(operand.I32(0), k.line)
	k.Label("more")
	k.DECQ(k.tilesLeft)
	k.JNE(label("tile"))
}
