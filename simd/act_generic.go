package simd

import "math"

// The elementary functions below share one reduction of the exponential:
//
//	n = round(x·log2 e), r = x − n·ln 2, e^x = 2^n·(1 + t), t = r + r²·q(r)
//
// All coefficients come from asm/coef (weighted minimax fits, rounded to
// float32 lowest power first).
const (
	log2e  = 1.44269504     // 0x3fb8aa3b
	ln2Hi  = 0.693147182    // 0x3f317218, ln 2 rounded
	ln2Lo  = -1.90465421e-9 // ln 2 − ln2Hi
	magic  = 12582912       // 1.5·2²³: adding it rounds to an integer in the low bits
	expHi  = 89             // e^89 overflows to +Inf
	expLo  = -104           // e^−104 rounds to 0
	sigLo  = -110           // below, sigmoid and silu round to 0
	sigHi  = 30             // above, e^−x is lost in 1 + e^−x
	tanhHi = 30             // for 2|x| above, tanh rounds to 1

	minNormal = 0x1p-126
	sqrtHalf  = 0x3f3504f3 // bits of √½ rounded
)

// Coefficients of q in e^r = 1 + r + r²·q(r), |r| ≤ ln 2/2; error 3e−9.
const (
	expC0 = 0.49999994
	expC1 = 0.166665211
	expC2 = 0.0416682772
	expC3 = 0.00836868677
	expC4 = 0.00138198235
)

// Coefficients of q in log(1+f) = f − f²/2 + f³·q(f), √½ ≤ 1+f < √2; error 8e−10.
const (
	logC0 = 0.333333135
	logC1 = -0.250000089
	logC2 = 0.20002073
	logC3 = -0.166679963
	logC4 = 0.142203271
	logC5 = -0.124060318
	logC6 = 0.11883568
	logC7 = -0.116714492
	logC8 = 0.0675095618
)

// Coefficients of sin r = r + r³·q(r²) and cos r = 1 − r²/2 + r⁴·q(r²),
// |r| ≤ π/4; errors 4e−9 and 1e−10. pi2A + pi2B + pi2C = π/2 to 72 bits.
const (
	sinC0   = -0.166666552
	sinC1   = 0.00833219104
	sinC2   = -0.000195186003
	cosC0   = 0.0416666456
	cosC1   = -0.00138873013
	cosC2   = 2.44306611e-05
	twoOver = 0.636619772
	pi2A    = 1.57079637
	pi2B    = -4.37113883e-8
	pi2C    = -1.71512451e-15
	sinMax  = 1 << 21 // above, round(x·2/π) needs more bits than magic leaves
)

// expm1 returns t = e^r − 1 for |r| ≤ ln 2/2.
func expm1(r float32) float32 {
	q := FMA(expC4, r, expC3)
	q = FMA(q, r, expC2)
	q = FMA(q, r, expC1)
	q = FMA(q, r, expC0)
	return FMA(float32(r*r), q, r)
}

// expParts returns n and t of e^x = 2^n·(1 + t): what expPartsFMA, its
// definition, returns. Where FMA has no instruction, its eight calls are made
// one look for ties.
func expParts(x float32) (n, t float32) {
	if !fuses {
		n, t, may := expPartsExact(float64(x))
		if !anyTie(may) {
			return n, t
		}
	}
	return expPartsFMA(x)
}

func expPartsFMA(x float32) (n, t float32) {
	n = FMA(x, log2e, magic) - magic
	r := FMA(n, -ln2Hi, x)
	return n, expm1(FMA(n, -ln2Lo, r))
}

// exp1 returns e^x.
func exp1(x float32) float32 {
	n, t := expParts(atLeast(atMost(x, expHi), expLo))
	return scale2(t+1, n)
}

// scale2 returns p·2^n rounded once, for an integral |n| ≤ 252 and p near 1.
func scale2(p, n float32) float32 {
	if n != n {
		return n
	}
	k := int32(n)
	h := k >> 1
	p *= math.Float32frombits(uint32(h+127) << 23) // exact: h keeps p normal
	return float32(p * math.Float32frombits(uint32(k-h+127)<<23))
}

// expGeneric: dst_i = exp1(x_i).
//
//simd:kernel
func expGeneric(dst, x []float32) {
	for i, v := range x {
		dst[i] = exp1(v)
	}
}

// sigParts returns m, t and d of e^−x = 2^−m·(1 + t) and d = 2^m + 1 + t, so
// that sigmoid x = 2^m/d: nothing overflows, and the result underflows
// gradually. x lies in [sigLo, sigHi] or is NaN. m and t are those of
// sigPartsFMA, its definition.
func sigParts(x float32) (m, t, d float32) {
	var may int64
	if !fuses {
		m, t, may = sigPartsExact(float64(x))
	}
	if fuses || anyTie(may) {
		m, t = sigPartsFMA(x)
	}
	return m, t, 1 + scale2(1, m) + t
}

func sigPartsFMA(x float32) (m, t float32) {
	u := FMA(x, log2e, magic)
	m = u - magic
	r := FMA(m, ln2Hi, -x)
	r = FMA(m, ln2Lo, r)
	return m, expm1(r)
}

