package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
	"heavytail/simd"
)

// Where |1−α| is at most s0Range, variates in S0 come from the form that is
// regular at α = 1; elsewhere from S1 by a shift.
const s0Range = 0.45

// Skewed sets dst[i] to variate off+i of the stable law S(α, β) in the given
// parametrisation with unit scale and location 0; 0 < α ≤ 2, |β| ≤ 1. S1 at
// α = 1 equals S0.
//
// Given the float32 uniform of the angle, the error over the grid of α from 0.5
// to 2 and β from −1 to 1 is, for S1, relative and at most 8e-7 for any words;
// for S0 at most 1.4e-6·max(1, |x|) over random words (worst for α from 1.1 to
// 1.15 and |β| ≥ 0.75, below 1e-6 elsewhere but for 1.2e-6 at α = 1.2). It does
// not grow at α = 1. Words that are extreme in both the angle and the exponential
// variate, less than one in 10^8, can bring the two large parts of an S0 variate
// near cancellation and the error to 6e-6. TestStableError measures this. Values
// beyond the largest float32 become it.
func (s Stream) Skewed(dst []float32, alpha, beta float64, param Param, off int) {
	checkAlpha(alpha)
	if !(math.Abs(beta) <= 1) || param > S1 {
		panic(fmt.Sprintf("stable: Skewed: beta %v, param %d, want |beta| ≤ 1 and S0 or S1", beta, param))
	}
	op, q := skewedParams(alpha, beta, param)
	s.fill(dst, tagSkewed, op, off, &q)
}

// symmetricParams returns the kernel of the law with β = 0 and its constants.
func symmetricParams(alpha float64) (simd.NoiseOp, simd.NoiseParams) {
	a := float32(alpha)
	q := simd.NoiseParams{Alpha: a, K: [2]float32{a / 2}, K1: [2]float32{float32(1 - alpha/2)}, Eps: float32(1 - alpha)}
	setPower(&q, alpha)
	if alpha <= 1 {
		return simd.NoiseSymmetricLow, q
	}
	q.Eps = -q.Eps
	return simd.NoiseSymmetricHigh, q
}

// setPower sets the exponent (1−α)/α and its bias, that of the exponential
// variate in units of ln 2.
func setPower(q *simd.NoiseParams, alpha float64) {
	expo := min((1-alpha)/alpha, 1e30)
	q.Expo, q.ExpoLo = parts(expo)
	q.Bias = float32(expo * bias2)
}

// parts returns x in two float32.
func parts(x float64) (hi, lo float32) {
	hi = float32(x)
	return hi, float32(x - float64(hi))
}

// short returns x in two float32, the first with 16 bits.
func short(x float64) (hi, lo float32) {
	hi = math.Float32frombits(math.Float32bits(float32(x)) &^ 0xff)
	return hi, float32(x - float64(hi))
}

// A skew holds what the kernels need to know of a law. With η = π/2 − |θ|,
// θ = atan ζ, it is sin η = cos θ = c, and k and 1−k are
//
//	small = (η − |ε|π/2)/π, large = (η + |ε|π/2)/π
//
// or one less them; both keep their relative precision where they go to 0.
type skew struct {
	eps, zeta, kappa float64 // 1−α, ζ and εζ
	cos              float64 // 0 at α = 1
	near             [2]float64
	nearC            [2]float64 // over c, with its limit at α = 1
	top              [2]bool    // whether near is 1−k or k
}

