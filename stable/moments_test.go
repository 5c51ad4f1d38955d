package stable

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// expect integrates h(x)·f(x) over a law by Gauss's rule in y, x − at = ±e^y,
// panel by panel; law is a Law or StudentT.
func expect(law interface{ LogDensity(x float64) float64 }, at float64, lo, hi float64, h func(x float64) float64) float64 {
	sum := 0.0
	for side := -1.0; side <= 1; side += 2 {
		for y, d := lo, 0.0; y < hi; y += d {
			if d = 2; math.Abs(y) < 8 {
				d = 0.25
			}
			for i, u := range fine.x {
				ln := y + 0.5*d*(1+u)
				x := side * math.Exp(ln)
				sum += 0.5 * d * fine.w[i] * h(x) * math.Exp(law.LogDensity(at+x)+ln)
			}
		}
	}
	return sum
}

// TestMomentsByQuadrature integrates the density.
func TestMomentsByQuadrature(t *testing.T) {
	for i, l := range []Law{
		{1.7, 0, 1, 0, S1}, {1.5, .5, 2, 3, S1}, {1.2, -1, .5, 0, S0}, {.7, .3, 1, 1, S0}, {.85, 1, 1.5, 0, S1}, {1, 0, 3, -2, S0}, {2, .5, 1.5, 1, S1},
	} {
		if testing.Short() && i%3 != 1 {
			continue
		}
		at := l.Loc
		if l.Param == S0 {
			at -= l.Scale * l.zeta()
		}
		near(t, 1, expect(l, at, -60, 100, func(float64) float64 { return 1 }), 1e-10, "mass ", l)
		for _, p := range []float64{-.6, -.2, .3, .5, 1, 1.1} {
			if p > 0.75*l.Alpha {
				continue // the integral converges too slowly
			}
			got := expect(l, at, -60, 150, func(x float64) float64 { return math.Pow(math.Abs(x), p) })
			near(t, l.AbsMoment(p), got, 1e-9, "moment ", l, p)
		}
		m := l.LogMean()
		near(t, m, expect(l, at, -60, 100, func(x float64) float64 { return math.Log(math.Abs(x)) }), 1e-9, "E ln ", l)
		near(t, l.LogVariance(), expect(l, at, -60, 100, func(x float64) float64 {
			d := math.Log(math.Abs(x)) - m
			return d * d
		}), 1e-9, "Var ln ", l)
	}
	for _, s := range []StudentT{{.7, 1, 0}, {2, 3, 1}, {5.5, .5, -1}, {200, 1, 0}} {
		for _, p := range []float64{-.6, .3, .5, 1, 2, 4} {
			if p > 0.75*s.Nu {
				continue
			}
			got := expect(s, s.Loc, -60, 150, func(x float64) float64 { return math.Pow(math.Abs(x), p) })
			near(t, s.AbsMoment(p), got, 1e-9, "moment ", s, p)
		}
		m := s.LogMean()
		require.InDelta(t, m, expect(s, s.Loc, -60, 100, func(x float64) float64 { return math.Log(math.Abs(x)) }), 1e-9)
		near(t, s.LogVariance(), expect(s, s.Loc, -60, 100, func(x float64) float64 {
			d := math.Log(math.Abs(x)) - m
			return d * d
		}), 1e-9, "Var ln ", s)
	}
}

