package dmath

import "math"

// The functions below serve quadratures: 1 or 2 ulp instead of 0.53, a third
// of the time, no special values. They too have the same bits everywhere.

// QuickExp returns e^x for −700 ≤ x ≤ 700, error about 1 ulp.
func QuickExp(x float64) float64 {
	n := math.RoundToEven(x * log2e)
	r := FMA(-n, ln2Mid, FMA(-n, ln2Hi, x))
	return float64((1 + quickExpm1(r)) * math.Float64frombits(uint64(int64(n)+1023)<<52))
}

// QuickExpm1 returns e^x − 1 for −700 ≤ x ≤ 700, error about 1 ulp, up to
// 4.5 between 0.34 and 0.41 and 2.5 between −0.69 and −0.34.
func QuickExpm1(x float64) float64 {
	if math.Abs(x) <= 0.34 {
		return quickExpm1(x)
	}
	return QuickExp(x) - 1
}

// quickExpm1 returns e^r − 1 for |r| ≤ 0.35.
func quickExpm1(r float64) float64 {
	t := r * r
	a := FMA(FMA(FMA(0x1.1fa13b3f5e290p-29, r, 0x1.af721173f5ae4p-26), r, 0x1.27e4bcec33ab2p-22), r, 0x1.71ddec92190a6p-19)
	a = FMA(FMA(a, r, 0x1.a01a01b57b7c0p-16), r, 0x1.a01a01b4ed3f3p-13)
	b := FMA(FMA(FMA(0x1.6c16c16c13163p-10, r, 0x1.111111110e8a2p-7), r, 0x1.555555555555ep-5), r, 0x1.555555555555cp-3)
	b = FMA(b, r, 0.5)
	return FMA(t, FMA(float64(t*t)*r, a, b), r)
}

// QuickExpNeg returns e^−g and 1 − e^−g for g ≥ 0, each with its own relative
// precision; beyond 700 they are 0 and 1.
func QuickExpNeg(g float64) (e, c float64) {
	switch {
	case g <= 0.34:
		c = -quickExpm1(-g)
		return 1 - c, c
	case g > 700:
		return 0, 1
	}
	e = QuickExp(-g)
	return e, 1 - e
}

// QuickLog returns ln x for finite x > 0 that is not subnormal, error about 1 ulp.
func QuickLog(x float64) float64 {
	const half = 0x3fe6a09e667f3bcd // √½
	b := math.Float64bits(x)
	k := int64(b-half) >> 52
	h := quickLog1p(math.Float64frombits(b-uint64(k)<<52) - 1)
	if k == 0 {
		return h
	}
	n := float64(k)
	return FMA(n, ln2Hi, FMA(n, ln2Mid, h))
}

// QuickLog1p returns ln(1+x) for x > −1 so that 1+x is at least 2^−1022, error
// about 1 ulp for −0.29 ≤ x ≤ 0.41, up to 3 outside, where 1+x is rounded.
func QuickLog1p(x float64) float64 {
	if x >= -0.29 && x <= 0.41 {
		return quickLog1p(x)
	}
	return QuickLog(max(1+x, 0x1p-1022))
}

// quickLog1p returns ln(1+f) for √½ ≤ 1+f ≤ √2.
func quickLog1p(f float64) float64 {
	s := f / (2 + f)
	t := s * s
	p := FMA(FMA(FMA(0x1.ebb5d35248c25p-4, t, 0x1.de1f99d86245ap-4), t, 0x1.1121332395694p-3), t, 0x1.3b135f701fa6ap-3)
	p = FMA(FMA(FMA(p, t, 0x1.745d183ea5996p-3), t, 0x1.c71c71c5669bap-3), t, 0x1.249249249310fp-2)
	p = FMA(FMA(p, t, 0x1.9999999999995p-2), t, twoThd)
	// ln(1+f) = f − s·(f − t·p)
	return f - float64(s*(f-float64(t*p)))
}

// QuickSinCos returns sine and cosine of x for 0 ≤ x ≤ π/2; the sine keeps its
// relative precision near 0 and the cosine near π/2.
func QuickSinCos(x float64) (sin, cos float64) {
	if x <= tanPi8*1.9 {
		return quickSin(x), quickCos(x)
	}
	y := (pio2Hi - x) + pio2Lo
	return quickCos(y), quickSin(y)
}

// QuickSin returns sin x for 0 ≤ x ≤ π/2.
func QuickSin(x float64) float64 {
	if x <= tanPi8*1.9 {
		return quickSin(x)
	}
	return quickCos((pio2Hi - x) + pio2Lo)
}

func quickSin(y float64) float64 {
	t := y * y
	p := FMA(FMA(FMA(-0x1.aaa37dfda2ddfp-41, t, 0x1.61208f2d0d84bp-33), t, -0x1.ae645292d6234p-26), t, 0x1.71de3a53355aep-19)
	p = FMA(FMA(FMA(p, t, -0x1.a01a01a018ab2p-13), t, 0x1.111111111110bp-7), t, -0x1.5555555555555p-3)
	return FMA(float64(t*y), p, y)
}

func quickCos(y float64) float64 {
	t := y * y
	p := FMA(FMA(FMA(0x1.aac3f4bf3e2dcp-45, t, -0x1.9393347c69abcp-37), t, 0x1.1eed8ca06114ep-29), t, -0x1.27e4fb75fa949p-22)
	p = FMA(FMA(FMA(p, t, 0x1.a01a01a018dbfp-16), t, -0x1.6c16c16c16c10p-10), t, 0x1.5555555555555p-5)
	return FMA(float64(t*t), p, 1-float64(0.5*t))
}
