package main

import (
	"math/bits"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// kernel adds a function of the family name, which turns the words of groups times
// 32 blocks into variates: f is given as many vectors of words, for float64 of the
// 64-bit numbers that they are.
func (g *gen) kernel(name string, vectors int, f func(w vecs) vecs) {
	typ := map[bool]string{false: "float32", true: "float64"}[g.Double]
	g.Func(g.name+name, "func(dst *"+typ+", words *uint32, groups int, q *byte)")
	dst, words, groups := g.Int("dst"), g.Int("words"), g.Int("groups")
	g.P = g.Int("q")
	size := g.Size()
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
	g.Ret()
}

// at are n vectors of memory at base.
func (g *gen) at(base reg.Register, n int) vecs {
	v := make(vecs, n)
	for i := range v {
		v[i] = operand.Mem{Base: base, Disp: i * g.Size()}
	}
	return v
}

func (g *gen) store(x vecs, dst reg.Register) { g.Store(x, g.at(dst, len(x)), false) }

// numbers loads vectors of words, or of numbers: the first of two words is the
// high one.
func (g *gen) numbers(words reg.Register, vectors int) vecs {
	from := g.at(words, vectors)
	if !g.Double {
		return g.Load(from, false)
	}
	w := g.News(vectors)
	for i := range w {
		if g.Wide {
			g.VPROLQ(operand.U8(32), from[i], w[i])
		} else {
			g.VPSHUFD(operand.U8(0xb1), from[i], w[i])
		}
	}
	return w
}

// alternate returns the even and the odd lanes of pairs of vectors. Of each 128
// bits, the first half is of the first vector, the other of the second.
func (g *gen) alternate(w vecs) (even, odd vecs) { return g.half(w, 0), g.half(w, 1) }

// half returns the even (0) or the odd (1) lanes, in the order of alternate.
func (g *gen) half(w vecs, odd int) (out vecs) {
	for i := 0; i < len(w); i += 2 {
		v := g.Vec()
		switch {
		case !g.Double:
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
	low, high := g.VUNPCKLPS, g.VUNPCKHPS
	if g.Double {
		low, high = g.VUNPCKLPD, g.VUNPCKHPD
	}
	for i := range even {
		a, b := g.Vec(), g.Vec()
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
	if g.Wide {
		order = g.Vec()
		g.VMOVDQU64(g.Words(0, 2, 4, 6, 1, 3, 5, 7), order)
	}
	for i := range x {
		if g.Wide {
			g.VPERMQ(x[i], order, x[i])
		} else {
			g.VPERMQ(operand.U8(0xd8), x[i], x[i])
		}
	}
	return x
}
