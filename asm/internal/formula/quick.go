package formula

import "heavytail/asm/internal/defs"

// A Quick writes the functions of internal/dmath/quick.go on float64, operation by
// operation.
type Quick struct{ Machine }

// Quicks are all of them.
var Quicks = []Map{
	quickly("expF64", "dst, x", "dst_i = QuickExp(x_i), x_i held to ±700", func(m Quick, x Value) []Value {
		y, _ := m.exp(m.AtMost(m.AtLeast(x, m.Num(-defs.Most)), m.Num(defs.Most)))
		return []Value{y}
	}),
	quickly("expm1F64", "dst, x", "dst_i = e^x_i − 1", func(m Quick, x Value) []Value {
		y, q := m.exp(x)
		return []Value{m.Select(m.Compare(AtMost, m.Abs(x), m.Num(defs.Small)), q, m.Sub(y, m.Num(1)))}
	}),
	quickly("logF64", "dst, x", "dst_i = QuickLog(x_i)", func(m Quick, x Value) []Value {
		minusN, k := m.Octave(x, true)
		return []Value{m.log(minusN, m.Sub(k, m.Num(1)))}
	}),
	quickly("log1pF64", "dst, x", "dst_i = ln(1 + x_i), x_i > −1", func(m Quick, x Value) []Value {
		minusN, k := m.Octave(m.AtLeast(m.Add(x, m.Num(1)), m.Num(defs.Tiny)), true)
		near := m.Both(m.Compare(AtLeast, x, m.Num(defs.LogLo)), m.Compare(AtMost, x, m.Num(defs.LogHi)))
		return []Value{m.log(minusN, m.Select(near, x, m.Sub(k, m.Num(1))))}
	}),
	quickly("sinF64", "dst, x", "dst_i = QuickSin(x_i)", func(m Quick, x Value) []Value {
		s, c, low := m.trig(x)
		return []Value{m.Select(low, s, c)}
	}),
	quickly("sinCosF64", "s, c, x", "s_i, c_i = QuickSinCos(x_i)", func(m Quick, x Value) []Value {
		s, c, low := m.trig(x)
		return []Value{m.Select(low, s, c), m.Select(low, c, s)}
	}),
	quickly("expNegF64", "e, c, x", "e_i, c_i = QuickExpNeg(x_i)", func(m Quick, x Value) []Value {
		y, q := m.exp(m.Neg(m.AtMost(x, m.Num(defs.Most))))
		y = m.Zero(m.Compare(AtMost, x, m.Num(defs.Most)), y)
		return []Value{y, m.Select(m.Compare(AtMost, x, m.Num(defs.Small)), m.Neg(q), m.Sub(m.Num(1), y))}
	}),
}

func quickly(name, args, doc string, f func(m Quick, x Value) []Value) Map {
	return of(name, args, "float64", doc, func(m Machine, x Value) []Value { return f(Quick{m}, x) })
}

// exp returns e^x, and e^r − 1 of the reduced argument r, which is x itself for
// |x| ≤ 0.34.
func (m Quick) exp(x Value) (y, q Value) {
	n := m.Round(m.Mul(x, m.Num(defs.Log2E)))
	r := m.FNMA(m.Num(defs.Ln2Mid), n, m.FNMA(m.Num(defs.Ln2Hi), n, x))
	t := m.Mul(r, r)
	a, b := Horner(m, r, defs.Exp[5:]), Horner(m, r, defs.Exp[:5])
	q = m.FMA(t, m.FMA(m.Mul(r, m.Mul(t, t)), a, b), r)
	// 2^n: the integer n in the exponent's place
	p := m.AddInt(m.Left(m.ToInt(n), 52), m.Num(1))
	return m.Mul(p, m.Add(q, m.Num(1))), q
}

// log returns −minusN·ln 2 + ln(1+f): where the one is 0, what is added is −0, which
// leaves the other as it is, −0 too.
func (m Quick) log(minusN, f Value) Value {
	s := m.Div(f, m.Add(f, m.Num(2)))
	t := m.Mul(s, s)
	p := Horner(m, t, append([]float64{defs.TwoThd}, defs.Log...))
	h := m.Sub(f, m.Mul(s, m.Sub(f, m.Mul(t, p))))
	return m.FNMA(m.Num(defs.Ln2Hi), minusN, m.FNMA(m.Num(defs.Ln2Mid), minusN, h))
}

// trig returns the sine and the cosine of x in [0, π/2], or of π/2 − x where it is
// not low.
func (m Quick) trig(x Value) (s, c Value, low Mask) {
	low = m.Compare(AtMost, x, m.Num(defs.Fold))
	y := m.Select(low, x, m.Add(m.Sub(m.Num(defs.Pio2Hi), x), m.Num(defs.Pio2Lo)))
	t := m.Mul(y, y)
	s = m.FMA(m.Mul(t, y), Horner(m, t, defs.Sin), y)
	c = m.FNMA(m.Num(0.5), t, m.Num(1)) // the half is exact
	return s, m.FMA(m.Mul(t, t), Horner(m, t, defs.Cos), c), low
}
