package main

import (
	"math"
	"slices"

	"heavytail/asm/internal/defs"
)

// doubles writes the families of float64 noise and the attempts of gamma variates.
func doubles(f *file) {
	kernels(f, "noise64", func(m *machine) {
		m.double = true
		m.family1("noise64Uniform", "noise64Unit", m.unit64)
		m.family1("noise64Exponential", "noise64NegLog2 times ln 2", func(w value) value {
			e := m.negLog64(w)
			m.scaleBy(e, m.same(defs.Ln2, len(e)))
			return e
		})
		m.family2("noise64Normal", "noise64Normals", func(_ gp, w0, w1 value) value {
			s, c := m.sinCosPi64(m.halfUnit64(w0))
			r := m.op1("FSQRT", m.mul(m.negLog64(w1), m.same(defs.TwoLn2, len(w1))))
			m.scaleBy(s, r)
			m.scaleBy(c, r)
			return m.zip(m.flip(c, m.shiftLeft(w1, 63)), m.flip(s, w0))
		})
		m.family2("noise64SymmetricLow", "noise64Symmetric", func(q gp, w0, w1 value) value { return m.symmetric64(q, w0, w1, false) })
		m.family2("noise64SymmetricHigh", "noise64Symmetric", func(q gp, w0, w1 value) value { return m.symmetric64(q, w0, w1, true) })
		m.family2("noise64SkewedS0", "noise64Skewed", func(q gp, w0, w1 value) value { return m.skewed64(q, w0, w1, true) })
		m.family2("noise64SkewedS1", "noise64Skewed", func(q gp, w0, w1 value) value { return m.skewed64(q, w0, w1, false) })
		m.family2("noise64StudentT", "noise64Student", m.student64)
		m.gamma(false)
		m.gamma(true)
	})
}

// param64 returns a parameter in n registers that are one.
func (m *machine) param64(q gp, name string, n int) value {
	fields := defs.Noise64Fields
	if slices.Contains(defs.Gamma64Fields, name) {
		fields = defs.Gamma64Fields
	}
	i := slices.Index(fields, name)
	if i < 0 {
		panic("neon: no parameter " + name)
	}
	return m.field(q, 8*i, n)
}

// start returns copies of a parameter, for sums that begin with it.
func (m *machine) start(q gp, name string, n int) value { return m.copy(m.param64(q, name, n)) }

// fraction returns the number of the exponent's bits and of the high 52 bits of w.
func (m *machine) fraction(exponent uint64, w value) value {
	k := m.freshBits64(exponent, len(w))
	for i := range k {
		m.ins("VSRI $12, %s, %s", w[i], k[i])
	}
	return k
}

// unit64 is noise64Unit and halfUnit64 noise64HalfUnit.
func (m *machine) unit64(w value) value {
	return m.sub(m.fraction(defs.One, w), m.same(1-0x1p-53, len(w)))
}

func (m *machine) halfUnit64(w value) value {
	return m.sub(m.fraction(0x3fe<<52, m.shiftLeft(w, 1)), m.same(0.5-0x1p-54, len(w)))
}

// sinCosPi64 is noise64SinCosPi.
func (m *machine) sinCosPi64(y value) (s, c value) {
	p, q, swap := m.sinCosParts64(y)
	s = m.copy(p)
	m.choose(s, q, swap)
	m.choose(q, p, swap)
	return s, q
}

// sinCosParts64 returns the sine and the cosine of the smaller angle, and where
// they must be swapped.
func (m *machine) sinCosParts64(y value) (p, q, swap value) {
	n := len(y)
	w := m.op2("FMIN", y, m.sub(m.same(0.5, n), y))
	t := m.mul(w, w)
	p = m.polynomial(t, defs.NoiseSin)
	m.scaleBy(p, w)
	return p, m.polynomial(t, defs.NoiseCos), m.op2("FCMGT", y, m.same(0.25, n))
}

// split64 is noise64Split.
func (m *machine) split64(x value) (e, s, p value) {
	n := len(x)
	k := m.shiftRight(m.subInt(x, m.sameBits(defs.Half, n)), 52)
	f := m.sub(m.subInt(x, m.shiftLeft(k, 52)), m.same(1, n))
	s = m.div(f, m.add(f, m.same(2, n)))
	return m.op1("SCVTF", k), s, m.polynomial(m.mul(s, s), defs.NoiseLog)
}

