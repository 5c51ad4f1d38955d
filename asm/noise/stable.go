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
	expm1C = []float32{
		0x1.62e43p-01, 0x1.ebfbdep-03, 0x1.c6afap-05, 0x1.3b2c3p-07, 0x1.5ef4c6p-10, 0x1.42a81p-13,
	}
	sincC = []float32{1, -0x1.555546p-03, 0x1.110778p-07, -0x1.995408p-13}
	coscC = []float32{0.5, -0x1.55555p-05, 0x1.6c0f8ap-10, -0x1.9ace24p-16}
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

// mulParam returns x·parameter in new registers.
func (g *gen) mulParam(x vecs, name string) vecs {
	y := g.vecs(len(x))
	g.withParam(g.VMULPS, g.VMULPS_BCST, name, x, y)
	return y
}

// line returns fma(v, ±slope, at), at being overwritten where it is owned.
func (g *gen) line(v vecs, slope string, minus bool, at vecs) vecs {
	y := g.copies(at)
	g.addMul(y, v, slope, minus)
	return y
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
	if signed {
		g.clampTo(p, -maxFloat, maxFloat)
		return p
	}
	for i := range p {
		g.with(g.VMINPS, g.VMINPS_BCST, g.f(maxFloat), p[i], p[i])
	}
	return p
}

// symmetric is noiseSymmetric.
func (g *gen) symmetric(wu, we vecs, high bool) vecs {
	e := g.negLog2(we)
	v := g.halfUnit(wu)
	k := "Kp"
	w := g.line(v, "Alpha", true, g.fill(v, k))
	if high {
		k = "Kp1"
		w = g.blend(g.greater(w, 0.5), g.line(v, "Alpha", false, g.fill(v, k)), w)
	}
	s := g.sine(w, w)
	y := g.line(v, "Eps", false, g.fill(v, k))
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
	return x
}

// skewed0 is noiseSkewed0.
func (g *gen) skewed0(wu, we vecs) vecs {
	v := g.halfUnit(wu)
	neg := g.signMask(wu)
	y := g.line(v, "Eps", false, g.choose(neg, "Km", "Kp"))
	z := g.line(v, "EpsQ", false, g.choose(neg, "KQm", "KQp"))
	z = g.blend(g.greater(y, 0.5), g.line(v, "EpsQ", true, g.choose(neg, "K1Qm", "K1Qp")), z)
	p := g.sine(g.mulParam(z, "Cos"), z)
	a := g.turn(v, neg)
	a = g.sine(a, a)
	isv := g.negLog2(we)
	inv := g.mul(isv, g.sine(v, v))
	one := g.load(g.f(1))
	for i := range inv {
		g.VDIVPS(inv[i], one, inv[i])
	}
	g.mulTo(isv, inv, isv)
	g.mulTo(p, inv, inv)
	g.mulTo(a, isv, a)
	h := g.vecs(len(v))
	half := g.load(g.f(0.5))
	for i := range v {
		g.VSUBPS(v[i], half, h[i])
	}
	t := g.sine(h, h)
	g.mulTo(t, isv, t)
	sum, less := g.bend(t, p, h)
	two, rho, q := g.growth(inv)
	grown := g.grown(two, rho, q)
	b := g.mulParam(a, "EpsQ")
	g.fma(b, grown, sum, false)
	far := g.mulParam(rho, "Eps")
	g.fma(far, q, g.oneFor(far), false)
	g.mulTo(far, two, far)
	a = g.mulParam(a, "InvCos")
	g.mulTo(a, far, far)
	steep := g.below(two, "Steep")
	b = g.blend(steep, far, b)
	less = g.blend(steep, g.fill(less, "Zeta"), less)
	g.xorSign(b, wu)
	for i := range b {
		g.VSUBPS(less[i], b[i], b[i])
	}
	g.clampTo(b, -maxFloat, maxFloat)
	return b
}

// oneFor returns a register with 1 in every lane, one for each of x.
func (g *gen) oneFor(x vecs) vecs {
	one, y := g.load(g.f(1)), make(vecs, len(x))
	for i := range y {
		y[i] = one
	}
	return y
}

// below returns the mask x < parameter.
func (g *gen) below(x vecs, name string) []reg.Register {
	p := g.param(name)
	return g.compare(x, func(v, m operand.Op) { g.VCMPPS(operand.U8(0x11), p, v, m) })
}

// bend returns t·p − x·sinc and x·κπh·cosc for x = επh; h is overwritten.
func (g *gen) bend(t, p, h vecs) (sum, less vecs) {
	x := g.mulParam(h, "EpsPi")
	xx := g.mul(x, x)
	s := g.horner(xx, sincC)
	g.mulTo(x, s, s)
	less = g.mulParam(h, "KappaPi")
	g.mulTo(x, less, less)
	g.mulTo(less, g.horner(xx, coscC), less)
	g.fma(t, p, s, true)
	return t, less
}

// growth is noiseGrowth.
func (g *gen) growth(r vecs) (two, rho, q vecs) {
	e, f, l := g.splitFloat(r)
	n := g.copies(l)
	g.fma(n, f, e, false)
	g.fma(n, g.fill(n, "Expo"), g.fill(n, "Bias"), false)
	n = g.round(n)
	g.clampTo(n, -126, 127)
	g.mulTo(l, f, l)
	rho = l
	g.fma(rho, g.fill(l, "InvAlphas"), g.fill(l, "BiasAlpha"), false)
	g.addMul(rho, n, "InvEpsLo", true)
	g.addMul(rho, e, "InvAlphaLo", false)
	ne := g.mulParam(n, "InvEps")
	g.fma(e, g.fill(e, "InvAlpha"), ne, true)
	for i := range e {
		g.VADDPS(rho[i], e[i], rho[i])
	}
	d := g.mulParam(rho, "Eps")
	g.clampTo(d, -most, most)
	q = g.horner(d, expm1C)
	for i := range n {
		g.VCVTPS2DQ(n[i], n[i])
	}
	for i := range n {
		g.with(g.VPADDD, g.VPADDD_BCST, g.u(127), n[i], n[i])
	}
	for i := range n {
		g.VPSLLD(operand.U8(23), n[i], n[i])
	}
	return n, rho, q
}

// grown returns fma(2^n·ρ, Q, (2^n−1)/ε).
func (g *gen) grown(two, rho, q vecs) vecs {
	m := g.vecs(len(two))
	for i := range m {
		g.with(g.VADDPS, g.VADDPS_BCST, g.f(-1), two[i], m[i])
	}
	m = g.mulParam(m, "InvEpss")
	y := g.mul(two, rho)
	g.fma(y, q, m, false)
	return y
}
