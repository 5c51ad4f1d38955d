package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
	"heavytail/simd"
)

// Family tags of the float64 variates; see the list in stream.go.
const (
	tagUniform64     = 64
	tagExponential64 = 65
	tagNormal64      = 66
	tagSymmetric64   = 67
	tagSkewed64      = 68
	tagStudentT      = 69
)

// Uniform64 sets dst[i] to variate off+i of the uniform law on the 2^52 midpoints
// (k+½)/2^52 of (0, 1). A family holds 2^33 of them.
func (s Key) Uniform64(dst []float64, off int) {
	s.Fill64(dst, Uniform64Family(), off)
}

// Exponential64 sets dst[i] to variate off+i of the exponential law of mean 1,
// between 1.1e-16 and 36.8; relative error below 5e-16. A family holds 2^33 of
// them.
func (s Key) Exponential64(dst []float64, off int) {
	s.Fill64(dst, Exponential64Family(), off)
}

// Normal64 sets dst[i] to variate off+i of N(0, 1), by Box and Muller; |x| ≤ 8.58,
// relative error below 6e-16. A family holds 2^33 of them.
func (s Key) Normal64(dst []float64, off int) {
	s.Fill64(dst, Normal64Family(), off)
}

// Symmetric64 sets dst[i] to variate off+i of the symmetric α-stable law with
// characteristic function exp(−|t|^α), 0.1 ≤ α ≤ 2, in float64 (Chambers, Mallows
// and Stuck 1976). All values are finite. The error is at most 1.5e-15·max(1, |x|)
// for α ≥ 0.5 (the worst of 10^5 draws: 1.0e-15 at α = 0.5, 0.8e-15 at 0.7, below
// 0.65e-15 from 0.85 on) and grows like 1/α below. A family holds 2^32 of them.
func (s Key) Symmetric64(dst []float64, alpha float64, off int) {
	s.Fill64(dst, Symmetric64Family(alpha), off)
}

// Symmetric64Family returns the family of which Key.Symmetric64 fills.
func Symmetric64Family(alpha float64) Family64 {
	checkAlpha64(alpha)
	q := powerParams(1-alpha, alpha)
	q.Bias = q.Expo * bias2
	op := simd.Noise64SymmetricLow
	q.A, q.K = -alpha, alpha/2
	if alpha > 1 {
		op = simd.Noise64SymmetricHigh
		q.A, q.K = alpha-1, 1-float64(alpha/2)
	}
	return Family64{tagSymmetric64, op, q}
}

func checkAlpha64(alpha float64) {
	if !(alpha >= 0.1 && alpha <= 2) {
		panic(fmt.Sprintf("stable: alpha %v, want 0.1 ≤ alpha ≤ 2 in float64", alpha))
	}
}

// powerParams returns the exponent num/den in two parts: the leading 41 bits,
// whose products with exponents of two are exact, and the rest. num is 1−den or
// −1.
func powerParams(num, den float64) (q simd.Noise64Params) {
	lost := 0.0 // what 1−den lost
	if num != -1 {
		lost = (1 - num) - den
	}
	q.Expo = num / den
	q.ExpoHi = math.Float64frombits(math.Float64bits(q.Expo) &^ (1<<12 - 1))
	q.ExpoLo = (q.Expo - q.ExpoHi) + (dmath.FMA(-q.Expo, den, num)+lost)/den
	return q
}

// Skewed64 sets dst[i] to variate off+i of the stable law S(α, β) in the given
// parametrisation with unit scale and location 0; 0.1 ≤ α ≤ 2, |β| ≤ 1. One
// formula serves S0 for all α and is regular at α = 1, where S1 is set to equal
// S0; see simd.Noise64SkewedS0. No value lies outside the support, which for
// |β| = 1 and α < 1 ends at 0 in S1 and at −ζ in S0. A family holds 2^32 of them.
//
// For α ≥ 0.5 the error is at most 2e-15 of the larger of 1, |x| and the terms
// whose sum x is. In units of max(1, |x|), the worst of 10^5 draws in S0 is 1.6e-15
// for β = 0 and ±1 and 1.4e-15 for α ≥ 0.99; for other β, where x changes sign amid
// large terms, 2.6e-15 at α = 0.9, 6e-15 at 0.7 and 3.3e-14 at 0.5. S1 near α = 1
// has errors of 4e-16·|ζ|.
func (s Key) Skewed64(dst []float64, alpha, beta float64, param Param, off int) {
	s.Fill64(dst, Skewed64Family(alpha, beta, param), off)
}

// Skewed64Family returns the family of which Key.Skewed64 fills.
func Skewed64Family(alpha, beta float64, param Param) Family64 {
	checkAlpha64(alpha)
	if !(math.Abs(beta) <= 1) || param > S1 {
		panic(fmt.Sprintf("stable: Skewed64: beta %v, param %d, want |beta| ≤ 1 and S0 or S1", beta, param))
	}
	op := simd.Noise64SkewedS0
	if param == S1 && alpha != 1 {
		op = simd.Noise64SkewedS1
	}
	return Family64{tagSkewed64, op, skewed64Params(alpha, beta, op)}
}

// skewed64Params returns the constants of the kernels; see Noise64Params.
func skewed64Params(alpha, beta float64, op simd.Noise64Op) simd.Noise64Params {
	q := powerParams(1-alpha, alpha)
	q.Eps, q.HalfEps, q.InvAlpha = 1-alpha, (1-alpha)/2, 1/alpha
	cot, kappa := math.Inf(1), 2/math.Pi // cot(πε/2) and ε·cot(πε/2)
	q.InvSin = 2 / math.Pi
	if q.Eps != 0 {
		cot = Law{Alpha: alpha, Beta: 1}.zeta()
		kappa = q.Eps * cot
		q.InvSin = q.Eps / dmath.SinPi(q.HalfEps)
	}
	if math.Abs(q.Eps) >= 0x1p-12 {
		q.InvEps = 1 / q.Eps
	}
	q.Bp, q.Bm, q.Kp = (1+beta)*kappa, (1-beta)*kappa, beta*kappa
	end := -beta * cot
	if op == simd.Noise64SkewedS1 {
		q.Kp, end = beta*cot, 0
	}
	q.Km = -q.Kp
	q.Lo, q.Hi = math.Inf(-1), math.Inf(1)
	if alpha < 1 && beta == 1 {
		q.Lo = end
	} else if alpha < 1 && beta == -1 {
		q.Hi = end
	}
	return q
}

// StudentT sets dst[i] to variate off+i of Student's law with nu ≥ 0.01 degrees
// of freedom, not necessarily an integer, by Bailey's form of Box and Muller
// (1994): √(ν(u^(−2/ν) − 1))·cos 2πv. nu = +Inf is N(0, 1). Below ν = 0.052
// values can leave float64 (once in 10^16 and ever more often); they become
// ±MaxFloat64. The relative error is below 1e-15 for ν ≥ 0.2 and grows like 1/ν
// below. The variates are independent; for a vector with a common divisor see
// Kappa. A family holds 2^32 of them.
func (s Key) StudentT(dst []float64, nu float64, off int) {
	s.Fill64(dst, StudentTFamily(nu), off)
}

// StudentTFamily returns the family of which Key.StudentT fills.
func StudentTFamily(nu float64) Family64 {
	if !(nu >= 0.01) {
		panic(fmt.Sprintf("stable: StudentT: nu %v, want at least 0.01", nu))
	}
	nu = min(nu, 0x1p60) // beyond, the law is normal to 18 digits
	q := powerParams(-1, nu)
	q.Nu = nu
	return Family64{tagStudentT, simd.Noise64StudentT, q}
}
