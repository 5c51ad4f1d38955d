package metrics

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/stable"
)

// TestQuantiles compares with numpy.quantile's values.
func TestQuantiles(t *testing.T) {
	x := []float64{3, 1, 4, 1, 5}
	require.Equal(t, []float64{1, 1, 3, 4.6, 5}, Quantiles(x, []float64{0, .25, .5, .9, 1}))
	require.Equal(t, []float64{3, 1, 4, 1, 5}, x, "arguments are left alone")
	require.Equal(t, []float64{2, 2}, QuantileRatios(x, []float64{6, 2, 8, 2, 10}, []float64{.3, .9}))
	require.True(t, math.IsNaN(Quantiles([]float64{1, nan}, []float64{.5})[0]))
	require.True(t, math.IsNaN(Quantiles(nil, []float64{.5})[0]))
	require.Equal(t, []float64{1, inf}, Quantiles([]float64{1, inf}, []float64{0, 1}))
	require.Panics(t, func() { Quantiles(x, []float64{1.5}) })
}

// TestMSLE checks the integral against its sum over order statistics, sets of
// different sizes against copies, and the law of a shift of the logarithm.
func TestMSLE(t *testing.T) {
	x, y := mapped(normals(1, 2000), math.Exp), mapped(normals(2, 2000), func(v float64) float64 { return math.Exp(1.2 * v) })
	a, b := slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y))
	want := 0.0
	for i := 1900; i < 2000; i++ {
		want += math.Pow(math.Log(b[i]/a[i]), 2) / 2000
	}
	got := MSLE(x, y, 0.95)
	require.InEpsilon(t, want, got.Integral, 1e-12)
	require.InEpsilon(t, want/0.05, got.Mean, 1e-12)
	three := slices.Concat(x, x, x)
	require.InEpsilon(t, got.Integral, MSLE(three, y, 0.95).Integral, 1e-12)
	// A threshold inside a step takes that part of the step.
	half := MSLE(x, y, 0.95+0.5/2000)
	require.InEpsilon(t, want-math.Pow(math.Log(b[1900]/a[1900]), 2)/4000, half.Integral, 1e-12)
	// x·e^c moves every logarithm by c.
	shift := MSLE(x, mapped(x, func(v float64) float64 { return v * math.Exp(0.3) }), 0.9)
	require.InEpsilon(t, 0.09, shift.Mean, 1e-12)
	require.InEpsilon(t, 0.009, shift.Integral, 1e-12)
	for _, bad := range [][]float64{nil, {nan, 1}, {-1, -2}} {
		require.True(t, math.IsNaN(MSLE(x, bad, 0.5).Mean), "%v", bad)
		require.True(t, math.IsNaN(MSLELevels(x, bad, 0.5)), "%v", bad)
	}
	require.Panics(t, func() { MSLE(x, x, 1) })
}

// TestMSLELevels computes the mean over the kept levels by hand: of 10,001
// order statistics the level p is number 10⁴p exactly.
func TestMSLELevels(t *testing.T) {
	x, y := make([]float64, 10001), make([]float64, 10001)
	for i := range x {
		x[i] = float64(i + 1)
		y[i] = math.Pow(float64(i+1), 1.1)
	}
	want, kept := 0.0, []float64{9900, 9950, 9990, 9995, 9999}
	for _, k := range kept {
		want += math.Pow(0.1*math.Log(k+1), 2) / float64(len(kept))
	}
	require.InEpsilon(t, want, MSLELevels(x, y, 0.975), 1e-9)
	exact := func(p float64) float64 { return 10000*p + 1 }
	require.InEpsilon(t, want, MSLEExact(exact, y, 0.975), 1e-9)
	require.InEpsilon(t, (5*want+math.Pow(0.1*math.Log(9501), 2))/6, MSLEExact(exact, y, 0.94), 1e-9)
	require.True(t, math.IsNaN(MSLELevels(x, y, 0.9999)), "no level is above")
}

