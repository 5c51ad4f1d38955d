package main

import "heavytail/asm/internal/defs"

// An exponential holds the constants of e^x.
type exponential struct {
	m                                *machine
	a, b                             []arg
	log2e, hi, mid, one, magic, bias arg
}

func (m *machine) exponential() *exponential {
	return &exponential{m: m, a: m.floats(expA), b: m.floats(expB), log2e: m.float(defs.Log2E), hi: m.float(defs.Ln2Hi),
		mid: m.float(defs.Ln2Mid), one: m.float(1), magic: m.float(magic), bias: m.bits(1023 << 52)}
}

// of returns e^x, and e^r − 1 of the reduced argument r, which is x itself for
// |x| ≤ 0.34.
func (e *exponential) of(x v) (y, q v) {
	m := e.m
	n := m.round(m.mul(e.log2e, x))
	r := m.copy(x)
	m.fnma(e.hi, n, r)
	m.fnma(e.mid, n, r)
	t := m.mul(r, r)
	a, b := m.poly(r, e.a), m.poly(r, e.b)
	m.fma(m.mul(r, m.mul(t, t)), a, b) // b + t²·r·a
	q = m.copy(r)
	m.fma(t, b, q)
	// 2^n: the integer n in the exponent's place
	p := m.addInt(e.bias, m.shiftLeft(52, m.add(e.magic, n)))
	return m.mul(p, m.add(e.one, q)), q
}

// A logarithm holds the constants of ln x.
type logarithm struct {
	m                                  *machine
	c                                  []arg
	half, octaves, bias, sum, one, two arg
	hi, mid                            arg
}

func (m *machine) logarithm() *logarithm {
	return &logarithm{m: m, c: m.floats(logC), half: m.bits(sqrtHalfO), octaves: m.bits(octaves << 52),
		bias: m.float(biased), sum: m.float(biased + octaves), one: m.float(1), two: m.float(2), hi: m.float(defs.Ln2Hi), mid: m.float(defs.Ln2Mid)}
}

// of returns ln x; choose may replace f, with x = 2^n·(1+f).
func (l *logarithm) of(x v, choose func(f v) v) v {
	m := l.m
	k := m.shiftRight(52, m.subInt(l.half, x)) // n + 1024
	minusN := m.sub(m.reg(l.sum), m.or(l.bias, k))
	f := m.sub(m.subInt(m.subInt(l.octaves, m.shiftLeft(52, k)), x), l.one)
	if choose != nil {
		f = choose(f)
	}
	s := m.div(f, m.add(l.two, f))
	t := m.mul(s, s)
	p := m.poly(t, l.c)
	h := m.sub(f, m.mul(s, m.sub(f, m.mul(t, p))))
	// where n is 0, what is added is −0, which leaves h as it is, −0 too
	m.fnma(l.mid, minusN, h)
	m.fnma(l.hi, minusN, h)
	return h
}

// A trig holds the constants of sine and cosine.
type trig struct {
	m                         *machine
	s, c                      []arg
	hi, lo, fold, one, halfOf arg
}

func (m *machine) trig() *trig {
	return &trig{m: m, s: m.floats(sinC), c: m.floats(cosC), hi: m.float(defs.Pio2Hi), lo: m.float(defs.Pio2Lo), fold: m.float(defs.Fold),
		one: m.float(1), halfOf: m.float(0.5)}
}

// of returns the sine and, if both, the cosine of x in [0, π/2].
func (g *trig) of(x v, both bool) (sin, cos v) {
	m := g.m
	rest := m.add(g.lo, m.sub(m.reg(g.hi), x))
	y := m.selectLE(x, g.fold, x, rest)
	t := m.mul(y, y)
	s := m.copy(y)
	m.fma(m.mul(y, t), m.poly(t, g.s), s)
	c := m.sub(m.reg(g.one), m.mul(g.halfOf, t))
	m.fma(m.mul(t, t), m.poly(t, g.c), c)
	sin = m.selectLE(x, g.fold, s, c)
	if both {
		cos = m.selectLE(x, g.fold, c, s)
	}
	return sin, cos
}

// poly evaluates c[0]·x^n + … + c[n] by Horner's rule.
func (m *machine) poly(x v, c []arg) v {
	p := m.copy(m.reg(c[0]))
	for _, k := range c[1:] {
		m.fma213(k, x, p)
	}
	return p
}
