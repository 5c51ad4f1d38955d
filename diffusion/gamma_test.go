package diffusion

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// t-EDM's paper takes the γ-power divergence, γ = −2/(ν+d), between the posteriors
// of a step instead of Kullback and Leibler's. Of Student's laws with one ν it
// depends on their middles through (m_0 − m_1)²/ν times what their scales say alone,
// so that with the scales given, as in t-EDM, it is a weighted square of D − x_0, the
// loss here. With a learned scale s it is, as a function of s², linear in the square
// times s^{2k−2}, 0 < k < 1, and so least at a multiple of the mean of the square:
// what Loss.SpreadLoss asks for, its limit for ν → ∞. By quadrature in d = 1.
func TestGammaDivergenceIsASquare(t *testing.T) {
	const nu = 5.0
	g := -2 / (nu + 1)
	lg := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	A := math.Exp(lg((nu+1)/2)-lg(nu/2)) / math.Sqrt(nu*math.Pi)
	law := func(m, s float64) func(x float64) float64 {
		return func(x float64) float64 { return A / s * math.Pow(1+(x-m)*(x-m)/(nu*s*s), -(nu+1)/2) }
	}
	integral := func(f func(x float64) float64) (sum float64) {
		for w := -30.0; w <= 30; w += 0.01 {
			sum += f(math.Sinh(w)) * math.Cosh(w) * 0.01
		}
		return sum
	}
	divergence := func(m0, s0, m1, s1 float64) float64 {
		q, p := law(m0, s0), law(m1, s1)
		norm := func(f func(float64) float64) float64 {
			return math.Pow(integral(func(x float64) float64 { return math.Pow(f(x), 1+g) }), 1/(1+g))
		}
		cross := -integral(func(x float64) float64 { return q(x) * math.Pow(p(x), g) }) / math.Pow(norm(p), g)
		return (cross + norm(q)) / g
	}
	k := -g / (2 * (1 + g)) // of |S_1| = s_1² in d = 1
	c := math.Pow(A, g/(1+g)) * math.Pow(1+1/(nu-2), -g/(1+g))
	for _, e := range [][4]float64{{0, 1, 0.7, 1}, {0.3, 1, -2, 1}, {0, 0.8, 1, 1.7}, {2, 2, 1, 0.6}} {
		m0, s0, m1, s1 := e[0], e[1], e[2], e[3]
		want := -c / g * (-math.Pow(s0*s0, k)*(1+1/(nu-2)) + math.Pow(s1*s1, k)*(1+s0*s0/(s1*s1)/(nu-2)+(m0-m1)*(m0-m1)/(s1*s1)/nu))
		require.InDelta(t, want, divergence(m0, s0, m1, s1), 1e-6*(1+want), "%v", e)
	}
}
