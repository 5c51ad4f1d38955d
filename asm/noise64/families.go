package main

import (
	"math/bits"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
)

// noiseFields are the fields of Noise64Params in their order.
var noiseFields = []string{
	"A", "K", "ExpoHi", "Expo", "ExpoLo", "Bias", "Eps", "HalfEps", "InvSin",
	"Bp", "Bm", "Kp", "Km", "InvAlpha", "InvEps", "Lo", "Hi", "Nu",
}

// all adds every kernel of the level.
func (g *gen) all() {
	g.consts, g.vectors = map[uint64]int{}, map[string]int{}
	g.table = g.StaticGlobal("noise64" + g.suffix())
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	g.fields = noiseFields
	g.kernel("Uniform", 4, g.unit)
	g.kernel("Exponential", 4, func(w vecs) vecs {
		e := g.negLog2(w)
		return g.mulK(e, g.f(ln2), e)
	})
	g.kernel("Normal", 4, func(w vecs) vecs { return g.unpack(g.normal(g.alternate(w))) })
	g.pairs("SymmetricLow", 2, func(w0, w1 vecs) vecs { return g.symmetric(w0, w1, false) })
	g.pairs("SymmetricHigh", 2, func(w0, w1 vecs) vecs { return g.symmetric(w0, w1, true) })
	ways := 2
	if !g.wide { // more would not fit the registers
		ways = 1
	}
	g.pairs("SkewedS0", ways, func(w0, w1 vecs) vecs { return g.skewed(w0, w1, true) })
	g.pairs("SkewedS1", ways, func(w0, w1 vecs) vecs { return g.skewed(w0, w1, false) })
	g.pairs("StudentT", 2, g.student)
	g.gammaKernel(false)
	g.gammaKernel(true)
}

// kernel adds the function noise64<name><level>, which turns the words of groups
// times 32 blocks into variates: f is given as many vectors of the 64-bit numbers
// that they are.
func (g *gen) kernel(name string, vectors int, f func(w vecs) vecs) {
	g.Function("noise64" + name + g.suffix())
	g.Attributes(attr.NOSPLIT)
	g.SignatureExpr("func(dst *float64, words *uint32, groups int, q *byte)")
	dst := g.Load(g.Param("dst"), g.GP64())
	words := g.Load(g.Param("words"), g.GP64())
	groups := g.Load(g.Param("groups"), g.GP64())
	g.q = g.Load(g.Param("q"), g.GP64())
	size := int(g.vec().Size())
	g.SHLQ(operand.U8(bits.TrailingZeros(uint(512/(vectors*size)))), groups)
	g.TESTQ(groups, groups)
	g.JZ(operand.LabelRef(name + "done"))
	g.Label(name + "loop")
	out := f(g.numbers(words, vectors))
	for i, v := range out {
		g.VMOVUPD(v, g.at(dst, i))
	}
	g.ADDQ(operand.I32(int32(size*vectors)), words)
	g.ADDQ(operand.I32(int32(size*len(out))), dst)
	g.DECQ(groups)
	g.JNZ(operand.LabelRef(name + "loop"))
	g.Label(name + "done")
	g.VZEROUPPER()
	g.RET()
}

// pairs is kernel for families that make a variate of two numbers: f is given
// the even numbers and the odd ones of as many pairs of vectors as there are
// ways.
func (g *gen) pairs(name string, ways int, f func(w0, w1 vecs) vecs) {
	g.kernel(name, 2*ways, func(w vecs) vecs { return g.inOrder(f(g.alternate(w))) })
}

// normal is noise64Normals.
func (g *gen) normal(w0, w1 vecs) (a, b vecs) {
	r := g.negLog2(w1)
	g.mulK(r, g.f(twoLn2), r)
	g.sqrt(r)
	s, c := g.sinCosPi(g.halfUnit(w0))
	g.mul(r, c, c)
	g.mul(r, s, s)
	g.xorSign(c, g.shift(g.VPSLLQ, 63, w1, w1))
	g.xorSign(s, w0)
	return c, s
}

// inverse returns 1/(e·sv), in new registers.
func (g *gen) inverse(e, sv vecs) vecs {
	inv := g.mul(e, sv, nil)
	return g.div(g.same(g.f(1), len(inv)), inv, inv)
}

// symmetric is noise64Symmetric.
func (g *gen) symmetric(w0, w1 vecs, high bool) vecs {
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
	r := g.horner(f, expC)
	g.fmaK(r, f, g.f(1))
	g.two(g.VPADDQ, r, pow, r)
	g.mul(s, r, s)
	g.xorSign(s, w0)
	return s
}
