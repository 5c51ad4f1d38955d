package main

import (
	"math/bits"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// kernel adds a function of the family name, which turns the words of groups times
// 32 blocks into variates: f is given as many vectors of words, for float64 of the
// 64-bit numbers that they are.
func (g *gen) kernel(name string, vectors int, f func(w vecs) vecs) {
	g.Function(g.name + name + g.suffix())
	g.Attributes(attr.NOSPLIT)
	typ := map[int]string{4: "float32", 8: "float64"}[g.bytes]
	g.SignatureExpr("func(dst *" + typ + ", words *uint32, groups int, q *byte)")
	dst := g.Load(g.Param("dst"), g.GP64())
	words := g.Load(g.Param("words"), g.GP64())
	groups := g.Load(g.Param("groups"), g.GP64())
	g.q = g.Load(g.Param("q"), g.GP64())
	size := int(g.vec().Size())
	g.SHLQ(operand.U8(bits.TrailingZeros(uint(512/(vectors*size)))), groups)
	g.TESTQ(groups, groups)
	g.JZ(operand.LabelRef(name + "done"))
	g.Label(name + "loop")
	out := f(g.numbers(words, vectors))
	g.store(out, dst)
	g.ADDQ(operand.I32(int32(size*vectors)), words)
	g.ADDQ(operand.I32(int32(size*len(out))), dst)
	g.DECQ(groups)
	g.JNZ(operand.LabelRef(name + "loop"))
	g.Label(name + "done")
	g.VZEROUPPER()
	g.RET()
}

// pairs is kernel for families that make a variate of two words or numbers: f is
// given the even ones and the odd ones of as many pairs of vectors as there are
// ways.
func (g *gen) pairs(name string, ways int, f func(even, odd vecs) vecs) {
	g.kernel(name, 2*ways, func(w vecs) vecs { return g.inOrder(f(g.alternate(w))) })
}

// at is the memory of vector i at base.
func (g *gen) at(base reg.Register, i int) operand.Mem {
	return operand.Mem{Base: base, Disp: i * int(g.vec().Size())}
}

func (g *gen) store(x vecs, dst reg.Register) {
	for i, v := range x {
		g.typed(g.VMOVUPS, g.VMOVUPD)(v, g.at(dst, i))
	}
}

// numbers loads vectors of words, or of numbers: the first of two words is the
// high one.
func (g *gen) numbers(words reg.Register, vectors int) vecs {
	w := g.vecs(vectors)
	for i := range w {
		switch {
		case g.bytes == 4:
			g.VMOVUPS(g.at(words, i), w[i])
		case g.wide:
			g.VPROLQ(operand.U8(32), g.at(words, i), w[i])
		default:
			g.VPSHUFD(operand.U8(0xb1), g.at(words, i), w[i])
		}
	}
	return w
}

// alternate returns the even and the odd lanes of pairs of vectors. Of each 128
// bits, the first half is of the first vector, the other of the second.
func (g *gen) alternate(w vecs) (even, odd vecs) { return g.lanes(w, 0), g.lanes(w, 1) }

// lanes returns the even (0) or the odd (1) lanes, in the order of alternate.
func (g *gen) lanes(w vecs, odd int) (out vecs) {
	for i := 0; i < len(w); i += 2 {
		v := g.vec()
		switch {
		case g.bytes == 4:
			g.VSHUFPS(operand.U8([]uint8{0x88, 0xdd}[odd]), w[i+1], w[i], v)
		case odd == 0:
			g.VUNPCKLPD(w[i+1], w[i], v)
		default:
			g.VUNPCKHPD(w[i+1], w[i], v)
		}
		out = append(out, v)
	}
	return out
}

// unpack undoes alternate.
func (g *gen) unpack(even, odd vecs) (out vecs) {
	low, high := g.typed(g.VUNPCKLPS, g.VUNPCKLPD), g.typed(g.VUNPCKHPS, g.VUNPCKHPD)
	for i := range even {
		a, b := g.vec(), g.vec()
		low(odd[i], even[i], a)
		high(odd[i], even[i], b)
		out = append(out, a, b)
	}
	return out
}

// inOrder returns vectors with one lane for each pair of words or numbers in the
// order of the pairs, from that of alternate. It overwrites x.
func (g *gen) inOrder(x vecs) vecs {
	var order reg.VecVirtual
	if g.wide {
		order = g.vec()
		g.VMOVDQU64(g.rows(0, 2, 4, 6, 1, 3, 5, 7), order)
	}
	for i := range x {
		if g.wide {
			g.VPERMQ(x[i], order, x[i])
		} else {
			g.VPERMQ(operand.U8(0xd8), x[i], x[i])
		}
	}
	return x
}
