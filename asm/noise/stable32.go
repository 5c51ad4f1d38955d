package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The polynomial of simd/noise_stable_generic.go.
var sinHalf32 = []float64{
	-0x1.bf2e18p-24, -0x1.4abbc2p+02, 0x1.4668c6p+01, -0x1.324eep-01, 0x1.3dceecp-04,
}

const (
	pi32   = 0x1.921fb6p+1
	most32 = 0.51
)

// fill returns registers with a parameter in every lane, one for each of x.
func (g *gen32) fill(x vecs, name string) vecs { return g.same(g.param(name), len(x)) }

// line returns fma(v, ±slope, at), in the registers of at.
func (g *gen32) line(v vecs, slope string, minus bool, at vecs) vecs {
	if minus {
		g.nmacK(at, v, g.param(slope))
	} else {
		g.macK(at, v, g.param(slope))
	}
	return at
}

// sine is noiseSine.
func (g *gen32) sine(w, z vecs) vecs {
	r := g.horner(g.mul(w, w, nil), sinHalf32)
	g.mul(r, z, r)
	g.macK(r, z, g.f(pi32))
	return r
}

// scaled is noiseScaled; if not signed, head is positive and biasN is 0.
func (g *gen32) scaled(head, r vecs, signed bool) vecs {
	e, f := g.splitLog(r)
	g.toFloat(e)
	t := g.horner(f, log32)
	g.mul(t, f, t)
	g.fma(g.VFMADD213PS, t, g.fill(t, "Expo"), g.fill(t, "Bias"))
	n := g.copies(e)
	g.fma(g.VFMADD213PS, n, g.fill(t, "Expo"), t)
	n = g.round(n)
	d := g.copies(e)
	g.fma(g.VFMSUB213PS, d, g.fill(t, "Expo"), n)
	g.macK(t, e, g.param("ExpoLo"))
	g.add(d, t, d)
	g.clampTo(d, -most32, most32)
	if signed {
		g.addK(n, g.param("BiasN"), n)
	}
	g.clampTo(n, -126, 127)
	p := g.scaleBy(g.horner(d, exp32), n)
	g.mul(p, head, p)
	if !signed {
		g.clampTo(p, minFloat32, maxFloat32)
		return p
	}
	g.clampTo(p, -maxFloat32, maxFloat32)
	for i, zero := range g.isZero(p) { // |= 1
		if g.wide {
			g.VPORD_BCST(g.u(1).Mem, p[i], zero, p[i])
		} else {
			g.VPSRLD(operand.U8(31), zero, zero)
			g.VPOR(zero, p[i], p[i])
		}
	}
	return p
}

// symmetric is noiseSymmetric.
func (g *gen32) symmetric(wu, we vecs, high bool) vecs {
	e := g.negLog2(we)
	v := g.halfUnit(wu)
	k := "Kp"
	w := g.line(v, "Alpha", true, g.copies(g.fill(v, k)))
	g.maxK(w, g.param("Least"), w)
	if high {
		k = "Kp1"
		w = g.blend(g.compare(greater, w, g.f(0.5)), g.line(v, "Alpha", false, g.copies(g.fill(v, k))), w)
	}
	s := g.sine(w, w)
	y := g.line(v, "Eps", false, g.copies(g.fill(v, k)))
	return g.finish(s, g.sine(y, y), g.sine(v, v), e, wu, false)
}

// finish returns what follows the sines, with the sign.
func (g *gen32) finish(s, c, sv, e, wu vecs, signed bool) vecs {
	head, inv := g.ratio(s, e, sv)
	g.mul(c, inv, c)
	x := g.scaled(head, c, signed)
	g.xorSign(x, wu)
	return x
}

// turn is noiseTurn.
func (g *gen32) turn(v vecs, neg []reg.Register) vecs {
	w := g.line(v, "Alpha", true, g.choose(neg, "Km", "Kp"))
	g.add(w, g.line(v, "AlphaLo", true, g.choose(neg, "KmLo", "KpLo")), w)
	w = g.blend(g.isZero(w), g.fill(w, "Least"), w)
	return g.blend(g.compare(greater, w, g.f(0.5)), g.line(v, "Alpha", false, g.choose(neg, "Km1", "Kp1")), w)
}

// skewed is noiseSkewed.
func (g *gen32) skewed(wu, we vecs) vecs {
	e := g.negLog2(we)
	v := g.halfUnit(wu)
	neg := g.signMask(wu)
	y := g.line(v, "Eps", false, g.choose(neg, "Km", "Kp"))
	y = g.blend(g.compare(greater, y, g.f(0.5)), g.line(v, "Eps", true, g.choose(neg, "Km1", "Kp1")), y)
	c := g.sine(y, y)
	w := g.turn(v, neg)
	x := g.finish(g.sine(w, w), c, g.sine(v, v), e, wu, true)
	g.addK(x, g.param("Shift"), x)
	return g.nonzero(x, g.fill(x, "Zero"), we)
}

// nonzero is noiseNonzero.
func (g *gen32) nonzero(x, size, w vecs) vecs {
	s := g.copies(size)
	g.shift(g.VPSLLD, 31, w, w)
	g.xorSign(s, w)
	return g.blend(g.isZero(x), s, x)
}
