package metrics

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/stable"
)

// A counted sample has the bits of the whole one: of few values that are there often, of
// values of one side only, of other sizes, passed in parts of other lengths; and what is
// no number is none here too.
func TestTally(t *testing.T) {
	draw := func(n int, seed uint64, scale float64) []float32 {
		x := make([]float32, n)
		stable.Key{Seed: seed}.Normal(x, 0)
		for i, v := range x {
			x[i] = float32(math.Round(float64(v)*scale) / 8)
		}
		return x
	}
	wide := func(x []float32) []float64 {
		out := make([]float64, len(x))
		for i, v := range x {
			out[i] = float64(v)
		}
		return out
	}
	count := func(x []float32) *Tally {
		var s Tally
		for i, step := 0, 1; i < len(x); i, step = i+step, 2*step {
			s.Add(x[i:min(i+step, len(x))])
		}
		require.Equal(t, len(x), s.Len())
		return &s
	}
	same := func(want, got float64) {
		t.Helper()
		require.Equal(t, math.Float64bits(want), math.Float64bits(got))
	}
	x := draw(1000, 1, 6)
	for _, y := range [][]float32{draw(1000, 2, 6), draw(777, 3, 9), {100}, {-100, -100}, x, draw(3, 4, 1)} {
		for _, c := range [][2][]float32{{x, y}, {y, x}} {
			a, b := c[0], c[1]
			same(KS(wide(a), wide(b)), TallyKS(count(a), count(b)))
			same(Wasserstein1(wide(a), wide(b)), TallyWasserstein1(count(a), count(b)))
		}
		m := NewMoments(len(y))
		for _, pass := range []func([]float32){m.Mean, m.About} {
			pass(y[:len(y)/3])
			pass(y[len(y)/3:])
		}
		same(Kurtosis(wide(y)), m.Kurtosis())
		same(Skewness(wide(y)), m.Skewness())
	}
	for _, y := range [][]float32{nil, {1, float32(math.NaN())}} {
		require.True(t, math.IsNaN(TallyKS(count(x), count(y))) && math.IsNaN(TallyWasserstein1(count(y), count(x))))
	}
}
