package metrics

import (
	"math"
	refl "reflect" // reflect is a Householder reflection here
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNaN: one NaN, in either set and at any place, makes every number of every
// metric NaN.
func TestNaN(t *testing.T) {
	one := func(x []float32) []float64 { return widen(x) }
	metrics := map[string]func(a, b []float32) any{
		"PRD":               func(a, b []float32) any { return PRD(a, b, 2, PRDOptions{Runs: 2}) },
		"PRDC":              func(a, b []float32) any { return PRDC(a, b, 2, 3, 1) },
		"MMD":               func(a, b []float32) any { return MMD(a, b, 2, 1) },
		"KID":               func(a, b []float32) any { return KID(Points(a, 2), Points(b, 2), KIDOptions{Subsets: 2, Size: 3}) },
		"SlicedWasserstein": func(a, b []float32) any { return SlicedWasserstein(a, b, 2, SlicedOptions{Directions: 3}) },
		"Frechet": func(a, b []float32) any {
			d, err := Frechet(Points(a, 2), Points(b, 2), 1)
			if math.IsNaN(d.Value) {
				require.Error(t, err)
			}
			return d
		},
		"KS":               func(a, b []float32) any { return KS(one(a), one(b)) },
		"TailKS":           func(a, b []float32) any { return TailKS(one(a), one(b), Both, 0.9) },
		"Wasserstein1":     func(a, b []float32) any { return Wasserstein1(one(a), one(b)) },
		"TailWasserstein1": func(a, b []float32) any { return TailWasserstein1(one(a), one(b), Left, 0.9) },
		"MSLE":             func(a, b []float32) any { return MSLE(one(a), one(b), 0.9) },
		"MSLELevels":       func(a, b []float32) any { return MSLELevels(one(a), one(b), 0.9) },
		"TailError":        func(a, b []float32) any { return TailError(one(a), one(b), Right) },
		"GlobalL1":         func(a, b []float32) any { return GlobalL1(one(a), one(b)) },
		"QuantileRatios":   func(a, b []float32) any { return QuantileRatios(one(a), one(b), []float64{0.5, 0.9}) },
		"SkewnessRatio":    func(a, b []float32) any { return SkewnessRatio(one(a), one(b)) },
		"KurtosisRatio":    func(a, b []float32) any { return KurtosisRatio(one(a), one(b)) },
		"HillIndex": func(a, b []float32) any {
			x, errX := HillIndex(one(a), Right)
			y, errY := HillIndex(one(b), Right)
			if errX != nil || errY != nil {
				return math.NaN()
			}
			return []float64{x.Hill, y.Hill}
		},
	}
	a, b := points(1, 90, 2, 1, 9), points(2, 90, 2, 1, 9) // far from 0: MSLE takes logarithms
	for name, f := range metrics {
		require.NotContains(t, floats(refl.ValueOf(f(a, b))), "NaN", name)
		for _, at := range []int{0, 77, len(a) - 1} {
			bad := slices.Clone(a)
			bad[at] = float32(math.NaN())
			for _, v := range []any{f(bad, b), f(b, bad), f(bad, bad)} {
				all := floats(refl.ValueOf(v))
				require.NotEmpty(t, all, name)
				for _, s := range all {
					require.Equal(t, "NaN", s, "%s, NaN at %d: %+v", name, at, v)
				}
			}
		}
	}
	bad := make([]float64, 40)
	bad[20] = math.NaN()
	s := Ensemble(bad, 4, make([]float64, 10))
	require.True(t, math.IsNaN(s.CRPS) && math.IsNaN(s.RMSE) && math.IsNaN(s.Spread) && math.IsNaN(s.Ratio), s)
	require.True(t, math.IsNaN(CRPS(bad, 0)) && math.IsNaN(CRPS([]float64{1, 2}, math.NaN())))
	require.True(t, math.IsNaN(Skewness(bad)) && math.IsNaN(Kurtosis(bad)) && math.IsNaN(Quantiles(bad, []float64{0})[0]))
}

// floats lists what the float64 of v are: "NaN" or "number".
func floats(v refl.Value) (out []string) {
	switch v.Kind() {
	case refl.Float64:
		if math.IsNaN(v.Float()) {
			return []string{"NaN"}
		}
		return []string{"number"}
	case refl.Struct:
		for i := range v.NumField() {
			out = append(out, floats(v.Field(i))...)
		}
	case refl.Slice:
		for i := range v.Len() {
			out = append(out, floats(v.Index(i))...)
		}
	}
	return out
}
