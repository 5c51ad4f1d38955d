package main

import (
	"github.com/mmcloughlin/avo/operand"

	"heavytail/asm/internal/defs"
)

// unit53 is u of gamma64Units, or its complement; w stays.
func (g *gen64) unit53(w vecs, complement bool) vecs {
	k := g.shift(g.VPSRLQ, 11, w, nil)
	if complement {
		g.to(three(g.VPXOR), g.VPXORQ_BCST, g.u(1<<53-1), k, k)
	}
	if g.wide {
		for i := range k {
			g.VCVTQQ2PD(k[i], k[i])
		}
	} else { // the halves as fractions of 2^84 and 2^52
		hi := g.shift(g.VPSRLQ, 32, k, nil)
		g.orK(hi, g.f(0x1p84), hi)
		g.subK(hi, g.f(0x1p84+0x1p52), hi)
		lo := g.same(g.f(0x1p52), len(k))
		for i := range k {
			g.VPBLENDD(operand.U8(0xAA), lo[i], k[i], k[i])
		}
		g.add(k, hi, k)
	}
	g.addK(k, g.f(0.5), k)
	return g.mulK(k, g.f(0x1p-53), k)
}

// twoSum returns fl(a+b) and its error.
func (g *gen64) twoSum(a, b vecs) (s, e vecs) {
	s = g.add(a, b, nil)
	bb := g.sub(s, a, nil)
	e = g.sub(s, bb, nil)
	g.sub(a, e, e)
	g.sub(b, bb, bb)
	return s, g.add(e, bb, e)
}

// minus returns −x in new registers.
func (g *gen64) minus(x vecs) vecs {
	return g.to(three(g.VPXOR), g.VPXORQ_BCST, g.u(1<<63), x, nil)
}

// logDD is dmath's logDD for normal x.
func (g *gen64) logDD(x vecs) (hi, lo vecs) {
	n, f, d, dl := g.logHead(x)
	s := g.div(f, d, nil)
	sl := g.minus(s)
	r := g.copies(sl)
	g.fma(g.VFMADD213PD, r, d, f)   // −s·d + f
	g.fma(g.VFMADD213PD, sl, dl, r) // −s·dl + r
	g.div(sl, d, sl)
	t := g.mul(s, s, nil)
	tl := g.copies(t)
	g.fma(g.VFMSUB231PD, tl, s, s) // s·s − t
	two := g.add(s, s, nil)
	g.fma(g.VFMADD231PD, tl, two, sl) // + 2s·sl
	c := g.mul(s, t, nil)
	cl := g.copies(c)
	g.fma(g.VFMSUB231PD, cl, s, t)
	g.fma(g.VFMADD231PD, cl, sl, t)
	g.fma(g.VFMADD231PD, cl, s, tl)
	b := g.mulK(c, g.f(defs.TwoThd), nil)
	gl := g.copies(b)
	g.mscK(gl, c, g.f(defs.TwoThd))
	g.macK(gl, c, g.f(defs.TwoThL))
	g.macK(gl, cl, g.f(defs.TwoThd))
	p := g.horner(t, defs.Log)
	g.mul(c, t, c)
	g.mul(p, c, p)
	g.add(sl, sl, sl)
	g.add(gl, sl, gl)
	g.add(p, gl, p)
	g.macK(p, n, g.f(defs.Ln2Mid))
	a, al := g.twoSum(g.mulK(n, g.f(defs.Ln2Hi), n), two)
	b, bl := g.twoSum(a, b)
	g.add(al, bl, al)
	r = g.add(al, p, al)
	hi = g.add(b, r, nil)
	g.sub(b, hi, b)
	return hi, g.add(b, r, b)
}

// logHead is normalise: x = 2^n·(1+f), and 2+f as d + dl.
func (g *gen64) logHead(x vecs) (n, f, d, dl vecs) {
	n, f = g.exponent(x)
	m := g.addK(f, g.f(1), nil) // exact
	d, dl = g.twoSum(m, g.same(g.f(1), len(m)))
	return n, f, d, dl
}

