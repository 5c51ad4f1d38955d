package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
	"heavytail/simd"
)

// Where |1−α| is at most s0Range, variates in S0 are made in float64, by the
// form that is regular at α = 1; elsewhere they are those of S1 and a shift.
const s0Range = 0.5

// Skewed sets dst[i] to variate off+i of the stable law S(α, β) in the given
// parametrisation with unit scale and location 0; 0 < α ≤ 2, |β| ≤ 1. S1 at
// α = 1 equals S0.
//
// In S1, given the float32 uniform of the angle, the error over the grid of α
// from 0.5 to 2 and β from −1 to 1 is relative and at most 8e-7 for any words. In
// S0 with |1−α| ≤ 0.5 variates are those of Skewed64, rounded; for α > 1.5, S1
// and a shift, the error is at most 6e-7·max(1, |x|).
// TestStableError measures this. Values beyond the largest float32 become it, and
// none is 0: below the smallest they are that, and where the shift cancels all of
// x, a quarter of its spacing.
func (s Key) Skewed(dst []float32, alpha, beta float64, param Param, off int) {
	s.Fill(dst, SkewedFamily(alpha, beta, param), off)
}

func checkSkewed(alpha, beta float64, param Param) {
	checkAlpha(alpha)
	if !(math.Abs(beta) <= 1) || param > S1 {
		panic(fmt.Sprintf("stable: Skewed: beta %v, param %d, want |beta| ≤ 1 and S0 or S1", beta, param))
	}
}

// rounded reports whether variates are those of Skewed64 in S0, rounded.
func rounded(alpha float64, param Param) bool {
	return alpha == 1 || param == S0 && math.Abs(1-alpha) <= s0Range
}

// symmetricParams returns the kernel of the law with β = 0 and its constants.
func symmetricParams(alpha float64) (simd.NoiseOp, simd.NoiseParams) {
	a := float32(alpha)
	q := simd.NoiseParams{Alpha: a, K: [2]float32{a / 2}, K1: [2]float32{float32(1 - float64(alpha/2))}, Eps: float32(1 - alpha), Least: a * 0x1p-27}
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

// A skew holds what the kernel needs to know of a law. With η = π/2 − |θ|,
// θ = atan ζ, it is sin η = cos θ, and k and 1−k are
//
//	small = (η − |ε|π/2)/π, large = (η + |ε|π/2)/π
//
// or one less them; both keep their relative precision where they go to 0.
type skew struct {
	eps, zeta float64 // 1−α and ζ
	cos       float64
	near      [2]float64
	top       [2]bool // whether near is 1−k or k
}

// newSkew finds it for α ≠ 1. Sides are U > 0 and U < 0.
func newSkew(alpha, beta float64) (z skew) {
	z.eps = 1 - alpha
	e, b := math.Abs(z.eps), math.Abs(beta)
	ts, tc := dmath.SinPi(e/2), dmath.CosPi(e/2)
	z.zeta = math.Copysign(beta*tc/ts, beta*z.eps)
	if alpha == 2 {
		z.zeta = 0
	}
	eta := atan2(ts, float64(b*tc))
	z.cos = ts / math.Sqrt(float64(ts*ts)+float64(float64(b*tc)*float64(b*tc)))
	small := atan2(float64(float64(ts*tc)*(1-b)), float64(float64(b*tc)*tc)+float64(ts*ts)) / math.Pi
	large := eta/math.Pi + float64(e/2)
	for side, sign := range [2]float64{1, -1} {
		plus := sign*beta > 0 || beta == 0 && side == 0
		z.top[side] = plus == (z.eps >= 0)
		z.near[side] = small
		if plus {
			z.near[side] = large
		}
	}
	return z
}

// skewedParams returns the constants of the kernel, α ≠ 1.
func skewedParams(alpha, beta float64, param Param) simd.NoiseParams {
	z := newSkew(alpha, beta)
	q := simd.NoiseParams{Eps: float32(z.eps)}
	q.Alpha, q.AlphaLo = parts(alpha)
	q.Least = q.Alpha * 0x1p-27
	for i := range 2 {
		k, k1 := z.near[i], 1-z.near[i]
		if z.top[i] {
			k, k1 = k1, k
		}
		q.K[i], q.KLo[i] = parts(k)
		q.K1[i] = float32(k1)
	}
	setPower(&q, alpha)
	bias := float64(min(z.eps/alpha, 1e30)*bias2) - dmath.Log2(z.cos)/alpha
	n := math.RoundToEven(bias)
	q.BiasN, q.Bias = float32(n), float32(bias-n)
	if param == S0 {
		q.Shift = float32(-z.zeta)
	}
	q.Zero = quarter(q.Shift)
	return q
}

// quarter returns a quarter of the spacing of float32 at x, or the smallest number.
func quarter(x float32) float32 {
	x = float32(math.Abs(float64(x)))
	return max((math.Nextafter32(x, math.MaxFloat32)-x)/4, math.SmallestNonzeroFloat32)
}
