package metrics

import (
	"fmt"
	"math"
	"slices"
)

// sorted returns x in ascending order, and false if it is empty or has a NaN.
func sorted(x []float64) ([]float64, bool) {
	y := slices.Clone(x)
	slices.Sort(y) // NaN first
	return y, len(y) > 0 && !math.IsNaN(y[0])
}

// quantile returns the p-quantile of ascending x by linear interpolation
// between order statistics, x[h] at h = (n−1)p: the default of NumPy and R.
func quantile(x []float64, p float64) float64 {
	h := float64(float64(len(x)-1) * p) // rounded: not fused with the difference below
	i := int(h)
	if i >= len(x)-1 {
		return x[len(x)-1]
	}
	f := h - float64(i)
	if f == 0 {
		return x[i] // not Inf·0
	}
	return x[i] + float64(f*(x[i+1]-x[i]))
}

// Quantiles returns the quantiles of x at the levels p, each in [0,1], by
// linear interpolation between order statistics: x_(h) at h = (n−1)p + 1.
func Quantiles(x []float64, p []float64) []float64 {
	y, ok := sorted(x)
	out := make([]float64, len(p))
	for i, p := range p {
		checkLevel("Quantiles", p)
		out[i] = math.NaN()
		if ok {
			out[i] = quantile(y, p)
		}
	}
	return out
}

// QuantileRatios returns Q_gen(p)/Q_ref(p) for every level p, by linear
// interpolation between order statistics: 1 is right, below 1 in a tail is too
// light. Both samples should be centred.
func QuantileRatios(ref, gen []float64, p []float64) []float64 {
	r, g := Quantiles(ref, p), Quantiles(gen, p)
	for i := range r {
		r[i] = g[i] / r[i]
	}
	return r
}

func checkLevel(name string, p float64) {
	if !(p >= 0 && p <= 1) {
		panic(fmt.Sprintf("metrics: %s: level %v; want 0 to 1", name, p))
	}
}

// integrate returns ∫_from^1 f(Q_a(p), Q_b(p)) dp for the empirical quantile
// functions Q(p) = x_(⌈np⌉) of ascending a and b. They are steps, so the
// integral is a sum over the pieces between their jumps: nothing is
// discretised. The pieces are added from 1 downwards.
func integrate(a, b []float64, from float64, f func(x, y float64) float64) float64 {
	return integrateOf(len(a), len(b), func(i int) float64 { return a[i] }, func(j int) float64 { return b[j] }, from, f)
}

// integrateOf is integrate of samples of i and j values, the numbers of which it asks for
// never ascend.
func integrateOf(i, j int, a, b func(int) float64, from float64, f func(x, y float64) float64) float64 {
	n, m := float64(i), float64(j)
	sum, hi := 0.0, 1.0
	for hi > from {
		// The piece below hi reaches down to the nearer of the two jumps.
		la, lb := float64(i-1)/n, float64(j-1)/m
		lo := max(la, lb, from)
		if lo < hi {
			sum += float64((hi - lo) * f(a(i-1), b(j-1)))
		}
		if la >= lo {
			i--
		}
		if lb >= lo {
			j--
		}
		if hi = lo; i == 0 || j == 0 {
			break
		}
	}
	return sum
}
