package tails

import (
	"bytes"
	"context"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/data"
	"heavytail/recipe"
	"heavytail/stable"
)

// Whatever the index of the extremes, no rounding leads out of what noise can have:
// every suggestion makes a recipe that is valid, of that index.
func TestSuggestionsAreRecipes(t *testing.T) {
	for index := 1.0; index < 40; index += 0.01 {
		c := Column{hill: stable.TailFit{K: 90, Alpha: index}, Extremes: 90}
		s := Suggestion{}
		s.follow("column", &c)
		for i, n := range s.noises() {
			r, err := recipe.Preset("toy")
			require.NoError(t, err)
			require.NoError(t, n.Use(&r))
			require.Equal(t, n.Kind, r.Kind())
			_, err = r.Noiser()
			require.NoError(t, err, "%v", n)
			switch {
			case i > 0:
			case n.Kind == recipe.DLPM:
				require.InDelta(t, min(max(index, 1.1), 2), r.Process.Alpha, 0.005001)
			default:
				require.InDelta(t, max(index, 2.1), r.EDM.Nu[0], 0.05001)
			}
		}
	}
	require.Error(t, Noise{Kind: "x"}.Use(&recipe.Recipe{}))
	r := Report{Columns: []Column{{hill: stable.TailFit{K: 50, Alpha: 3.21, Interval: stable.Interval{Lo: 2, Hi: 4.5}}}}}
	require.True(t, r.byExtremes())
	require.Equal(t, 3.2, *r.Suggestion.Nu)
	require.Equal(t, 2.0, imbalance([]int{0, 0, 2}))
}

// Look takes evenly spaced values of the columns that it is asked for.
func TestLook(t *testing.T) {
	x := make([]float64, 4000)
	stable.Key{Seed: 21}.StudentT(x, 3, 0)
	rows := make([]float32, 0, 2*len(x))
	for i, v := range x {
		rows = append(rows, float32(i), float32(v))
	}
	set, err := data.FromPoints(rows, 2)
	require.NoError(t, err)
	r, err := Look(t.Context(), set, []int{1}, 0)
	require.NoError(t, err)
	require.Len(t, r.Columns, 1)
	require.Equal(t, 1, r.Suggestion.Column)
	require.Equal(t, recipe.TEDM, r.Suggestion.Noises[0].Kind)
	require.InDelta(t, 3, *r.Columns[0].Nu.Value, 0.4)
	require.Equal(t, []float64{0, 1000, 2000, 3000}, column(set, 0, 4))
	r, err = Look(t.Context(), set, nil, 200)
	require.NoError(t, err)
	require.Equal(t, []int{200, 200}, []int{r.Columns[0].Values, r.Columns[1].Values})
	for _, svg := range []bool{false, true} {
		var b bytes.Buffer
		require.NoError(t, r.WritePlot(&b, 1, svg))
		require.True(t, bytes.HasPrefix(b.Bytes(), []byte(map[bool]string{false: "\x89PNG", true: "<svg"}[svg])))
	}
	require.ErrorContains(t, (&Report{Columns: make([]Column, 1)}).WritePlot(io.Discard, 0, true), "nothing to plot")

	few, err := data.FromPoints(rows[:2*49], 2)
	require.NoError(t, err)
	_, err = Look(t.Context(), few, nil, 0)
	require.ErrorContains(t, err, "49 values in each column: too few")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Look(ctx, set, nil, 0)
	require.ErrorIs(t, err, context.Canceled)
	require.Panics(t, func() { _, _ = Look(t.Context(), set, []int{2}, 0) })
	require.Panics(t, func() { _, _ = Look(t.Context(), nil, nil, 0) })
	var none *Estimate
	inf := newEstimate(math.Inf(1), stable.Interval{Lo: 3, Hi: math.Inf(1)})
	require.Equal(t, []string{"-", "+Inf [3, +Inf]"}, []string{none.String(), inf.String()})
}

// What laws are fitted to is said where values were rounded or clipped, beside the index
// or the reason why there is none.
func TestNotesOfTies(t *testing.T) {
	const n = 4000
	x := make([]float64, n)
	stable.Key{Seed: 22}.StudentT(x, 1.7, 0)
	with := func(f func(i int, v float64) float64) []float64 {
		y := make([]float64, n)
		for i, v := range x {
			y[i] = f(i, v)
		}
		return y
	}
	for name, c := range map[string]struct {
		x    []float64
		unit float64
		note string
		none bool // of the index
	}{
		"plain":   {x, 1, "", false},
		"rounded": {with(func(_ int, v float64) float64 { return math.Round(v) }), 1, "different ones; the index counts them by their cells as rounded, alpha and nu are fitted to them as they are", false},
		"nine in ten": {with(func(i int, v float64) float64 {
			if i%10 == 0 {
				return v
			}
			return math.Round(v)
		}), 1, "the index counts them by their cells as rounded", false},
		"clipped": {with(func(_ int, v float64) float64 { return min(max(v, -12), 12) }), 1, "as they are: where the tail was cut off there, they are too light, where it is a code for no value, too heavy", true},
		"far":     {with(func(_ int, v float64) float64 { return 0x1p400 * min(max(v, -12), 12) }), 0x1p400, " values at 3.0987e+121 as they are", true},
		"code": {with(func(i int, v float64) float64 {
			if i%50 == 0 {
				return 30
			}
			return v
		}), 1, "alpha and nu are fitted with the 80 values at 30 among the others", true},
		"coarse": {with(func(_ int, v float64) float64 { return math.Round(min(max(v, -2), 2)) }), 1, "", true},
	} {
		col := newColumn(0, c.x)
		require.Equal(t, c.none, col.Index == nil, "%s: %v", name, col.Notes)
		text := strings.Join(col.Notes, "\n")
		require.Contains(t, text, c.note, name)
		if c.note == "" && !c.none {
			require.Empty(t, col.Notes, name)
		}
		require.NotContains(t, text, "TailIndex", name)
	}
}

// Amounts start at 0 and their samples may not: that is said where they are heavy.
func TestAmountsStartSomewhere(t *testing.T) {
	x, y := make([]float64, 3000), make([]float64, 3000)
	stable.Key{Seed: 23}.StudentT(x, 1.7, 0)
	for i, v := range x {
		y[i] = math.Abs(v)
	}
	const words = "take the logarithm of their distance from there"
	require.Contains(t, strings.Join(newColumn(0, y).Notes, ";"), words)
	require.NotContains(t, strings.Join(newColumn(0, x).Notes, ";"), words)
	for i := range y {
		y[i] = 100 + x[i]/1000 // far from 0, as a price is
	}
	require.NotContains(t, strings.Join(newColumn(0, y).Notes, ";"), words)
}

// Whatever the decades of an axis, its labels do not run into each other.
func TestDecadesAreFew(t *testing.T) {
	require.Equal(t, []int{-1, 0, 1, 2, 3}, decades(-1, 3, mostTicks))
	for _, to := range []int{13, 14, 20, 60, 300, 600} {
		at := decades(-1, to, mostTicks)
		require.LessOrEqual(t, len(at), mostTicks, "%d", to)
		require.GreaterOrEqual(t, len(at), 5, "%d", to)
		require.Contains(t, at, 0)
	}
}
