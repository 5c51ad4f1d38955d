package metrics

import "math"

// Wasserstein1 returns the exact Wasserstein-1 distance of two samples of any
// sizes, ∫_0^1 |Q_a(p) − Q_b(p)| dp with the empirical quantile functions.
func Wasserstein1(a, b []float64) float64 {
	x, okX := sorted(a)
	y, okY := sorted(b)
	if !okX || !okY {
		return math.NaN()
	}
	return integrate(x, y, 0, apart)
}

// apart returns |x − y|.
func apart(x, y float64) float64 { return math.Abs(x - y) }
