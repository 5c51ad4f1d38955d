package stable

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStudentTClosedForms(t *testing.T) {
	for x := -30.0; x < 30; x += 0.71 {
		for _, nu := range []float64{1, 2, 4} {
			l := StudentT{Nu: nu, Scale: 1.5, Loc: .2}
			u := (x - .2) / 1.5
			r := math.Sqrt(nu + u*u)
			var f, s float64
			switch nu {
			case 1:
				f, s = 1/(math.Pi*(1+u*u)), cauchyTail(u)
			case 2: // ½ − u/2r without cancellation
				f, s = 1/(r*r*r), 1/(r*(r+math.Abs(u)))
				if u < 0 {
					s = 1 - s
				}
			case 4:
				f = 12 / math.Pow(r, 5)
				c := u / r
				s = 0.5 - 0.25*c*(3-c*c)
			}
			near(t, f/1.5, l.Density(x), 5e-15, l, x)
			near(t, math.Log(f/1.5), l.LogDensity(x), 5e-15, l, x)
			tol := 4e-15
			if nu == 4 {
				tol += 1e-15 / s // the closed form cancels
			}
			near(t, s, l.Survival(x), tol, l, x)
			near(t, s, StudentT{nu, 1.5, -.2}.CDF(-x), tol, l, x)
		}
	}
}

func TestStudentTIntegrates(t *testing.T) {
	for _, nu := range []float64{.3, 1.7, 3, 10.5, 100, 1e4, 1e6} {
		l := StudentT{Nu: nu, Scale: 1}
		for x := -8.0; x < 8; x += 2 {
			sum := 0.0
			for k := range 8 {
				for i, u := range fine.x {
					sum += fine.w[i] / 8 * l.Density(x+(float64(k)+.5+.5*u)/4)
				}
			}
			require.InDelta(t, sum, l.CDF(x+2)-l.CDF(x), 2e-14, "%v x %v", l, x)
		}
	}
	// ν → ∞ is the normal law.
	l := StudentT{Nu: 1e6, Scale: 1}
	near(t, math.Erfc(1/math.Sqrt2)/2, l.Survival(1), 1e-6)
}

func TestStudentTTails(t *testing.T) {
	for _, nu := range []float64{.01, .5, 1.7, 3, 30} {
		l := StudentT{Nu: nu, Scale: 1}
		// f ~ C·x^(−ν−1), S ~ C·x^−ν/ν
		c := math.Log(l.Density(1e20)) + (nu+1)*math.Log(1e20)
		near(t, c-(nu+1)*math.Log(1e150), l.LogDensity(1e150), 1e-14, l)
		if nu < 4 {
			near(t, math.Exp(c-nu*math.Log(1e60))/nu, l.Survival(1e60), 1e-13*(1+nu), l)
		}
	}
}

func TestStudentTQuantile(t *testing.T) {
	for _, nu := range []float64{.05, .5, 1, 1.7, 3, 30, 1e5} {
		l := StudentT{Nu: nu, Scale: 2, Loc: 0}
		for _, q := range []float64{1e-200, 1e-30, 1e-12, 1e-4, .01, .2, .45, .499999} {
			x := l.SurvivalQuantile(q)
			if math.IsInf(x, 0) { // beyond float64
				require.Greater(t, l.Survival(1e308), q)
				continue
			}
			near(t, q, l.Survival(x), 1e-12, l, x)
			require.Equal(t, -x, l.Quantile(q))
			require.Equal(t, l.Quantile(1-q), l.SurvivalQuantile(1-(1-q)))
		}
		require.Zero(t, l.Quantile(.5))
		require.True(t, math.IsInf(l.Quantile(0), -1) && math.IsInf(l.SurvivalQuantile(0), 1))
	}
	near(t, 12.706204736174694, StudentT{Nu: 1, Scale: 1}.Quantile(.975), 1e-14)
	near(t, 2.2281388519862744, StudentT{Nu: 10, Scale: 1}.Quantile(.975), 3e-15)
}

func TestStudentTBadInput(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, l := range []StudentT{{0, 1, 0}, {nan, 1, 0}, {inf, 1, 0}, {2, 0, 0}, {2, inf, 0}, {2, 1, nan}} {
		require.Error(t, l.Validate())
		require.Panics(t, func() { l.CDF(1) })
	}
	l := StudentT{2.5, 1, 1}
	require.True(t, math.IsNaN(l.Density(nan)) && math.IsNaN(l.LogDensity(nan)) && math.IsNaN(l.CDF(nan)))
	require.Equal(t, []float64{0, 1, 0, 1, 5}, []float64{l.Density(inf), l.CDF(inf), l.CDF(-inf), l.Mean(), l.Variance()})
	require.True(t, math.IsInf(l.LogDensity(-inf), -1) && math.IsInf(StudentT{2, 1, 0}.Variance(), 1) && math.IsNaN(StudentT{1, 1, 0}.Mean()))
	require.Panics(t, func() { l.Quantile(-1) })
	require.Zero(t, testing.AllocsPerRun(20, func() { l.Quantile(l.CDF(.3)) }))
}
