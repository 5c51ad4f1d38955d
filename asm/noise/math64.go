package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/defs"
)

const maxFloat = 0x1.fffffffffffffp1023

// unit is noise64Unit.
func (g *gen64) unit(w vecs) vecs {
	k := g.shift(g.VPSRLQ, 12, w, nil)
	g.orK(k, g.u(defs.One), k)
	return g.subK(k, g.f(1-0x1p-53), k)
}

// halfUnit is noise64HalfUnit.
func (g *gen64) halfUnit(w vecs) vecs {
	k := g.shift(g.VPSRLQ, 11, w, nil)
	if g.wide {
		e := g.load(g.u(0x3fe << 52))
		for i := range k {
			g.VPTERNLOGQ_BCST(operand.U8(0xEC), g.u(defs.Low).Mem, e, k[i]) // k & low | e
		}
	} else {
		g.andK(k, g.u(defs.Low), k)
		g.orK(k, g.u(0x3fe<<52), k)
	}
	return g.subK(k, g.f(0.5-0x1p-54), k)
}

// sinCosPi is noise64SinCosPi.
func (g *gen64) sinCosPi(y vecs) (s, c vecs) {
	p, q, swap := g.sinCosParts(y)
	return g.blend(swap, q, p), g.blend(swap, p, q)
}

// sinCosParts returns the sine and the cosine of the smaller angle, and where
// they must be swapped.
func (g *gen64) sinCosParts(y vecs) (p, q vecs, swap []reg.Register) {
	w := g.sub(g.same(g.f(0.5), len(y)), y, nil)
	g.each(g.VMINPD, y, w, w)
	swap = g.compare(greater, y, g.f(0.25))
	t := g.mul(w, w, nil)
	p = g.horner(t, defs.NoiseSin)
	g.mul(p, w, p)
	return p, g.horner(t, defs.NoiseCos), swap
}

// exponent returns e as a number and f with x = 2^e·(1+f), √½ ≤ 1+f < √2.
func (g *gen64) exponent(x vecs) (e, f vecs) {
	var d vecs
	if g.wide {
		d = g.lessK(x, g.u(defs.Half), nil)
		e = g.shift(g.VPSRAQ, 52, d, nil)
		for i := range e {
			g.VCVTQQ2PD(e[i], e[i])
		}
	} else { // no arithmetic shift and no conversion: e + 1024 is the fraction of 2^52 + e + 1024
		d = g.plusK(x, g.u(1024<<52-defs.Half), nil)
		e = g.shift(g.VPSRLQ, 52, d, nil)
		g.orK(e, g.u(0x433<<52), e)
		g.subK(e, g.f(0x1p52+1024), e)
	}
	f = g.andK(d, g.u(defs.Low), d)
	g.plusK(f, g.u(defs.Half), f)
	return e, g.subK(f, g.f(1), f)
}

// split is noise64Split.
func (g *gen64) split(x vecs) (e, s, p vecs) {
	e, f := g.exponent(x)
	s = g.addK(f, g.f(2), nil)
	g.div(f, s, s)
	t := g.mul(s, s, nil)
	return e, s, g.horner(t, defs.NoiseLog)
}

// negLog2 is noise64NegLog2.
func (g *gen64) negLog2(w vecs) vecs {
	e, s, p := g.split(g.unit(w))
	g.fma(g.VFNMSUB213PD, p, s, e)
	return p
}

// power is noise64Power; it returns 2^n as bits to add to an exponent, n, f and,
// if wanted, the logarithm.
func (g *gen64) power(x vecs, wantLog bool) (pow, n, f, log vecs) {
	e, s, p := g.split(x)
	l := g.mul(s, p, p)
	r := g.copies(e)
	g.fmaK(r, g.same(g.param("ExpoLo"), len(r)), g.param("Bias"))
	g.macK(r, l, g.param("Expo"))
	z := g.copies(r)
	g.macK(z, e, g.param("ExpoHi"))
	g.addK(z, g.f(defs.Magic), z)
	n = g.subK(z, g.f(defs.Magic), nil)
	f = g.copies(n)
	g.mscK(f, e, g.param("ExpoHi"))
	g.add(f, r, f)
	if wantLog {
		log = g.add(l, e, l)
	}
	return g.shift(g.VPSLLQ, 52, z, z), n, f, log
}

// compareV returns the mask x pred y.
func (g *gen64) compareV(pred uint8, x, y vecs) []reg.Register {
	out := g.masks(len(x))
	for i := range x {
		g.VCMPPD(operand.U8(pred), y[i], x[i], out[i])
	}
	return out
}
