package main

import (
	"math/bits"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// all adds every kernel of the level.
func (g *gen) all() {
	g.consts, g.vectors = map[uint64]int{}, map[string]int{}
	g.table = g.StaticGlobal("noise" + g.suffix())
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	g.words()
	g.kernel("Uniform", 4, g.unit)
	g.kernel("Exponential", 4, g.exponential)
	g.pairs("Normal", 4, g.normal)
	for _, high := range []bool{false, true} {
		side := map[bool]string{false: "Low", true: "High"}[high]
		g.pairs("Symmetric"+side, 4, func(u, e vecs) vecs { return g.symmetric(u, e, high) })
		for _, form := range []string{"Positive", "Root", "Log"} {
			g.pairs(form+side, 4, func(u, e vecs) vecs { return g.positive(u, e, high, form) })
		}
	}
	g.pairs("Skewed", 2, g.skewed)
	for _, terms := range []int{8, 10} {
		g.tabular(terms)
	}
}

// kernel adds the function noise<name><level>, which turns the words of groups
// times 32 blocks into variates: f is given as many vectors of words, half as many
// with AVX2.
func (g *gen) kernel(name string, vectors int, f func(words vecs) vecs) {
	g.Function("noise" + name + g.suffix())
	g.Attributes(attr.NOSPLIT)
	g.SignatureExpr("func(dst *float32, words *uint32, groups int, q *byte)")
	dst := g.Load(g.Param("dst"), g.GP64())
	words := g.Load(g.Param("words"), g.GP64())
	groups := g.Load(g.Param("groups"), g.GP64())
	g.q = g.Load(g.Param("q"), g.GP64())
	if !g.wide {
		vectors /= 2
	}
	size := int(g.vec().Size())
	g.SHLQ(operand.U8(bits.TrailingZeros(uint(512/(vectors*size)))), groups)
	g.TESTQ(groups, groups)
	g.JZ(operand.LabelRef(name + "done"))
	g.Label(name + "loop")
	w := g.vecs(vectors)
	for i := range w {
		g.VMOVUPS(operand.Mem{Base: words, Disp: size * i}, w[i])
	}
	out := f(w)
	for i, v := range out {
		g.VMOVUPS(v, operand.Mem{Base: dst, Disp: size * i})
	}
	g.ADDQ(operand.I32(int32(size*vectors)), words)
	g.ADDQ(operand.I32(int32(size*len(out))), dst)
	g.DECQ(groups)
	g.JNZ(operand.LabelRef(name + "loop"))
	g.Label(name + "done")
	g.VZEROUPPER()
	g.RET()
}

// pairs is kernel for families that take the words in pairs: f is given the even
// words and the odd ones of as many pairs of vectors as there are ways, and
// returns one variate for each pair of words, or two, one for each word.
func (g *gen) pairs(name string, ways int, f func(even, odd vecs) vecs) {
	g.kernel(name, 2*ways, func(words vecs) vecs {
		out := f(g.alternate(words))
		if len(out) == len(words) {
			return out
		}
		return g.inOrder(out)
	})
}

// unit is noiseUnit.
func (g *gen) unit(w vecs) vecs {
	k := g.shifted(w)
	g.toUnit(k, 0x1p-31, 0x1p-32)
	return k
}

// exponential is noiseNegLog2 times ln 2.
func (g *gen) exponential(w vecs) vecs {
	e := g.negLog2(w)
	g.times1(e, ln2)
	return e
}

// times1 multiplies x by a constant.
func (g *gen) times1(x vecs, c float32) {
	for i := range x {
		g.with(g.VMULPS, g.VMULPS_BCST, g.f(c), x[i], x[i])
	}
}

// scaleBy multiplies x by a register.
func (g *gen) scaleBy(x vecs, r reg.VecVirtual) {
	for i := range x {
		g.VMULPS(r, x[i], x[i])
	}
}

// normal is noiseNormal.
func (g *gen) normal(w0, w1 vecs) vecs {
	r := g.negLog2(w1)
	g.times1(r, twoLn2)
	for i := range r {
		g.VSQRTPS(r[i], r[i])
	}
	s, c := g.sinCosPi(g.halfUnit(w0))
	g.mulTo(r, c, c)
	g.mulTo(r, s, s)
	scale := g.param("Scale")
	g.scaleBy(c, scale)
	g.scaleBy(s, scale)
	for i := range w1 {
		g.VPSLLD(operand.U8(31), w1[i], w1[i])
	}
	g.xorSign(c, w1)
	g.xorSign(s, w0)
	return g.unpack(c, s)
}

// ratio is noiseHead: it returns (s·e)/(e·sv) and inv = 1/(e·sv); s and e are
// overwritten.
func (g *gen) ratio(s, e, sv vecs) (head, inv vecs) {
	inv = g.mul(e, sv)
	one := g.load(g.f(1))
	g.mulTo(s, e, s)
	for i := range inv {
		g.VDIVPS(inv[i], one, inv[i])
	}
	g.mulTo(s, inv, s)
	return s, inv
}

// exponent returns fma(Expo, log2(c·inv), Bias).
func (g *gen) exponent(c, inv vecs) vecs {
	g.mulTo(c, inv, inv)
	l := g.log2(inv)
	expo, bias := g.param("Expo"), g.param("Bias")
	for i := range l {
		g.VFMADD213PS(bias, expo, l[i])
	}
	return l
}

// power is noisePower; l is overwritten.
func (g *gen) power(head, l vecs) vecs {
	x := g.exp2(l)
	g.mulTo(x, head, x)
	g.clampTo(x, minFloat, maxFloat)
	return x
}

// cross returns fma(a, b, −c·d); c is overwritten.
func (g *gen) cross(a, b, c, d vecs) vecs {
	g.mulTo(c, d, c)
	for i := range a {
		g.VFMSUB231PS(b[i], a[i], c[i])
	}
	return c
}

// positive is noisePositive.
func (g *gen) positive(wu, we vecs, high bool, form string) vecs {
	e := g.negLog2(we)
	v := g.halfUnit(wu)
	a := g.param("A")
	b, add := g.vecs(len(v)), g.vecs(len(v))
	for i := range v {
		g.VPSRAD(operand.U8(31), wu[i], add[i])
		if g.wide {
			g.VPANDD(a, add[i], add[i])
			g.VMOVAPS(a, b[i])
		} else {
			g.VPAND(a, add[i], add[i])
			g.VMOVAPS(a, b[i])
		}
	}
	g.xorSign(b, wu)
	for i := range v {
		g.VFMADD213PS(add[i], v[i], b[i])
	}
	sv, cv := g.sinCosPi(v)
	sb, cb := g.sinCosPi(b)
	g.xorSign(cv, wu)
	s, c := sb, g.cross(sv, cb, cv, sb)
	if high {
		s, c = c, s
	}
	head, inv := g.ratio(s, e, sv)
	if form == "Positive" {
		g.mulTo(c, inv, inv)
		return g.scaled(head, inv, false)
	}
	l := g.exponent(c, inv)
	if form == "Log" {
		h := g.log2(head)
		for i := range h {
			g.VADDPS(h[i], l[i], l[i])
		}
		g.times1(l, ln2)
		zero := make(vecs, len(l))
		for i := range zero {
			zero[i] = g.load(g.f(logZero))
		}
		return g.blend(g.zero(l), zero, l)
	}
	for i := range head {
		g.VSQRTPS(head[i], head[i])
	}
	return g.power(head, l)
}

// signMask returns the mask of the lanes with bit 31 set.
func (g *gen) signMask(w vecs) []reg.Register {
	var out []reg.Register
	for _, v := range w {
		if g.wide {
			k := g.K()
			g.VPMOVD2M(v, k)
			out = append(out, k)
		} else {
			out = append(out, v.(reg.Register))
		}
	}
	return out
}

// choose returns parameter yes where the mask is set, else no.
func (g *gen) choose(mask []reg.Register, yes, no string) vecs {
	a, b := g.param(yes), g.param(no)
	y, n := make(vecs, len(mask)), make(vecs, len(mask))
	for i := range mask {
		y[i], n[i] = a, b
	}
	return g.blend(mask, y, n)
}
