package dmath

// Series of ψ(z) − ln z + 1/2z in 1/z², over z²: −B₂ₖ/2k, and of
// ψ'(z) − 1/z − 1/2z², over z³: B₂ₖ.
var (
	digammaC = []float64{
		-1. / 12, 1. / 120, -1. / 252, 1. / 240, -1. / 132, 691. / 32760, -1. / 12, 3617. / 8160,
	}
	trigammaC = []float64{
		1. / 6, -1. / 30, 1. / 42, -1. / 30, 5. / 66, -691. / 2730, 7. / 6, -3617. / 510,
	}
)

// Digamma returns ψ(x) = d ln Γ/dx for x > 0, absolute error about
// 1e-15·max(1, |ψ|, 1/x).
func Digamma(x float64) float64 {
	if !(x > 0) || x == inf {
		return logSpecial(x)
	}
	d := 0.0
	for ; x < 10; x++ {
		d -= 1 / x
	}
	r := 1 / float64(x*x)
	return d + (Log(x) - 0.5/x + float64(r*poly(r, digammaC)))
}

// Trigamma returns ψ'(x) for x > 0, relative error about 1e-15.
func Trigamma(x float64) float64 {
	switch {
	case x == 0 || x == inf:
		return 1 / x
	case !(x > 0):
		return nan
	}
	d := 0.0
	for ; x < 10; x++ {
		d += 1 / float64(x*x)
	}
	r := 1 / float64(x*x)
	return d + (1/x + float64(r*(0.5+poly(r, trigammaC)/x)))
}

// GammaRatio returns Γ(x+a)/Γ(x) for x > 0 and x+a > 0, without the cancellation
// of two logarithms; relative error about 1e-15·max(1, |a|·ln x).
func GammaRatio(x, a float64) float64 {
	d, z := 1.0, x+a
	for ; x < 10 || z < 10; x, z = x+1, z+1 {
		d *= x / z
	}
	// ln of the quotient: (z−½)·ln(z/x) + a·ln x − a + s(z) − s(x)
	s := float64((z-0.5)*Log1p(a/x)) - a + (stirling(z) - stirling(x))
	return d * Exp(s) * Pow(x, a)
}
