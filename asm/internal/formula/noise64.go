package formula

import (
	"math"

	"heavytail/asm/internal/defs"
)

// A Noise64 writes the variates of simd/noise64_generic.go, operation by operation.
type Noise64 struct{ Machine }

// A Family is a kernel of variates: of each word, or of pairs of words, one or two.
type Family struct {
	Name, Doc string // the function's name after the type's, and its Go reference
	Words     func(w Value) Value
	Pairs     func(w0, w1 Value) []Value
	Two       bool // Pairs gives two
	Heavy     bool // it needs twice the registers of others
}

// Families are those of float64.
func (m Noise64) Families() []Family {
	one := func(f func(w0, w1 Value) Value) func(w0, w1 Value) []Value {
		return func(w0, w1 Value) []Value { return []Value{f(w0, w1)} }
	}
	symmetric := func(high bool) func(w0, w1 Value) []Value {
		return one(func(w0, w1 Value) Value { return m.symmetric(w0, w1, high) })
	}
	skewed := func(s0 bool) func(w0, w1 Value) []Value {
		return one(func(w0, w1 Value) Value { return m.skewed(w0, w1, s0) })
	}
	return []Family{
		{Name: "Uniform", Doc: "noise64Unit", Words: m.unit},
		{Name: "Exponential", Doc: "noise64NegLog2 times ln 2", Words: func(w Value) Value { return m.Mul(m.negLog2(w), m.Num(defs.Ln2)) }},
		{Name: "Normal", Doc: "noise64Normals", Pairs: m.normal, Two: true},
		{Name: "SymmetricLow", Doc: "noise64Symmetric", Pairs: symmetric(false)},
		{Name: "SymmetricHigh", Doc: "noise64Symmetric", Pairs: symmetric(true)},
		{Name: "SkewedS0", Doc: "noise64Skewed", Pairs: skewed(true), Heavy: true},
		{Name: "SkewedS1", Doc: "noise64Skewed", Pairs: skewed(false), Heavy: true},
		{Name: "StudentT", Doc: "noise64Student", Pairs: one(m.student)},
	}
}

// unit is noise64Unit.
func (m Noise64) unit(w Value) Value {
	return m.Sub(m.Fraction(defs.One, w, 0), m.Num(1-0x1p-53))
}

// halfUnit is noise64HalfUnit.
func (m Noise64) halfUnit(w Value) Value {
	return m.Sub(m.Fraction(0x3fe<<52, w, 1), m.Num(0.5-0x1p-54))
}

// sinCosPi is noise64SinCosPi.
func (m Noise64) sinCosPi(y Value) (s, c Value) {
	p, q, swap := m.sinCosParts(y)
	return m.Select(swap, q, p), m.Select(swap, p, q)
}

// sinCosParts returns the sine and the cosine of the smaller angle, and where
// they must be swapped.
func (m Noise64) sinCosParts(y Value) (p, q Value, swap Mask) {
	w := m.Min(y, m.Sub(m.Num(0.5), y))
	swap = m.Compare(Greater, y, m.Num(0.25))
	t := m.Mul(w, w)
	p = m.Mul(Horner(m, t, defs.NoiseSin), w)
	return p, Horner(m, t, defs.NoiseCos), swap
}

// split is noise64Split.
func (m Noise64) split(x Value) (e, s, p Value) {
	e, k := m.Octave(x, false)
	f := m.Sub(k, m.Num(1))
	s = m.Div(f, m.Add(f, m.Num(2)))
	return e, s, Horner(m, m.Mul(s, s), defs.NoiseLog)
}

// negLog2 is noise64NegLog2.
func (m Noise64) negLog2(w Value) Value {
	e, s, p := m.split(m.unit(w))
	return m.FNMS(p, s, e)
}

// exponent returns fma(Expo, l, fma(ExpoLo, e, Bias)).
func (m Noise64) exponent(e, l Value) Value {
	return m.FMA(m.Param("Expo"), l, m.FMA(m.Param("ExpoLo"), e, m.Param("Bias")))
}

// rounded returns n = round(z) also as bits to add to an exponent, and
// f = fma(hi, e, −n) + r.
func (m Noise64) rounded(z, r, e, hi Value) (pow, n, f Value) {
	magic := m.Num(defs.Magic)
	z = m.Add(z, magic)
	n = m.Sub(z, magic)
	f = m.Add(m.FMS(hi, e, n), r)
	return m.Left(z, 52), n, f
}

// power is noise64Power; it returns 2^n as bits to add to an exponent, n, f and,
// if wanted, the logarithm.
func (m Noise64) power(x Value, wantLog bool) (pow, n, f, log Value) {
	e, s, p := m.split(x)
	l, hi := m.Mul(s, p), m.Param("ExpoHi")
	r := m.exponent(e, l)
	pow, n, f = m.rounded(m.FMA(hi, e, r), r, e, hi)
	if wantLog {
		log = m.Add(l, e)
	}
	return pow, n, f, log
}

