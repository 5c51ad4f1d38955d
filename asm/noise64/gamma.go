package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gammaFields are the fields of Gamma64Params in their order.
var gammaFields = []string{"D", "C", "Shape", "Mul", "Div", "Tol"}

// gammaKernel adds gamma64<level>, or gamma64Low<level> for shapes below 1.
func (g *gen) gammaKernel(low bool) {
	name := "gamma64"
	if low {
		name += "Low"
	}
	g.fields = gammaFields
	g.Function(name + g.suffix())
	g.Attributes(attr.NOSPLIT)
	g.SignatureExpr("func(dst *float64, groups int, p *[19]uint64, at *uint64, try uint32, q *float64)")
	dst := g.Load(g.Param("dst"), g.GP64())
	groups := g.Load(g.Param("groups"), g.GP64())
	p := g.Load(g.Param("p"), g.GP64())
	at := g.Load(g.Param("at"), g.GP64())
	try := g.Load(g.Param("try"), g.GP32())
	g.q = g.Load(g.Param("q"), g.GP64())
	vectors := 2 // 16 variates to a group
	if !g.wide {
		vectors = 1
		g.SHLQ(operand.U8(2), groups)
	}
	x := g.start(p, try, at, vectors)
	g.TESTQ(groups, groups)
	g.JZ(operand.LabelRef(name + "done"))
	g.Label(name + "loop")
	g.gamma(x, low, dst)
	g.ADDQ(operand.I32(int32(vectors*int(g.vec().Size()))), dst)
	g.advance(x)
	g.DECQ(groups)
	g.JNZ(operand.LabelRef(name + "loop"))
	g.Label(name + "done")
	g.VZEROUPPER()
	g.RET()
}

// gamma is gamma64Try for the variates of x, stored at dst. What is short of
// registers goes through dst.
func (g *gen) gamma(x *philox, low bool, dst reg.Register) {
	w0, w1 := g.blocks(x, 0)
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
	w0, _ = g.blocks(x, 1)
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
	if low {
		for i := range x0 {
			g.VMOVUPD(x0[i], g.at(dst, i))
		}
		own := *x // the counters of the list themselves
		own.block = g.GP64()
		g.XORQ(own.block, own.block)
		w0, _ = g.blocks(&own, 0)
		b := g.boost(g.ln53(w0))
		for i := range x0 {
			g.VMULPD(g.at(dst, i), b[i], b[i])
		}
		x0 = b
	}
	g.mulK(x0, g.param("Mul"), x0)
	g.to(g.VDIVPD, g.VDIVPD_BCST, g.param("Div"), x0, x0)
	for i := range x0 {
		g.VMOVUPD(x0[i], g.at(dst, i))
	}
}

// accept leaves x where t > 0 and uc > squeeze or left + Tol < right, sets it to
// −1 where t ≤ 0 or else left > right + Tol, and to NaN elsewhere.
func (g *gen) accept(x, uc, squeeze, left, right, t vecs) {
	tol := g.param("Tol")
	far := g.compareV(greater, left, g.addK(right, tol, nil))
	squeezed := g.compareV(greater, uc, squeeze)
	g.masked(three(g.KANDNB), g.VANDNPD, far, squeezed) // far, and not squeezed
	g.addK(left, tol, left)
	proven := g.compareV(less, left, right)
	g.masked(three(g.KORB), g.VORPD, proven, squeezed)
	y := g.blend(proven, x, g.same(g.u(0x7ff8000000000001), len(x)))
	g.masked(three(g.KORB), g.VORPD, far, g.compare(atMost, t, g.f(0)))
	copy(x, g.blend(far, g.same(g.f(-1), len(x)), y))
}

// masked sets a = b ∘ a for masks.
func (g *gen) masked(wide, narrow op, a, b []reg.Register) {
	f := narrow
	if g.wide {
		f = wide
	}
	for i := range a {
		f(a[i], b[i], a[i])
	}
}

// quickLn is the natural logarithm of noise64Split.
func (g *gen) quickLn(x vecs) vecs {
	e, s, p := g.split(x)
	g.fma(g.VFMADD213PD, p, s, e)
	return g.mulK(p, g.f(ln2), p)
}

// at is the memory of vector i at dst.
func (g *gen) at(dst reg.Register, i int) operand.Mem {
	return operand.Mem{Base: dst, Disp: i * int(g.vec().Size())}
}
