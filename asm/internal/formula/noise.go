package formula

import "math"

// The polynomials of simd/noise_generic.go and noise_stable_generic.go, in ascending
// powers.
var (
	sin32     = []float64{0x1.921fb6p+1, -0x1.4abc24p+2, 0x1.4680a4p+1, -0x1.331986p-1}
	cos32     = []float64{1, -0x1.3bd3ccp+2, 0x1.03c1aep+2, -0x1.55b146p+0, 0x1.d47d66p-3}
	sinHalf32 = []float64{-0x1.bf2e18p-24, -0x1.4abbc2p+02, 0x1.4668c6p+01, -0x1.324eep-01, 0x1.3dceecp-04}
	log32     = []float64{
		0x1.715476p+0, -0x1.715470p-1, 0x1.ec73d6p-2, -0x1.715c4cp-2, 0x1.26d380p-2,
		-0x1.e95c1ep-3, 0x1.b9c99ep-3, -0x1.a87bf6p-3, 0x1.01b444p-3,
	}
	exp32 = []float64{
		1, 0x1.62e430p-1, 0x1.ebfb94p-3, 0x1.c6af9ep-5, 0x1.3b681ap-7, 0x1.5ef4dep-10, 0x1.17956ap-13,
	}
)

const (
	sqrtHalf = 0x3f3504f3 // bits of √½
	high31   = 1518500249 // from here on the logarithm is that of the complement
	low31    = 1<<31 - 1
	ln2      = 0x1.62e430p-1
	twoLn2   = 0x1.62e430p+0
	pi32     = 0x1.921fb6p+1
	most     = 0.51
	minFloat = 0x1p-149
	maxFloat = math.MaxFloat32
	least    = 0x1p-27 // noiseLeast
	logZero  = 0x1p-26 // noiseLogZero
)

// A Noise writes the variates of simd/noise_generic.go and noise_stable_generic.go,
// operation by operation.
type Noise struct{ Machine }

// Families are those of float32.
func (m Noise) Families() []Family {
	out := []Family{
		{Name: "Uniform", Doc: "noiseUnit", Words: func(w Value) Value { return m.toUnit(m.Right(w, 1), 0x1p-31, 0x1p-32) }},
		{Name: "Exponential", Doc: "noiseNegLog2 times ln 2", Words: func(w Value) Value { return m.Mul(m.negLog2(w), m.Num(ln2)) }},
		{Name: "Normal", Doc: "noiseNormal", Pairs: m.normal, Two: true},
	}
	for _, high := range []bool{false, true} {
		side := map[bool]string{false: "Low", true: "High"}[high]
		out = append(out, Family{Name: "Symmetric" + side, Doc: "noiseSymmetric",
			Pairs: func(wu, we Value) []Value { return []Value{m.symmetric(wu, we, high)} }})
		for _, form := range []string{"Positive", "Root", "Log"} {
			out = append(out, Family{Name: form + side, Doc: "noisePositive",
				Pairs: func(wu, we Value) []Value { return []Value{m.positive(wu, we, high, form)} }})
		}
	}
	return append(out, Family{Name: "Skewed", Doc: "noiseSkewed", Heavy: true,
		Pairs: func(wu, we Value) []Value { return []Value{m.skewed(wu, we)} }})
}

// sinCosPi is noiseSinCosPi.
func (m Noise) sinCosPi(y Value) (s, c Value) {
	w := m.Min(y, m.Max(m.Sub(m.Num(0.5), y), m.Num(least)))
	swap := m.Compare(Greater, y, m.Num(0.25))
	t := m.Mul(w, w)
	p := m.Mul(Horner(m, t, sin32), w)
	q := Horner(m, t, cos32)
	return m.Select(swap, q, p), m.Select(swap, p, q)
}

// split is noiseSplit; e stays an integer.
func (m Noise) split(x Value) (e, f Value) {
	e = m.RightInt(m.SubInt(x, m.Bits(sqrtHalf)), 23)
	return e, m.Sub(m.SubInt(x, m.Left(e, 23)), m.Num(1))
}

// log2 is noiseLog2.
func (m Noise) log2(x Value) Value {
	e, f := m.split(x)
	return m.FMA(Horner(m, f, log32), f, m.ToFloat(e))
}

// power2 returns 2^(d+n) for a whole n and a small d.
func (m Noise) power2(d, n Value) Value {
	return m.AddInt(Horner(m, d, exp32), m.Left(m.ToInt(n), 23))
}

// toUnit returns fma(k, a, b) of integers k that are not negative.
func (m Noise) toUnit(k Value, a, b float64) Value {
	return m.FMA(m.ToFloat(k), m.Num(a), m.Num(b))
}

// halfUnit is noiseHalfUnit.
func (m Noise) halfUnit(w Value) Value {
	return m.toUnit(m.And(w, m.Bits(low31)), 0x1p-32, 0x1p-33)
}

// negLog2 is noiseNegLog2.
func (m Noise) negLog2(w Value) Value {
	k := m.Right(w, 1)
	top := m.GreaterInt(k, m.Bits(high31))
	g := m.toUnit(m.Xor(k, m.Bits(low31)), -0x1p-31, -0x1p-32)
	e, f := m.split(m.toUnit(k, 0x1p-31, 0x1p-32))
	f = m.Select(top, g, f)
	e = m.ToFloatUnless(top, e)
	return m.FNMS(Horner(m, f, log32), f, e)
}

// clamp limits x to [low, high].
func (m Noise) clamp(x Value, low, high float64) Value {
	return m.Min(m.Max(x, m.Num(low)), m.Num(high))
}

// isZero returns the mask x = 0.
func (m Noise) isZero(x Value) Mask { return m.Compare(Equal, x, m.Num(0)) }

