package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// segments adds the terms of every segment.
func (k *kernel) segments() {
	k.MOVQ(field(fieldSegs), reg.RAX)
	k.TESTQ(reg.RAX, reg.RAX)
	k.JEQ(label("finish"))
	k.MOVQ(reg.RAX, k.segsLeft)
	k.MOVQ(field(fieldBOff), reg.RAX)
	k.MOVQ(reg.RAX, k.bTab)
	k.MOVQ(k.aTab, reg.RAX)
	k.MOVQ(reg.RAX, k.seg)
	k.CMPB(field(fieldBeside), operand.U8(0))
	k.JNE(label("beside"))
	k.Label("segment")
	k.Comment("Row pointers: A + 4·AOff, or Zero where AOff is negative")
	k.MOVQ(k.seg, bPtr)
	k.MOVQ(k.a, idx)
	for i, r := range rowRegs[:k.rows] {
		k.MOVLQSX(operand.Mem{Base: bPtr, Disp: 4 * i}, r)
		k.TESTQ(r, r)
		k.LEAQ(operand.Mem{Base: idx, Index: r, Scale: 4}, r)
		k.CMOVQMI(k.zero, r)
	}
	k.nextSegment()
	k.MOVQ(k.first, idx)
	k.terms()
	k.DECQ(k.segsLeft)
	k.JNE(label("segment"))
	k.JMP(label("finish"))
	k.neighbours()
}

// nextSegment moves to the next segment from bPtr, the row of its table, and sets
// bPtr to the first row of B of this one.
func (k *kernel) nextSegment() {
	k.ADDQ(operand.I8(tableRow), bPtr)
	k.MOVQ(bPtr, k.seg)
	k.MOVQ(k.bTab, idx)
	k.MOVLQSX(operand.Mem{Base: idx}, bPtr)
	k.ADDQ(operand.I8(4), idx)
	k.MOVQ(idx, k.bTab)
	k.SHLQ(operand.U8(2), bPtr)
	k.ADDQ(k.b, bPtr)
}

// Registers where the rows of A are neighbours: R8 is taken by masks.
var (
	aPtr   = reg.RAX          // term k of row 0
	ka, kb = reg.RBX, reg.RCX // distances of terms
	ka3    = reg.RDX          // three of them
	kb3    = reg.RSI          //
	aNext  = reg.RDI          // what is fetched of A
	bNext  = reg.R9           // and of B
	left   = reg.R10          // terms to come
)

// neighbours adds the terms of every segment where the rows of A are neighbours in
// memory, which takes one register instead of twelve. The others hold multiples of
// the strides, for four terms at a time, and what of A the same term of the next
// segment, or of a product's next block of terms, will read: of an operand in
// memory each tile fetches its own part.
func (k *kernel) neighbours() {
	k.Label("beside")
	k.MOVQ(k.seg, bPtr)
	k.MOVLQSX(operand.Mem{Base: bPtr}, aPtr)
	k.SHLQ(operand.U8(2), aPtr)
	k.ADDQ(k.a, aPtr)
	k.MOVQ(aPtr, aNext)
	k.ADDQ(k.first, aPtr)
	k.nextSegment()
	k.MOVQ(k.ka, ka)
	k.MOVQ(k.kb, kb)
	k.LEAQ(operand.Mem{Base: ka, Index: ka, Scale: 2}, ka3)
	k.LEAQ(operand.Mem{Base: kb, Index: kb, Scale: 2}, kb3)
	k.LEAQ(operand.Mem{Base: bPtr, Index: kb, Scale: rowsAhead}, bNext)
	k.MOVQ(field(fieldK), left)
	k.SUBQ(operand.I8(4), left)
	k.JLT(label("few"))
	k.Label("four")
	for i := range 4 {
		k.neighbour(i)
	}
	for _, w := range [][2]reg.GPPhysical{{aPtr, ka}, {aNext, ka}, {bPtr, kb}, {bNext, kb}} {
		k.LEAQ(operand.Mem{Base: w[0], Index: w[1], Scale: 4}, w[0])
	}
	k.SUBQ(operand.I8(4), left)
	k.JGE(label("four"))
	k.Label("few")
	k.ADDQ(operand.I8(4), left)
	k.JEQ(label("added"))
	k.Label("one")
	k.neighbour(0)
	k.ADDQ(ka, aPtr)
	k.ADDQ(kb, bPtr)
	k.DECQ(left)
	k.JNE(label("one"))
	k.Label("added")
	k.DECQ(k.segsLeft)
	k.JNE(label("beside"))
}

