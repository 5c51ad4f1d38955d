package main

import "heavytail/asm/internal/defs"

// sines64 returns sin(πεv)/ε, and s1 and s2 of noise64Skewed.
func (m *machine) sines64(q gp, v value) (sb, s1, s2 value) {
	n := len(v)
	rest := m.sub(m.same(0.5, n), v)
	t := m.mul(v, m.param64(q, "Eps", n))
	sb = m.polynomial(m.mul(t, t), defs.NoiseSinWide)
	m.scaleBy(sb, v)
	h := m.mul(rest, m.param64(q, "HalfEps", n))
	h = m.mul(h, h)
	s2 = m.polynomial(h, defs.NoiseSin)
	m.scaleBy(s2, m.mul(rest, m.same(0.5, n)))
	s1 = m.mul(s2, m.polynomial(h, defs.NoiseCos))
	return sb, m.add(s1, s1), s2
}

// bySign64 returns one parameter where the mask is set, else the other.
func (m *machine) bySign64(q gp, mask value, yes, no string) value {
	k := m.start(q, no, len(mask))
	m.choose(k, m.param64(q, yes, len(mask)), mask)
	return k
}

// skewed64 is noise64Skewed.
func (m *machine) skewed64(q gp, w0, w1 value, s0 bool) value {
	n := len(w0)
	v, neg := m.halfUnit64(w0), m.shiftRight(w0, 63)
	sb, s1, s2 := m.sines64(q, v)
	p := m.mul(m.bySign64(q, neg, "Bm", "Bp"), s1)
	m.fma(p, sb, m.param64(q, "InvSin", n))
	sv, cv := m.sinCosPi64(v)
	e := m.mul(m.negLog64(w1), m.same(defs.Ln2, n))
	inv := m.inverse64(e, sv)
	eps := m.param64(q, "Eps", n)
	qq := m.op1("FNEG", m.mul(s1, eps))
	m.fma(qq, m.mul(m.mul(cv, e), inv), p)
	sh := m.mul(s2, eps)
	twice := m.add(sh, sh)
	c := m.fresh(1, n)
	m.fms(c, twice, sh)
	pow, round, f, log := m.power64(q, m.mul(p, inv))
	pe := m.power1(f)
	m1 := m.mul(pe, f)
	two := m.addInt(pow, m.same(1, n))
	x := m.copy(two)
	m.fma(x, two, m1) // e^y
	k := m.bySign64(q, neg, "Km", "Kp")
	if s0 {
		d := m.sub(two, m.same(1, n))
		m.fma(d, two, m1)
		m.scaleBy(d, m.param64(q, "InvEps", n))
		near := m.mul(m.mul(log, m.param64(q, "InvAlpha", n)), pe)
		m.choose(d, near, m.isZero(round))
		o := m.op1("FNEG", m.mul(twice, s2))
		m.fma(o, c, d)
		d = m.mul(o, k)
		m.fma(d, qq, x)
		x = d
	} else {
		m.fma(qq, c, k)
		x = m.mul(qq, x)
	}
	x = m.flip(x, w0)
	lo := m.start(q, "Lo", n)
	m.choose(lo, x, m.op2("FCMGT", x, lo))
	hi := m.start(q, "Hi", n)
	m.choose(hi, lo, m.op2("FCMGT", hi, lo))
	return hi
}