// newSkew finds it for β ≠ 0 or α ≠ 1. Sides are U > 0 and U < 0.
func newSkew(alpha, beta float64) (z skew) {
	z.eps = 1 - alpha
	e, b := math.Abs(z.eps), math.Abs(beta)
	z.kappa = 2 * beta / math.Pi
	var small, large, smallC, largeC float64
	if e == 0 {
		smallC, largeC = (1-b)/math.Pi, (1+b)/math.Pi
	} else {
		ts, tc := dmath.SinPi(e/2), dmath.CosPi(e/2)
		z.zeta = math.Copysign(beta*tc/ts, beta*z.eps)
		if alpha == 2 {
			z.zeta = 0
		}
		z.kappa = z.eps * z.zeta
		eta := atan2(ts, float64(b*tc))
		z.cos = ts / math.Sqrt(float64(ts*ts)+float64(float64(b*tc)*float64(b*tc)))
		small = atan2(float64(float64(ts*tc)*(1-b)), float64(float64(b*tc)*tc)+float64(ts*ts)) / math.Pi
		large = eta/math.Pi + e/2
		smallC, largeC = small/z.cos, large/z.cos
	}
	for side, sign := range [2]float64{1, -1} {
		plus := sign*beta > 0 || beta == 0 && side == 0
		z.top[side] = plus == (z.eps >= 0)
		z.near[side], z.nearC[side] = small, smallC
		if plus {
			z.near[side], z.nearC[side] = large, largeC
		}
	}
	return z
}

// skewedParams returns the kernel and its constants.
func skewedParams(alpha, beta float64, param Param) (simd.NoiseOp, simd.NoiseParams) {
	if beta == 0 && alpha == 1 {
		beta = math.SmallestNonzeroFloat64 // regular, and the same law
	}
	z := newSkew(alpha, beta)
	q := simd.NoiseParams{Eps: float32(z.eps)}
	q.Alpha, q.AlphaLo = parts(alpha)
	for i := range 2 {
		k, k1 := z.near[i], 1-z.near[i]
		if z.top[i] {
			k, k1 = k1, k
		}
		q.K[i], q.KLo[i] = parts(k)
		q.K1[i] = float32(k1)
	}
	if alpha != 1 && (param == S1 || math.Abs(z.eps) > s0Range) {
		setPower(&q, alpha)
		bias := float64(min(z.eps/alpha, 1e30)*bias2) - dmath.Log2(z.cos)/alpha
		n := math.RoundToEven(bias)
		q.BiasN, q.Bias = float32(n), float32(bias-n)
		if param == S0 {
			q.Shift = float32(-z.zeta)
		}
		return simd.NoiseSkewed, q
	}
	q.Expo, q.Bias = float32(z.eps/alpha), float32(z.eps/alpha*bias2)
	z.regular(&q, alpha)
	return simd.NoiseSkewed0, q
}

// regular sets the constants of the form for S0. Where the exponent always
// rounds to 0, so near α = 1 that 1/ε grows without bound, those of other
// exponents stay 0.
func (z *skew) regular(q *simd.NoiseParams, alpha float64) {
	epsC := math.Sqrt(float64(z.eps*z.eps) + float64(z.kappa*z.kappa)) // |ε|/c
	q.EpsQ = float32(math.Copysign(epsC, z.eps))
	q.Cos = float32(z.cos)
	for i := range 2 {
		far := 0.0 // the side above ½ where near is the other: never used next to α = 1
		if z.cos > 1e-3 {
			far = (1 - z.near[i]) / z.cos
		}
		q.KQ[i], q.K1Q[i] = float32(z.nearC[i]), float32(far)
		if z.top[i] {
			q.KQ[i], q.K1Q[i] = q.K1Q[i], q.KQ[i]
		}
	}
	q.InvAlpha, q.InvAlphaLo = short(1 / alpha)
	q.InvAlphas = float32(1 / alpha)
	q.BiasAlpha = float32(bias2 / alpha)
	q.EpsPi, q.KappaPi = float32(z.eps*math.Pi), float32(z.kappa*math.Pi)
	if math.Abs(z.eps) > 1e-3 {
		q.InvEps, q.InvEpsLo = short(1 / z.eps)
		q.InvEpss = float32(1 / z.eps)
		q.InvCos, q.Zeta = float32(1/z.cos), float32(z.zeta)
		q.Steep = 0.5 // measured: nearer to 1 than this, ζ is large and X1 − ζ worse
		if z.eps < -0.17 {
			q.Steep = 1
		}
	}
}
