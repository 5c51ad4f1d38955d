package formula

import "heavytail/asm/internal/defs"

// Gamma is gamma64Try of simd/gamma64.go, operation by operation: d·t³ of the blocks
// of an attempt, −1 where it is rejected and NaN where that is open. first gives
// the numbers of the one block, second those of the other's first half, boost, for
// shapes below 1, those of a third one; park returns a value later, so that its
// registers are free until then.
func (m Noise64) Gamma(first func() (w0, w1 Value), second, boost func() Value, park func(v Value) func() Value) Value {
	w0, w1 := first()
	c := m.cosPi2(m.unit53(w1, false))
	z := m.Mul(m.Sqrt(m.Mul(m.ln53(w0), m.Num(-2))), c)
	t := m.Add(m.Mul(z, m.Param("C")), m.Num(1))
	cube := m.Mul(m.Mul(t, t), t)
	zz := m.Mul(z, z)
	value := park(m.Mul(cube, m.Param("D")))
	w0 = second()
	squeeze := m.Mul(m.Mul(zz, m.Num(0.0331)), zz)
	uc := m.unit53(w0, true)
	left := m.ln(m.unit53(w0, false))
	right := m.Add(m.Sub(m.Num(1), cube), m.Mul(m.ln(t), m.Num(3)))
	right = m.Add(m.Mul(zz, m.Num(0.5)), m.Mul(right, m.Param("D")))
	tol := m.Param("Tol")
	far := m.Compare(Greater, left, m.Add(right, tol))
	sure := m.Either(m.Compare(Less, m.Add(left, tol), right), m.Compare(Greater, uc, squeeze))
	no := m.Reg(m.Num(-1))
	x := m.Select(far, no, m.Bits(defs.NaN))
	x = m.Select(sure, value(), x)
	x = m.Select(m.Compare(AtMost, t, m.Num(0)), no, x)
	if boost != nil {
		value = park(x)
		x = m.Mul(m.boost(m.ln53(boost())), value())
	}
	return m.Div(m.Mul(x, m.Param("Mul")), m.Param("Div"))
}

// ln is the natural logarithm of noise64Split.
func (m Noise64) ln(x Value) Value {
	e, s, p := m.split(x)
	return m.Mul(m.FMA(p, s, e), m.Num(defs.Ln2))
}

// unit53 is u of gamma64Units, or its complement.
func (m Noise64) unit53(w Value, complement bool) Value {
	k := m.Right(w, 11)
	if complement {
		k = m.Xor(k, m.Bits(1<<53-1))
	}
	return m.Mul(m.Add(m.ToFloat(k), m.Num(0.5)), m.Num(0x1p-53))
}

// twoSum returns fl(a+b) and its error.
func (m Noise64) twoSum(a, b Value) (s, e Value) {
	s = m.Add(a, b)
	bb := m.Sub(s, a)
	return s, m.Add(m.Sub(a, m.Sub(s, bb)), m.Sub(b, bb))
}

// ln53 is ln u of gamma64Exp for the number w.
func (m Noise64) ln53(w Value) Value {
	u, uc := m.unit53(w, false), m.unit53(w, true)
	low := m.Compare(Less, u, m.Num(0.5))
	x, c := m.twoSum(m.Reg(m.Num(1)), m.Neg(uc))
	x = m.Select(low, u, x)
	c = m.Select(low, m.Num(0), c)
	hi, lo := m.logDD(x)
	return m.Add(hi, m.Add(lo, m.Div(c, x)))
}

