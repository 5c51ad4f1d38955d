package tails

import (
	"bytes"
	"context"
	"io"
	"math"
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
