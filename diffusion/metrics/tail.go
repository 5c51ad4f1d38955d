package metrics

import (
	"math"
	"slices"

	"heavytail/internal/dmath"
	"heavytail/stable"
)

// TailError is the error of the logarithmic tail probabilities: the mean over
// 20 levels p, evenly spaced from 0.95 to 0.999, of
//
//	|ln(P_gen(X > t) + 10⁻¹⁰) − ln(P_ref(X > t) + 10⁻¹⁰)|   t = Q_ref(p)
//
// on the chosen side, quantiles by linear interpolation: the tail error of the
// CVaR-GPA code. A model that puts nothing beyond t pays ln 10¹⁰ − ln 1/(1−p),
// about 20, at that level. It is NaN where values beyond float64 leave t without bound.
func TailError(ref, gen []float64, side Side) float64 {
	r, okR := sorted(fold(ref, side))
	g, okG := sorted(fold(gen, side))
	if !okR || !okG {
		return math.NaN()
	}
	const n = 20
	sum := 0.0
	for i := range n {
		t := quantile(r, 0.95+float64(i)*0.049/(n-1))
		if t-t != 0 {
			return math.NaN()
		}
		sum += math.Abs(dmath.Log(survival(g, t)+1e-10) - dmath.Log(survival(r, t)+1e-10))
	}
	return sum / n
}

// survival returns the share of ascending x that is above t.
func survival(x []float64, t float64) float64 {
	i, _ := slices.BinarySearchFunc(x, t, func(v, t float64) int {
		if v <= t {
			return -1
		}
		return 1
	})
	return float64(len(x)-i) / float64(len(x))
}

// GlobalL1 returns ∫_0^max |P_gen(X > t) − P_ref(X > t)| dt by the trapezoidal
// rule on 2000 points, max being the largest value of both samples: the global
// error of the CVaR-GPA code, whose maximum is not documented. It is for
// quantities that are not negative; Wasserstein1 is the same without the grid.
func GlobalL1(ref, gen []float64) float64 {
	r, okR := sorted(ref)
	g, okG := sorted(gen)
	if !okR || !okG {
		return math.NaN()
	}
	const n = 2000
	top := max(r[len(r)-1], g[len(g)-1])
	step, sum := top/(n-1), 0.0
	for i := range n - 1 { // at the last point nothing is above
		t := float64(i) * step
		v := math.Abs(survival(g, t) - survival(r, t))
		if i == 0 {
			v /= 2
		}
		sum += v
	}
	return sum * step
}

// TailWasserstein1 is Wasserstein1 of the tails beyond the q-quantiles, per unit
// of probability: ∫_q^1 |Q_gen(p) − Q_ref(p)| dp/(1−q) on the chosen side. It is
// infinite in the limit where the tail index is 1 or below.
func TailWasserstein1(ref, gen []float64, side Side, q float64) float64 {
	checkTail("TailWasserstein1", q)
	r, okR := sorted(fold(ref, side))
	g, okG := sorted(fold(gen, side))
	if !okR || !okG {
		return math.NaN()
	}
	return integrate(r, g, q, apart) / (1 - q)
}

// HillIndex returns Hill's estimate of the tail index on the chosen side, from
// the largest 5 % of the values but at least 20 of them. It returns an error
// where they do not allow it. stable.TailIndex chooses the share itself.
func HillIndex(x []float64, side Side) (stable.TailFit, error) {
	return stable.Hill(fold(x, side), max(len(x)/20, 20))
}
