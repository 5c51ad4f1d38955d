package data

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// toySet returns n points of a toy set.
func toySet(t *testing.T, name string, n int, seed uint64) []float32 {
	t.Helper()
	s, err := Open(t.Context(), "toy:"+name, Options{Rules: FirstRules, N: n, Seed: seed})
	require.NoError(t, err)
	require.Equal(t, []int{2}, s.Shape)
	require.Equal(t, n, s.Len())
	return s.floats
}

func TestToySetsDependOnTheSeedAlone(t *testing.T) {
	for _, name := range Toys() {
		a := toySet(t, name, 500, 1)
		require.Equal(t, a, toySet(t, name, 500, 1), name)
		require.NotEqual(t, a, toySet(t, name, 500, 2), name)
		require.Negative(t, notFinite(a), name)
	}
	require.Equal(t, toySet(t, "gmm_grid", 500, 1), toySet(t, "gmm_grid", 900, 1)[:1000])
}

// near counts the points by the nearest mode of the 3×3 grid around 0.
func near(x []float32) (count [9]int, mean [9][2]float64) {
	for i := 0; i < len(x); i += 2 {
		a := min(max(math.Round(float64(x[i])), -1), 1)
		b := min(max(math.Round(float64(x[i+1])), -1), 1)
		k := int(3*(a+1) + b + 1)
		count[k]++
		mean[k][0] += float64(x[i]) - a
		mean[k][1] += float64(x[i+1]) - b
	}
	return count, mean
}

func TestGridsAreCentredWithThePublishedWeights(t *testing.T) {
	const n = 20000
	count, mean := near(toySet(t, "gmm_grid", n, 3))
	for k, w := range gridWeights {
		// A binomial count; five standard deviations.
		require.InDelta(t, n*w, count[k], 5*math.Sqrt(n*w), "mode %d", k)
		for _, m := range mean[k] {
			require.InDelta(t, 0, m/float64(count[k]), 5*0.1/math.Sqrt(float64(count[k])), "mode %d", k)
		}
	}
	// Shares of sas_grid are exact; its tails reach far beyond the grid.
	x := toySet(t, "sas_grid", n, 3)
	count, _ = near(x)
	far := 0
	for _, v := range x {
		if math.Abs(float64(v)) > 2 {
			far++
		}
	}
	for k, w := range gridWeights {
		require.InDelta(t, n*w, count[k], 0.02*n*w+0.01*n, "mode %d", k)
	}
	// P(|ε| > 20) is about 0.0016 at α = 1.7: some thirty values are expected
	// beyond ±2, of Gaussians none.
	require.InDelta(t, 25, far, 20)
}

func TestOtherToys(t *testing.T) {
	const n = 8000
	x := toySet(t, "gmm_2", n, 1)
	left := 0
	for i := 0; i < len(x); i += 2 {
		require.InDelta(t, 3, math.Abs(float64(x[i])), 0.6)
		if x[i] < 0 {
			left++
		}
	}
	require.InDelta(t, n/2, left, 5*math.Sqrt(n)/2)

	x = toySet(t, "swiss_roll", n, 1)
	sum, sq := 0.0, 0.0
	for _, v := range x {
		sum += float64(v)
		sq += float64(v) * float64(v)
	}
	require.InDelta(t, 0, sum/(2*n), 1e-3)
	require.InDelta(t, 1, sq/(2*n), 1e-3)

	x = toySet(t, "rings", n, 1)
	var rings [5]int
	for i := 0; i < len(x); i += 2 {
		r := math.Hypot(float64(x[i]), float64(x[i+1])) * 4
		require.InDelta(t, math.Round(r), r, 0.45)
		rings[int(math.Round(r))]++
	}
	for k := 1; k <= 4; k++ {
		require.InDelta(t, 0.1*float64(k)*n, rings[k], 5*math.Sqrt(n)/2)
	}

	x = toySet(t, "checkerboard", n, 1)
	var squares [16]int
	for i := 0; i < len(x); i += 2 {
		a, b := int(math.Floor(float64(x[i]+1)*2)), int(math.Floor(float64(x[i+1]+1)*2))
		require.True(t, a >= 0 && a < 4 && b >= 0 && b < 4, "%v", x[i:i+2])
		squares[4*b+a]++
	}
	for i, c := range squares {
		if (i%4+i/4)%2 == 1 {
			require.Zero(t, c)
		} else {
			require.InDelta(t, n/8, c, 5*math.Sqrt(n/8))
		}
	}
}
