package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The polynomials of simd/noise64_generic.go.
var (
	sinC = []float64{
		0x1.921fb54442d18p+1, -0x1.4abbce625bdaep+2, 0x1.466bc6774afcep+1, -0x1.32d2ccd46a482p-1,
		0x1.507821d4ee124p-4, -0x1.e2f3f10519cb1p-8, 0x1.dfc5c10c115e6p-12,
	}
	sinWideC = []float64{
		0x1.921fb54442d18p+1, -0x1.4abbce625be0fp+2, 0x1.466bc67757ff6p+1, -0x1.32d2cce4ddd03p-1,
		0x1.507833e7526b0p-4, -0x1.e306fb7beb896p-8, 0x1.e8db775042985p-12, -0x1.6bda94aa348d4p-16,
		0x1.2aceaa99135edp-21,
	}
	cosC = []float64{
		1, -0x1.3bd3cc9be45dep+2, 0x1.03c1f081b5a39p+2, -0x1.55d3c7e3bc17cp+0, 0x1.e1f5066eec61dp-3,
		-0x1.a6d1dc9674721p-6, 0x1.f9c03baf53c0dp-10, -0x1.aedc4bd0d1a42p-14,
	}
	logC = []float64{
		0x1.71547652b82fep+1, 0x1.ec709dc3a08f8p-1, 0x1.2776c50e48e5dp-1, 0x1.a61763d01ac90p-2,
		0x1.484a9be3fc4fep-2, 0x1.0cb423c0b3dd4p-2, 0x1.c0c8477492050p-3, 0x1.d931c6907cb53p-3,
	}
	expC = []float64{
		0x1.62e42fefa39efp-1, 0x1.ebfbdff82c59dp-3, 0x1.c6b08d704a0d6p-5, 0x1.3b2ab6fba0fddp-7,
		0x1.5d87fe78b312cp-10, 0x1.4309130c5d158p-13, 0x1.ffcbfbfcc597fp-17, 0x1.62bfcd11d99c7p-20,
		0x1.b52604239e7dap-24, 0x1.e612df9a3d2fep-28, 0x1.e81e5cf3ca570p-32,
	}
)

const (
	halfBits = 0x3fe6a09e667f3bcd
	lowBits  = 1<<52 - 1
	oneBits  = 0x3ff << 52
	magic    = 0x1.8p52
	ln2      = 0x1.62e42fefa39efp-1
	twoLn2   = 0x1.62e42fefa39efp+0
	maxFloat = 0x1.fffffffffffffp1023
)

// unit is noise64Unit.
func (g *gen64) unit(w vecs) vecs {
	k := g.shift(g.VPSRLQ, 12, w, nil)
	g.orK(k, g.u(oneBits), k)
	return g.subK(k, g.f(1-0x1p-53), k)
}

// halfUnit is noise64HalfUnit.
func (g *gen64) halfUnit(w vecs) vecs {
	k := g.shift(g.VPSRLQ, 11, w, nil)
	if g.wide {
		e := g.load(g.u(0x3fe << 52))
		for i := range k {
			g.VPTERNLOGQ_BCST(operand.U8(0xEC), g.u(lowBits).Mem, e, k[i]) // k & low | e
		}
	} else {
		g.andK(k, g.u(lowBits), k)
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
	p = g.horner(t, sinC)
	g.mul(p, w, p)
	return p, g.horner(t, cosC), swap
}

// exponent returns e as a number and f with x = 2^e·(1+f), √½ ≤ 1+f < √2.
func (g *gen64) exponent(x vecs) (e, f vecs) {
	var d vecs
	if g.wide {
		d = g.lessK(x, g.u(halfBits), nil)
		e = g.shift(g.VPSRAQ, 52, d, nil)
		for i := range e {
			g.VCVTQQ2PD(e[i], e[i])
		}
	} else { // no arithmetic shift and no conversion: e + 1024 is the fraction of 2^52 + e + 1024
		d = g.plusK(x, g.u(1024<<52-halfBits), nil)
		e = g.shift(g.VPSRLQ, 52, d, nil)
		g.orK(e, g.u(0x433<<52), e)
		g.subK(e, g.f(0x1p52+1024), e)
	}
	f = g.andK(d, g.u(lowBits), d)
	g.plusK(f, g.u(halfBits), f)
	return e, g.subK(f, g.f(1), f)
}

// split is noise64Split.
func (g *gen64) split(x vecs) (e, s, p vecs) {
	e, f := g.exponent(x)
	s = g.addK(f, g.f(2), nil)
	g.div(f, s, s)
	t := g.mul(s, s, nil)
	return e, s, g.horner(t, logC)
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
	g.addK(z, g.f(magic), z)
	n = g.subK(z, g.f(magic), nil)
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