// logDD is dmath's for normal x.
func (m Noise64) logDD(x Value) (hi, lo Value) {
	n, k := m.Octave(x, false)
	one := m.Reg(m.Num(1))
	f := m.Sub(k, one)
	d, dl := m.twoSum(k, one)
	s := m.Div(f, d)
	sl := m.Div(m.FNMA(s, dl, m.FNMA(s, d, f)), d)
	t := m.Mul(s, s)
	two := m.Add(s, s)
	tl := m.FMA(two, sl, m.FMS(s, s, t))
	c := m.Mul(s, t)
	cl := m.FMA(s, tl, m.FMA(sl, t, m.FMS(s, t, c)))
	thd := m.Num(defs.TwoThd)
	b := m.Mul(c, thd)
	gl := m.FMA(cl, thd, m.FMA(c, m.Num(defs.TwoThL), m.FMS(c, thd, b)))
	p := m.Mul(Horner(m, t, defs.Log), m.Mul(c, t))
	p = m.Add(p, m.Add(gl, m.Add(sl, sl)))
	p = m.FMA(n, m.Num(defs.Ln2Mid), p)
	a, al := m.twoSum(m.Mul(n, m.Num(defs.Ln2Hi)), two)
	b, bl := m.twoSum(a, b)
	r := m.Add(m.Add(al, bl), p)
	hi = m.Add(b, r)
	return hi, m.Add(m.Sub(b, hi), r)
}

// cosPi2 is dmath.CosPi(2v) for 0 < v ≤ 1.
func (m Noise64) cosPi2(v Value) Value {
	x := m.Add(v, v)
	magic := m.Num(defs.Magic)
	z := m.Add(m.Add(x, x), magic)
	x = m.Sub(x, m.Mul(m.Sub(z, magic), m.Num(0.5)))
	p := m.Mul(x, m.Num(defs.PiHi)) // mulDD
	e := m.FMA(x, m.Num(defs.PiLo), m.FMS(x, m.Num(defs.PiHi), p))
	y := m.Add(p, e)
	l := m.Add(m.Sub(p, y), e)
	t := m.Mul(y, y)
	s, c := m.sinKernel(y, l, t), m.cosKernel(y, l, t)
	odd := m.SignMask(m.Left(z, 63)) // quadrant q+1 is even
	return m.Flip(m.Select(odd, s, c), m.Left(m.AddInt(z, m.Bits(1)), 62))
}

// sinKernel is dmath's, its parts added.
func (m Noise64) sinKernel(y, l, t Value) Value {
	c := m.FMA(m.Mul(t, m.Num(-0.5)), l, l)
	return m.Add(y, m.FMA(Horner(m, t, defs.Sin), m.Mul(t, y), c))
}

// cosKernel is dmath's, its parts added.
func (m Noise64) cosKernel(y, l, t Value) Value {
	half := m.Num(0.5)
	tl := m.FMA(y, l, m.Mul(m.FMS(y, y, t), half)) // y·l + ½tl
	h, one := m.Mul(t, half), m.Reg(m.Num(1))
	w := m.Sub(one, h)
	e := m.Sub(m.Sub(m.Sub(one, w), h), tl)
	return m.Add(w, m.FMA(Horner(m, t, defs.Cos), m.Mul(t, t), e))
}

// boost is the factor dmath.Exp(l/Shape), NaN where the exponent is below
// gamma64MinExp.
func (m Noise64) boost(l Value) Value {
	x := m.Div(l, m.Param("Shape"))
	fine := m.Compare(Greater, x, m.Num(-700))
	magic := m.Num(defs.Magic)
	z := m.Add(m.Mul(x, m.Num(defs.Log2E)), magic)
	n := m.Sub(z, magic)
	h, e := m.twoSum(m.FNMA(n, m.Num(defs.Ln2Hi), x), m.Mul(n, m.Num(-defs.Ln2Mid)))
	q := m.Add(e, m.FMA(Horner(m, h, defs.Exp), m.Mul(h, h), m.Mul(e, h)))
	one := m.Reg(m.Num(1))
	s := m.Add(one, h)
	s = m.Add(s, m.Add(m.Add(m.Sub(one, s), h), q))
	s = m.Mul(s, m.AddInt(m.Left(z, 52), one))
	return m.Select(fine, s, m.Bits(defs.NaN))
}
