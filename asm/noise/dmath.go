package main

import "github.com/mmcloughlin/avo/operand"

// The polynomials and constants of internal/dmath, whose functions the gamma
// variates are defined by.
var (
	dExpC = []float64{
		0x1.0000000000000p-1, 0x1.555555555555cp-3, 0x1.555555555555ep-5, 0x1.111111110e8a2p-7,
		0x1.6c16c16c13163p-10, 0x1.a01a01b4ed3f3p-13, 0x1.a01a01b57b7c0p-16, 0x1.71ddec92190a6p-19,
		0x1.27e4bcec33ab2p-22, 0x1.af721173f5ae4p-26, 0x1.1fa13b3f5e290p-29,
	}
	dLogC = []float64{
		0x1.9999999999995p-2, 0x1.249249249310fp-2, 0x1.c71c71c5669bap-3, 0x1.745d183ea5996p-3,
		0x1.3b135f701fa6ap-3, 0x1.1121332395694p-3, 0x1.de1f99d86245ap-4, 0x1.ebb5d35248c25p-4,
	}
	dSinC = []float64{
		-0x1.5555555555555p-3, 0x1.111111111110bp-7, -0x1.a01a01a018ab2p-13, 0x1.71de3a53355aep-19,
		-0x1.ae645292d6234p-26, 0x1.61208f2d0d84bp-33, -0x1.aaa37dfda2ddfp-41,
	}
	dCosC = []float64{
		0x1.5555555555555p-5, -0x1.6c16c16c16c10p-10, 0x1.a01a01a018dbfp-16, -0x1.27e4fb75fa949p-22,
		0x1.1eed8ca06114ep-29, -0x1.9393347c69abcp-37, 0x1.aac3f4bf3e2dcp-45,
	}
)

const (
	ln2Hi  = 0x1.62e42fefa3800p-1
	ln2Mid = 0x1.ef35793c76730p-45
	log2e  = 0x1.71547652b82fep+0
	twoThd = 0x1.5555555555555p-1
	twoThL = 0x1.5555555555555p-55
	piHi   = 0x1.921fb54442d18p+1
	piLo   = 0x1.1a62633145c07p-53
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
	b := g.mulK(c, g.f(twoThd), nil)
	gl := g.copies(b)
	g.mscK(gl, c, g.f(twoThd))
	g.macK(gl, c, g.f(twoThL))
	g.macK(gl, cl, g.f(twoThd))
	p := g.horner(t, dLogC)
	g.mul(c, t, c)
	g.mul(p, c, p)
	g.add(sl, sl, sl)
	g.add(gl, sl, gl)
	g.add(p, gl, p)
	g.macK(p, n, g.f(ln2Mid))
	a, al := g.twoSum(g.mulK(n, g.f(ln2Hi), n), two)
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
	g.addK(z, g.f(magic), z)
	n := g.subK(z, g.f(magic), nil)
	g.mulK(n, g.f(0.5), n)
	g.sub(x, n, x)
	p := g.mulK(x, g.f(piHi), n) // mulDD
	e := g.copies(p)
	g.mscK(e, x, g.f(piHi))
	g.macK(e, x, g.f(piLo))
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
	p := g.horner(t, dSinC)
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
	p := g.horner(t, dCosC)
	g.fma(g.VFMADD213PD, p, g.mul(t, t, nil), e)
	return g.add(w, p, p)
}

// boost is the factor dmath.Exp(l/Shape), NaN where the exponent is below
// gamma64MinExp.
func (g *gen64) boost(l vecs) vecs {
	x := g.to(g.VDIVPD, g.VDIVPD_BCST, g.param("Shape"), l, nil)
	fine := g.compare(greater, x, g.f(-700))
	z := g.mulK(x, g.f(log2e), nil)
	g.addK(z, g.f(magic), z)
	n := g.subK(z, g.f(magic), nil)
	n = g.minus(n)
	g.macK(x, n, g.f(ln2Hi))
	h, e := g.twoSum(x, g.mulK(n, g.f(ln2Mid), n))
	one := g.same(g.f(1), len(h))
	p := g.horner(h, dExpC)
	q := g.mul(e, h, nil)
	g.fma(g.VFMADD231PD, q, p, g.mul(h, h, nil))
	g.add(e, q, q)
	s := g.add(one, h, nil)
	r := g.sub(one, s, nil)
	g.add(r, h, r)
	g.add(r, q, r)
	g.add(s, r, s)
	pow := g.shift(g.VPSLLQ, 52, z, z)
	g.plusK(pow, g.u(oneBits), pow)
	g.mul(s, pow, s)
	return g.blend(fine, s, g.same(g.u(0x7ff8000000000001), len(s)))
}
