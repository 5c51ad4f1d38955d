package main

import (
	"strings"

	"github.com/mmcloughlin/avo/build"
)

// noiseFields are the float32 of simd.NoiseParams in their order.
var noiseFields = strings.Fields(`Scale A Expo Bias
	Alpha AlphaLo Eps ExpoLo BiasN Kp Km Kp1 Km1 KpLo KmLo Shift Least Zero`)

// paramTable is the offset of simd.NoiseParams.Table.
const paramTable = 72

// gen32 is for float32.
type gen32 struct{ *gen }

// singles adds every kernel of the level for float32, and the cipher.
func singles(c *build.Context, wide bool) {
	g := &gen32{newGen(c, wide, "noise", 4, noiseFields)}
	ways := g.level(4, 2)
	g.words()
	g.kernel("Uniform", ways, g.unit)
	g.kernel("Exponential", ways, g.exponential)
	g.kernel("Normal", 2*ways, func(w vecs) vecs { return g.unpack(g.normal(g.alternate(w))) })
	for _, high := range []bool{false, true} {
		side := map[bool]string{false: "Low", true: "High"}[high]
		g.pairs("Symmetric"+side, ways, func(u, e vecs) vecs { return g.symmetric(u, e, high) })
		for _, form := range []string{"Positive", "Root", "Log"} {
			g.pairs(form+side, ways, func(u, e vecs) vecs { return g.positive(u, e, high, form) })
		}
	}
	g.pairs("Skewed", ways/2, g.skewed) // more would not fit the registers
	for _, terms := range []int{8, 10} {
		g.tabular(terms, ways)
	}
}

// unit is noiseUnit.
func (g *gen32) unit(w vecs) vecs {
	k := g.shift(g.VPSRLD, 1, w, nil)
	g.toUnit(k, 0x1p-31, 0x1p-32)
	return k
}

// exponential is noiseNegLog2 times ln 2.
func (g *gen32) exponential(w vecs) vecs {
	e := g.negLog2(w)
	return g.mulK(e, g.f(ln2f), e)
}

// normal is noiseNormal.
func (g *gen32) normal(w0, w1 vecs) (a, b vecs) {
	r := g.negLog2(w1)
	g.mulK(r, g.f(twoLn2f), r)
	g.sqrt(r)
	s, c := g.sinCosPi(g.halfUnit(w0))
	g.mul(r, c, c)
	g.mul(r, s, s)
	scale := g.same(g.param("Scale"), len(c))
	g.mul(c, scale, c)
	g.mul(s, scale, s)
	g.shift(g.VPSLLD, 31, w1, w1)
	g.xorSign(c, w1)
	g.xorSign(s, w0)
	return c, s
}

// ratio is noiseHead: it returns (s·e)/(e·sv) and inv = 1/(e·sv); s and e are
// overwritten.
func (g *gen32) ratio(s, e, sv vecs) (head, inv vecs) {
	inv = g.mul(e, sv, nil)
	one := g.same(g.f(1), len(inv))
	g.mul(s, e, s)
	g.div(one, inv, inv)
	g.mul(s, inv, s)
	return s, inv
}

// exponent returns fma(Expo, log2(c·inv), Bias).
func (g *gen32) exponent(c, inv vecs) vecs {
	g.mul(c, inv, inv)
	l := g.log2(inv)
	expo, bias := g.same(g.param("Expo"), len(l)), g.same(g.param("Bias"), len(l))
	g.fma(g.VFMADD213PS, l, expo, bias)
	return l
}

// power is noisePower; l is overwritten.
func (g *gen32) power(head, l vecs) vecs {
	x := g.exp2(l)
	g.mul(x, head, x)
	g.clampTo(x, minFloat32, maxFloat32)
	return x
}

// cross returns fma(a, b, −c·d); c is overwritten.
func (g *gen32) cross(a, b, c, d vecs) vecs {
	g.mul(c, d, c)
	g.fma(g.VFMSUB231PS, c, a, b)
	return c
}

// positive is noisePositive.
func (g *gen32) positive(wu, we vecs, high bool, form string) vecs {
	e := g.negLog2(we)
	v := g.halfUnit(wu)
	a := g.same(g.param("A"), len(v))
	b, add := g.copies(a), g.shift(g.VPSRAD, 31, wu, nil)
	if g.wide {
		g.each(g.VPANDD, add, a, add)
	} else {
		g.each(three(g.VPAND), add, a, add)
	}
	g.xorSign(b, wu)
	g.fma(g.VFMADD213PS, b, v, add)
	sv, cv := g.sinCosPi(v)
	sb, cb := g.sinCosPi(b)
	g.xorSign(cv, wu)
	s, c := sb, g.cross(sv, cb, cv, sb)
	if high {
		s, c = c, s
	}
	head, inv := g.ratio(s, e, sv)
	if form == "Positive" {
		g.mul(c, inv, inv)
		return g.scaled(head, inv, false)
	}
	l := g.exponent(c, inv)
	if form == "Log" {
		g.add(l, g.log2(head), l)
		g.mulK(l, g.f(ln2f), l)
		return g.blend(g.isZero(l), g.same(g.f(logZero32), len(l)), l)
	}
	g.sqrt(head)
	return g.power(head, l)
}