// negLog64 is noise64NegLog2.
func (m *machine) negLog64(w value) value {
	e, s, p := m.split64(m.unit64(w))
	l := m.op1("FNEG", e)
	m.fms(l, s, p)
	return l
}

// power64 is noise64Power; it returns 2^n as bits to add to an exponent, n, f and
// log2 x.
func (m *machine) power64(q gp, x value) (pow, n, f, log value) {
	e, s, p := m.split64(x)
	l := m.mul(s, p)
	g := m.exponent64(q, e, l)
	hi := m.param64(q, "ExpoHi", len(x))
	z := m.copy(g)
	m.fma(z, e, hi)
	pow, n, f = m.rounded64(z, g, e, hi)
	return pow, n, f, m.add(l, e)
}

// exponent64 returns fma(Expo, l, fma(ExpoLo, e, Bias)).
func (m *machine) exponent64(q gp, e, l value) value {
	g := m.start(q, "Bias", len(e))
	m.fma(g, e, m.param64(q, "ExpoLo", len(e)))
	m.fma(g, l, m.param64(q, "Expo", len(e)))
	return g
}

// rounded64 returns n = round(z) also as bits to add to an exponent, and
// f = fma(hi, e, −n) + g; z is consumed.
func (m *machine) rounded64(z, g, e, hi value) (pow, n, f value) {
	magic := m.same(defs.Magic, len(z))
	z = m.add(z, magic)
	n = m.sub(z, magic)
	f = m.op1("FNEG", n)
	m.fma(f, e, hi)
	return m.shiftLeft(z, 52), n, m.add(f, g)
}

// power1 returns (2^f − 1)/f.
func (m *machine) power1(f value) value { return m.polynomial(f, defs.NoiseExp) }

// inverse64 returns 1/(e·sv).
func (m *machine) inverse64(e, sv value) value {
	return m.div(m.same(1, len(e)), m.mul(e, sv))
}

// symmetric64 is noise64Symmetric.
func (m *machine) symmetric64(q gp, w0, w1 value, high bool) value {
	n := len(w0)
	v := m.halfUnit64(w0)
	y := m.start(q, "K", n)
	m.fma(y, v, m.param64(q, "A", n))
	sv, cv := m.sinCosPi64(v)
	sy, cy := m.sinCosPi64(y)
	s, c := sy, m.mul(cv, sy)
	if high {
		s, c = m.mul(sv, cy), sy
		m.fma(s, cv, sy)
	} else {
		m.fma(c, sv, cy)
	}
	e := m.negLog64(w1)
	inv := m.inverse64(e, sv)
	m.scaleBy(s, e)
	m.scaleBy(s, inv)
	pow, _, f, _ := m.power64(q, m.mul(c, inv))
	r := m.fresh(1, n)
	m.fma(r, m.power1(f), f)
	return m.flip(m.mul(s, m.addInt(r, pow)), w0)
}

// student64 is noise64Student.
func (m *machine) student64(q gp, w0, w1 value) value {
	n := len(w0)
	p, cv, swap := m.sinCosParts64(m.halfUnit64(w0))
	m.choose(cv, p, swap)
	e, s, l := m.split64(m.unit64(w1))
	g := m.exponent64(q, e, m.mul(s, l))
	hi := m.param64(q, "ExpoHi", n)
	z := m.copy(g)
	m.fma(z, e, hi)
	pow, _, f := m.rounded64(m.op2("FMIN", z, m.same(1023, n)), g, e, hi)
	m1 := m.mul(m.power1(f), f)
	one := m.same(1, n)
	i := m.subInt(one, pow)
	r := m.mul(m.add(m1, m.sub(one, i)), m.add(m1, m.add(one, i)))
	m.scaleBy(r, m.param64(q, "Nu", n))
	x := m.mul(m.op1("FSQRT", r), cv)
	m.scaleBy(x, m.addInt(pow, one))
	return m.flip(m.op2("FMIN", x, m.same(math.MaxFloat64, n)), w0)
}