// neighbour adds term i, 0 to 3, from aPtr and bPtr on.
func (k *kernel) neighbour(i int) {
	at := func(base, one, three reg.GPPhysical) operand.Mem {
		return []operand.Mem{{Base: base}, {Base: base, Index: one, Scale: 1}, {Base: base, Index: one, Scale: 2},
			{Base: base, Index: three, Scale: 1}}[i]
	}
	for v := range k.vecs {
		k.load(at(bPtr, kb, kb3), v, k.spare(v))
	}
	for v := range k.vecs * k.lanes / 16 {
		k.PREFETCHT0(at(bNext, kb, kb3).Offset(64 * v))
	}
	k.PREFETCHT0(at(aNext, ka, ka3))
	k.products(func(row int) operand.Mem { return at(aPtr, ka, ka3).Offset(4 * row) })
}

// terms adds the terms of one segment, four at a time where A is as it is and B a
// packed panel: that needs neither strides nor masks.
func (k *kernel) terms() {
	const four = 4 * 4 // bytes of A
	k.CMPQ(k.packed, operand.I8(0))
	k.JEQ(label("term"))
	k.CMPQ(idx, operand.I8(-four))
	k.JGT(label("term"))
	k.MOVQ(k.next, args)
	k.Label("quad")
	for i := range 4 {
		k.term(i*4, i*panelRow, false)
	}
	for i := range k.lines() {
		k.PREFETCHT1(operand.Mem{Base: args, Disp: cacheLine * i})
	}
	k.ADDQ(k.line, args)
	k.ADDQ(operand.I32(4*panelRow), bPtr)
	k.ADDQ(operand.I8(four), idx)
	k.CMPQ(idx, operand.I8(-four))
	k.JLE(label("quad"))
	k.MOVQ(args, k.next)
	k.Load(k.Param("t"), args)
	k.TESTQ(idx, idx)
	k.JEQ(label("summed"))
	k.Label("term")
	k.MOVQ(k.kb, args)
	k.Label("strided")
	k.term(0, 0, true)
	k.ADDQ(args, bPtr)
	k.ADDQ(k.ka, idx)
	k.JNE(label("strided"))
	k.Load(k.Param("t"), args)
	k.Label("summed")
}

// term adds one term: a row of B, b bytes further on, and an element of every row
// of A, a bytes further on. A row of a panel is read whole: masked loads take the
// place of multiply-adds. Rows that are strided lie as far apart as args holds.
func (k *kernel) term(a, b int, strided bool) {
	for v := range k.vecs {
		if m := (operand.Mem{Base: bPtr, Disp: b}); strided {
			k.load(m, v, k.spare(v))
		} else {
			k.VMOVUPS(m.Offset(4*k.lanes*v), k.spare(v))
		}
	}
	for v := range k.vecs * k.lanes / 16 {
		m := operand.Mem{Base: bPtr, Disp: b + ahead + 64*v}
		switch {
		case strided:
			k.PREFETCHT0(operand.Mem{Base: bPtr, Index: args, Scale: rowsAhead, Disp: 64 * v})
		case k.lanes == 16 && k.rows == 4:
			// Few rows read weights once: the first cache has too few places to wait
			// for memory, and the second one waits for more lines.
			k.PREFETCHT1(m)
		default:
			k.PREFETCHT0(m)
		}
	}
	k.products(func(row int) operand.Mem {
		return operand.Mem{Base: rowRegs[row], Index: idx, Scale: 1, Disp: a}
	})
}

// products adds the products of the elements of A and the row of B in spare. An element
// for one vector is spread by its multiply-add: Zen 4 does a spread of its own for each
// in 1.33 cycles, this in one.
func (k *kernel) products(a func(row int) operand.Mem) {
	if k.vecs == 1 {
		for i := range k.rows {
			k.VFMADD231PS_BCST(a(i), k.spare(0), k.accum(i, 0))
		}
		return
	}
	free := 32 - (k.rows+1)*k.vecs
	if k.lanes == 8 {
		free = 16 - (k.rows+1)*k.vecs
	}
	for i := range k.rows {
		x := k.spare(k.vecs + i%min(free, 6))
		k.VBROADCASTSS(a(i), x)
		for v := range k.vecs {
			k.VFMADD231PS(k.spare(v), x, k.accum(i, v))
		}
	}
}
