package stable

import (
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func roundedTo(x []float64, h float64) []float64 {
	return mapBoth(x, func(v float64) float64 { return math.Round(v/h) * h })
}

// The index of rounded values is that of the values: its interval holds it as often as
// it says, in 95 % of sets less four deviations of that number, and rests on as many of
// the extremes as without rounding, or nearly. Before ties were told from gaps, rounding
// to 1 left a third of them.
func TestTailIndexOfRoundedValues(t *testing.T) {
	sets := 40
	if os.Getenv("HEAVYTAIL_EXHAUSTIVE") != "" {
		sets = 200
	}
	least := int(0.95*float64(sets) - 4*math.Sqrt(0.95*0.05*float64(sets)))
	for _, nu := range []float64{1.2, 1.7, 2.5} {
		var data [][]float64
		for i := range sets {
			data = append(data, studentSet(nu, 4000, uint64(i)))
		}
		plain := 0
		for _, h := range []float64{0, 0.1, 1} {
			held, k := 0, 0
			for _, x := range data {
				if h > 0 {
					x = roundedTo(x, h)
				}
				f, err := TailIndex(x)
				require.NoError(t, err)
				if k += f.K; f.Interval.Contains(nu) {
					held++
				}
			}
			t.Logf("index %v rounded to %v: %d of %d intervals hold it, of %d values", nu, h, held, sets, k/sets)
			if h == 0 {
				plain = k
				continue
			}
			require.GreaterOrEqual(t, held, least, "index %v rounded to %v", nu, h)
			require.Greater(t, 4*k, 3*plain, "index %v rounded to %v", nu, h)
		}
	}
}

// Without ties nothing is changed, nor with ties near the median alone or few of them.
func TestTailIndexWithoutTies(t *testing.T) {
	f, err := TailIndex(stableSet(1.5, 0, 4000, 1))
	require.NoError(t, err)
	require.Equal(t, TailFit{Alpha: 0x1.c743ab2fc8754p+00, Interval: Interval{0x1.7c6bfd4ee3c7bp+00, 0x1.1b6243506db48p+01}, Hill: f.Hill, K: 397, Threshold: f.Threshold, N: 4000}, f, "as in 0.2")
	zeros := append(studentSet(3, 2000, 1), make([]float64, 3000)...)
	for name, x := range map[string][]float64{"no ties": studentSet(1.5, 4000, 1), "zeros": zeros, "four digits": roundedTo(studentSet(1.5, 4000, 1), 1e-4)} {
		mid := quantiles(x, 0.5)[0]
		top, err := largest("TailIndex", mapBoth(x, func(v float64) float64 { return math.Abs(v - mid) }))
		require.NoError(t, err)
		values, gaps, k, err := settle("TailIndex", x, top, mid)
		require.NoError(t, err)
		require.Same(t, &top[0], &values[0], name)
		require.Equal(t, logGaps(top), gaps, name)
		require.Equal(t, tailK(gaps), k, name)
	}
}

// Values that were clipped, on one side or both, and codes are refused by what they are;
// the ends that a law has, as that of positive values beside their median, are not.
func TestTailIndexRefusesTies(t *testing.T) {
	x := studentSet(1.7, 4000, 1)
	clip := func(lo, hi float64) func(float64) float64 {
		return func(v float64) float64 { return min(max(v, lo), hi) }
	}
	for name, c := range map[string]struct {
		x    []float64
		want string
	}{
		"clipped":               {mapBoth(x, clip(-12, 12)), "values all equal 12, a bound: no tail is left beyond"},
		"clipped above":         {mapBoth(x, clip(math.Inf(-1), 12)), "values all equal 12, a bound"},
		"clipped below":         {mapBoth(x, clip(-12, math.Inf(1))), "values all equal -12, a bound"},
		"clipped, rounded":      {roundedTo(mapBoth(x, clip(-12, 12)), 1), "values all equal 12, a bound"},
		"clipped, rounded fine": {roundedTo(mapBoth(x, clip(-12, 12)), 0.1), "a bound"},
		"code":                  {append(mapBoth(make([]float64, 60), func(float64) float64 { return 9.5 }), studentSet(2.5, 4000, 1)...), "60 values equal 9.5, and rounding explains"},
		"coarse":                {roundedTo(stableSet(2, 0, 4000, 1), 1.5), "different ones: the values are rounded too coarsely for an index; give them with more digits"},
	} {
		_, err := TailIndex(c.x)
		require.ErrorContains(t, err, c.want, name)
	}
	for i := range 20 {
		positive := mapBoth(paretoSet(1, 1000, uint64(i)), math.Log) // exponential
		for _, h := range []float64{0.1, 0.25} {
			_, err := TailIndex(roundedTo(positive, h))
			require.NoError(t, err, "set %d rounded to %v", i, h)
		}
	}
}

// Ten values in [1, 2] below ten others have the index ln 2/ln 2 = 1 there; the places of
// the outermost are even.
func TestUntie(t *testing.T) {
	got := untie([]tie{{2.5, 0, 10}, {1.5, 10, 10}, {0.5, 20, 1}})
	require.Len(t, got, 21)
	require.InDelta(t, 2.95, got[0], 1e-15)
	require.InDelta(t, 2.05, got[9], 1e-15)
	for r := range 10 {
		require.InDelta(t, 2/(1+(float64(r)+0.5)/10), got[10+r], 1e-15)
	}
	require.Equal(t, 0.5, got[20])
}
