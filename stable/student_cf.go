package stable

import (
	"math"

	"heavytail/internal/dmath"
)

// CF returns the characteristic function E exp(itX), in terms of the Bessel
// function K of order a = ν/2 (Hurst 1995), with x = √ν|γt|:
//
//	φ(t) = e^{iδt}·2^(1−a)/Γ(a)·x^a·K_a(x)
//
// The relative error of its amount is about 1e-13, times |ln φ| where φ is small.
func (s StudentT) CF(t float64) complex128 {
	s.check()
	size, phase := studentCF(s.Nu/2, math.Sqrt(s.Nu)*math.Abs(float64(s.Scale*t))), float64(s.Loc*t)
	if size == 0 {
		return 0
	}
	return complex(size*dmath.Cos(phase), size*dmath.Sin(phase))
}

// studentCF returns 2^(1−a)/Γ(a)·x^a·K_a(x) by the trapezoidal rule on
//
//	K_a(x) = ½ ∫ exp(au − x cosh u) du
//
// about the peak of its integrand, sinh u = a/x. There, with r = √(a²+x²) and the
// distance w from the peak, the exponent is less by
//
//	a(e^w − 1 − w) + (r−a)(cosh w − 1)
//
// The strip in which the integrand is analytic and the width of the peak bound
// the step. At the peak large terms cancel; with Stirling's
// ln Γ(a) = (a−½) ln a − a + ½ ln 2π + R(a), what is left of them is
//
//	a·ln((a+r)/(2a)) − (r−a) + ½ ln(a/2π) − R(a)
func studentCF(a, x float64) float64 {
	switch {
	case x == 0:
		return 1
	case x != x:
		return x
	case x > 1e300: // e^−x is 0
		return 0
	}
	r := math.Hypot(a, x)
	rest := float64(x / (r + a) * x) // r − a
	logRest := float64(2*dmath.Log(x)) - dmath.Log(r+a)
	peak := float64(a*dmath.Log1p(rest/(2*a))) - rest + float64(0.5*dmath.Log(a/(2*math.Pi))) - dmath.StirlingRest(a)
	step := min(0.5/math.Sqrt(r), 0.125)
	sum := 1.0
	for _, side := range [2]float64{step, -step} {
		for f, k := 1.0, 1.0; f > 1e-17*sum; k++ {
			w := float64(k * side)
			m := math.Abs(w)
			q := dmath.Expm1(-m) // cosh w − 1 = ½q²e^m
			f = dmath.Exp(-float64(a*(dmath.Expm1(w)-w)) - float64(float64(0.5*q*q)*dmath.Exp(logRest+m)))
			sum += f
		}
	}
	return min(float64(dmath.Exp(peak)*sum)*step, 1)
}