// TestMomentsClosedForms looks at the ends and special cases.
func TestMomentsClosedForms(t *testing.T) {
	// Kanter's A has E A^p = Γ(1−p/a)/Γ(1−p) for all p < a, also below −1.
	for _, a := range []float64{.3, .5, .85} {
		l := Law{a, 1, math.Pow(math.Cos(math.Pi*a/2), 1/a), 0, S1}
		for _, p := range []float64{-3, -1, -.5, .2} {
			near(t, math.Gamma(1-p/a)/math.Gamma(1-p), l.AbsMoment(p), 1e-13, l, p)
		}
		near(t, euler*(1/a-1), l.LogMean(), 1e-13, l)
		near(t, math.Pi*math.Pi/6*(1/(a*a)-1), l.LogVariance(), 1e-13, l)
	}
	n := Law{2, .3, 3, 1, S0}
	near(t, n.Variance(), n.AbsMoment(2), 1e-14, n)
	near(t, 3*n.Variance()*n.Variance(), n.AbsMoment(4), 1e-14, n)
	near(t, 1.0, n.AbsMoment(0), 1e-14, n)
	// Smooth where the formula changes, at p = ½ and 1, and at α = 2.
	l := Law{1.6, .7, 1, 0, S1}
	for _, p := range []float64{.5, 1} {
		mid := 0.5 * (l.AbsMoment(p-1e-4) + l.AbsMoment(p+1e-4))
		near(t, mid, l.AbsMoment(p), 1e-7, l, p)
	}
	near(t, Symmetric(2).AbsMoment(1.3), Symmetric(2-1e-9).AbsMoment(1.3), 1e-8, "α = 2")
	near(t, Symmetric(2).LogVariance(), Symmetric(2-1e-9).LogVariance(), 1e-8, "α = 2")
	s := StudentT{6, 2, 1}
	near(t, s.Variance(), s.AbsMoment(2), 1e-14, s)
	near(t, 1, StudentT{1e6, 1, 0}.AbsMoment(2)*(1-2e-6), 1e-12, "ν = 10^6")
	// Without moments.
	for _, p := range []float64{-1, -2, 1.6, 5} {
		require.True(t, math.IsInf(l.AbsMoment(p), 1))
	}
	require.True(t, math.IsInf(s.AbsMoment(6), 1) && math.IsInf(s.AbsMoment(-1), 1))
	skew := Law{1, .5, 1, 0, S0}
	require.True(t, math.IsNaN(skew.AbsMoment(.5)) && math.IsNaN(skew.LogMean()) && math.IsNaN(skew.LogVariance()))
	require.True(t, math.IsNaN(l.AbsMoment(math.NaN())) && math.IsNaN(s.AbsMoment(math.NaN())))
}

// TestSamplersHaveMoments compares draws with the closed forms: fractional
// moments below α/2, whose mean has a variance, and those of ln|x|.
func TestSamplersHaveMoments(t *testing.T) {
	x := make([]float32, count(t)/2)
	for _, l := range []Law{Symmetric(1.7), Symmetric(.8), {1.5, .5, 1, 0, S1}, {1.3, -1, 1, 0, S1}, {.85, 1, 1, 0, S1}, {.6, -.4, 1, 0, S1}} {
		if l.Beta == 0 {
			Key{Seed: 21}.Symmetric(x, l.Alpha, 0)
		} else {
			Key{Seed: 22}.Skewed(x, l.Alpha, l.Beta, S1, 0)
		}
		for _, p := range []float64{-.45, .2, .45} {
			if p < 0.49*l.Alpha {
				zTest(t, "|x|^p", mapTo(x, func(v float64) float64 { return math.Pow(math.Abs(v), p) }), l.AbsMoment(p))
			}
		}
		m := l.LogMean()
		zTest(t, "ln|x|", mapTo(x, func(v float64) float64 { return math.Log(math.Abs(v)) }), m)
		zTest(t, "(ln|x| − mean)²", mapTo(x, func(v float64) float64 { d := math.Log(math.Abs(v)) - m; return d * d }), l.LogVariance())
	}
	for _, nu := range []float64{1.5, 4} {
		s := StudentT{Nu: nu, Scale: 1}
		y := studentSet(nu, len(x)/16, 3)
		zTest(t, "|t|^p", mapBoth(y, func(v float64) float64 { return math.Pow(math.Abs(v), 0.6) }), s.AbsMoment(0.6))
		zTest(t, "ln|t|", mapBoth(y, func(v float64) float64 { return math.Log(math.Abs(v)) }), s.LogMean())
	}
}
