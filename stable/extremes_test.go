package stable

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// extremeLaws are all laws at the ends and at the seams of their parameters.
func extremeLaws(t *testing.T) (laws []Distribution) {
	for _, alpha := range []float64{.1, .5, .9, 1 - 0x1p-52, 1, 1 + 0x1p-52, 1.1, 1.5, 2} {
		for _, beta := range []float64{-1, -.5, 0, 1 - 0x1p-53, 1} {
			for _, param := range []Param{S0, S1} {
				laws = append(laws, Law{alpha, beta, 1, 0, param})
			}
		}
		laws = append(laws, Law{alpha, .5, 1e-300, 0, S1}, Law{alpha, 0, 1e300, -1e300, S0}, Law{alpha, -1, 1e-5, 1e5, S0})
	}
	for _, nu := range []float64{.01, .5, 1, 2, 30, 1e6} {
		laws = append(laws, StudentT{nu, 1, 0}, StudentT{nu, 1e-300, 0}, StudentT{nu, 1e300, -1e300}, StudentT{nu, 1e-5, 1e5})
	}
	for _, l := range []Law{{.6, .5, 1, 0, S1}, {1.7, 0, 1, 0, S0}, {1, -1, 1e-5, 1e5, S0}} {
		tab, err := NewTable(l)
		require.NoError(t, err)
		laws = append(laws, tab)
	}
	return laws
}

// extremePoints are the points in rising order, from −Inf to +Inf.
func extremePoints() []float64 {
	half := []float64{5e-324, 1e-310, 1e-300, 1e-262, 1e-200, 1e-100, 1e-30, 1e-16, 1e-15, 1e-12, 1e-8, 1e-5, 1e-3,
		.0078, .01, .1, .5, 1, 1.5, 3, 10, 100, 1e4, 99999.99, 1e5, 100000.01, 1e8, 1e15, 1e16, 1e30, 1e100, 1e154, 1e155, 1e200, 1e269, 1e271, 1e300, math.MaxFloat64, math.Inf(1)}
	x := []float64{0}
	for _, v := range half {
		x = append(x, v)
		x = append([]float64{-v}, x...)
	}
	return x
}

// TestExtremes: at every law and point the density is a number that is not
// negative, with a logarithm to match; distribution and survival function run
// from 0 to 1 and back without a step in the wrong direction, and are 1 in sum;
// quantiles undo both. Nothing panics, is NaN or has no end.
func TestExtremes(t *testing.T) {
	points := extremePoints()
	for _, l := range extremeLaws(t) {
		name := fmt.Sprintf("%T %+v", l, l)
		if tab, ok := l.(*Table); ok {
			name = fmt.Sprintf("table %+v", tab.law)
		}
		within(t, name, func() {
			for _, v := range []float64{l.Density(math.NaN()), l.LogDensity(math.NaN()), l.CDF(math.NaN()), l.Survival(math.NaN())} {
				if v == v {
					t.Errorf("%s: a number for NaN", name)
				}
			}
			// A step back of the last digits, and at a table's seams of its tolerance.
			tol := 1e-13
			if _, ok := l.(*Table); ok {
				tol = 3e-10
			}
			zero := math.Copysign(0, -1)
			for _, f := range []func(float64) float64{l.Density, l.CDF, l.Survival} {
				if a, b := f(zero), f(0); a != b && !(tol > 1e-12 && math.Abs(a-b) <= tol*a) {
					t.Errorf("%s: %v at −0, %v at 0", name, a, b)
				}
			}
			low, high := 0.0, 1.0
			for _, x := range points {
				f, lf, p, q := l.Density(x), l.LogDensity(x), l.CDF(x), l.Survival(x)
				switch {
				case !(f >= 0) || lf != lf:
					t.Errorf("%s at %v: density %v, logarithm %v", name, x, f, lf)
				case f > 1e-300 && !math.IsInf(f, 1) && !(math.Abs(math.Log(f)-lf) <= 1e-12*max(1, math.Abs(lf))+tol):
					t.Errorf("%s at %v: density %v, logarithm %v", name, x, f, lf)
				case !(p >= 0 && p <= 1 && q >= 0 && q <= 1) || !(math.Abs(p+q-1) <= 4e-16+tol/1e3):
					t.Errorf("%s at %v: %v and %v are not 1", name, x, p, q)
				case p < low*(1-tol) || q > high*(1+tol):
					t.Errorf("%s at %v: from %v and %v to %v and %v", name, x, low, high, p, q)
				case math.IsInf(x, 0) && (f != 0 || p != compareUp(x) || q != 1-p):
					t.Errorf("%s at %v: %v %v %v", name, x, f, p, q)
				}
				low, high = p, q
			}
			extremeQuantiles(t, name, l, tol)
		})
	}
}

// compareUp is 1 above 0 and else 0.
func compareUp(x float64) float64 {
	if x > 0 {
		return 1
	}
	return 0
}

// extremeQuantiles: quantiles rise with p, and the distribution there is p to
// what the rounding of x allows.
func extremeQuantiles(t *testing.T, name string, l Distribution, tol float64) {
	last := math.Inf(-1)
	probs := []float64{0, 5e-324, 1e-300, 1e-100, 1e-16, 1e-5, .01, .3, .499, .5 - 1e-9, .5 - 0x1p-53, .5}
	for _, p := range probs {
		x := l.Quantile(p)
		if !(x == last || x >= last-math.Abs(last)*tol) {
			t.Errorf("%s: quantile %v of %v after %v", name, x, p, last)
		}
		checkQuantile(t, name, l.CDF, l, x, p, tol)
		last = x
	}
	for i := range probs {
		q := probs[len(probs)-1-i]
		x := l.SurvivalQuantile(q)
		if !(x == last || x >= last-math.Abs(last)*tol) {
			t.Errorf("%s: upper quantile %v of %v after %v", name, x, q, last)
		}
		checkQuantile(t, name, l.Survival, l, x, q, tol)
		last = x
	}
	for _, p := range []float64{-1e-300, 1 + 0x1p-52, math.NaN(), math.Inf(1)} {
		require.Panics(t, func() { l.Quantile(p) }, name)
		require.Panics(t, func() { l.SurvivalQuantile(p) }, name)
	}
}

func checkQuantile(t *testing.T, name string, tail func(float64) float64, l Distribution, x, p, tol float64) {
	if p == 0 || p < 1e-300 || math.IsInf(x, 0) || x == 0 {
		return // the end, or beyond float64
	}
	// x is a float64, rounded where shift, scale and location are applied: numbers
	// three steps away have probabilities that enclose p.
	below, above := x, x
	for range 3 {
		below, above = math.Nextafter(below, math.Inf(-1)), math.Nextafter(above, math.Inf(1))
	}
	a, b := tail(below), tail(above)
	if lo, hi := min(a, b), max(a, b); !(p >= lo*(1-10*tol) && p <= hi*(1+10*tol)) {
		t.Errorf("%s: quantile %v of %v has %v to %v", name, x, p, lo, hi)
	}
}
