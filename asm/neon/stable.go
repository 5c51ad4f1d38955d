package main

import "math"

// line returns at ± slope·v, fused; at is consumed.
func (m *machine) line(at, v value, q gp, slope int, minus bool) value {
	k := m.field(q, slope, len(v))
	if minus {
		m.fms(at, v, k)
	} else {
		m.fma(at, v, k)
	}
	return at
}

// symmetric is noiseSymmetric.
func (m *machine) symmetric(q gp, wu, we value, high bool) value {
	n := len(wu)
	v := m.halfUnit(wu)
	at := func(off int) value { return m.copy(m.field(q, off, n)) }
	k := qK
	w := m.max(m.line(at(k), v, q, qAlpha, true), m.field(q, qLeast, 1)[0])
	if high {
		k = qK1
		big := m.op2("FCMGT", w, m.same(0.5, n))
		m.choose(w, m.line(at(k), v, q, qAlpha, false), big)
	}
	y := m.line(at(k), v, q, qEps, false)
	return m.powered(q, v, w, y, wu, we, false)
}

// skewed is noiseSkewed.
func (m *machine) skewed(q gp, wu, we value) value {
	n := len(wu)
	v, neg := m.halfUnit(wu), m.shiftRight(wu, 31)
	at := func(off int) value { // the parameter of the side
		k := m.copy(m.field(q, off, n))
		m.choose(k, m.field(q, off+qSide, n), neg)
		return k
	}
	half := m.same(0.5, n)
	y := m.line(at(qK), v, q, qEps, false)
	big := m.op2("FCMGT", y, half)
	m.choose(y, m.line(at(qK1), v, q, qEps, true), big)
	w := m.add(m.line(at(qK), v, q, qAlpha, true), m.line(at(qKLo), v, q, qAlphaLo, true))
	big = m.op2("FCMGT", w, half)
	m.choose(w, m.field(q, qLeast, n), m.isZero(w))
	m.choose(w, m.line(at(qK1), v, q, qAlpha, false), big)
	x := m.add(m.powered(q, v, w, y, wu, we, true), m.field(q, qShift, n))
	m.choose(x, m.flip(m.field(q, qZero, n), m.shiftLeft(we, 31)), m.isZero(x))
	return x
}

// isZero returns the mask x = 0.
func (m *machine) isZero(x value) value { return m.op2("FCMEQ", x, m.zero(len(x))) }

// powered returns the variate of the angles v, w and y, with the sign.
func (m *machine) powered(q gp, v, w, y, wu, we value, signed bool) value {
	s, c, sv := m.sine(w, w), m.sine(y, y), m.sine(v, v)
	head, inv := m.ratio(s, m.negLog2(we), sv)
	return m.flip(m.noiseScaled(q, head, m.mul(c, inv), signed), wu)
}

// ratio is noiseHead.
func (m *machine) ratio(s, e, sv value) (head, inv value) {
	inv = m.div(m.same(1, len(s)), m.mul(e, sv))
	return m.mul(m.mul(s, e), inv), inv
}

// noiseScaled is that; if not signed, head is positive and biasN is 0.
func (m *machine) noiseScaled(q gp, head, r value, signed bool) value {
	n := len(r)
	ei, f := m.split(r)
	e := m.op1("SCVTF", ei)
	t := m.copy(m.field(q, qBias, n))
	expo := m.field(q, qExpo, n)
	m.fma(t, m.mul(m.polynomial(f, noiseLog), f), expo)
	z := m.copy(t)
	m.fma(z, e, expo)
	z = m.op1("FRINTN", z)
	d := m.op1("FNEG", z)
	m.fma(d, e, expo)
	m.fma(t, e, m.field(q, qExpoLo, n))
	d = m.within(m.add(d, t), -noiseMost, noiseMost)
	if signed {
		z = m.add(z, m.field(q, qBiasN, n))
	}
	x := m.mul(head, m.powerOf(d, m.within(z, -126, 127)))
	if !signed {
		return m.within(x, minFloat, math.MaxFloat32)
	}
	x = m.within(x, -math.MaxFloat32, math.MaxFloat32)
	one := m.isZero(x)
	for i := range one {
		m.ins("VUSHR $31, %s, %s", one[i], one[i])
	}
	return m.or(x, one)
}

// powerOf returns 2^(d+z) for a whole z.
func (m *machine) powerOf(d, z value) value {
	p := m.polynomial(d, noiseExp)
	return m.addInt(p, m.shiftLeft(m.op1("FCVTZS", z), 23))
}

// within limits x, which is not NaN.
func (m *machine) within(x value, low, high float64) value {
	return m.min(m.max(x, m.fresh(low, 1)[0]), m.fresh(high, 1)[0])
}

// log2 is noiseLog2.
func (m *machine) log2(x value) value {
	e, f := m.split(x)
	l := m.op1("SCVTF", e)
	m.fma(l, m.polynomial(f, noiseLog), f)
	return l
}

// positive is noisePositive.
func (m *machine) positive(q gp, wu, we value, high bool, form string) value {
	n := len(wu)
	v := m.halfUnit(wu)
	sv, cv := m.sinCosPi(v)
	a := m.field(q, qA, n)
	b := m.and(a, m.shiftRight(wu, 31))
	m.fma(b, v, m.flip(a, wu))
	sb, cb := m.sinCosPi(b)
	s, c := sb, m.op1("FNEG", m.mul(m.flip(cv, wu), sb))
	m.fma(c, sv, cb)
	if high {
		s, c = c, s
	}
	head, inv := m.ratio(s, m.negLog2(we), sv)
	r := m.mul(c, inv)
	if form == "Positive" {
		return m.noiseScaled(q, head, r, false)
	}
	l := m.copy(m.field(q, qBias, n))
	m.fma(l, m.log2(r), m.field(q, qExpo, n))
	if form == "Log" {
		x := m.mul(m.add(l, m.log2(head)), m.same(noiseLn2, n))
		m.choose(x, m.same(logZero, n), m.isZero(x))
		return x
	}
	l = m.within(l, -126, 127)
	z := m.op1("FRINTN", l)
	return m.within(m.mul(m.op1("FSQRT", head), m.powerOf(m.sub(l, z), z)), minFloat, math.MaxFloat32)
}
