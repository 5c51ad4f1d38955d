package stable

import (
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// regressionData draws n rows of an intercept, a slope on [−1, 1) and a normal
// column of unit 100, and y with the given coefficients and errors.
func regressionData(seed uint64, n int, b [3]float64, l Law) (x, y []float64) {
	s := Key{Seed: seed}
	u, g := make([]float64, n), make([]float64, n)
	s.Uniform64(u, 0)
	s.Normal64(g, 0)
	y = make([]float64, n)
	s.Skewed64(y, l.Alpha, l.Beta, S0, 0)
	for i := range y {
		row := []float64{1, 2*u[i] - 1, 100 * g[i]}
		x = append(x, row...)
		y[i] *= l.Scale
		for j, v := range row {
			y[i] += v * b[j]
		}
	}
	return x, y
}

// TestRegressCoverage counts how often intervals of 95 % hold the truth. Each
// count is binomial: it may leave its mean by 4 standard deviations.
func TestRegressCoverage(t *testing.T) {
	runs, n := 4, 400
	if os.Getenv("HEAVYTAIL_EXHAUSTIVE") != "" {
		runs = 100
	}
	b := [3]float64{3, -0.5, 0.02}
	for _, l := range []Law{{Alpha: 1.5, Beta: 0.5, Scale: 0.3}, {Alpha: 0.9, Beta: -0.3, Scale: 2}} {
		var held [6]int
		var sum [3]float64 // of (b̂ − b)² over its square error
		for k := range runs {
			x, y := regressionData(uint64(k+1), n, b, l)
			r, err := Regress(x, y, FitOptions{})
			require.NoError(t, err)
			for j := range b {
				z := (r.Coef[j] - b[j]) / r.SE[j]
				sum[j] += z * z
				if math.Abs(z) < z95 {
					held[j]++
				}
			}
			for j, v := range [3]float64{r.Errors.Alpha - l.Alpha, r.Errors.Beta - l.Beta, r.Errors.Scale - l.Scale} {
				if math.Abs(v) < z95*r.Errors.SE[j] {
					held[3+j]++
				}
			}
		}
		mean := 0.95 * float64(runs)
		t.Logf("%+v: %d of %d, z² %.2f", l, held, runs, sum)
		for j, h := range held {
			require.GreaterOrEqual(t, float64(h), mean-4*math.Sqrt(mean*0.05)-0.02*float64(runs), "parameter %d", j)
		}
		for j, v := range sum { // χ² of runs degrees, and 10 % for the asymptotics
			require.InDelta(t, 1, v/float64(runs), 0.1+4*math.Sqrt(2/float64(runs)), "coefficient %d", j)
		}
	}
}

// TestRegressIsFitStable: with an intercept alone the model is that of FitStable,
// whose location it estimates.
func TestRegressIsFitStable(t *testing.T) {
	y := make([]float64, 2000)
	Key{Seed: 4}.Skewed64(y, 1.4, 0.6, S0, 0)
	ones := make([]float64, len(y))
	for i := range y {
		y[i] = 5*y[i] + 100
		ones[i] = 1
	}
	f, err := FitStable(y, FitOptions{})
	require.NoError(t, err)
	r, err := Regress(ones, y, FitOptions{})
	require.NoError(t, err)
	// Both climbs end within 2 % of a standard error of the maximum; the values of
	// the splines differ by 5e-5 each at most.
	require.InDelta(t, f.Loc, r.Coef[0], 0.05*f.SE[3])
	require.InDelta(t, f.Alpha, r.Errors.Alpha, 0.05*f.SE[0])
	require.InDelta(t, f.Beta, r.Errors.Beta, 0.05*f.SE[1])
	require.InDelta(t, f.Scale, r.Errors.Scale, 0.05*f.SE[2])
	require.InDelta(t, f.LogLik, r.Errors.LogLik, 0.05)
	// The observed information is Fisher's but for sampling, 1/√n of its elements.
	for i, v := range []float64{r.Errors.SE[0], r.Errors.SE[1], r.Errors.SE[2], r.SE[0]} {
		require.InEpsilon(t, f.SE[i], v, 0.15, i)
	}
}

// TestRegressErrors holds the standard errors to second differences of the exact
// log-likelihood.
func TestRegressErrors(t *testing.T) {
	x, y := regressionData(9, 150, [3]float64{1, 2, -0.01}, Law{Alpha: 1.3, Beta: 0.4, Scale: 1})
	r, err := Regress(x, y, FitOptions{})
	require.NoError(t, err)
	p := []float64{r.Errors.Alpha, math.Log(r.Errors.Scale), r.Errors.Beta, r.Coef[0], r.Coef[1], r.Coef[2]}
	ll := func(p []float64) (sum float64) {
		l := Law{Alpha: p[0], Beta: p[2], Scale: math.Exp(p[1])}
		for i, v := range y {
			for j := range 3 {
				v -= x[3*i+j] * p[3+j]
			}
			sum += l.LogDensity(v)
		}
		return sum
	}
	require.InDelta(t, ll(p), r.Errors.LogLik, 150*5e-5)
	h := []float64{2e-3, 2e-3, 4e-3, 2e-3, 4e-3, 2e-5}
	info := newSquare(6)
	for i := range p {
		for j := range i + 1 {
			at := func(a, b float64) float64 {
				q := append([]float64(nil), p...)
				q[i] += a * h[i]
				q[j] += b * h[j]
				return ll(q)
			}
			info.at[i*6+j] = -(at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / (4 * h[i] * h[j])
		}
	}
	require.True(t, info.factor(nil))
	se := info.roots()
	se[1] *= r.Errors.Scale
	for i, v := range []float64{r.Errors.SE[0], r.Errors.SE[2], r.Errors.SE[1], r.SE[0], r.SE[1], r.SE[2]} {
		k := []int{0, 1, 2, 3, 4, 5}[i]
		require.InEpsilon(t, se[k], v, 2e-3, "standard error %d", k) // truncation h², 1e-3 of the curvature
	}
}

// TestRegressNormal: errors of α = 2 make it least squares.
func TestRegressNormal(t *testing.T) {
	x, y := regressionData(2, 600, [3]float64{1, 2, 3}, Law{Alpha: 2, Scale: 1})
	r, err := Regress(x, y, FitOptions{Symmetric: true})
	require.NoError(t, err)
	require.InDelta(t, 2, r.Errors.Alpha, 0.05)
	a, g := newSquare(3), make([]float64, 3)
	for i, v := range y {
		for j := range 3 {
			g[j] += x[3*i+j] * v
			for k := range j + 1 {
				a.at[j*3+k] += x[3*i+j] * x[3*i+k]
			}
		}
	}
	require.True(t, a.factor(nil))
	a.solve(g)
	se := a.roots()
	for j := range 3 {
		require.InDelta(t, g[j], r.Coef[j], 0.3*r.SE[j], j)
		require.InEpsilon(t, se[j]*math.Sqrt2*r.Errors.Scale, r.SE[j], 0.03, j)
	}
	require.Zero(t, r.Errors.SE[1])
}

// TestRegressRefuses names what is wrong with the data.
func TestRegressRefuses(t *testing.T) {
	x, y := regressionData(1, 100, [3]float64{1, 2, 3}, Law{Alpha: 1.5, Scale: 1})
	try := func(change func(x, y []float64)) error {
		a, b := append([]float64(nil), x...), append([]float64(nil), y...)
		change(a, b)
		_, err := Regress(a, b, FitOptions{})
		return err
	}
	require.NoError(t, try(func(x, y []float64) {}))
	require.ErrorContains(t, try(func(x, y []float64) { x[7] = math.NaN() }), "row 2, column 1")
	require.ErrorContains(t, try(func(x, y []float64) { y[7] = math.Inf(1) }), "value 7")
	require.ErrorContains(t, try(func(x, y []float64) {
		for i := 0; i < len(x); i += 3 {
			x[i] = 2 * x[i+1]
		}
	}), "combination")
	require.ErrorContains(t, try(func(x, y []float64) {
		for i := 0; i < len(x); i += 3 {
			x[i] = 0
		}
	}), "column 0")
	require.ErrorContains(t, try(func(x, y []float64) {
		for i := range y {
			y[i] = 3 * x[3*i+1]
		}
	}), "exactly")
	_, err := Regress(x[:30], y[:10], FitOptions{})
	require.ErrorContains(t, err, "too few")
	require.Panics(t, func() { Regress(x[:29], y[:10], FitOptions{}) })
}
