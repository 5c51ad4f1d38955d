package stable

import (
	"math"

	"heavytail/internal/dmath"
)

// A rule is a Gauss–Legendre rule on [−1, 1].
type rule struct{ x, w []float64 }

// The rules of the panels: fine around the peak, coarse in the flanks.
const fineNodes, coarseNodes = 16, 12

var fine, coarse = gaussLegendre(fineNodes), gaussLegendre(coarseNodes)

// gaussLegendre finds the roots of the Legendre polynomial by Newton's method.
func gaussLegendre(n int) rule {
	g := rule{make([]float64, n), make([]float64, n)}
	for i := range n / 2 {
		x := dmath.CosPi((float64(i) + 0.75) / (float64(n) + 0.5))
		var d float64
		for range 6 {
			p0, p1 := 1.0, x
			for k := 2; k <= n; k++ {
				f := float64(k)
				p0, p1 = p1, (float64((2*f-1)*float64(x*p1))-float64((f-1)*p0))/f
			}
			d = float64(n) * (float64(x*p1) - p0) / (float64(x*x) - 1)
			x -= p1 / d
		}
		w := 2 / float64((1-float64(x*x))*float64(d*d))
		g.x[i], g.x[n-1-i], g.w[i], g.w[n-1-i] = -x, x, w, w
	}
	return g
}

// sinFold returns sin x for x in [0, π], given also π − x.
func sinFold(x, rest float64) float64 { return dmath.QuickSin(min(x, rest)) }

// cosFold returns cos x for x in [0, π], given also π − x.
func cosFold(x, rest float64) float64 {
	if x <= rest {
		_, c := dmath.QuickSinCos(x)
		return c
	}
	_, c := dmath.QuickSinCos(rest)
	return -c
}

// atan2 returns the angle in [0, π] of the point (x, y), y ≥ 0.
func atan2(y, x float64) float64 {
	switch {
	case x > 0:
		return dmath.Atan(y / x)
	case x < 0:
		return math.Pi - dmath.Atan(y/-x)
	}
	return math.Pi / 2
}
