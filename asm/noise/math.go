package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The polynomials of simd/noise_generic.go.
var (
	sinC = []float32{0x1.921fb6p+1, -0x1.4abc24p+2, 0x1.4680a4p+1, -0x1.331986p-1}
	cosC = []float32{1, -0x1.3bd3ccp+2, 0x1.03c1aep+2, -0x1.55b146p+0, 0x1.d47d66p-3}
	logC = []float32{
		0x1.715476p+0, -0x1.715470p-1, 0x1.ec73d6p-2, -0x1.715c4cp-2, 0x1.26d380p-2,
		-0x1.e95c1ep-3, 0x1.b9c99ep-3, -0x1.a87bf6p-3, 0x1.01b444p-3,
	}
	expC = []float32{
		1, 0x1.62e430p-1, 0x1.ebfb94p-3, 0x1.c6af9ep-5, 0x1.3b681ap-7, 0x1.5ef4dep-10, 0x1.17956ap-13,
	}
)

const (
	halfBits = 0x3f3504f3
	high     = 1518500249
	ln2      = 0x1.62e430p-1
	twoLn2   = 0x1.62e430p+0
	maxFloat = 0x1.fffffep127
	minFloat = 0x1p-149
	least    = 0x1p-27 // noiseLeast
	logZero  = 0x1p-26 // noiseLogZero
)

// sinCosPi is noiseSinCosPi.
func (g *gen) sinCosPi(y vecs) (s, c vecs) {
	w := g.vecs(len(y))
	half := g.load(g.f(0.5))
	for i := range y {
		g.VSUBPS(y[i], half, w[i])
	}
	for i := range y {
		g.with(g.VMAXPS, g.VMAXPS_BCST, g.f(least), w[i], w[i])
	}
	for i := range y {
		g.VMINPS(w[i], y[i], w[i])
	}
	swap := g.greater(y, 0.25)
	t := g.mul(w, w)
	p := g.horner(t, sinC)
	g.mulTo(p, w, p)
	q := g.horner(t, cosC)
	return g.blend(swap, q, p), g.blend(swap, p, q)
}

// splitLog is noiseSplit; e stays an integer.
func (g *gen) splitLog(x vecs) (e, f vecs) {
	e, f = g.vecs(len(x)), g.vecs(len(x))
	for i := range x {
		g.with(g.VPSUBD, g.VPSUBD_BCST, g.u(halfBits), x[i], e[i])
	}
	for i := range x {
		g.VPSRAD(operand.U8(23), e[i], e[i])
	}
	for i := range x {
		g.VPSLLD(operand.U8(23), e[i], f[i])
	}
	for i := range x {
		g.VPSUBD(f[i], x[i], f[i])
	}
	for i := range x {
		g.with(g.VSUBPS, g.VSUBPS_BCST, g.f(1), f[i], f[i])
	}
	return e, f
}

// log2 is noiseLog2.
func (g *gen) log2(x vecs) vecs {
	e, f := g.splitLog(x)
	r := g.horner(f, logC)
	for i := range x {
		g.VCVTDQ2PS(e[i], e[i])
	}
	for i := range x {
		g.VFMADD213PS(e[i], f[i], r[i])
	}
	return r
}

// exp2 is noiseExp2; x is overwritten.
func (g *gen) exp2(x vecs) vecs {
	n := g.vecs(len(x))
	for i := range x {
		g.with(g.VMAXPS, g.VMAXPS_BCST, g.f(-126), x[i], x[i])
	}
	for i := range x {
		g.with(g.VMINPS, g.VMINPS_BCST, g.f(127), x[i], x[i])
	}
	for i := range x {
		if g.wide {
			g.VRNDSCALEPS(operand.U8(8), x[i], n[i])
		} else {
			g.VROUNDPS(operand.U8(8), x[i], n[i])
		}
	}
	for i := range x {
		g.VSUBPS(n[i], x[i], x[i])
	}
	r := g.horner(x, expC)
	for i := range x {
		g.VCVTPS2DQ(n[i], n[i])
	}
	for i := range x {
		g.VPSLLD(operand.U8(23), n[i], n[i])
	}
	for i := range x {
		g.VPADDD(n[i], r[i], r[i])
	}
	return r
}

// toUnit converts the non-negative integers k to fma(k, a, b), in place.
func (g *gen) toUnit(k vecs, a, b float32) {
	for i := range k {
		g.VCVTDQ2PS(k[i], k[i])
	}
	c := make(vecs, len(k))
	one := g.load(g.f(a))
	for i := range c {
		c[i] = one
	}
	g.fmac(k, c, b)
}

// halfUnit is noiseHalfUnit.
func (g *gen) halfUnit(w vecs) vecs {
	v := g.vecs(len(w))
	for i := range w {
		g.with(three(g.VPAND), g.VPANDD_BCST, g.u(1<<31-1), w[i], v[i])
	}
	g.toUnit(v, 0x1p-32, 0x1p-33)
	return v
}

// shifted returns w >> 1.
func (g *gen) shifted(w vecs) vecs {
	k := g.vecs(len(w))
	for i := range w {
		g.VPSRLD(operand.U8(1), w[i], k[i])
	}
	return k
}

// negLog2 is noiseNegLog2.
func (g *gen) negLog2(words vecs) vecs {
	k := g.shifted(words)
	top := g.greaterInt(k, high) // wide: the complement
	w := g.vecs(len(k))
	for i := range k {
		g.with(three(g.VPXOR), g.VPXORD_BCST, g.u(1<<31-1), k[i], w[i])
	}
	g.toUnit(k, 0x1p-31, 0x1p-32)
	g.toUnit(w, -0x1p-31, -0x1p-32)
	e, f := g.splitLog(k)
	if g.wide {
		f = g.blend(top, f, w)
		for i := range e {
			g.VCVTDQ2PS_Z(e[i], top[i], e[i])
		}
	} else {
		f = g.blend(top, w, f)
		for i := range e {
			g.VPANDN(e[i], top[i], e[i])
		}
		for i := range e {
			g.VCVTDQ2PS(e[i], e[i])
		}
	}
	r := g.horner(f, logC)
	for i := range r {
		g.VFNMSUB213PS(e[i], f[i], r[i])
	}
	return r
}

// alternate returns the even and the odd ones of the words in pairs of vectors.
// Within the 128-bit parts of a pair, two are of the first vector, two of the
// second.
func (g *gen) alternate(w vecs) (even, odd vecs) {
	for i := 0; i < len(w); i += 2 {
		a, b := g.vec(), g.vec()
		g.VSHUFPS(operand.U8(0x88), w[i+1], w[i], a)
		g.VSHUFPS(operand.U8(0xdd), w[i+1], w[i], b)
		even, odd = append(even, a), append(odd, b)
	}
	return even, odd
}

// unpack undoes alternate.
func (g *gen) unpack(even, odd vecs) vecs {
	var out vecs
	for i := range even {
		a, b := g.vec(), g.vec()
		g.VUNPCKLPS(odd[i], even[i], a)
		g.VUNPCKHPS(odd[i], even[i], b)
		out = append(out, a, b)
	}
	return out
}

// inOrder returns vectors with one lane for each pair of words in the order of
// the pairs, from that of alternate. It overwrites x.
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