// normal is noise64Normals.
func (m Noise64) normal(w0, w1 Value) []Value {
	r := m.Sqrt(m.Mul(m.negLog2(w1), m.Num(defs.TwoLn2)))
	s, c := m.sinCosPi(m.halfUnit(w0))
	return []Value{m.Flip(m.Mul(r, c), m.Left(w1, 63)), m.Flip(m.Mul(r, s), w0)}
}

// inverse returns 1/(e·sv).
func (m Noise64) inverse(e, sv Value) Value { return m.Div(m.Num(1), m.Mul(e, sv)) }

// symmetric is noise64Symmetric.
func (m Noise64) symmetric(w0, w1 Value, high bool) Value {
	e := m.negLog2(w1)
	v := m.halfUnit(w0)
	sv, cv := m.sinCosPi(v)
	sy, cy := m.sinCosPi(m.FMA(m.Param("A"), v, m.Param("K")))
	s, c := sy, sy
	if high {
		s = m.FMA(cv, sy, m.Mul(sv, cy))
	} else {
		c = m.FMA(sv, cy, m.Mul(cv, sy))
	}
	inv := m.inverse(e, sv)
	s = m.Mul(m.Mul(s, e), inv)
	pow, _, f, _ := m.power(m.Mul(c, inv), false)
	r := m.AddInt(m.FMA(Horner(m, f, defs.NoiseExp), f, m.Num(1)), pow)
	return m.Flip(m.Mul(s, r), w0)
}

// student is noise64Student.
func (m Noise64) student(w0, w1 Value) Value {
	p, q, swap := m.sinCosParts(m.halfUnit(w0))
	cv := m.Select(swap, p, q)
	e, s, l := m.split(m.unit(w1))
	r, hi := m.exponent(e, m.Mul(s, l)), m.Param("ExpoHi")
	pow, _, f := m.rounded(m.Min(m.FMA(hi, e, r), m.Num(1023)), r, e, hi)
	m1 := m.Mul(Horner(m, f, defs.NoiseExp), f)
	one := m.Reg(m.Num(1))
	i := m.SubInt(one, pow)
	a := m.Mul(m.Add(m1, m.Sub(one, i)), m.Add(m1, m.Add(one, i)))
	a = m.Mul(m.Sqrt(m.Mul(a, m.Param("Nu"))), cv)
	a = m.Mul(a, m.AddInt(pow, one))
	return m.Flip(m.Min(a, m.Num(math.MaxFloat64)), w0)
}

// sines returns sin(πεv)/ε, and s1 and s2 of noise64Skewed.
func (m Noise64) sines(v Value) (sb, s1, s2 Value) {
	rest := m.Sub(m.Num(0.5), v)
	t := m.Mul(v, m.Param("Eps"))
	sb = m.Mul(Horner(m, m.Mul(t, t), defs.NoiseSinWide), v)
	h := m.Mul(rest, m.Param("HalfEps"))
	h = m.Mul(h, h)
	s2 = m.Mul(Horner(m, h, defs.NoiseSin), m.Mul(rest, m.Num(0.5)))
	s1 = m.Mul(s2, Horner(m, h, defs.NoiseCos))
	return sb, m.Add(s1, s1), s2
}

// skewed is noise64Skewed.
func (m Noise64) skewed(w0, w1 Value, s0 bool) Value {
	v := m.halfUnit(w0)
	sb, s1, s2 := m.sines(v)
	neg := m.SignMask(w0)
	p := m.FMA(m.Param("InvSin"), sb, m.Mul(m.Select(neg, m.Param("Bm"), m.Param("Bp")), s1))
	sv, cv := m.sinCosPi(v)
	e := m.Mul(m.negLog2(w1), m.Num(defs.Ln2))
	inv := m.inverse(e, sv)
	eps := m.Param("Eps")
	qq := m.FMS(m.Mul(m.Mul(cv, e), inv), p, m.Mul(s1, eps)) // Q, of the tangent
	sh := m.Mul(s2, eps)
	twice := m.Add(sh, sh)
	c := m.FNMA(sh, twice, m.Num(1))
	pow, round, f, log := m.power(m.Mul(p, inv), s0)
	pe := Horner(m, f, defs.NoiseExp)
	m1 := m.Mul(pe, f)
	two := m.AddInt(pow, m.Num(1))
	x := m.FMA(two, m1, two)
	k := m.Select(neg, m.Param("Km"), m.Param("Kp"))
	if s0 {
		d := m.Mul(m.Mul(log, m.Param("InvAlpha")), pe)
		far := m.Mul(m.FMA(two, m1, m.Sub(two, m.Num(1))), m.Param("InvEps"))
		d = m.Select(m.Compare(Equal, round, m.Num(0)), d, far)
		d = m.Mul(m.FMS(d, c, m.Mul(twice, s2)), k)
		x = m.FMA(qq, x, d)
	} else {
		x = m.Mul(m.FMA(c, k, qq), x)
	}
	return m.Below(m.Above(m.Flip(x, w0), m.Param("Lo")), m.Param("Hi"))
}
