package stable

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNolanExact holds densities and both tails to values of 18 digits at rows of
// Nolan's table (results/stable_peers.py exact), from the parts of it that are
// right and from those that are not.
func TestNolanExact(t *testing.T) {
	wrong := 0
	for _, r := range readFloats(t, "testdata/nolan.csv") {
		l := Law{Alpha: r[0], Beta: r[1], Scale: 1}
		x, p, f, lower, upper := r[2], r[3], r[5], r[6], r[7]
		// 1e-13 (see Density), and where x is near the end of the support what ζ + x
		// loses of X.
		tol := 2e-13 + 4e-16*math.Abs(l.zeta()/(x+l.zeta()))*math.Abs(1+math.Log(min(lower, upper)))
		require.InEpsilon(t, f, l.Density(x), 3*tol, "%v", r[:3])
		require.InEpsilon(t, lower, l.CDF(x), tol, "%v", r[:3])
		require.InEpsilon(t, upper, l.Survival(x), tol, "%v", r[:3])
		if math.Abs(lower-p) > 0.01*min(p, 1-p) {
			wrong++
		}
	}
	require.Greater(t, wrong, 3, "rows of the table that err by 1 % and more")
}
