package main

import (
	"github.com/mmcloughlin/avo/build"

	"heavytail/asm/internal/defs"
)

// gen64 is for float64.
type gen64 struct{ *gen }

// doubles adds every kernel of the level for float64.
func doubles(c *build.Context, wide bool) {
	g := &gen64{newGen(c, wide, "noise64", 8, defs.Noise64Fields)}
	g.kernel("Uniform", 4, g.unit)
	g.kernel("Exponential", 4, func(w vecs) vecs {
		e := g.negLog2(w)
		return g.mulK(e, g.f(defs.Ln2), e)
	})
	g.kernel("Normal", 4, func(w vecs) vecs { return g.unpack(g.normal(g.alternate(w))) })
	g.pairs("SymmetricLow", 2, func(w0, w1 vecs) vecs { return g.symmetric(w0, w1, false) })
	g.pairs("SymmetricHigh", 2, func(w0, w1 vecs) vecs { return g.symmetric(w0, w1, true) })
	ways := g.level(2, 1) // more would not fit the registers
	g.pairs("SkewedS0", ways, func(w0, w1 vecs) vecs { return g.skewed(w0, w1, true) })
	g.pairs("SkewedS1", ways, func(w0, w1 vecs) vecs { return g.skewed(w0, w1, false) })
	g.pairs("StudentT", 2, g.student)
	g.gammaKernel(false)
	g.gammaKernel(true)
}

// normal is noise64Normals.
func (g *gen64) normal(w0, w1 vecs) (a, b vecs) {
	r := g.negLog2(w1)
	g.mulK(r, g.f(defs.TwoLn2), r)
	g.sqrt(r)
	s, c := g.sinCosPi(g.halfUnit(w0))
	g.mul(r, c, c)
	g.mul(r, s, s)
	g.xorSign(c, g.shift(g.VPSLLQ, 63, w1, w1))
	g.xorSign(s, w0)
	return c, s
}

// inverse returns 1/(e·sv), in new registers.
func (g *gen64) inverse(e, sv vecs) vecs {
	inv := g.mul(e, sv, nil)
	return g.div(g.same(g.f(1), len(inv)), inv, inv)
}

// symmetric is noise64Symmetric.
func (g *gen64) symmetric(w0, w1 vecs, high bool) vecs {
	e := g.negLog2(w1)
	v := g.halfUnit(w0)
	y := g.copies(v)
	g.fmaK(y, g.same(g.param("A"), len(y)), g.param("K"))
	sv, cv := g.sinCosPi(v)
	sy, cy := g.sinCosPi(y)
	var s, c vecs
	if high {
		g.mul(sv, cy, cy)
		g.fma(g.VFMADD231PD, cy, cv, sy)
		s, c = cy, sy
	} else {
		g.mul(cv, sy, cv)
		g.fma(g.VFMADD231PD, cv, sv, cy)
		s, c = sy, cv
	}
	inv := g.inverse(e, sv)
	g.mul(s, e, s)
	g.mul(s, inv, s)
	pow, _, f, _ := g.power(g.mul(c, inv, inv), false)
	r := g.horner(f, defs.NoiseExp)
	g.fmaK(r, f, g.f(1))
	g.each(g.VPADDQ, r, pow, r)
	g.mul(s, r, s)
	g.xorSign(s, w0)
	return s
}
