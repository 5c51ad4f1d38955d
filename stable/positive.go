package stable

import (
	"fmt"

	"heavytail/internal/dmath"
	"heavytail/simd"
)

// bias2 is log2(1/ln 2): −log2 u is an exponential variate in units of ln 2.
const bias2 = 0x1.0eba774e0bb63p-1

// A Form says which function of a positive stable variate K Key.Positive is to make.
type Form uint8

// The forms.
const (
	Value Form = iota // K
	Root              // √K, which halves the range of exponents
	Log               // ln K, which cannot overflow
)

// Positive sets dst[i] to variate off+i of the positive stable law K of index
// 0 < a ≤ 1, the one with Laplace transform E exp(−sK) = exp(−s^a), in the
// given form (Kanter 1975):
//
//	K = sin aθ/sin θ · [sin (1−a)θ/(E sin θ)]^((1−a)/a),  θ ~ U(0, π), E ~ Exp(1)
//
// The law is S1(a, β = 1, γ = cos(πa/2)^(1/a)). At a = 1, K = 1. Given
// the float32 uniform of the angle, K has a relative error of at most 8e-7 for
// a ≥ 0.35 and 1.4e-6 at a = 0.25; that of √K, which grows with its exponent, is 5e-7 for a ≥ 0.5
// and 1.5e-6 at a = 0.25; that of ln K is 5e-7·max(1, |ln K|) for a ≥ 0.4. Values
// above the largest float32 become it, which for a ≥ ½ happens less than once in
// 10^9 (form Log is free of it). The variates of form Value have words of their
// own; those of the other two belong to the same K.
func (s Key) Positive(dst []float32, a float64, form Form, off int) {
	checkPositive(a, form)
	if a == 1 {
		one := float32(1)
		if form == Log {
			one = 0
		}
		for i := range dst {
			dst[i] = one
		}
		return
	}
	s.Fill(dst, PositiveFamily(a, form), off)
}

func checkPositive(a float64, form Form) {
	if !(a > 0 && a <= 1) || form > Log {
		panic(fmt.Sprintf("stable: Positive: index %v, form %d, want 0 < index ≤ 1 and a form", a, form))
	}
}

// positiveParams returns the kernel and its constants.
func positiveParams(a float64, form Form) (simd.NoiseOp, simd.NoiseParams) {
	op := [...]simd.NoiseOp{simd.NoisePositiveLow, simd.NoiseRootLow, simd.NoiseLogLow}[form]
	if a >= 0.5 {
		op++
	}
	expo := (1 - a) / a
	bias := expo * bias2
	if form == Root {
		expo, bias = expo/2, bias/2
	}
	q := simd.NoiseParams{A: float32(min(a, 1-a)), Expo: float32(expo), Bias: float32(bias)}
	if form == Value {
		q.Expo, q.ExpoLo = parts(min(expo, 1e30))
	}
	return op, q
}

// PositiveStable is Kanter's map in float64: it returns K of index 0 < a ≤ 1
// for the angle θ in (0, π) and the exponential variate e > 0.
func PositiveStable(a, theta, e float64) float64 {
	return dmath.Exp(kanter(a, dmath.Sin(a*theta), dmath.Sin(theta), dmath.Sin((1-a)*theta), e))
}

// kanter returns ln K from sin aθ, sin θ and sin (1−a)θ.
func kanter(a, sa, st, sb, e float64) float64 {
	if a == 1 {
		return 0
	}
	q := (1 - a) / a
	return dmath.Log(sa/st) + float64(q*(dmath.Log(sb/st)-dmath.Log(e)))
}

// Multiplier returns DLPM's A = 2K(α/2) of the stream for 0 < α ≤ 2: the one
// draw per (sample, step) that makes ε = √A·G isotropic α-stable with
// characteristic function exp(−|u|^α) when G ~ N(0, I). Its Laplace transform is
// E exp(−sA) = exp(−(2s)^(α/2)). At α = 2, A = 2 exactly. It is computed in
// float64 from a family of its own. Below α = 0.1, where A leaves float64 once
// in 10^15 and ever more often, it can be +Inf.
func (s Key) Multiplier(alpha float64) float64 {
	checkAlpha(alpha)
	if alpha == 2 {
		return 2
	}
	a := float64(alpha / 2)
	u, uc, v, vc := s.uniforms(tagMultiplier)
	// θ = πu; near π its sine is taken from the complement.
	sa, sb := dmath.SinPi(float64(a*u)), dmath.SinPi(float64((1-a)*u))
	return 2 * dmath.Exp(kanter(a, sa, dmath.SinPi(min(u, uc)), sb, exp64(v, vc)))
}

func checkAlpha(alpha float64) {
	if !(alpha > 0 && alpha <= 2) {
		panic(fmt.Sprintf("stable: alpha %v, want 0 < alpha ≤ 2", alpha))
	}
}
