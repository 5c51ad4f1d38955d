package laws

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/stable"
)

// Where a location cancels, a value is a quarter of the spacing there, of either sign.
func TestPlacedIsNotZero(t *testing.T) {
	cancel := placed([]float64{2, -12}, func(_ stable.Key, dst []float32, off int) {
		for i := range dst {
			dst[i] = 6
		}
	})
	x := make([]float32, 4)
	cancel(x, 1, 7)
	require.Equal(t, []float32{-0x1p-22, 0x1p-22, -0x1p-22, 0x1p-22}, x)
	cancel64 := placed([]float64{1, 1}, func(_ stable.Key, dst []float64, off int) { dst[0] = -1 })
	y := make([]float64, 1)
	cancel64(y, 1, 0)
	require.Equal(t, []float64{0x1p-54}, y)
}

// Every law makes variates that depend on their number alone: any part, wherever a
// chunk ends, is the same part of all.
func TestVariatesAreNumbered(t *testing.T) {
	for text, o := range map[string]Options{
		"stable:1.7,0": {}, "stable:1.7,0.5,2,1": {Param: "s0"}, "stable:1,0.5,2,1": {Param: "s1"}, "stable:1.7,0.5": {Param: "s0", Table: true}, "positive:0.6": {}, "positive:1": {},
		"student:3,2,1": {}, "chi2:2.5": {}, "gamma:0.3,2": {}, "normal:2,1": {}, "exponential": {}, "uniform": {}, "isotropic:1.7,2": {Rows: 3}, "isotropic-student:4": {Rows: 3},
	} {
		m, err := New(text, o)
		require.NoError(t, err, text)
		d, first := max(o.Rows, 1), uint64(chunk-7)
		all, part := make([]float32, 20*d), make([]float32, 9*d)
		m.Fill(all, 3, first)
		m.Fill(part, 3, first+5)
		require.Equal(t, all[5*d:14*d], part, text)
		require.NotContains(t, all, float32(0), text)
		if m.Fill64 != nil {
			all, part := make([]float64, 20*d), make([]float64, 9*d)
			m.Fill64(all, 3, first)
			m.Fill64(part, 3, first+5)
			require.Equal(t, all[5*d:14*d], part, text)
		}
	}
	m, err := New("stable:1.7,0", Options{})
	require.NoError(t, err)
	got, want := make([]float32, 50), make([]float32, 50)
	m.Fill(got, 7, 2)
	stable.Key{Seed: 7}.Symmetric(want, 1.7, 2)
	require.Equal(t, want, got)
}

// What is no law, or not with such parameters or options, is an error that says what is.
func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		text, want string
		o          Options
	}{
		{"bad:1", `no law "bad"; want stable, positive`, Options{}}, {"stable:1", "1 parameter; want stable:ALPHA,BETA", Options{}},
		{"stable:1.5,x", `"x" is no finite number`, Options{}}, {"stable:1.5,Inf", "no finite number", Options{}}, {"uniform:1", "1 parameter; want uniform:", Options{}},
		{"stable:2.5,0", "Alpha = 2.5", Options{}}, {"stable:1.5,0.5", "needs a parametrisation", Options{}}, {"stable:1.5,0.5", "want s0 or s1", Options{Param: "s2"}},
		{"normal", "they belong to stable", Options{Param: "s0"}}, {"normal", "they belong to stable", Options{Table: true}}, {"normal", "rows of 3 values", Options{Rows: 3}},
		{"isotropic:1.5", "rows of 0 values", Options{}}, {"isotropic:1.5", "rows of -1 values", Options{Rows: -1}}, {"normal:-1", "scale -1", Options{}},
	} {
		_, err := New(c.text, c.o)
		require.ErrorContains(t, err, c.want, "%s %+v", c.text, c.o)
		require.Equal(t, strings.Contains(c.want, "needs"), errors.Is(err, ErrSkewed))
	}
	seen := map[string]bool{}
	for _, l := range All() {
		require.False(t, seen[l.Name])
		seen[l.Name] = true
		require.NotEmpty(t, l.About)
	}
	require.InDelta(t, math.MaxFloat32, float64(held(float32(math.Inf(1)))), 0)
}
