package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/defs"
)

// gammaKernel adds gamma64<level>, or gamma64Low<level> for shapes below 1.
func (g *gen64) gammaKernel(low bool) {
	name := "gamma64"
	if low {
		name += "Low"
	}
	g.fields = defs.Gamma64Fields
	g.Function(name + g.suffix())
	g.Attributes(attr.NOSPLIT)
	g.SignatureExpr("func(dst *float64, first, second, boost *uint32, groups int, q *byte)")
	dst := g.Load(g.Param("dst"), g.GP64())
	var words []reg.Register
	for _, p := range []string{"first", "second", "boost"} {
		if p != "boost" || low {
			words = append(words, g.Load(g.Param(p), g.GP64()))
		}
	}
	groups := g.Load(g.Param("groups"), g.GP64())
	g.q = g.Load(g.Param("q"), g.GP64())
	ways := 2 // 16 variates to a group
	if !g.wide {
		ways = 1
		g.SHLQ(operand.U8(2), groups)
	}
	g.TESTQ(groups, groups)
	g.JZ(operand.LabelRef(name + "done"))
	g.Label(name + "loop")
	g.gamma(words, ways, dst)
	size := int32(ways * int(g.vec().Size()))
	g.ADDQ(operand.I32(size), dst)
	for _, w := range words {
		g.ADDQ(operand.I32(2*size), w)
	}
	g.DECQ(groups)
	g.JNZ(operand.LabelRef(name + "loop"))
	g.Label(name + "done")
	g.VZEROUPPER()
	g.RET()
}

// gamma is gamma64Try for the next variates, stored at dst: words are those of
// the blocks of an attempt and, for the boost, of a third one. What is short of
// registers goes through dst.
func (g *gen64) gamma(words []reg.Register, ways int, dst reg.Register) {
	w0, w1 := g.alternate(g.numbers(words[0], 2*ways))
	c := g.cosPi2(g.unit53(w1, false))
	e := g.ln53(w0)
	g.mulK(e, g.f(-2), e)
	g.sqrt(e)
	z := g.mul(e, c, e)
	t := g.mulK(z, g.param("C"), nil)
	g.addK(t, g.f(1), t)
	cube := g.mul(t, t, nil)
	g.mul(cube, t, cube)
	zz := g.mul(z, z, z)
	value := g.mulK(cube, g.param("D"), nil)
	for i := range value {
		g.VMOVUPD(value[i], g.at(dst, i))
	}
	w0 = g.lanes(g.numbers(words[1], 2*ways), 0)
	squeeze := g.mulK(zz, g.f(0.0331), nil)
	g.mul(squeeze, zz, squeeze)
	uc := g.unit53(w0, true)
	lhs, rhs := g.quickLn(g.unit53(w0, false)), g.quickLn(t)
	g.mulK(rhs, g.f(3), rhs)
	one := g.sub(g.same(g.f(1), len(cube)), cube, cube)
	g.add(one, rhs, rhs)
	g.mulK(rhs, g.param("D"), rhs)
	g.mulK(zz, g.f(0.5), zz)
	g.add(zz, rhs, rhs)
	x0 := g.vecs(len(t))
	for i := range x0 {
		g.VMOVUPD(g.at(dst, i), x0[i])
	}
	g.accept(x0, uc, squeeze, lhs, rhs, t)
	if len(words) > 2 {
		for i := range x0 {
			g.VMOVUPD(x0[i], g.at(dst, i))
		}
		w0 = g.lanes(g.numbers(words[2], 2*ways), 0)
		b := g.boost(g.ln53(w0))
		for i := range x0 {
			g.VMULPD(g.at(dst, i), b[i], b[i])
		}
		x0 = b
	}
	g.mulK(x0, g.param("Mul"), x0)
	g.to(g.VDIVPD, g.VDIVPD_BCST, g.param("Div"), x0, x0)
	for i, v := range g.inOrder(x0) {
		g.VMOVUPD(v, g.at(dst, i))
	}
}

// accept leaves x where t > 0 and uc > squeeze or left + Tol < right, sets it to
// −1 where t ≤ 0 or else left > right + Tol, and to NaN elsewhere.
func (g *gen64) accept(x, uc, squeeze, left, right, t vecs) {
	tol := g.param("Tol")
	far := g.compareV(greater, left, g.addK(right, tol, nil))
	squeezed := g.compareV(greater, uc, squeeze)
	g.masked(three(g.KANDNB), g.VANDNPD, far, squeezed) // far, and not squeezed
	g.addK(left, tol, left)
	proven := g.compareV(less, left, right)
	g.masked(three(g.KORB), g.VORPD, proven, squeezed)
	y := g.blend(proven, x, g.same(g.u(defs.NaN), len(x)))
	g.masked(three(g.KORB), g.VORPD, far, g.compare(atMost, t, g.f(0)))
	copy(x, g.blend(far, g.same(g.f(-1), len(x)), y))
}

// masked sets a = b ∘ a for masks.
func (g *gen64) masked(wide, narrow op, a, b []reg.Register) {
	f := narrow
	if g.wide {
		f = wide
	}
	for i := range a {
		f(a[i], b[i], a[i])
	}
}

// quickLn is the natural logarithm of noise64Split.
func (g *gen64) quickLn(x vecs) vecs {
	e, s, p := g.split(x)
	g.fma(g.VFMADD213PD, p, s, e)
	return g.mulK(p, g.f(defs.Ln2), p)
}
