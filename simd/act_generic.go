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
	siluLo = -88            // below, e^−x would leave the normal range
	siluHi = 87
	tanhHi = 30 // for 2|x| above, tanh rounds to 1
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
	sinMax  = 2097152 // 2²¹: above, the quadrant no longer has all its bits
)

// expParts returns t and 2^n of e^z = 2^n·(1 + t). The power is right for
// −126 ≤ n ≤ 127; bits is the sum whose low bits hold n.
func expParts(z float32) (t, pow, n float32) {
	u := FMA(z, log2e, magic)
	n = u - magic
	r := FMA(n, -ln2Hi, z)
	r = FMA(n, -ln2Lo, r)
	q := FMA(expC4, r, expC3)
	q = FMA(q, r, expC2)
	q = FMA(q, r, expC1)
	q = FMA(q, r, expC0)
	return FMA(float32(r*r), q, r), math.Float32frombits((math.Float32bits(u) + 127) << 23), n
}

// exp1 returns e^x.
func exp1(x float32) float32 {
	if x > expHi {
		x = expHi
	}
	if x < expLo {
		x = expLo
	}
	t, _, n := expParts(x)
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
	return p * math.Float32frombits(uint32(k-h+127)<<23)
}

func expGeneric(dst, x []float32) {
	for i, v := range x {
		dst[i] = exp1(v)
	}
}

// softmaxRowGeneric: m = max, e_i = exp(x_i − m), x_i = e_i·(1/Σ e).
func softmaxRowGeneric(row []float32) {
	m := maxGeneric(row)
	var lane [16]float32
	for i, v := range row {
		e := exp1(v - m)
		row[i] = e
		lane[i&15] += e
	}
	inv := 1 / fold16(&lane)
	for i := range row {
		row[i] *= inv
	}
}

// softmaxBackwardRowGeneric: ds = p·(dp − Σ p·dp).
func softmaxBackwardRowGeneric(ds, p, dp []float32) {
	var lane [16]float32
	for i, v := range p {
		lane[i&15] = FMA(v, dp[i], lane[i&15])
	}
	d := fold16(&lane)
	for i, v := range p {
		ds[i] = v * (dp[i] - d)
	}
}
