package main

import "heavytail/asm/internal/defs"

// sines returns sin(πεv)/ε, and s1 and s2 of noise64Skewed.
func (g *gen64) sines(v vecs) (sb, s1, s2 vecs) {
	rest := g.sub(g.same(g.f(0.5), len(v)), v, nil)
	t := g.mulK(v, g.param("Eps"), nil)
	g.mul(t, t, t)
	sb = g.horner(t, defs.NoiseSinWide)
	g.mul(sb, v, sb)
	h := g.mulK(rest, g.param("HalfEps"), nil)
	g.mul(h, h, h)
	s2 = g.horner(h, defs.NoiseSin)
	g.mulK(rest, g.f(0.5), rest)
	g.mul(s2, rest, s2)
	ch := g.horner(h, defs.NoiseCos)
	s1 = g.mul(s2, ch, ch)
	return sb, g.mulK(s1, g.f(2), s1), s2
}

// skewed is noise64Skewed.
func (g *gen64) skewed(w0, w1 vecs, s0 bool) vecs {
	n := len(w0)
	v := g.halfUnit(w0)
	sb, s1, s2 := g.sines(v)
	neg := g.signMask(w0)
	b := g.choose(neg, "Bm", "Bp")
	g.mul(b, s1, b)
	g.macK(b, sb, g.param("InvSin"))
	p := b
	sv, cv := g.sinCosPi(v)
	e := g.negLog2(w1)
	g.mulK(e, g.f(defs.Ln2), e)
	inv := g.inverse(e, sv)
	g.mul(cv, e, cv)
	g.mul(cv, inv, cv) // tan
	g.mulK(s1, g.param("Eps"), s1)
	g.fma(g.VFMSUB213PD, cv, p, s1) // Q
	qq := cv
	sh := g.mulK(s2, g.param("Eps"), nil)
	twice := g.mulK(sh, g.f(2), nil)
	g.fma(g.VFNMADD213PD, sh, twice, g.same(g.f(1), n)) // c
	c := sh
	pow, round, f, log := g.power(g.mul(p, inv, inv), s0)
	pe := g.horner(f, defs.NoiseExp)
	m1 := g.mul(pe, f, f)
	two := g.plusK(pow, g.u(defs.One), pow)
	x := g.copies(two)
	g.fma(g.VFMADD231PD, x, two, m1)
	k := g.choose(neg, "Km", "Kp")
	if s0 {
		d := g.mulK(log, g.param("InvAlpha"), log)
		g.mul(d, pe, d)
		far := g.compare(differs, round, g.f(0))
		o := g.subK(two, g.f(1), nil)
		g.fma(g.VFMADD231PD, o, two, m1)
		g.mulK(o, g.param("InvEps"), o)
		d = g.blend(far, o, d)
		g.mul(twice, s2, s2)
		g.fma(g.VFMSUB213PD, d, c, s2)
		g.mul(d, k, d)
		g.fma(g.VFMADD213PD, x, qq, d)
	} else {
		g.fma(g.VFMADD213PD, c, k, qq)
		g.mul(c, x, x)
	}
	g.xorSign(x, w0)
	g.maxK(x, g.param("Lo"), x)
	g.minK(x, g.param("Hi"), x)
	return x
}

// student is noise64Student.
func (g *gen64) student(w0, w1 vecs) vecs {
	n := len(w0)
	p, q, swap := g.sinCosParts(g.halfUnit(w0))
	cv := g.blend(swap, p, q)
	e, s, l := g.split(g.unit(w1))
	g.mul(s, l, l)
	r := g.copies(e)
	g.fmaK(r, g.same(g.param("ExpoLo"), n), g.param("Bias"))
	g.macK(r, l, g.param("Expo"))
	z := g.copies(r)
	g.macK(z, e, g.param("ExpoHi"))
	g.minK(z, g.f(1023), z)
	g.addK(z, g.f(defs.Magic), z)
	f := g.subK(z, g.f(defs.Magic), nil)
	g.mscK(f, e, g.param("ExpoHi"))
	g.add(f, r, f)
	m1 := g.horner(f, defs.NoiseExp)
	g.mul(m1, f, m1)
	pow := g.shift(g.VPSLLQ, 52, z, z)
	one := g.same(g.u(defs.One), n)
	i := g.each(g.VPSUBQ, one, pow, nil)
	a := g.sub(one, i, nil)
	g.add(one, i, i)
	g.add(m1, a, a)
	g.add(m1, i, i)
	g.mul(a, i, a)
	g.mulK(a, g.param("Nu"), a)
	g.sqrt(a)
	g.mul(a, cv, a)
	g.plusK(pow, g.u(defs.One), pow)
	g.mul(a, pow, a)
	g.minK(a, g.f(maxFloat), a)
	g.xorSign(a, w0)
	return a
}