// TestKS compares with the definition, at every value and between ties.
func TestKS(t *testing.T) {
	brute := func(a, b []float64) (d float64) {
		for _, v := range slices.Concat(a, b) {
			share := func(x []float64) float64 {
				n := 0
				for _, u := range x {
					if u <= v {
						n++
					}
				}
				return float64(n) / float64(len(x))
			}
			d = max(d, math.Abs(share(a)-share(b)))
		}
		return d
	}
	for n := 1; n < 40; n += 3 {
		a := mapped(normals(uint64(n), n), func(v float64) float64 { return math.Round(4 * v) })
		b := mapped(normals(uint64(n)+100, 2*n+1), func(v float64) float64 { return math.Round(4*v) + 1 })
		require.InDelta(t, brute(a, b), KS(a, b), 1e-15)
		require.Equal(t, KS(a, b), KS(b, a))
	}
	require.Equal(t, 0.0, KS([]float64{1, 2}, []float64{2, 1, 1, 2}))
	require.Equal(t, 1.0, KS([]float64{1, 2}, []float64{3, inf}))
	require.True(t, math.IsNaN(KS(nil, []float64{1})))
	require.True(t, math.IsNaN(KS([]float64{1}, []float64{nan})))
}

// TestTailKS: the tails are restricted before they are compared.
func TestTailKS(t *testing.T) {
	ref := []float64{-9, -8, -7, 0, 1, 2, 3, 7, 8, 9, 10}
	gen := []float64{-50, -8, 0, 1, 2, 3, 3, 3, 8, 20}
	require.InDelta(t, 0.5, TailKS(ref, gen, Right, 0.7), 1e-15)    // {8 9 10} and {8 20}: 2/3 and 1/2, 1 and 1/2
	require.InDelta(t, 0.5, TailKS(ref, gen, Left, 0.8), 1e-15)     // {-9 -8} and {-50 -8}
	require.InDelta(t, 0.5, TailKS(ref, gen, Both, 0.5), 1e-15)     // above 7: {8 8 9 9 10} and {8 8 20 50}
	require.Equal(t, 1.0, TailKS(ref, []float64{1, 2}, Right, 0.7)) // nothing there
	require.True(t, math.IsNaN(TailKS([]float64{1, 1}, gen, Right, 0.7)))
	require.Panics(t, func() { TailKS(ref, gen, 3, 0.7) })

	// The conditional tail does not depend on what lies below it.
	x := normals(3, 20000)
	wide := mapped(x, func(v float64) float64 {
		if v < 1 {
			return v / 2
		}
		return v
	})
	require.Equal(t, 0.0, TailKS(x, wide, Right, 0.9))
	require.Greater(t, KS(x, wide), 0.1)
}

// TestWasserstein1: closed forms, and the definition by cdfs for sets of
// different sizes.
func TestWasserstein1(t *testing.T) {
	x := normals(5, 777)
	require.InDelta(t, 2.5, Wasserstein1(x, mapped(x, func(v float64) float64 { return v + 2.5 })), 1e-12)
	mean := 0.0
	for _, v := range x {
		mean += math.Abs(v) / 777
	}
	require.InDelta(t, mean, Wasserstein1(x, mapped(x, func(v float64) float64 { return 2 * v })), 1e-12)
	y := normals(6, 500)
	cuts := slices.Sorted(slices.Values(slices.Concat(x, y)))
	cdf := func(x []float64, v float64) float64 {
		n := 0
		for _, u := range x {
			if u <= v {
				n++
			}
		}
		return float64(n) / float64(len(x))
	}
	want := 0.0
	for i := 1; i < len(cuts); i++ {
		want += (cuts[i] - cuts[i-1]) * math.Abs(cdf(x, cuts[i-1])-cdf(y, cuts[i-1]))
	}
	require.InDelta(t, want, Wasserstein1(x, y), 1e-12)
	require.InDelta(t, want, Wasserstein1(y, x), 1e-12)
	require.True(t, math.IsNaN(Wasserstein1(x, nil)))
	require.True(t, math.IsInf(Wasserstein1(x, []float64{inf}), 1))
}

// ExampleMSLE compares the upper tails of samples of two stable laws.
func ExampleMSLE() {
	norms := func(seed uint64, alpha float64) []float64 {
		x := make([]float32, 20000)
		stable.Key{Seed: seed}.Symmetric(x, alpha, 0)
		out := make([]float64, len(x))
		for i, v := range x {
			out[i] = math.Abs(float64(v))
		}
		return out
	}
	real := norms(1, 1.7)
	fmt.Printf("%.4f\n", MSLE(real, norms(2, 1.7), 0.95).Integral)
	fmt.Printf("%.4f\n", MSLE(real, norms(2, 2.0), 0.95).Integral)
	// Output:
	// 0.0001
	// 0.0230
}
