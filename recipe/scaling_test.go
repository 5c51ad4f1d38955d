package recipe

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/dmath"
)

// table makes Points of rows.
func table(rows ...[]float64) Points {
	return Points{Len: len(rows), Dim: len(rows[0]), Row: func(dst []float64, i int) { copy(dst, rows[i]) },
		Name: func(c int) string { return fmt.Sprintf("column %d", c) }, Place: func(i int) string { return fmt.Sprintf("row %d", i) }}
}

// columnOf makes Points of one column.
func columnOf(x ...float64) Points {
	rows := make([][]float64, len(x))
	for i, v := range x {
		rows[i] = []float64{v}
	}
	return table(rows...)
}

// cauchy returns n quantiles of a Cauchy law, evenly spread: half its
// interquartile range is its scale.
func cauchy(n int, loc, scale float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		u := (float64(i)+0.5)/float64(n) - 0.5
		x[(i*17)%n] = loc + scale*dmath.SinPi(u)/dmath.CosPi(u)
	}
	return x
}

func TestRobustScalingIsMedianAndHalfIQR(t *testing.T) {
	for _, c := range []struct{ loc, scale float64 }{{0, 1}, {1e6, 1}, {1e9, 1}, {30000, 0.01}, {-3, 1e-9}, {0, 1e200}} {
		s, notes, err := MeasureScaling(Robust, columnOf(cauchy(1001, c.loc, c.scale)...))
		require.NoError(t, err)
		require.Empty(t, notes)
		// Both are values of the sample within one of its 1001 steps: the quantile's
		// slope at the quartiles is 2π scales, at the median π.
		require.InDelta(t, c.loc, s.Center[0], c.scale*math.Pi/1001+1e-15*math.Abs(c.loc), "%v", c)
		require.InDelta(t, c.scale, s.Scale[0], c.scale*2*math.Pi/1001+1e-15*math.Abs(c.loc), "%v", c)
	}
	s, _, err := MeasureScaling(Std, columnOf(1e9+1, 1e9+3, 1e9+1, 1e9+3))
	require.NoError(t, err)
	require.Equal(t, Scaling{Kind: Std, Center: []float64{1e9 + 2}, Scale: []float64{1}}, *s)
}

// TestScalingWithoutIQR: ties in at least half of a column leave no
// interquartile range; the others set the scale, and a constant column is kept.
func TestScalingWithoutIQR(t *testing.T) {
	x := cauchy(400, 0, 3)
	zeros := append(make([]float64, 600), x...)
	s, notes, err := MeasureScaling(Robust, columnOf(zeros...))
	require.NoError(t, err)
	require.Zero(t, s.Center[0])
	require.InDelta(t, 3, s.Scale[0], 3*2*math.Pi/400)
	require.Len(t, notes, 1)
	require.Contains(t, notes[0], "60 % of its values are 0")

	rounded := []float64{0.3, 0.1 + 0.2, 0.3, 0.3, 0.1 + 0.2} // 0.30000000000000004
	for _, x := range [][]float64{{7, 7, 7}, {0, 0}, {1e300}, rounded} {
		for _, kind := range []string{Robust, Std} {
			s, notes, err := MeasureScaling(kind, columnOf(x...))
			require.NoError(t, err)
			require.Equal(t, []float64{x[0]}, s.Center)
			require.Zero(t, s.Scale[0], "%v", x)
			require.Contains(t, notes[0], "constant")
			z, back := make([]float32, 1), make([]float64, 1)
			s.Apply(z, x[:1])
			require.Zero(t, z[0])
			s.Undo(back, []float32{0.4})
			require.Equal(t, x[0], back[0])
		}
	}
}

// TestScalingUndoesItself: columns keep their own numbers, to float32's digits of
// their distance from the center, and not of themselves.
func TestScalingUndoesItself(t *testing.T) {
	var rows [][]float64
	a, b, c := cauchy(999, 1e9, 1), cauchy(999, 0, 0.01), cauchy(999, -5e-7, 1e-8)
	for i := range a {
		rows = append(rows, []float64{a[i], b[(i*5)%999], c[(i*11)%999]})
	}
	for _, kind := range []string{Robust, Std} {
		s, _, err := MeasureScaling(kind, table(rows...))
		require.NoError(t, err)
		z, back := make([]float32, 6), make([]float64, 6)
		for i := 0; i+1 < len(rows); i += 2 {
			x := append(append([]float64{}, rows[i]...), rows[i+1]...)
			s.Apply(z, x)
			s.Undo(back, z)
			for j := range x {
				m := s.Center[j%3]
				require.InDelta(t, x[j], back[j], 0x1p-24*math.Abs(x[j]-m)+0x1p-51*math.Abs(m), "%s, row %d, value %d", kind, i, j)
			}
		}
	}
}

func TestScalingRefuses(t *testing.T) {
	_, _, err := MeasureScaling(Robust, columnOf(0, 1, 2, 3, 4, 1e45))
	require.ErrorContains(t, err, "1e+45 in row 5 ")
	_, _, err = MeasureScaling(Std, columnOf(1e200, -1e200, 3))
	require.ErrorContains(t, err, "too large")
	_, _, err = MeasureScaling("best", columnOf(1, 2))
	require.ErrorContains(t, err, "robust")
	good := fitted(t, "toy", 2)
	good.Data.Scaling = &Scaling{Kind: Robust, Center: []float64{1e6, 0}, Scale: []float64{0.5, 0}}
	text := string(good.JSON())
	back, err := Parse([]byte(text))
	require.NoError(t, err)
	require.Equal(t, text, string(back.JSON()))
	for from, to := range map[string]string{`"kind":"robust"`: `"kind":"best"`, `[1000000,0]`: `[1]`, `[0.5,0]`: `[-0.5,0]`} {
		require.Contains(t, text, from)
		_, err := Parse([]byte(strings.Replace(text, from, to, 1)))
		require.Error(t, err, to)
	}
	images := fitted(t, "fashion", 28, 28, 1)
	images.Data.Scaling = good.Data.Scaling
	require.ErrorContains(t, images.Validate(), "points")
}
