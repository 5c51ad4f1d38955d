package eval

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/stable"
)

func name(c int) string { return string(rune('a' + c)) }

// Two draws of one law are near in every measure; a third with lighter tails is told
// from them.
func TestPointsTellsTails(t *testing.T) {
	draw := func(seed uint64, nu float64) []float64 {
		x := make([]float64, 2*500)
		stable.Key{Seed: seed}.StudentT(x, nu, 0)
		return x
	}
	real, same, light := draw(1, 3), draw(2, 3), draw(3, 100)
	near, err := Points(t.Context(), real, same, 2, []int{1}, name, Defaults())
	require.NoError(t, err)
	far, err := Points(t.Context(), real, light, 2, []int{1}, name, Defaults())
	require.NoError(t, err)
	require.Equal(t, 500, near.Used)
	require.Len(t, near.Columns, 2)
	require.Equal(t, []string{"b", "norm"}, []string{near.Columns[0].Column, near.Columns[1].Column})
	for i := range near.Columns {
		require.Less(t, 3*near.Columns[i].MSLE, far.Columns[i].MSLE)
		require.Less(t, near.Columns[i].TailError, far.Columns[i].TailError)
	}
	text, err := json.Marshal(near)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), `{"used":500,"seed":0,"metrics":[{"name":"prd_precision"`), string(text[:80]))
}

// What cannot be compared is an error, or a panic where the program is wrong.
func TestRefuses(t *testing.T) {
	x := make([]float64, 40)
	for _, c := range []struct {
		change func(o *Options)
		want   string
	}{
		{func(o *Options) { o.K = 20 }, "K is 20"}, {func(o *Options) { o.Pairs = 0 }, "Pairs is 0"}, {func(o *Options) { o.Xi = 1 }, "Xi is 1"},
		{func(o *Options) { o.Q = -1 }, "Q is -1"}, {func(o *Options) { o.Extractor = "x" }, `Extractor is "x"`}, {func(o *Options) { o.Threads = -1 }, "Threads is -1"},
	} {
		o := Defaults()
		c.change(&o)
		_, err := Points(t.Context(), x, x, 2, nil, name, o)
		require.ErrorContains(t, err, c.want)
	}
	_, err := Points(t.Context(), x[:38], x[:38], 2, nil, name, Defaults())
	require.ErrorContains(t, err, "19 samples of each: want at least 20")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Points(ctx, x, x, 2, nil, name, Defaults())
	require.ErrorIs(t, err, context.Canceled)
	require.Panics(t, func() { _, _ = Points(t.Context(), x, x[:38], 2, nil, name, Defaults()) })
	o := Defaults()
	o.Extractor = Fashion
	_, err = Images(t.Context(), make([]float32, 20*64), make([]float32, 20*64), []int{8, 8, 1}, o)
	var e *ExtractorError
	require.ErrorAs(t, err, &e)
	require.Equal(t, []int{28, 28, 1}, e.Takes)
}
