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
	k.ADDQ(operand.I8(tableRow), bPtr)
	k.MOVQ(bPtr, k.seg)
	k.MOVQ(k.bTab, idx)
	k.MOVLQSX(operand.Mem{Base: idx}, bPtr)
	k.ADDQ(operand.I8(4), idx)
	k.MOVQ(idx, k.bTab)
	k.SHLQ(operand.U8(2), bPtr)
	k.ADDQ(k.b, bPtr)
	k.MOVQ(k.first, idx)
	k.terms()
	k.DECQ(k.segsLeft)
	k.JNE(label("segment"))
}

// terms adds the terms of one segment, four at a time where A is as it is and B a
// packed panel: that needs neither strides nor masks.
func (k *kernel) terms() {
	const four = 4 * 4 // bytes of A
	k.CMPQ(k.packed, operand.I8(0))
	k.JEQ(label("term"))
	k.CMPQ(idx, operand.I8(-four))
	k.JGT(label("term"))
	k.Label("quad")
	for i := range 4 {
		k.term(i*4, i*panelRow, false)
	}
	k.ADDQ(operand.I32(4*panelRow), bPtr)
	k.ADDQ(operand.I8(four), idx)
	k.CMPQ(idx, operand.I8(-four))
	k.JLE(label("quad"))
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
		if strided {
			m = operand.Mem{Base: bPtr, Index: args, Scale: rowsAhead, Disp: 64 * v}
		}
		k.PREFETCHT0(m)
	}
	free := 32 - (k.rows+1)*k.vecs
	if k.lanes == 8 {
		free = 16 - (k.rows+1)*k.vecs
	}
	for i, r := range rowRegs[:k.rows] {
		x := k.spare(k.vecs + i%min(free, 6))
		k.VBROADCASTSS(operand.Mem{Base: r, Index: idx, Scale: 1, Disp: a}, x)
		for v := range k.vecs {
			k.VFMADD231PS(k.spare(v), x, k.accum(i, v))
		}
	}
}
