package experiment

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// In one dimension independent elements and isotropic vectors are the same; and in
// more, with data that are all noise but for one element, E[x_0 | x] has mean 0
// against functions of x, as for clusters.
func TestExactProduct(t *testing.T) {
	law, scale := studentScale(3), 0.5/math.Sqrt(3)
	table := studentTable()
	for _, noise := range []scaleLaw{normalLaw(1), studentScale(3), stableScale(1.5)} {
		l := exactLevels(law, noise, scale, 1)
		for _, tau := range []float64{0.01, 0.3, 2, 40} {
			for _, x := range []float64{0.02, 0.5, -3, 100} {
				got, want := []float64{0}, []float64{0}
				table.estimate(noise, tau, got, []float64{x})
				l.target.estimate(l.at(tau), want, []float64{x})
				require.InDelta(t, want[0], got[0], 2e-3*math.Abs(want[0])+2e-4*math.Abs(x), "tau %v x %v", tau, x)
			}
		}
	}
	const n, d = 500, 8
	g := dimensionTargets[2]
	x, e, D, y := make([]float64, n*d), make([]float64, n*d), make([]float64, d), make([]float64, d)
	g.fill(x, d, 3)
	noise := stableScale(1.5)
	mixture{law: noise, scale: 1, centres: []float64{0}, shares: []float64{1}}.fill(e, d, 4)
	for _, tau := range []float64{0.1, 1} {
		var mean, square [2]float64
		for i := range n {
			for j := range y {
				y[j] = x[i*d+j] + tau*e[i*d+j]
			}
			table.estimate(noise, tau, D, y)
			for j := range y {
				off := min(max(x[i*d+j]-D[j], -50), 50)
				for k, f := range []float64{math.Copysign(1, y[j]), math.Copysign(min(1, math.Abs(y[j])), y[j])} {
					mean[k] += off * f
					square[k] += off * off * f * f
				}
			}
		}
		for k := range mean {
			require.InDelta(t, 0, mean[k]/math.Sqrt(square[k]), 4.5, "tau %v", tau)
		}
	}
}
