package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The polynomials of simd/noise_stable_generic.go.
var (
	sinHalfC = []float32{
		-0x1.bf2e18p-24, -0x1.4abbc2p+02, 0x1.4668c6p+01, -0x1.324eep-01, 0x1.3dceecp-04,
	}
)

const (
	pi   = 0x1.921fb6p+1
	most = 0.51
)

// copies returns new registers with the contents of x.
func (g *gen) copies(x vecs) vecs {
	y := g.vecs(len(x))
	for i := range x {
		g.VMOVAPS(x[i], y[i])
	}
	return y
}

// fill returns registers with a parameter in every lane, one for each of x.
func (g *gen) fill(x vecs, name string) vecs {
	p, y := g.param(name), make(vecs, len(x))
	for i := range y {
		y[i] = p
	}
	return y
}

// fma sets y = y·x + z, or y·x − z.
func (g *gen) fma(y, x, z vecs, minus bool) {
	for i := range y {
		if minus {
			g.VFMSUB213PS(z[i], x[i], y[i])
		} else {
			g.VFMADD213PS(z[i], x[i], y[i])
		}
	}
}

// addMul sets z += x·parameter, or z −= x·parameter.
func (g *gen) addMul(z, x vecs, name string, minus bool) {
	if minus {
		g.withParam(g.VFNMADD231PS, g.VFNMADD231PS_BCST, name, x, z)
	} else {
		g.withParam(g.VFMADD231PS, g.VFMADD231PS_BCST, name, x, z)
	}
}

// line returns fma(v, ±slope, at), in the registers of at.
func (g *gen) line(v vecs, slope string, minus bool, at vecs) vecs {
	g.addMul(at, v, slope, minus)
	return at
}

// sine is noiseSine.
func (g *gen) sine(w, z vecs) vecs {
	r := g.horner(g.mul(w, w), sinHalfC)
	g.mulTo(r, z, r)
	for i := range r {
		g.with(g.VFMADD231PS, g.VFMADD231PS_BCST, g.f(pi), z[i], r[i])
	}
	return r
}

// clampTo limits x to [low, high].
func (g *gen) clampTo(x vecs, low, high float32) {
	for i := range x {
		g.with(g.VMAXPS, g.VMAXPS_BCST, g.f(low), x[i], x[i])
	}
	for i := range x {
		g.with(g.VMINPS, g.VMINPS_BCST, g.f(high), x[i], x[i])
	}
}

// round returns x rounded to the nearest whole number, ties to even.
func (g *gen) round(x vecs) vecs {
	n := g.vecs(len(x))
	for i := range x {
		if g.wide {
			g.VRNDSCALEPS(operand.U8(8), x[i], n[i])
		} else {
			g.VROUNDPS(operand.U8(8), x[i], n[i])
		}
	}
	return n
}

// splitFloat returns e, as a float, f and log2(1+f)/f.
func (g *gen) splitFloat(r vecs) (e, f, l vecs) {
	e, f = g.splitLog(r)
	for i := range e {
		g.VCVTDQ2PS(e[i], e[i])
	}
	return e, f, g.horner(f, logC)
}

// scaled is noiseScaled; if not signed, head is positive and biasN is 0.
func (g *gen) scaled(head, r vecs, signed bool) vecs {
	e, f, l := g.splitFloat(r)
	g.mulTo(l, f, l)
	t := l
	g.fma(t, g.fill(t, "Expo"), g.fill(t, "Bias"), false)
	n := g.copies(e)
	g.fma(n, g.fill(t, "Expo"), t, false)
	n = g.round(n)
	d := g.copies(e)
	g.fma(d, g.fill(t, "Expo"), n, true)
	g.addMul(t, e, "ExpoLo", false)
	for i := range d {
		g.VADDPS(t[i], d[i], d[i])
	}
	g.clampTo(d, -most, most)
	if signed {
		g.withParam(g.VADDPS, g.VADDPS_BCST, "BiasN", n, n)
	}
	g.clampTo(n, -126, 127)
	p := g.horner(d, expC)
	for i := range n {
		g.VCVTPS2DQ(n[i], n[i])
	}
	for i := range n {
		g.VPSLLD(operand.U8(23), n[i], n[i])
	}
	for i := range n {
		g.VPADDD(n[i], p[i], p[i])
	}
	g.mulTo(p, head, p)
	if !signed {
		g.clampTo(p, minFloat, maxFloat)
		return p
	}
	g.clampTo(p, -maxFloat, maxFloat)
	for i, zero := range g.zero(p) { // |= 1
		if g.wide {
			g.VPORD_BCST(g.u(1), p[i], zero, p[i])
		} else {
			g.VPSRLD(operand.U8(31), zero, zero)
			g.VPOR(zero, p[i], p[i])
		}
	}
	return p
}

// symmetric is noiseSymmetric.
func (g *gen) symmetric(wu, we vecs, high bool) vecs {
	e := g.negLog2(we)
	v := g.halfUnit(wu)
	k := "Kp"
	w := g.line(v, "Alpha", true, g.copies(g.fill(v, k)))
	g.withParam(g.VMAXPS, g.VMAXPS_BCST, "Least", w, w)
	if high {
		k = "Kp1"
		w = g.blend(g.greater(w, 0.5), g.line(v, "Alpha", false, g.copies(g.fill(v, k))), w)
	}
	s := g.sine(w, w)
	y := g.line(v, "Eps", false, g.copies(g.fill(v, k)))
	return g.finish(s, g.sine(y, y), g.sine(v, v), e, wu, false)
}

// finish returns what follows the sines, with the sign.
func (g *gen) finish(s, c, sv, e, wu vecs, signed bool) vecs {
	head, inv := g.ratio(s, e, sv)
	g.mulTo(c, inv, c)
	x := g.scaled(head, c, signed)
	g.xorSign(x, wu)
	return x
}

// turn is noiseTurn.
func (g *gen) turn(v vecs, neg []reg.Register) vecs {
	w := g.line(v, "Alpha", true, g.choose(neg, "Km", "Kp"))
	lo := g.line(v, "AlphaLo", true, g.choose(neg, "KmLo", "KpLo"))
	for i := range w {
		g.VADDPS(lo[i], w[i], w[i])
	}
	w = g.blend(g.zero(w), g.fill(w, "Least"), w)
	return g.blend(g.greater(w, 0.5), g.line(v, "Alpha", false, g.choose(neg, "Km1", "Kp1")), w)
}

// skewed is noiseSkewed.
func (g *gen) skewed(wu, we vecs) vecs {
	e := g.negLog2(we)
	v := g.halfUnit(wu)
	neg := g.signMask(wu)
	y := g.line(v, "Eps", false, g.choose(neg, "Km", "Kp"))
	y = g.blend(g.greater(y, 0.5), g.line(v, "Eps", true, g.choose(neg, "Km1", "Kp1")), y)
	c := g.sine(y, y)
	w := g.turn(v, neg)
	x := g.finish(g.sine(w, w), c, g.sine(v, v), e, wu, true)
	g.withParam(g.VADDPS, g.VADDPS_BCST, "Shift", x, x)
	return g.nonzero(x, g.fill(x, "Zero"), we)
}

// nonzero is noiseNonzero.
func (g *gen) nonzero(x, size, w vecs) vecs {
	s := g.copies(size)
	for i := range s {
		g.VPSLLD(operand.U8(31), w[i], w[i])
	}
	g.xorSign(s, w)
	return g.blend(g.zero(x), s, x)
}
