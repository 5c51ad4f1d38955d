package stable

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestQuantileTable checks the interpolation against the law between the grid
// points, and published values of McCulloch's functions that were computed
// exactly.
func TestQuantileTable(t *testing.T) {
	start := time.Now()
	table := quantileTable()
	t.Logf("table in %v", time.Since(start))
	for _, c := range []struct {
		alpha, beta float64
		k           int
		want, tol   float64
	}{
		{1.5, 0.5, 0, math.Log(3.1145967), 1e-7},
		{1.5, 0.5, 1, 0.2281516, 1e-7},
		{0.6, 0.25, 2, math.Log(2.6220), 2e-5},
		{1, 0.75, 3, 0.38348, 1e-5},
		{2, 0.3, 0, math.Log(1.6448536269514722 / 0.6744897501960817), 1e-9},
		{2, 0.3, 1, 0, 1e-9},
	} {
		require.InDelta(t, c.want, table.at(c.alpha, c.beta)[c.k], c.tol, "%v", c)
	}
	for _, c := range [][2]float64{{0.53, 0.06}, {0.77, 0.9}, {0.98, 0.3}, {1.23, 0.44}, {1.62, 0.97}, {1.93, 0.05}, {1.98, 0.8}} {
		l := Law{Alpha: c[0], Beta: c[1], Scale: 1, Param: S0}
		var q [5]float64
		for k, p := range mccullochP {
			q[k] = l.Quantile(p)
		}
		got, want := table.at(c[0], c[1]), shapeOf(q)
		for k := range got {
			require.InDelta(t, want[k], got[k], 2e-3, "%v, %d", c, k)
		}
		// The law's own quantiles lead back to the law.
		f, ok := table.solve(q)
		require.True(t, ok)
		require.InDelta(t, c[0], f.Alpha, 2e-3, "%v", c)
		require.InDelta(t, c[1], f.Beta, 2e-2, "%v", c)
		require.InDelta(t, 1, f.Scale, 5e-3, "%v", c)
		require.InDelta(t, 0, f.Loc, 1e-2, "%v", c)
	}
}

func TestMcCullochAtTheEnds(t *testing.T) {
	normal := stableSet(2, 0, 2000, 4)
	for i := range 200 { // short tails are no stable law: the nearest is normal
		normal[i] /= 2
	}
	f, err := McCulloch(normal)
	require.NoError(t, err)
	require.Greater(t, f.Alpha, 1.75)
	_, err = McCulloch(stableSet(0.3, 0, 2000, 1))
	require.ErrorContains(t, err, "use KogonWilliams or LogMoments")
	f, err = McCulloch(stableSet(0.8, 1, 40000, 1))
	require.NoError(t, err)
	require.InDelta(t, 1, f.Beta, 0.05)
}
