package formula

// An Act writes the functions of simd/act_generic.go on float32, operation by
// operation; that file says what the constants are.
type Act struct{ Machine }

const (
	log2e, ln2Hi, ln2Lo, magic32 = 1.44269504, 0.693147182, -1.90465421e-9, 12582912
	sigLo, sigHi                 = -110, 30
	expHi, expLo                 = 89, -104
	tanhHi                       = 30
	signBit                      = 1 << 31
	minNormal                    = 0x1p-126
	twoOver                      = 0.636619772
	sinMax                       = 1 << 21
)

var (
	expC = []float64{0.49999994, 0.166665211, 0.0416682772, 0.00836868677, 0.00138198235}
	logC = []float64{0.333333135, -0.250000089, 0.20002073, -0.166679963, 0.142203271,
		-0.124060318, 0.11883568, -0.116714492, 0.0675095618}
	sinC = []float64{-0.166666552, 0.00833219104, -0.000195186003}
	cosC = []float64{0.0416666456, -0.00138873013, 2.44306611e-05}
	pi2  = []float64{1.57079637, -4.37113883e-8, -1.71512451e-15}
)

// Acts are the functions of one variable.
var Acts = []Map{
	act("exp", "dst, x", "dst_i = exp1(x_i)", func(m Act, x Value) []Value { return []Value{m.Exp(x)} }),
	act("silu", "dst, x", "dst_i = silu1(x_i)", func(m Act, x Value) []Value { return []Value{m.SiLU(x)} }),
	act("sigmoid", "dst, x", "dst_i = sigmoid1(x_i)", func(m Act, x Value) []Value { return []Value{m.sigmoid(x)} }),
	act("tanh", "dst, x", "As tanhGeneric.", func(m Act, x Value) []Value { return []Value{m.tanh(x)} }),
	act("log", "dst, x", "As logGeneric.", func(m Act, x Value) []Value { return []Value{m.log(x)} }),
	act("sinCos", "s, c, x", "As sinCosGeneric.", Act.sinCos),
}

func act(name, args, doc string, f func(m Act, x Value) []Value) Map {
	return of(name, args, "float32", doc, func(m Machine, x Value) []Value { return f(Act{m}, x) })
}

// A power is 2^n for an integral |n| ≤ 252: n itself where an instruction multiplies by
// 2^n and rounds once, else two normal factors, of which the first product with a
// number near 1 is exact.
type power struct{ n, a, b Value }

// power returns 2^n; u has n in its low bits, and what else it has is shifted out of
// the exponent's place.
func (m Act) power(n, u Value) power {
	if m.Scales() {
		return power{n: n}
	}
	h := m.Left(m.RightInt(u, 1), 23)
	return power{a: m.AddInt(h, m.Num(1)), b: m.AddInt(m.SubInt(m.Left(u, 23), h), m.Num(1))}
}

// twoTo returns 2^n and scale v·2^n.
func (m Act) twoTo(p power) Value {
	if m.Scales() {
		return m.Scale(m.Num(1), p.n)
	}
	return m.Mul(p.a, p.b)
}

func (m Act) scale(v Value, p power) Value {
	if m.Scales() {
		return m.Scale(v, p.n)
	}
	return m.Mul(m.Mul(v, p.a), p.b)
}

// reduce returns the power 2^n for n = round(x·log₂ e), and r = x − n·ln 2.
func (m Act) reduce(x Value) (p power, r Value) {
	u := m.FMA(x, m.Num(log2e), m.Num(magic32))
	n := m.Sub(u, m.Num(magic32))
	r = m.FNMA(m.Num(ln2Lo), n, m.FNMA(m.Num(ln2Hi), n, x))
	return m.power(n, u), r
}

// parts returns t of e^x = 2^n·(1 + t), and the power.
func (m Act) parts(x Value) (p power, t Value) {
	p, r := m.reduce(x)
	return p, m.FMA(m.Mul(r, r), Horner(m, r, expC), r)
}

// Exp returns exp1(x).
func (m Act) Exp(x Value) Value { return m.ExpNegative(m.AtMost(x, m.Num(expHi))) }

// ExpNegative is Exp of what is not above its upper limit.
func (m Act) ExpNegative(x Value) Value {
	p, t := m.parts(m.AtLeast(x, m.Num(expLo)))
	return m.scale(m.Add(t, m.Num(1)), p)
}

// Near is the least x of ExpNear: n is at least −125 there.
const Near = -86.5

// ExpNear is ExpNegative from Near on, where 2^n is a number and so is each result, not a
// rounded one below the least: 2^n·t + 2^n is then rounded as 2^n·(1 + t). The exponent
// of 2^n comes out of the addition that rounds n. No product ties there: the last of
// log2e's 24 binary digits is 1, so that a half would take |x| of 2²² and more. NaN stays.
func (m Act) ExpNear(x Value) Value {
	magic := m.Num(magic32 + 127)
	u := m.FMA(x, m.Num(log2e), magic)
	n := m.Sub(u, magic)
	r := m.FNMA(m.Num(ln2Lo), n, m.FNMA(m.Num(ln2Hi), n, x))
	p := m.Left(u, 23)
	return m.FMA(m.FMA(m.Mul(r, r), Horner(m, r, expC), r), p, p)
}

