package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The polynomials of simd/noise_generic.go.
var (
	sin32 = []float64{0x1.921fb6p+1, -0x1.4abc24p+2, 0x1.4680a4p+1, -0x1.331986p-1}
	cos32 = []float64{1, -0x1.3bd3ccp+2, 0x1.03c1aep+2, -0x1.55b146p+0, 0x1.d47d66p-3}
	log32 = []float64{
		0x1.715476p+0, -0x1.715470p-1, 0x1.ec73d6p-2, -0x1.715c4cp-2, 0x1.26d380p-2,
		-0x1.e95c1ep-3, 0x1.b9c99ep-3, -0x1.a87bf6p-3, 0x1.01b444p-3,
	}
	exp32 = []float64{
		1, 0x1.62e430p-1, 0x1.ebfb94p-3, 0x1.c6af9ep-5, 0x1.3b681ap-7, 0x1.5ef4dep-10, 0x1.17956ap-13,
	}
)

const (
	halfBits32 = 0x3f3504f3
	high32     = 1518500249
	ln2f       = 0x1.62e430p-1
	twoLn2f    = 0x1.62e430p+0
	maxFloat32 = 0x1.fffffep127
	minFloat32 = 0x1p-149
	least32    = 0x1p-27 // noiseLeast
	logZero32  = 0x1p-26 // noiseLogZero
)

// sinCosPi is noiseSinCosPi.
func (g *gen32) sinCosPi(y vecs) (s, c vecs) {
	w := g.sub(g.same(g.f(0.5), len(y)), y, nil)
	g.maxK(w, g.f(least32), w)
	g.each(g.VMINPS, y, w, w)
	swap := g.compare(greater, y, g.f(0.25))
	t := g.mul(w, w, nil)
	p := g.horner(t, sin32)
	g.mul(p, w, p)
	q := g.horner(t, cos32)
	return g.blend(swap, q, p), g.blend(swap, p, q)
}

// splitLog is noiseSplit; e stays an integer.
func (g *gen32) splitLog(x vecs) (e, f vecs) {
	e = g.lessK(x, g.u(halfBits32), nil)
	g.shift(g.VPSRAD, 23, e, e)
	f = g.shift(g.VPSLLD, 23, e, nil)
	g.each(g.VPSUBD, x, f, f)
	return e, g.subK(f, g.f(1), f)
}

// toFloat and toInt convert in place.
func (g *gen32) toFloat(x vecs) { g.unary(g.VCVTDQ2PS, x, x) }
func (g *gen32) toInt(x vecs)   { g.unary(g.VCVTPS2DQ, x, x) }

// log2 is noiseLog2.
func (g *gen32) log2(x vecs) vecs {
	e, f := g.splitLog(x)
	r := g.horner(f, log32)
	g.toFloat(e)
	g.fma(g.VFMADD213PS, r, f, e)
	return r
}

// round returns x rounded to the nearest whole number, ties to even.
func (g *gen32) round(x vecs) vecs {
	if g.wide {
		return g.shift(g.VRNDSCALEPS, 8, x, nil)
	}
	return g.shift(three(g.VROUNDPS), 8, x, nil)
}

// exp2 is noiseExp2; x is overwritten.
func (g *gen32) exp2(x vecs) vecs {
	g.clampTo(x, -126, 127)
	n := g.round(x)
	g.sub(x, n, x)
	return g.scaleBy(g.horner(x, exp32), n)
}

// scaleBy returns r·2^n, both overwritten.
func (g *gen32) scaleBy(r, n vecs) vecs {
	g.toInt(n)
	g.shift(g.VPSLLD, 23, n, n)
	return g.each(g.VPADDD, r, n, r)
}

// toUnit converts the non-negative integers k to fma(k, a, b), in place.
func (g *gen32) toUnit(k vecs, a, b float64) {
	g.toFloat(k)
	g.fmaK(k, g.same(g.f(a), len(k)), g.f(b))
}

// halfUnit is noiseHalfUnit.
func (g *gen32) halfUnit(w vecs) vecs {
	v := g.andK(w, g.u(1<<31-1), nil)
	g.toUnit(v, 0x1p-32, 0x1p-33)
	return v
}

// negLog2 is noiseNegLog2.
func (g *gen32) negLog2(words vecs) vecs {
	k := g.shift(g.VPSRLD, 1, words, nil)
	top := g.masks(len(k)) // wide: the complement
	for i := range k {
		if g.wide {
			g.VPCMPD_BCST(operand.U8(2), g.u(high32).Mem, k[i], top[i])
		} else {
			g.VPCMPGTD(g.u(high32).Mem, k[i], top[i])
		}
	}
	w := g.xorK(k, g.u(1<<31-1), nil)
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
		g.toFloat(e)
	}
	r := g.horner(f, log32)
	g.fma(g.VFNMSUB213PS, r, f, e)
	return r
}

// clampTo limits x to [low, high].
func (g *gen32) clampTo(x vecs, low, high float64) {
	g.maxK(x, g.f(low), x)
	g.minK(x, g.f(high), x)
}

// isZero returns the mask x = 0.
func (g *gen32) isZero(x vecs) []reg.Register { return g.compare(equal, x, g.f(0)) }
