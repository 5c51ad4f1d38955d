package eval

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion/metrics"
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

// single passes images one at a time.
type single struct {
	slice
	less int // images that it keeps
}

func (s single) Each(_ context.Context, f func([]float32) error) error {
	for i := range s.Len() - s.less {
		if err := f(s.x[i*s.d : (i+1)*s.d]); err != nil {
			return err
		}
	}
	return nil
}

// Images have the scores of whole arrays however they are passed, and of their pixels
// those of package metrics; a source that passes fewer is an error.
func TestImagesFrom(t *testing.T) {
	const n, d = 150, 8 * 8
	draw := func(seed uint64) (x []float32) {
		x = make([]float32, n*d)
		stable.Key{Seed: seed}.Normal(x, 0)
		for i, v := range x {
			x[i] = float32(math.Round(float64(min(max(v/3, -1), 1))*50) / 50)
		}
		return x
	}
	x, y := draw(1), draw(2)
	o := Defaults()
	o.Pairs, o.K = 40, 3
	want, err := Images(t.Context(), x, y, []int{8, 8, 1}, o)
	require.NoError(t, err)
	got, err := ImagesFrom(t.Context(), single{slice{x, d}, 0}, single{slice{y, d}, 0}, []int{8, 8, 1}, o)
	require.NoError(t, err)
	require.Equal(t, want, got)
	a, b := part(x, 1, 0), part(y, 1, 0)
	few := func(x []float32) []float32 { return thin(x, d, o.Pairs) }
	for name, v := range map[string]float64{
		"pixel_wasserstein1": metrics.Wasserstein1(a, b), "pixel_ks": metrics.KS(a, b),
		"pixel_kurtosis_ratio": metrics.KurtosisRatio(a, b), "pixel_skewness_ratio": metrics.SkewnessRatio(a, b),
		"pixel_sliced_wasserstein": metrics.SlicedWasserstein(few(x), few(y), d, metrics.SlicedOptions{}),
	} {
		i := slices.IndexFunc(got.Metrics, func(m Metric) bool { return m.Name == name })
		require.Equal(t, Score(v), got.Metrics[i].Value, name)
	}
	_, err = ImagesFrom(t.Context(), single{slice{x, d}, 1}, slice{y, d}, []int{8, 8, 1}, o)
	require.ErrorContains(t, err, "Pictures of 150 images passed 9536 values of 64 each")
	require.Panics(t, func() { _, _ = Images(t.Context(), x[1:], y[1:], []int{8, 8, 1}, o) })
}
