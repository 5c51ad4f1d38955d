package dmath

import "math"

// Stirling's series Σ c[i]/z^(2i+1) of ln Γ(z) − (z−½)ln z + z − ½ln 2π.
var stirlingC = []float64{
	1. / 12, -1. / 360, 1. / 1260, -1. / 1680, 1. / 1188, -691. / 360360, 1. / 156, -3617. / 122400,
}

const halfLn2Pi = 0x1.d67f1c864beb5p-1 // ½ln 2π

// stirling returns the sum of Stirling's series for z ≥ 10, error below 1e-16.
func stirling(z float64) float64 { return poly(1/float64(z*z), stirlingC) / z }

// Gamma returns Γ(x) for x > 0, relative error about 1e-15; +Inf above 171.6
// and NaN for x ≤ 0.
func Gamma(x float64) float64 {
	switch {
	case !(x > 0):
		return nan
	case x > 171.7:
		return inf
	}
	d := 1.0
	for ; x < 10; x++ {
		d *= x
	}
	// z^z in two halves, which do not overflow.
	h := Pow(x, 0.5*x)
	return float64(float64(float64(h*Exp(-x))*h)*math.Sqrt(2*math.Pi/x)) * Exp(stirling(x)) / d
}

// StirlingRest returns ln Γ(x) − (x−½)ln x + x − ½ln 2π for x > 0, absolute
// error about 1e-15·max(1, |ln x|).
func StirlingRest(x float64) float64 {
	if x >= 10 {
		return stirling(x)
	}
	return Log(Gamma(x)) - float64((x-0.5)*Log(x)) + x - halfLn2Pi
}

// LogGamma returns ln Γ(x) for x > 0, absolute error about 2e-15·max(1, |ln Γ(x)|).
func LogGamma(x float64) float64 {
	return StirlingRest(x) + float64((x-0.5)*Log(x)) - x + halfLn2Pi
}

// GammaHalf returns Γ(x+½)/Γ(x) for x > 0, without the cancellation of two
// logarithms; relative error about 1e-15.
func GammaHalf(x float64) float64 {
	d := 1.0
	for ; x < 10; x++ {
		d *= x / (x + 0.5)
	}
	// ln of the quotient: x·ln(1+1/2x) − ½ + ½ln x + s(x+½) − s(x); the first two
	// terms cancel to −1/8x for large x.
	u := 0.5 / x
	c := float64(x*Log1p(u)) - 0.5
	if x > 1e4 {
		c = float64(-0.25 * u * FMA(u, FMA(u, 0.5, -2./3), 1))
	}
	s := c + stirling(x+0.5) - stirling(x)
	return float64(d*math.Sqrt(x)) * Exp(s)
}