// silu1: x/(1 + e^−x) = 2^m·(x/d).
func silu1(x float32) float32 {
	x = atLeast(x, sigLo)
	m, _, d := sigParts(atMost(x, sigHi))
	return scale2(x/d, m)
}

// siluGrad1: with w = 1/d, sigmoid = 2^m·w and 1 − sigmoid = (1 + t)·w, so
// silu' = 2^m·(w·(1 + x·(1 + t)·w)).
func siluGrad1(x float32) float32 {
	x = atMost(atLeast(x, sigLo), sigHi)
	m, t, d := sigParts(x)
	w := 1 / d
	return scale2(w*FMA(x, (1+t)*w, 1), m)
}

func sigmoid1(x float32) float32 {
	m, _, d := sigParts(atMost(atLeast(x, sigLo), sigHi))
	return scale2(1/d, m)
}

// siluGeneric: dst_i = silu1(x_i).
//
//simd:kernel
func siluGeneric(dst, x []float32) {
	for i, v := range x {
		dst[i] = silu1(v)
	}
}

// siluBackwardGeneric: dx_i = dy_i·siluGrad1(x_i).
//
//simd:kernel
func siluBackwardGeneric(dx, dy, x []float32) {
	for i, v := range x {
		dx[i] = dy[i] * siluGrad1(v)
	}
}

// sigmoidGeneric: dst_i = sigmoid1(x_i).
//
//simd:kernel
func sigmoidGeneric(dst, x []float32) {
	for i, v := range x {
		dst[i] = sigmoid1(v)
	}
}

// tanhGeneric: m = e^{2|x|} − 1 as fma(2^n, t, 2^n − 1); tanh|x| = m/(m + 2).
//
//simd:kernel
func tanhGeneric(dst, x []float32) {
	for i, v := range x {
		b := math.Float32bits(v) & (1 << 31)
		a := math.Float32frombits(math.Float32bits(v) &^ (1 << 31))
		n, t := expParts(atMost(a+a, tanhHi))
		pow := scale2(1, n)
		m := FMA(pow, t, pow-1)
		dst[i] = math.Float32frombits(math.Float32bits(m/(m+2)) | b)
	}
}

// logGeneric: x = 2^k·(1 + f) with √½ ≤ 1 + f < √2.
//
//simd:kernel
func logGeneric(dst, x []float32) {
	for i, v := range x {
		switch {
		case v != v || v < 0:
			v = float32(math.NaN())
		case v == 0:
			v = float32(math.Inf(-1))
		case v <= math.MaxFloat32:
			v = log1(v)
		}
		dst[i] = v
	}
}

// log1 returns log x for a finite x > 0.
func log1(x float32) float32 {
	k := int32(0)
	if x < minNormal {
		x *= 1 << 23
		k = -23
	}
	b := math.Float32bits(x)
	e := int32(b-sqrtHalf) >> 23
	f := math.Float32frombits(b-uint32(e)<<23) - 1
	kf := float32(k + e)
	q := FMA(logC8, f, logC7)
	for _, c := range [...]float32{logC6, logC5, logC4, logC3, logC2, logC1, logC0} {
		q = FMA(q, f, c)
	}
	z := float32(f * f)
	y := float32(float32(q*f) * z)
	y = FMA(kf, ln2Lo, y)
	y = FMA(-0.5, z, y)
	return FMA(kf, ln2Hi, f+y)
}

// sinCosGeneric: q = round(x·2/π), r = x − q·π/2 in three fused steps.
//
//simd:kernel
func sinCosGeneric(s, c, x []float32) {
	for i, v := range x {
		if !(v <= sinMax && v >= -sinMax) {
			v = float32(math.NaN())
		}
		u := FMA(v, twoOver, magic)
		k := u - magic
		r := FMA(k, -pi2A, v)
		r = FMA(k, -pi2B, r)
		r = FMA(k, -pi2C, r)
		z := float32(r * r)
		sn := FMA(float32(r*z), FMA(FMA(sinC2, z, sinC1), z, sinC0), r)
		cs := FMA(float32(z*z), FMA(FMA(cosC2, z, cosC1), z, cosC0), FMA(-0.5, z, 1))
		q := math.Float32bits(u)
		if q&1 != 0 {
			sn, cs = cs, sn
		}
		s[i] = math.Float32frombits(math.Float32bits(sn) ^ q<<30&(1<<31))
		c[i] = math.Float32frombits(math.Float32bits(cs) ^ (q+1)<<30&(1<<31))
	}
}

// softmaxExpGeneric sets row_i = exp1(row_i − max) and returns their sum in 16
// lanes.
//
//simd:kernel
func softmaxExpGeneric(row []float32, max float32) float32 {
	var lane [16]float32
	for i, v := range row {
		e := exp1(v - max)
		row[i] = e
		lane[i&15] += e
	}
	return fold16(&lane)
}

// softmaxGradGeneric: ds_i = p_i·(dp_i − d).
//
//simd:kernel
func softmaxGradGeneric(ds, p, dp []float32, d float32) {
	for i, v := range p {
		ds[i] = v * (dp[i] - d)
	}
}