// sig returns −t and d of e^−x = 2^−n·(1 + t), d = 2^n + 1 + t, and 2^n. The reduced
// argument is that of x, so everything up to t has the other sign. x must be limited
// to [sigLo, sigHi].
func (m Act) sig(x Value) (p power, minusT, d Value) {
	p, r := m.reduce(x)
	q := m.FNMA(m.Num(expC[4]), r, m.Num(expC[3]))
	for k := 2; k >= 0; k-- {
		q = m.FNMA(q, r, m.Num(expC[k]))
	}
	minusT = m.FNMA(m.Mul(r, r), q, r)
	return p, minusT, m.Sub(m.Add(m.twoTo(p), m.Num(1)), minusT)
}

// SiLU returns silu1(x) = x/(1 + e^−x).
func (m Act) SiLU(x Value) Value {
	lo := m.AtLeast(x, m.Num(sigLo))
	p, _, d := m.sig(m.AtMost(lo, m.Num(sigHi)))
	return m.scale(m.Div(lo, d), p)
}

// SiLUGrad returns siluGrad1(x), the derivative.
func (m Act) SiLUGrad(x Value) Value {
	c := m.AtMost(m.AtLeast(x, m.Num(sigLo)), m.Num(sigHi))
	p, minusT, d := m.sig(c)
	one := m.Num(1)
	w := m.Div(one, d)
	s := m.FMA(m.Mul(m.Sub(one, minusT), w), c, one)
	return m.scale(m.Mul(s, w), p)
}

// sigmoid returns sigmoid1(x) = 1/(1 + e^−x).
func (m Act) sigmoid(x Value) Value {
	p, _, d := m.sig(m.AtMost(m.AtLeast(x, m.Num(sigLo)), m.Num(sigHi)))
	return m.scale(m.Div(m.Num(1), d), p)
}

func (m Act) tanh(x Value) Value {
	a := m.Abs(x)
	p, t := m.parts(m.AtMost(m.Add(a, a), m.Num(tanhHi)))
	pow := m.twoTo(p)
	q := m.FMA(pow, t, m.Sub(pow, m.Num(1))) // e^{2|x|} − 1
	return m.Or(m.And(x, m.Bits(signBit)), m.Div(q, m.Add(q, m.Num(2))))
}

func (m Act) log(x Value) Value {
	const inf, nan = 0x7f800000, 0x7fc00000
	small := m.Compare(Less, x, m.Num(minNormal))
	s := m.Select(small, m.Mul(x, m.Num(1<<23)), x)
	e := m.RightInt(m.SubInt(s, m.Bits(sqrtHalf)), 23)
	f := m.Sub(m.SubInt(s, m.Left(e, 23)), m.Num(1))
	k := m.Add(m.Zero(small, m.Num(-23)), m.ToFloat(e))
	q := m.Mul(Horner(m, f, logC), f)
	z := m.Mul(f, f)
	q = m.Mul(q, z)
	q = m.Add(f, m.FNMA(m.Num(0.5), z, m.FMA(m.Num(ln2Lo), k, q)))
	q = m.FMA(m.Num(ln2Hi), k, q)
	y := m.Select(m.Compare(AtMost, x, m.Num(maxFloat)), q, x) // what is above the largest number, and NaN, stays
	y = m.Select(m.Compare(Equal, x, m.Num(0)), m.Bits(inf|signBit), y)
	return m.Select(m.Compare(Less, x, m.Num(0)), m.Bits(nan), y)
}

func (m Act) sinCos(x Value) []Value {
	const nan = 0x7fc00000
	r := m.Select(m.Compare(AtMost, m.Abs(x), m.Num(sinMax)), x, m.Bits(nan))
	u := m.FMA(r, m.Num(twoOver), m.Num(magic32))
	k := m.Sub(u, m.Num(magic32))
	for _, p := range pi2 {
		r = m.FNMA(m.Num(p), k, r)
	}
	z := m.Mul(r, r)
	s := m.FMA(Horner(m, z, sinC), m.Mul(r, z), r)
	c := m.FMA(Horner(m, z, cosC), m.Mul(z, z), m.FNMA(m.Num(0.5), z, m.Num(1)))
	odd := m.SignMask(m.Left(u, 31))
	a, b := m.Select(odd, c, s), m.Select(odd, s, c)
	return []Value{m.Flip(a, m.Left(u, 30)), m.Flip(b, m.Left(m.AddInt(u, m.Bits(1)), 30))}
}