// ln53 is ln u of gamma64Exp for the word w, which stays.
func (g *gen64) ln53(w vecs) vecs {
	u, uc := g.unit53(w, false), g.unit53(w, true)
	low := g.compare(less, u, g.f(0.5))
	x, c := g.twoSum(g.same(g.f(1), len(u)), g.minus(uc))
	x = g.blend(low, u, x)
	c = g.blend(low, g.same(g.f(0), len(u)), c)
	hi, lo := g.logDD(x)
	g.div(c, x, c)
	g.add(lo, c, lo)
	return g.add(hi, lo, hi)
}

// cosPi2 is dmath.CosPi(2v) for 0 < v ≤ 1; v is overwritten.
func (g *gen64) cosPi2(v vecs) vecs {
	x := g.add(v, v, v)
	z := g.add(x, x, nil)
	g.addK(z, g.f(defs.Magic), z)
	n := g.subK(z, g.f(defs.Magic), nil)
	g.mulK(n, g.f(0.5), n)
	g.sub(x, n, x)
	p := g.mulK(x, g.f(defs.PiHi), n) // mulDD
	e := g.copies(p)
	g.mscK(e, x, g.f(defs.PiHi))
	g.macK(e, x, g.f(defs.PiLo))
	y := g.add(p, e, nil)
	l := g.sub(p, y, p)
	g.add(l, e, l)
	t := g.mul(y, y, e)
	s := g.sinKernel(y, l, t)
	c := g.cosKernel(y, l, t)
	odd := g.signMask(g.shift(g.VPSLLQ, 63, z, nil)) // quadrant q+1 is even
	c = g.blend(odd, s, c)
	g.plusK(z, g.u(1), z)
	g.xorSign(c, g.shift(g.VPSLLQ, 62, z, z))
	return c
}

// sinKernel is dmath's, its parts added.
func (g *gen64) sinKernel(y, l, t vecs) vecs {
	c := g.mulK(t, g.f(-0.5), nil)
	g.fma(g.VFMADD213PD, c, l, l)
	p := g.horner(t, defs.Sin)
	g.fma(g.VFMADD213PD, p, g.mul(t, y, nil), c)
	return g.add(y, p, p)
}

// cosKernel is dmath's, its parts added.
func (g *gen64) cosKernel(y, l, t vecs) vecs {
	tl := g.copies(t)
	g.fma(g.VFMSUB231PD, tl, y, y)
	g.mulK(tl, g.f(0.5), tl)
	g.fma(g.VFMADD231PD, tl, y, l) // y·l + ½tl
	h := g.mulK(t, g.f(0.5), nil)
	one := g.same(g.f(1), len(y))
	w := g.sub(one, h, nil)
	e := g.sub(one, w, nil)
	g.sub(e, h, e)
	g.sub(e, tl, e)
	p := g.horner(t, defs.Cos)
	g.fma(g.VFMADD213PD, p, g.mul(t, t, nil), e)
	return g.add(w, p, p)
}

// boost is the factor dmath.Exp(l/Shape), NaN where the exponent is below
// gamma64MinExp.
func (g *gen64) boost(l vecs) vecs {
	x := g.to(g.VDIVPD, g.VDIVPD_BCST, g.param("Shape"), l, nil)
	fine := g.compare(greater, x, g.f(-700))
	z := g.mulK(x, g.f(defs.Log2E), nil)
	g.addK(z, g.f(defs.Magic), z)
	n := g.subK(z, g.f(defs.Magic), nil)
	n = g.minus(n)
	g.macK(x, n, g.f(defs.Ln2Hi))
	h, e := g.twoSum(x, g.mulK(n, g.f(defs.Ln2Mid), n))
	one := g.same(g.f(1), len(h))
	p := g.horner(h, defs.Exp)
	q := g.mul(e, h, nil)
	g.fma(g.VFMADD231PD, q, p, g.mul(h, h, nil))
	g.add(e, q, q)
	s := g.add(one, h, nil)
	r := g.sub(one, s, nil)
	g.add(r, h, r)
	g.add(r, q, r)
	g.add(s, r, s)
	pow := g.shift(g.VPSLLQ, 52, z, z)
	g.plusK(pow, g.u(defs.One), pow)
	g.mul(s, pow, s)
	return g.blend(fine, s, g.same(g.u(defs.NaN), len(s)))
}
