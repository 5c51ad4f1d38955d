package dmath

import "math"

// (e^r − 1 − r)/r² on |r| ≤ 0.35, error 2^-64 of e^r.
var expC = []float64{
	0x1.0000000000000p-1, 0x1.555555555555cp-3, 0x1.555555555555ep-5, 0x1.111111110e8a2p-7,
	0x1.6c16c16c13163p-10, 0x1.a01a01b4ed3f3p-13, 0x1.a01a01b57b7c0p-16, 0x1.71ddec92190a6p-19,
	0x1.27e4bcec33ab2p-22, 0x1.af721173f5ae4p-26, 0x1.1fa13b3f5e290p-29,
}

// (ln((1+s)/(1−s)) − 2s − 2s³/3)/s⁵ in t = s² ≤ 0.0297, error 2^-72.
var logC = []float64{
	0x1.9999999999995p-2, 0x1.249249249310fp-2, 0x1.c71c71c5669bap-3, 0x1.745d183ea5996p-3,
	0x1.3b135f701fa6ap-3, 0x1.1121332395694p-3, 0x1.de1f99d86245ap-4, 0x1.ebb5d35248c25p-4,
}

// reduceLn2 returns k and r = rh + rl with x + xl = k·ln 2 + r, |r| ≤ 0.35.
func reduceLn2(x, xl float64) (k int, rh, rl float64) {
	n := math.RoundToEven(x * log2e)
	r := FMA(-n, ln2Hi, x)
	rh, rl = twoSum(r, FMA(-n, ln2Mid, xl))
	return int(n), rh, rl
}

// expm1Kernel returns e^(h+l) − 1 as h + q, |h| ≤ 0.35.
func expm1Kernel(h, l float64) (q float64) {
	return l + FMA(h*h, poly(h, expC), l*h)
}

// expKernel returns e^(h+l), |h| ≤ 0.35.
func expKernel(h, l float64) float64 {
	s := 1 + h
	return s + ((1 - s + h) + expm1Kernel(h, l))
}

// scale returns x·2^k for x in [½, 2].
func scale(x float64, k int) float64 {
	if k > -1021 && k < 1022 {
		return float64(x * math.Float64frombits(uint64(k+1023)<<52))
	}
	return math.Ldexp(x, k)
}

// Exp returns e^x.
func Exp(x float64) float64 {
	switch {
	case x != x || x == inf:
		return x
	case x > maxExp:
		return inf
	case x < minExp:
		return 0
	}
	k, h, l := reduceLn2(x, 0)
	return scale(expKernel(h, l), k)
}

// Expm1 returns e^x − 1 without cancellation.
func Expm1(x float64) float64 {
	switch {
	case x != x || x == inf:
		return x
	case x > maxExp:
		return inf
	case x < -38:
		return -1
	case math.Abs(x) < 0x1p-54:
		return x
	}
	k, h, l := reduceLn2(x, 0)
	q := expm1Kernel(h, l)
	switch {
	case k == 0:
		return h + q
	case k > 60:
		return scale(expKernel(h, l), k)
	}
	// 2^k·(h+q) + (2^k − 1); 2^k − 1 as an exact sum.
	p := math.Float64frombits(uint64(k+1023) << 52)
	c, e := twoSum(p, -1)
	s, f := twoSum(c, float64(p*h))
	return s + (f + (e + float64(p*q)))
}

// logDD returns ln x as hi + lo with relative error about 2^-65, for finite x > 0.
func logDD(x float64) (hi, lo float64) {
	n, m := normalise(x)
	f := m - 1
	d, dl := twoSum(m, 1)
	s := f / d
	sl := FMA(-s, dl, FMA(-s, d, f)) / d
	t := s * s
	tl := FMA(2*s, sl, FMA(s, s, -t))
	c := s * t
	cl := FMA(s, tl, FMA(sl, t, FMA(s, t, -c)))
	g := float64(twoThd * c)
	gl := FMA(twoThd, cl, FMA(twoThL, c, FMA(twoThd, c, -g)))
	p := float64(float64(c*t) * poly(t, logC))
	a, al := twoSum(float64(n*ln2Hi), float64(2*s))
	b, bl := twoSum(a, g)
	r := (al + bl) + FMA(n, ln2Mid, float64(p+float64(gl+float64(2*sl))))
	hi = b + r
	return hi, float64(b-hi) + r
}

// normalise returns n and m in [√½, √2) with x = m·2^n, for finite x > 0.
func normalise(x float64) (n, m float64) {
	var e int
	if x < 0x1p-1022 {
		x *= 0x1p54
		e = -54
	}
	const half = 0x3fe6a09e667f3bcd // √½
	b := math.Float64bits(x)
	k := int64(b-half) >> 52
	return float64(int64(e) + k), math.Float64frombits(b - uint64(k)<<52)
}

// Log returns the natural logarithm of x; −Inf at 0 and NaN below.
func Log(x float64) float64 {
	if !(x > 0) || x == inf {
		return logSpecial(x)
	}
	hi, _ := logDD(x)
	return hi
}

func logSpecial(x float64) float64 {
	switch {
	case x == 0:
		return -inf
	case x < 0:
		return nan
	}
	return x
}

// Log2 returns the binary logarithm of x, exact for powers of two.
func Log2(x float64) float64 {
	if !(x > 0) || x == inf {
		return logSpecial(x)
	}
	if n, m := normalise(x); m == 1 {
		return n
	}
	h, l := logDD(x)
	h, _ = mulDD(h, l, log2e, log2eL)
	return h
}

// Log1p returns ln(1+x) without cancellation.
func Log1p(x float64) float64 {
	switch {
	case !(x > -1) || x == inf:
		return logSpecial(1 + x)
	case math.Abs(x) < 0x1p-54:
		return x
	}
	u, c := twoSum(1, x)
	h, l := logDD(u)
	return h + (l + c/u)
}

// Pow returns x^y for x ≥ 0; NaN for negative x.
func Pow(x, y float64) float64 {
	switch {
	case y == 0 || x == 1:
		return 1
	case x != x || y != y || x < 0:
		return nan
	case x == 0 || x == inf || y == inf || y == -inf:
		if (x > 1) == (y > 0) {
			return inf
		}
		return 0
	}
	h, l := logDD(x)
	if p := y * h; p > 710 {
		return inf
	} else if p < -746 {
		return 0
	}
	ph, pl := mulDD(h, l, y, 0)
	k, rh, rl := reduceLn2(ph, pl)
	return scale(expKernel(rh, rl), k)
}
