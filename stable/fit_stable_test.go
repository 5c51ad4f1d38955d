package stable

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFitStableRecovers(t *testing.T) {
	for _, c := range [][2]float64{{0.7, 0.6}, {1, 0.5}, {1.95, 0}, {1.5, -1}} {
		x := mapBoth(stableSet(c[0], c[1], 20000, 9), func(v float64) float64 { return 100 + 5*v })
		start := time.Now()
		f, err := FitStable(x, FitOptions{})
		require.NoError(t, err)
		t.Logf("α %.4f±%.4f β %.3f±%.3f in %v", f.Alpha, f.SE[0], f.Beta, f.SE[1], time.Since(start))
		require.InDelta(t, c[0], f.Alpha, 4*f.SE[0]+1e-3, "%v", c)
		if c[0] < 1.9 {
			require.InDelta(t, c[1], f.Beta, 4*f.SE[1]+2e-2, "%v", c)
		}
		require.InDelta(t, 5, f.Scale, 4*f.SE[2]+1e-2, "%v", c)
		require.InDelta(t, 100, f.Loc, 4*f.SE[3]+5e-2, "%v", c)
		// The likelihood of the table is that of the law.
		sum := 0.0
		for _, v := range x[:200] {
			sum += f.Law().LogDensity(v)
		}
		table := newLogTable(f.Alpha, f.Beta, 1000, 1000)
		for _, v := range x[:200] {
			ln, _ := table.at((v - f.Loc) / f.Scale)
			sum -= ln - math.Log(f.Scale)
		}
		require.InDelta(t, 0, sum, 0.05)
		k, err := KogonWilliams(x)
		require.NoError(t, err)
		require.InDelta(t, k.Alpha, f.Alpha, 4*k.SE[0])
	}
}

// TestFitStableAtTheNormalLaw: the bound α = 2 is reached from normal data.
func TestFitStableAtTheNormalLaw(t *testing.T) {
	x := stableSet(2, 0, 5000, 3)
	f, err := FitStable(x, FitOptions{})
	require.NoError(t, err)
	require.InDelta(t, 2, f.Alpha, 0.005)
	require.Less(t, f.AlphaInterval().Lo, 2.0)
	require.Greater(t, f.AlphaInterval().Lo, 1.97)
	m, sd := moments(x)
	require.InDelta(t, sd/math.Sqrt2, f.Scale, 0.02)
	require.InDelta(t, m, f.Loc, 0.05)
}

// TestLogTable compares the spline with the law, between its nodes and beyond.
func TestLogTable(t *testing.T) {
	for _, c := range [][2]float64{{0.5, 0}, {0.8, 0.7}, {1, 0.5}, {1.3, 0.5}, {1.7, 0}, {1.95, -0.3}, {1.5, 1}} {
		table := newLogTable(c[0], c[1], 2000, 300)
		law := Law{Alpha: c[0], Beta: c[1], Scale: 1, Param: S0}
		worst := 0.0
		for _, z := range []float64{-1e6, -5000, -900, -77.7, -20.1, -6.31, -2.17, -1.01, -0.52, -0.017, 0, 0.011, 0.333, 0.97, 1.51, 3.14, 7.19, 19.9, 83, 290, 3000, 1e5} {
			want := law.LogDensity(z)
			if want < -30 {
				continue // no sample gets there
			}
			got, d := table.at(z)
			tol := 5e-5
			if math.Abs(z) > 1000 {
				tol = 4e-2
			}
			worst = max(worst, math.Abs(got-want))
			require.InDelta(t, want, got, tol, "%v at %v", c, z)
			h := 1e-4 * max(1, math.Abs(z))
			up, _ := table.at(z + h)
			down, _ := table.at(z - h)
			require.InDelta(t, (up-down)/(2*h), d, 2e-3*max(1, 1/max(math.Abs(z), 0.1)), "%v slope at %v", c, z)
		}
		t.Logf("%v: worst error %.1e", c, worst)
	}
}

// TestMaximise climbs a hill with a known top, once inside and once at a bound.
func TestMaximise(t *testing.T) {
	// n values of a normal law with mean m: value −n(p−m)²/2, information n.
	for _, c := range []struct{ m, hi, want, se float64 }{{3, 10, 3, 0.1}, {3, 2, 2, 0}} {
		quad := func(p vector) float64 { return -50 * (p[0] - c.m) * (p[0] - c.m) }
		l := likelihood{n: 1, lo: vector{-10}, hi: vector{c.hi}, value: quad, slope: func(p vector) (float64, vector, matrix) {
			return quad(p), vector{-100 * (p[0] - c.m)}, matrix{{100}}
		}}
		p, _, se, ok := l.maximise(vector{-4})
		require.True(t, ok)
		require.InDelta(t, c.want, p[0], 1e-3)
		require.InDelta(t, c.se, se[0], 1e-12)
	}
	a := matrix{{4, 1, 2}, {1, 3, 0}, {2, 0, 5}}
	inv := a.inverse(3, [maxParams]bool{true, true, true})
	for i := range 3 {
		for j := range 3 {
			s := 0.0
			for k := range 3 {
				s += a[i][k] * inv[k][j]
			}
			want := 0.0
			if i == j {
				want = 1
			}
			require.InDelta(t, want, s, 1e-14)
		}
	}
	held := a.inverse(3, [maxParams]bool{true, false, true})
	require.InDelta(t, 5.0/16, held[0][0], 1e-15)
	require.Zero(t, held[1][1])
}

// TestFitStableOfOtherLaws: mixtures have a fit, too, near α = 2 where β and the
// tails lose their influence.
func TestFitStableOfOtherLaws(t *testing.T) {
	for i := range 6 {
		x := stableSet(1.99, 0, 2000, uint64(i+4))
		for j := range x {
			x[j] = 0.1*x[j]*float64(i) + float64(j%(i+1))
		}
		f, err := FitStable(x, FitOptions{Symmetric: i%2 == 0})
		if i == 0 {
			require.ErrorContains(t, err, "leave a constant column out")
			continue
		}
		require.NoError(t, err, "%d", i)
		require.Greater(t, f.Alpha, 1.9, "%d", i)
	}
}

// TestCompare: each law is told from the other where its tail shows.
func TestCompare(t *testing.T) {
	for _, c := range []struct {
		x      []float64
		lo, hi float64
	}{
		{stableSet(1.7, 0, 20000, 2), 3, 100},
		{studentSet(3, 20000, 2), -100, -3},
		{stableSet(1, 0, 20000, 2), -3, 3}, // Cauchy is both
	} {
		a, err := FitStable(c.x, FitOptions{Symmetric: true})
		require.NoError(t, err)
		b, err := FitStudent(c.x)
		require.NoError(t, err)
		z := Compare(c.x, a, b)
		require.Greater(t, z, c.lo)
		require.Less(t, z, c.hi)
		// The mean difference is that of the likelihoods.
		require.Equal(t, a.LogLik > b.LogLik, z > 0)
	}
}
