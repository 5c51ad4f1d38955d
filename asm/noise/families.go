package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// all adds every kernel of the level.
func (g *gen) all() {
	g.consts, g.vectors = map[uint64]int{}, map[string]int{}
	g.table = g.StaticGlobal("noise" + g.suffix())
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	g.kernel("Words", func(even, odd vecs) vecs { return g.interleave(even, odd) })
	g.kernel("Uniform", func(even, odd vecs) vecs {
		return g.interleave(g.unit(even), g.unit(odd))
	})
	g.kernel("Exponential", func(even, odd vecs) vecs {
		a, b := g.exponential(even), g.exponential(odd)
		return g.interleave(a, b)
	})
	g.kernel("Normal", g.normal)
	for _, high := range []bool{false, true} {
		side := map[bool]string{false: "Low", true: "High"}[high]
		g.kernel("Symmetric"+side, func(u, e vecs) vecs { return g.symmetric(u, e, high) })
		for _, form := range []string{"Positive", "Root", "Log"} {
			g.kernel(form+side, func(u, e vecs) vecs { return g.positive(u, e, high, form) })
		}
	}
	g.kernel("Skewed", g.skewed)
	for _, terms := range []int{8, 10} {
		g.tabular(terms)
	}
}

// kernel adds the function noise<name><level>: it runs the cipher on vectors of
// counters, f on the words 0/2 and 1/3 of their blocks, and stores the results.
func (g *gen) kernel(name string, f func(even, odd vecs) vecs) {
	g.Function("noise" + name + g.suffix())
	g.Attributes(attr.NOSPLIT)
	g.SignatureExpr("func(dst *float32, groups int, p *[19]uint64, block uint32, q *float32)")
	dst := g.Load(g.Param("dst"), g.GP64())
	groups := g.Load(g.Param("groups"), g.GP64())
	p := g.Load(g.Param("p"), g.GP64())
	block := g.Load(g.Param("block"), g.GP32())
	g.q = g.Load(g.Param("q"), g.GP64())
	vectors := 2
	if g.wide {
		vectors = 4
	}
	ways := vectors
	if name == "Skewed" { // more would not fit the registers
		ways /= 2
	}
	x := g.start(p, block, vectors)
	if !g.wide { // 32 blocks to a group
		g.SHLQ(operand.U8(2), groups)
	}
	g.TESTQ(groups, groups)
	g.JZ(operand.LabelRef(name + "done"))
	g.Label(name + "loop")
	g.TESTQ(p, p)
	g.JZ(operand.LabelRef(name + "given"))
	even, odd := g.blocks(x)
	g.Label(name + "made")
	bytes := 0
	for i := 0; i < vectors; i += ways {
		for _, v := range f(even[i:i+ways], odd[i:i+ways]) {
			g.VMOVUPS(v, operand.Mem{Base: dst, Disp: bytes})
			bytes += int(v.Size())
		}
	}
	g.ADDQ(operand.I32(bytes), dst)
	g.DECQ(groups)
	g.JNZ(operand.LabelRef(name + "loop"))
	g.Label(name + "done")
	g.VZEROUPPER()
	g.RET()
	g.Label(name + "given")
	g.given(x, even, odd)
	g.JMP(operand.LabelRef(name + "made"))
}

// interleaveIndex returns the indices i, 16+i, i+1, 17+i, … of a permutation of
// two vectors, two to a 64-bit word.
func interleaveIndex(first uint64) []uint64 {
	out := make([]uint64, 8)
	for i := range out {
		n := first + uint64(i)
		out[i] = n | (16+n)<<32
	}
	return out
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
	return g.interleave(c, s)
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
