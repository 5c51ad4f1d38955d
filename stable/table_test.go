package stable

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

func TestTable(t *testing.T) {
	r := numtest.NewRand(5)
	for _, c := range []struct {
		l    Law
		slow int // cells that call the law, at most
	}{
		{Symmetric(1.7), 0}, {Law{1.5, .5, 2, 1, S1}, 0}, {Law{1, .5, 1, 0, S0}, 0},
		{Law{.85, 1, 1, 0, S0}, tableSide}, // no density below the support
		{Symmetric(2), 2 * tableSide},      // e^(−x²/4) of 10^10 is no number
	} {
		l := c.l
		if testing.Short() && l.Beta != 0 {
			continue
		}
		tab, err := NewTable(l)
		require.NoError(t, err)
		require.Equal(t, l, tab.Law())
		slow := 0
		for _, c := range tab.cells {
			if c.f[0] != c.f[0] || c.p[0] != c.p[0] {
				slow++
			}
		}
		require.LessOrEqual(t, slow, c.slow)
		for range 400 {
			x := r.Float64() * math.Exp(40*math.Abs(r.Float64()*r.Float64()))
			f, lf, p, q := l.Density(x), l.LogDensity(x), l.CDF(x), l.Survival(x)
			if lf > -700 {
				near(t, f, tab.Density(x), 1e-10, l, x)
				require.InDelta(t, lf, tab.LogDensity(x), 1e-10)
				near(t, p, tab.CDF(x), 1e-10, l, x)
				near(t, q, tab.Survival(x), 1e-10, l, x)
			} else if lf > math.Inf(-1) {
				near(t, lf, tab.LogDensity(x), 1e-10, l, x)
			}
		}
		inf := math.Inf(1)
		require.Equal(t, []float64{0, 1, 0, l.Density(1e200)}, []float64{tab.Density(inf), tab.CDF(inf), tab.CDF(-inf), tab.Density(1e200)})
		require.True(t, math.IsNaN(tab.Density(math.NaN())) && math.IsNaN(tab.LogDensity(math.NaN())) && math.IsNaN(tab.CDF(math.NaN())))
		require.Zero(t, testing.AllocsPerRun(10, func() { tab.Density(0.3) }))
	}
	_, err := NewTable(Law{})
	require.ErrorContains(t, err, "NewTable")
}

// TestTableQuantile: quantiles hit their probability as closely as the table
// promises, in the tails, about the median of skewed laws, where cells call the
// law, and at the ends.
func TestTableQuantile(t *testing.T) {
	r := numtest.NewRand(6)
	for i, l := range []Law{Symmetric(1.7), {1.5, -.5, 2, 1, S1}, {.85, 1, 1, 0, S0}, {1, .5, 1, 0, S0}, {.6, .9, 3, 1, S0}, Symmetric(2)} {
		if testing.Short() && i > 2 {
			break
		}
		tab, err := NewTable(l)
		require.NoError(t, err)
		for range 300 {
			q := 0.5 * math.Exp(-30*math.Abs(r.Float64()*r.Float64()))
			near(t, q, l.CDF(tab.Quantile(q)), 1.2e-10, l, " lower ", q)
			near(t, q, l.Survival(tab.SurvivalQuantile(q)), 1.2e-10, l, " upper ", q)
			require.Equal(t, tab.SurvivalQuantile(1-(1-q)), tab.Quantile(1-q))
		}
		require.Equal(t, []float64{l.Quantile(0), l.Quantile(1), l.SurvivalQuantile(1e-305)},
			[]float64{tab.Quantile(0), tab.Quantile(1), tab.SurvivalQuantile(1e-305)})
		require.Panics(t, func() { tab.Quantile(1.1) })
		require.Panics(t, func() { tab.SurvivalQuantile(math.NaN()) })
		require.Zero(t, testing.AllocsPerRun(10, func() { tab.Quantile(0.3) }))
	}
}

// TestTableQuantileNearCentre: the quantiles of a table keep the relative precision
// of p − F(0), as the law's do: at ½ + 10^-12 the fourth digit was wrong.
func TestTableQuantileNearCentre(t *testing.T) {
	for _, l := range []Law{Symmetric(1.7), {1.5, -.5, 2, 0, S1}, {.6, .9, 3, 0, S1}, {.3, 0, 1, 0, S0}, {1.02, .4, 1, 0, S1}, Symmetric(2), {1, 0, 5, 0, S0}, {1.9, 1, 1, 0, S1}} {
		tab, err := NewTable(l)
		require.NoError(t, err)
		below, above, ok := l.centre()
		require.True(t, ok)
		for e := 2; e <= 50; e += 3 {
			for _, sign := range []float64{-1, 1} {
				rise := sign * min(below, above) * math.Ldexp(0.9, -e)
				for upper, f := range []func(float64) float64{tab.Quantile, tab.SurvivalQuantile} {
					p := below + rise
					want := l.Quantile
					if upper == 1 {
						p, want = above-rise, l.SurvivalQuantile
					}
					// Farther than 1/64 the error of p, 10^-10, over p − F(0); twice that for
					// the density, which changes in between.
					tol := 2e-10 * max(p, 1-p) / math.Abs(rise)
					if e >= 6 {
						tol = 2e-13 // of either
					}
					require.InEpsilon(t, want(p), f(p), tol, "%+v: %v from %v", l, rise, below)
				}
			}
		}
		if below == 0.5 { // F(0) is exact, and x with it
			x := tab.Quantile(0.5 + 0x1p-45)
			require.InEpsilon(t, 0x1p-45/l.Density(0), x, 1e-12)
		}
	}
}

func BenchmarkNewTable(b *testing.B) {
	for _, l := range []Law{Symmetric(1.7), {.85, 1, 1, 0, S0}, {1.5, .5, 1, 0, S0}} {
		b.Run(fmt.Sprintf("%v,%v", l.Alpha, l.Beta), func(b *testing.B) {
			for b.Loop() {
				if _, err := NewTable(l); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

var sink float64

func BenchmarkTable(b *testing.B) {
	for _, l := range []Law{Symmetric(1.7), {.85, 1, 1, 0, S0}} {
		tab, _ := NewTable(l)
		x := make([]float32, 1<<14)
		Key{Seed: 3}.Skewed(x, l.Alpha, l.Beta, l.Param, 0)
		for name, f := range map[string]func(float64) float64{"density": tab.Density, "log": tab.LogDensity, "cdf": tab.CDF} {
			b.Run(fmt.Sprintf("%s/%v,%v", name, l.Alpha, l.Beta), func(b *testing.B) {
				s := 0.0
				for i := range b.N {
					s += f(float64(x[i&(1<<14-1)]))
				}
				sink = s
			})
		}
		b.Run(fmt.Sprintf("quantile/%v,%v", l.Alpha, l.Beta), func(b *testing.B) {
			s := 0.0
			for i := range b.N {
				s += tab.Quantile((float64(i*7919&(1<<14-1)) + 0.5) / (1 << 14))
			}
			sink = s
		})
	}
}
