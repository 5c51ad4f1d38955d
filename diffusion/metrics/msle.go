package metrics

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
)

// An MSLEResult is the mean squared logarithmic error of the upper quantiles in
// its two forms.
type MSLEResult struct {
	Integral float64 // ∫_ξ^1 (ln Q_gen(p) − ln Q_real(p))² dp: the definition of the DLPM paper
	Mean     float64 // the same divided by 1−ξ: the mean over the levels above ξ
}

// MSLE compares the upper tails, above the level ξ in [0,1), of two samples of
// a positive quantity, with the empirical quantile functions Q(p) = x_(⌈np⌉).
// They are steps, so the integral is exact: with samples of equal size n it is
// the sum over the n(1−ξ) largest values, divided by n.
//
// The paper takes ξ = 0.95 and does not say which quantity of a point is meant:
// for isotropic data take the norm, else one coordinate at a time. The result
// is NaN where a quantile above ξ is not positive.
func MSLE(real, gen []float64, xi float64) MSLEResult {
	checkTail("MSLE", xi)
	r, okR := sorted(real)
	g, okG := sorted(gen)
	if !okR || !okG {
		return MSLEResult{math.NaN(), math.NaN()}
	}
	v := integrate(r, g, xi, squaredLog)
	return MSLEResult{v, v / (1 - xi)}
}

// levels are the quantiles of the DLPM authors' later code.
var levels = [...]float64{1e-4, 5e-4, .001, .005, .01, .05, .1, .9, .95, .99, .995, .999, .9995, .9999}

// MSLELevels is the MSLE of the DLPM authors' later code: the mean of
// (ln Q_gen(p) − ln Q_real(p))² over those p of .9, .95, .99, .995, .999,
// .9995, .9999 (and seven below ½) that are above ξ, with quantiles by linear
// interpolation. They use ξ = .975 by default. Its values differ from MSLE's.
func MSLELevels(real, gen []float64, xi float64) float64 {
	r, ok := sorted(real)
	return MSLEExact(func(p float64) float64 {
		if !ok {
			return math.NaN()
		}
		return quantile(r, p)
	}, gen, xi)
}

// MSLEExact is MSLELevels with the quantile function of the real law itself in
// place of a sample's. The authors use ξ = .95 here.
func MSLEExact(real func(p float64) float64, gen []float64, xi float64) float64 {
	checkTail("MSLELevels", xi)
	g, ok := sorted(gen)
	if !ok {
		return math.NaN()
	}
	sum, n := 0.0, 0
	for _, p := range levels {
		if p > xi {
			sum += squaredLog(real(p), quantile(g, p))
			n++
		}
	}
	return sum / float64(n) // NaN above the highest level
}

func squaredLog(x, y float64) float64 {
	d := dmath.Log(y) - dmath.Log(x)
	return float64(d * d)
}

func checkTail(name string, xi float64) {
	if !(xi >= 0 && xi < 1) {
		panic(fmt.Sprintf("metrics: %s: level %v; want 0 or more and below 1", name, xi))
	}
}
