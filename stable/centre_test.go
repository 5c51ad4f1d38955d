package stable

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// centreRows are α, β, X, f(X), F(X) − F(0) and F(0); see testdata/centre.py.
func centreRows(t *testing.T) (rows [][6]float64) {
	b, err := os.ReadFile("testdata/centre.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &rows))
	require.Greater(t, len(rows), 1000)
	return rows
}

// TestLawCentre compares all that is evaluated next to X = 0 with 60 digits: the
// documented 1e-13.
func TestLawCentre(t *testing.T) {
	rows := centreRows(t)
	numtest.EachLevel(t, func(t *testing.T) {
		for _, r := range rows {
			l, x := Law{r[0], r[1], 1, 0, S1}, r[2]
			near(t, r[3], l.Density(x), 1e-13, r)
			require.InDelta(t, math.Log(r[3]), l.LogDensity(x), 1e-13*max(1, math.Abs(math.Log(r[3]))), r)
			near(t, r[5]+r[4], l.CDF(x), 1e-13, r)
			near(t, 1-r[5]-r[4], l.Survival(x), 1e-13+2e-16/(1-r[5]), r)
			near(t, r[4], l.evaluate(x).rise, 1e-13, r)
			if mirror := (Law{r[0], -r[1], 1, 0, S1}); r[0] != 1 {
				near(t, r[3], mirror.Density(-x), 1e-13, "mirror ", r)
				near(t, r[5]+r[4], mirror.Survival(-x), 1e-13, "mirror ", r)
			}
			if r[1] == 0 { // S0 is S1
				near(t, r[3], Law{r[0], 0, 1, 0, S0}.Density(x), 1e-13, "S0 ", r)
			}
		}
	})
}

// TestLawCentreContinuous: where the powers of X give way to the integrals, both
// agree.
func TestLawCentreContinuous(t *testing.T) {
	for _, alpha := range []float64{.1, .3, .89, .905, .95, .999, 1 - 1e-9, 1 + 1e-9, 1.02, 1.095, 1.1, 1.5, 1.9, 2} {
		for _, beta := range []float64{-.9, -.3, 0, .3, .9} {
			l := Law{alpha, beta, 1, 0, S1}
			z := newShape(alpha, beta)
			limit := powersElse
			if z.near {
				limit = powersNear
			}
			x := limit * math.Pow(z.sin, -1/alpha)
			in, out := l.evaluate(.9999*x), l.evaluate(1.0001*x)
			near(t, in.f, out.f, 2e-5, l, x) // f'/f·2e-4·x ≤ 2e-4·2^-7·few
			near(t, in.rise*1.0001/.9999, out.rise, 2e-5, l, x)
		}
	}
	require.InDelta(t, -1.1215944828083053, Law{.95, 0, 1, .3, S0}.LogDensity(0.30000000000000004), 1e-13)
}

// TestQuantileCentre: next to the centre x is (p − F(0))/f(0), with the relative
// precision of p − F(0): of ½ − p for symmetric laws.
func TestQuantileCentre(t *testing.T) {
	near(t, -3.14152315616e-12, Symmetric(1).Quantile(0.499999999999), 1e-11, "Cauchy")
	for k := 1; k <= 53; k++ {
		d := math.Ldexp(1, -k)
		if k == 1 {
			d = 0.49
		}
		// Closed forms: tan πd, 2·erfinv(2d), and d over the density at 0.
		near(t, math.Tan(math.Pi*d), Symmetric(1).Quantile(.5+d), 1e-13, "Cauchy ", k)
		near(t, -math.Tan(math.Pi*d), Symmetric(1).SurvivalQuantile(.5+d), 1e-13, "Cauchy ", k)
		near(t, -math.Tan(math.Pi*d), StudentT{1, 1, 0}.Quantile(.5-d), 1e-13, "t ", k)
		near(t, 2*math.Erfinv(2*d), Law{2, .3, 1, 0, S0}.Quantile(.5+d), 1e-13, "normal ", k)
		// Student's law of 2 degrees: t = 2d·√2/√(1 − 4d²).
		near(t, 2*d*math.Sqrt2/math.Sqrt((1-2*d)*(1+2*d)), StudentT{2, 1, 0}.Quantile(.5+d), 1e-13, "t2 ", k)
		for _, alpha := range []float64{.3, .5, .9, .95, 1 - 1e-9, 1 + 1e-9, 1.05, 1.5, 1.9} {
			l := Symmetric(alpha)
			x := l.Quantile(.5 - d)
			near(t, d, l.evaluate(x).rise, 2e-13, l, k)
			require.Equal(t, -x, l.SurvivalQuantile(.5-d))
		}
		for _, nu := range []float64{.01, .3, 4, 1e3, 1e6} {
			s := StudentT{nu, 1, 0}
			x := s.Quantile(.5 + d)
			if x > 1e-7 { // else f is flat
				continue
			}
			near(t, d/s.Density(0), x, 1e-12, s, k)
		}
	}
}

// TestQuantileOwnCentre: skewed laws, around their own F(0). Its rounding error,
// 2^-53 of it, is all that may be lost.
func TestQuantileOwnCentre(t *testing.T) {
	for _, r := range centreRows(t) {
		rise, below := math.Abs(r[4]), r[5]
		if r[2] < 0 || !(rise < centred*min(below, 1-below)) {
			continue
		}
		p := below + rise
		l := Law{r[0], r[1], 1, 0, S1}
		got := fmt.Sprintf("p %v, %v", p, r)
		x := l.Quantile(p)
		require.InDelta(t, r[2], x, 1e-13*r[2]+3*0x1p-53/r[3], got)
	}
}

// TestLawOverflow: x is a number and (x − loc)/scale is beyond float64.
func TestLawOverflow(t *testing.T) {
	near(t, 3.8545832915e-4, StudentT{.01, 1e-10, 0}.CDF(-1e300), 1e-10)
	near(t, 5.2545e-32, StudentT{.1, 1e-200, 0}.Survival(1e109), 1e-5)
	near(t, 4.7372e-32, Law{.1, 0, 1e-10, 0, S0}.Survival(1e300), 1e-5)
	for _, r := range [][2]float64{{1e-10, 1e300}, {1e-200, 1e109}, {1e-200, 1e120}, {5e-324, 1}, {1e-300, 1e100}} {
		s, x := r[0], r[1]
		ls, lx := math.Log(0x1p100*s)-100*math.Ln2, math.Log(x) // math.Log is wrong for subnormals on amd64
		// Lévy: P = √(2γ/(πx)), f = √(γ/2π)·x^−3/2. Cauchy: P = γ/(πx), f = γ/(πx²).
		levy := Law{.5, 1, s, 0, S1}
		near(t, math.Exp(0.5*(ls-lx+math.Log(2/math.Pi))), levy.Survival(x), 1e-12, r)
		near(t, 0.5*(ls-3*lx-math.Log(2*math.Pi)), levy.LogDensity(x), 1e-14, r)
		require.Equal(t, 1.0, levy.CDF(x))
		require.Zero(t, levy.CDF(-x))
		require.Zero(t, levy.Density(-x))
		for _, c := range []interface {
			LogDensity(float64) float64
			Density(float64) float64
			CDF(float64) float64
			Survival(float64) float64
		}{Law{1, 0, s, 0, S1}, StudentT{1, s, 0}} {
			near(t, ls-2*lx-math.Log(math.Pi), c.LogDensity(x), 1e-14, r)
			if lf := c.LogDensity(x); lf > -700 {
				near(t, math.Exp(lf), c.Density(x), 1e-12, r)
			}
			if p := ls - lx - math.Log(math.Pi); p > -700 {
				near(t, math.Exp(p), c.Survival(x), 1e-12, r)
				near(t, math.Exp(p), c.CDF(-x), 1e-12, r)
			}
			require.Equal(t, 1.0, c.CDF(x))
			require.Equal(t, 1.0, c.Survival(-x))
		}
		require.Equal(t, math.Inf(-1), Law{2, 0, s, 0, S1}.LogDensity(x))
		require.Zero(t, Law{1.5, -1, s, 0, S0}.Survival(x))
	}
	// x − loc is beyond float64, the quotient is 2.
	near(t, math.Erfc(1)/2, Law{2, 0, 1e308, -1e308, S0}.Survival(1e308), 1e-13)
	near(t, math.Atan(.5)/math.Pi, StudentT{1, 1e308, -1e308}.Survival(1e308), 1e-13)
	near(t, math.Atan(.5)/math.Pi, Law{1, 0, 1e308, 1e308, S0}.CDF(-1e308), 1e-13)
}