// normal is noiseNormal.
func (m Noise) normal(w0, w1 Value) []Value {
	r := m.Sqrt(m.Mul(m.negLog2(w1), m.Num(twoLn2)))
	s, c := m.sinCosPi(m.halfUnit(w0))
	scale := m.Reg(m.Param("Scale"))
	c, s = m.Mul(m.Mul(r, c), scale), m.Mul(m.Mul(r, s), scale)
	return []Value{m.Flip(c, m.Left(w1, 31)), m.Flip(s, w0)}
}

// ratio is noiseHead: it returns (s·e)/(e·sv) and inv = 1/(e·sv).
func (m Noise) ratio(s, e, sv Value) (head, inv Value) {
	inv = m.Div(m.Num(1), m.Mul(e, sv))
	return m.Mul(m.Mul(s, e), inv), inv
}

// positive is noisePositive.
func (m Noise) positive(wu, we Value, high bool, form string) Value {
	e := m.negLog2(we)
	v := m.halfUnit(wu)
	a := m.Reg(m.Param("A"))
	b := m.FMA(m.Flip(a, wu), v, m.And(m.RightInt(wu, 31), a))
	sv, cv := m.sinCosPi(v)
	sb, cb := m.sinCosPi(b)
	s, c := sb, m.FMS(sv, cb, m.Mul(m.Flip(cv, wu), sb))
	if high {
		s, c = c, s
	}
	head, inv := m.ratio(s, e, sv)
	if form == "Positive" {
		return m.scaled(head, m.Mul(c, inv), false)
	}
	l := m.FMA(m.log2(m.Mul(c, inv)), m.Param("Expo"), m.Param("Bias"))
	if form == "Log" {
		l = m.Mul(m.Add(l, m.log2(head)), m.Num(ln2))
		return m.Select(m.isZero(l), m.Num(logZero), l)
	}
	head = m.Sqrt(head)
	l = m.clamp(l, -126, 127) // noisePower of head
	n := m.Round(l)
	return m.clamp(m.Mul(m.power2(m.Sub(l, n), n), head), minFloat, maxFloat)
}

// line returns fma(v, ±slope, at).
func (m Noise) line(v Value, slope string, minus bool, at Value) Value {
	if minus {
		return m.FNMA(m.Param(slope), v, at)
	}
	return m.FMA(m.Param(slope), v, at)
}

// sine is noiseSine.
func (m Noise) sine(w, z Value) Value {
	return m.FMA(m.Num(pi32), z, m.Mul(Horner(m, m.Mul(w, w), sinHalf32), z))
}

// scaled is noiseScaled; if not signed, head is positive and biasN is 0.
func (m Noise) scaled(head, r Value, signed bool) Value {
	ei, f := m.split(r)
	e, expo := m.ToFloat(ei), m.Param("Expo")
	t := m.FMA(m.Mul(Horner(m, f, log32), f), expo, m.Param("Bias"))
	n := m.Round(m.FMA(expo, e, t))
	d := m.FMS(expo, e, n)
	d = m.clamp(m.Add(d, m.FMA(m.Param("ExpoLo"), e, t)), -most, most)
	if signed {
		n = m.Add(n, m.Param("BiasN"))
	}
	p := m.Mul(m.power2(d, m.clamp(n, -126, 127)), head)
	if !signed {
		return m.clamp(p, minFloat, maxFloat)
	}
	p = m.clamp(p, -maxFloat, maxFloat)
	return m.SetLow(m.isZero(p), p)
}

// symmetric is noiseSymmetric.
func (m Noise) symmetric(wu, we Value, high bool) Value {
	e := m.negLog2(we)
	v := m.halfUnit(wu)
	k := "Kp"
	w := m.Max(m.line(v, "Alpha", true, m.Param(k)), m.Param("Least"))
	if high {
		k = "Kp1"
		w = m.Select(m.Compare(Greater, w, m.Num(0.5)), m.line(v, "Alpha", false, m.Param(k)), w)
	}
	s := m.sine(w, w)
	y := m.line(v, "Eps", false, m.Param(k))
	return m.finish(s, m.sine(y, y), m.sine(v, v), e, wu, false)
}

// finish returns what follows the sines, with the sign.
func (m Noise) finish(s, c, sv, e, wu Value, signed bool) Value {
	head, inv := m.ratio(s, e, sv)
	return m.Flip(m.scaled(head, m.Mul(c, inv), signed), wu)
}

// turn is noiseTurn; side gives a parameter of the lane's side.
func (m Noise) turn(v Value, side func(minus, plus string) Value) Value {
	w := m.line(v, "Alpha", true, side("Km", "Kp"))
	w = m.Add(m.line(v, "AlphaLo", true, side("KmLo", "KpLo")), w)
	w = m.Select(m.isZero(w), m.Param("Least"), w)
	return m.Select(m.Compare(Greater, w, m.Num(0.5)), m.line(v, "Alpha", false, side("Km1", "Kp1")), w)
}

// skewed is noiseSkewed, its result noiseNonzero.
func (m Noise) skewed(wu, we Value) Value {
	e := m.negLog2(we)
	v := m.halfUnit(wu)
	neg := m.SignMask(wu)
	side := func(minus, plus string) Value { return m.Select(neg, m.Param(minus), m.Param(plus)) }
	y := m.line(v, "Eps", false, side("Km", "Kp"))
	y = m.Select(m.Compare(Greater, y, m.Num(0.5)), m.line(v, "Eps", true, side("Km1", "Kp1")), y)
	c := m.sine(y, y)
	w := m.turn(v, side)
	x := m.Add(m.finish(m.sine(w, w), c, m.sine(v, v), e, wu, true), m.Param("Shift"))
	return m.Select(m.isZero(x), m.Flip(m.Param("Zero"), m.Left(we, 31)), x)
}
