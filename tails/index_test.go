package tails

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/data"
	"heavytail/recipe"
	"heavytail/stable"
)

// quantiles are n values of a law by its quantile function.
func quantiles(seed uint64, n int, f func(u float64) float64) []float64 {
	u := make([]float64, n)
	stable.Key{Seed: seed}.Uniform64(u, 0)
	for i := range u {
		u[i] = f(u[i])
	}
	return u
}

func normalQuantile(u float64) float64 { return math.Sqrt2 * math.Erfinv(2*u-1) }

// A one-sided column goes by its extremes, whose interval holds the index where the
// symmetric laws' are far below it, and flow of drawn-in values is first; symmetric columns
// keep the laws that fit them.
func TestOneSidedColumnsGoByTheirExtremes(t *testing.T) {
	laws := map[string]struct {
		index    float64 // ∞: no power, of which the extremes have about so much
		oneSided bool
		quantile func(u float64) float64
	}{
		"pareto 1.5": {1.5, true, func(u float64) float64 { return math.Pow(1-u, -1/1.5) }}, "pareto 3": {3, true, func(u float64) float64 { return math.Pow(1-u, -1/3.0) }},
		"losses": {1.5, true, func(u float64) float64 { return -math.Pow(1-u, -1/1.5) }}, "lognormal": {math.Inf(1), true, func(u float64) float64 { return math.Exp(1.5 * normalQuantile(u)) }},
		"exponential": {math.Inf(1), true, func(u float64) float64 { return -math.Log(1 - u) }}, "chi2": {math.Inf(1), true, func(u float64) float64 { v := normalQuantile(u); return v * v }},
		"t 3": {3, false, stable.StudentT{Nu: 3, Scale: 1}.Quantile}, "t 8": {8, false, stable.StudentT{Nu: 8, Scale: 1}.Quantile}, "stable 1.3": {1.3, false, stable.Symmetric(1.3).Quantile},
		"skewed": {1.5, false, stable.Law{Alpha: 1.5, Beta: 0.5, Scale: 1}.Quantile}, "normal": {math.Inf(1), false, normalQuantile},
	}
	for name, l := range laws {
		for seed := range uint64(3) {
			x := quantiles(60+seed, 4000, l.quantile)
			narrow := make([]float32, len(x))
			for i, v := range x {
				narrow[i] = float32(v)
			}
			set, err := data.FromPoints(narrow, 1)
			require.NoError(t, err)
			r, err := Look(t.Context(), set, nil, 0)
			require.NoError(t, err)
			c, s := &r.Columns[0], r.Suggestion
			require.Equal(t, l.oneSided, c.oneSided(), name)
			if !l.oneSided {
				require.NotContains(t, s.Train[0], "transform", name)
				require.Equal(t, c.lawIndex(), c.index(), name)
				continue
			}
			require.Equal(t, Noise{Kind: recipe.Flow, Transform: recipe.SoftLog}, s.Noises[0], name)
			require.Equal(t, c.hill.Alpha, *s.Index, name)
			require.Greater(t, c.hill.Interval.Hi, min(l.index, 3), name)
			require.Less(t, c.symmetric.Alpha, min(l.index, 3), name)
			if second := s.Noises[1]; c.hill.Alpha > 2 {
				require.InDelta(t, max(c.hill.Alpha, 2.1), second.Nu, 0.051, name)
			} else {
				require.InDelta(t, max(c.hill.Alpha, 1.1), second.Alpha, 0.0051, name)
			}
			var text strings.Builder
			_, err = r.WriteTo(&text)
			require.NoError(t, err)
			require.Equal(t, 1, strings.Count(text.String(), "-process flow -transform softlog\n"), "first, and not again at the end")
			require.NotContains(t, text.String(), "results/choice.md", "which is of other advice")
			preset, err := recipe.Preset("toy")
			require.NoError(t, err)
			require.NoError(t, s.Noises[0].Use(&preset))
			require.Equal(t, []recipe.Transform{{Kind: recipe.SoftLog}}, preset.Data.Transform)
		}
	}
}

// Near α = 2 the skewness of a symmetric column ends on its bound now and then: that says
// nothing, where it is told from 0 it does.
func TestSkewnessOnItsBound(t *testing.T) {
	for name, l := range map[string]struct {
		quantile func(u float64) float64
		skewed   bool
	}{
		"normal": {normalQuantile, false}, "stable 1.95": {stable.Symmetric(1.95).Quantile, false}, "t 10": {stable.StudentT{Nu: 10, Scale: 1}.Quantile, false},
		"skewed": {stable.Law{Alpha: 1.6, Beta: 1, Scale: 1}.Quantile, true}, "exponential": {func(u float64) float64 { return -math.Log(1 - u) }, true},
	} {
		bound, called := 0, 0
		for seed := range uint64(16) {
			k, err := stable.KogonWilliams(quantiles(seed, 500, l.quantile))
			require.NoError(t, err)
			c := Column{}
			c.setBeta(k)
			if math.Abs(k.Beta) == 1 {
				bound++
				require.False(t, !l.skewed && c.Beta != nil, name)
			}
			called += len(c.Notes)
		}
		require.Positive(t, bound, "%s: the case that this test is for", name)
		if l.skewed {
			require.Greater(t, called, 12, name)
		} else {
			require.LessOrEqual(t, called, 1, name)
		}
	}
}

// Rows that are there k times tell as much as one; rounded values, which are equal, too,
// are taken as they were.
func TestRepeatedValuesCountOnce(t *testing.T) {
	x := quantiles(7, 1000, stable.StudentT{Nu: 3, Scale: 1}.Quantile)
	once := newColumn(0, x)
	for _, k := range []int{2, 3, 10} {
		var y []float64
		for range k {
			y = append(y, x...)
		}
		c := newColumn(0, y)
		require.Equal(t, k*len(x), c.Values)
		require.Equal(t, []string{once.Index.String(), once.Nu.String()}, []string{c.Index.String(), c.Nu.String()})
		require.Contains(t, strings.Join(c.Notes, ";"), fmt.Sprintf("repeated: the outermost values are there %d×", k))
	}
	few := newColumn(0, append(append([]float64{}, x[:40]...), x[:40]...))
	require.Contains(t, strings.Join(few.Notes, ";"), "the 40 others are too few")
	for i, v := range x {
		x[i] = math.Round(10*v) / 10
	}
	require.NotContains(t, strings.Join(newColumn(0, x).Notes, ";"), "×")
}

// Among zeros the start of the others is theirs: the zeros have no logarithm.
func TestClaimsStartAmongZeros(t *testing.T) {
	x := quantiles(8, 5000, func(u float64) float64 { return 1000 * math.Pow(1-u, -1/1.2) })
	for i := range x {
		if i%10 > 0 {
			x[i] = 0
		}
	}
	notes := strings.Join(newColumn(0, x).Notes, ";")
	for _, want := range []string{"samples of a network are near 0, hardly ever equal to it", "the others start at 100", "as data, of the others alone"} {
		require.Contains(t, notes, want)
	}
}
