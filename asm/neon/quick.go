package main

import "heavytail/asm/internal/defs"

// quick writes the elementary functions on float64, as internal/dmath/quick.go has
// them.
func quick(f *file) {
	kernels(f, "quick", func(m *machine) {
		m.double = true
		m.unary("expF64", "dst_i = QuickExp(x_i), x_i held to ±700", m.once(func(x value) value {
			y, _ := m.quickExp(m.within(x, -defs.Most, defs.Most))
			return y
		}))
		m.unary("expm1F64", "dst_i = e^x_i − 1", m.once(func(x value) value {
			y, q := m.quickExp(x)
			y = m.sub(y, m.same(1, len(x)))
			m.choose(y, q, m.op2("FCMGE", m.same(defs.Small, len(x)), m.op1("FABS", x)))
			return y
		}))
		m.unary("logF64", "dst_i = QuickLog(x_i)", m.once(func(x value) value {
			return m.quickLog(m.octave(x))
		}))
		m.unary("log1pF64", "dst_i = ln(1 + x_i), x_i > −1", m.once(m.quickLog1p))
		m.unary("sinF64", "dst_i = QuickSin(x_i)", m.once(func(x value) value {
			s, c, low := m.quickTrig(x)
			m.choose(c, s, low)
			return c
		}))
		m.pair("sinCosF64", "s, c, x", "s_i, c_i = QuickSinCos(x_i)", func(x value) (value, value) {
			s, c, low := m.quickTrig(x)
			sin := m.copy(c)
			m.choose(sin, s, low)
			m.choose(s, c, low)
			return sin, s
		})
		m.pair("expNegF64", "e, c, x", "e_i, c_i = QuickExpNeg(x_i)", func(x value) (value, value) {
			n := len(x)
			y, q := m.quickExp(m.op1("FNEG", m.op2("FMIN", x, m.same(defs.Most, n))))
			y = m.and(y, m.op2("FCMGE", m.same(defs.Most, n), x))
			c := m.sub(m.same(1, n), y)
			m.choose(c, m.op1("FNEG", q), m.op2("FCMGE", m.same(defs.Small, n), x))
			return y, c
		})
	})
}

// once is for functions that load their constants where they need them: it loads
// the address of the table.
func (m *machine) once(f func(x value) value) func() func(value) value {
	return func() func(value) value {
		m.fresh(1, 1)
		return f
	}
}

// pair writes two results of x, the last of args.
func (m *machine) pair(name, args, doc string, f func(x value) (a, b value)) {
	m.begin(name, args+" []float64", "", doc)
	pa, pb, px, n := m.base(args[:1]), m.base(args[3:4]), m.base("x"), m.length("x")
	m.fresh(1, 1)
	m.loop(n, 2, func(x span) {
		a, b := f(m.next(px, x))
		m.put(a, pa, x)
		m.put(b, pb, x)
	})
	m.end()
}

// quickExp returns e^x, and e^r − 1 of the reduced argument r, which is x itself
// for |x| ≤ 0.34.
func (m *machine) quickExp(x value) (y, q value) {
	n := len(x)
	k := m.op1("FRINTN", m.mul(x, m.same(defs.Log2E, n)))
	r := m.copy(x)
	m.fms(r, k, m.same(defs.Ln2Hi, n))
	m.fms(r, k, m.same(defs.Ln2Mid, n))
	t := m.mul(r, r)
	a, b := m.polynomial(r, defs.Exp[5:]), m.polynomial(r, defs.Exp[:5])
	m.fma(b, m.mul(m.mul(t, t), r), a)
	m.fma(r, t, b)
	p := m.addInt(m.shiftLeft(m.op1("FCVTZS", k), 52), m.same(1, n))
	return m.mul(m.add(r, m.same(1, n)), p), r
}

// octave returns −n and f with x = 2^n·(1+f), √½ ≤ 1+f < √2.
func (m *machine) octave(x value) (minusN, f value) {
	k := m.shiftRight(m.subInt(x, m.sameBits(defs.Half, len(x))), 52)
	return m.op1("SCVTF", m.op1("NEG", k)), m.sub(m.subInt(x, m.shiftLeft(k, 52)), m.same(1, len(x)))
}

// quickLog returns −minusN·ln 2 + ln(1+f): where the one is 0, FMLS adds −0, which
// leaves the other as it is, −0 too.
func (m *machine) quickLog(minusN, f value) value {
	n := len(f)
	s := m.div(f, m.add(f, m.same(2, n)))
	t := m.mul(s, s)
	p := m.polynomial(t, append([]float64{defs.TwoThd}, defs.Log...))
	h := m.sub(f, m.mul(s, m.sub(f, m.mul(t, p))))
	m.fms(h, minusN, m.same(defs.Ln2Mid, n))
	m.fms(h, minusN, m.same(defs.Ln2Hi, n))
	return h
}

func (m *machine) quickLog1p(x value) value {
	n := len(x)
	k, f := m.octave(m.op2("FMAX", m.add(x, m.same(1, n)), m.same(defs.Tiny, n)))
	near := m.and(m.op2("FCMGE", x, m.same(defs.LogLo, n)), m.op2("FCMGE", m.same(defs.LogHi, n), x))
	m.choose(f, x, near)
	return m.quickLog(k, f)
}

// quickTrig returns the sine and the cosine of x or of π/2 − x, and where it is x.
func (m *machine) quickTrig(x value) (s, c, low value) {
	n := len(x)
	low = m.op2("FCMGE", m.same(defs.Fold, n), x)
	s = m.add(m.sub(m.same(defs.Pio2Hi, n), x), m.same(defs.Pio2Lo, n))
	m.choose(s, x, low)
	t := m.mul(s, s)
	m.fma(s, m.mul(t, s), m.polynomial(t, defs.Sin))
	c = m.fresh(1, n)
	m.fms(c, t, m.same(0.5, n)) // the half is exact
	m.fma(c, m.mul(t, t), m.polynomial(t, defs.Cos))
	return s, c, low
}
