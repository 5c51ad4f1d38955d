package diffusion

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/stable"
)

// gaussianData is the exact D for data N(mean, s²) and Gaussian noise.
func gaussianData(mean, s float64) DataDenoiser {
	return func(_ context.Context, data, x, sigma []float64) error {
		d := len(x) / len(sigma)
		for j, v := range x {
			q := sigma[j/d] / s
			data[j] = (v + q*q*mean) / (1 + q*q)
		}
		return nil
	}
}

// student3 is the exact D, and E|x−x_0|²/σ², for one-dimensional data and noise
// of the t law with ν = 3, the data scaled to unit variance. The characteristic
// function (1+a|k|)·exp(−a|k|), a = √3·scale, makes both rational in x: with
// b = √3·σ, c = a+b and m = c⁴ + abc² + (a²−ab+b²)x²,
//
//	D = a²x·(c³+3bc²+ax²)/(cm),  E[x_0²|x] = a²(2b²c³ + (2c³+6abc)x² + 2ax⁴)/(2cm)
func student3(x, sigma float64) (D, moment float64) {
	a, b := 1.0, math.Sqrt(3)*sigma
	c, x2 := a+b, x*x
	m := c*c*c*c + a*b*c*c + (a*a-a*b+b*b)*x2
	D = a * a * x * (c*c*c + 3*b*c*c + a*x2) / (c * m)
	second := a * a * (2*b*b*c*c*c + (2*c*c*c+6*a*b*c)*x2 + 2*a*x2*x2) / (2 * c * m)
	return D, (second - 2*x*D + x2) / (sigma * sigma)
}

func student3Data(_ context.Context, data, x, sigma []float64) error {
	for j, v := range x {
		data[j], _ = student3(v, sigma[j])
	}
	return nil
}

func student3Moment(_ context.Context, m, x, sigma []float64) error {
	for j, v := range x {
		_, m[j] = student3(v, sigma[j])
	}
	return nil
}

// pointsData is the exact D for data that are one of the points ±c·(1, …, 1)
// under noise t_d(0, σ²I, ν), or Gaussian for ν = ∞.
func pointsData(c, nu float64) DataDenoiser {
	return func(_ context.Context, data, x, sigma []float64) error {
		d := len(x) / len(sigma)
		for i, s := range sigma {
			plus, minus := 0.0, 0.0 // squared distances
			for _, v := range x[i*d : (i+1)*d] {
				plus += (v - c) * (v - c) / (s * s)
				minus += (v + c) * (v + c) / (s * s)
			}
			odds := (plus - minus) / 2
			if !math.IsInf(nu, 1) {
				odds = (nu + float64(d)) / 2 * math.Log((nu+plus)/(nu+minus))
			}
			for j := range d {
				data[i*d+j] = -c * math.Tanh(odds/2)
			}
		}
		return nil
	}
}

// The rational forms against the integrals that define them (trapezoid in w,
// u = sinh-warped around 0 and x).
func TestStudentOracle(t *testing.T) {
	pdf := func(x float64) float64 { return math.Pow(1+x*x/3, -2) }
	for _, sigma := range []float64{0.01, 0.3, 1, 20} {
		for _, x := range []float64{0.1, 1.5, -7, 300} {
			var u []float64
			for w := -16.0; w <= 16; w += 0.016 {
				u = append(u, 0.1*math.Sinh(w), x+0.1*sigma*math.Sinh(w))
			}
			slices.Sort(u)
			var m [3]float64
			f := func(v float64) float64 { return pdf(v*math.Sqrt(3)) * pdf((x-v)/sigma) }
			for k := 1; k < len(u); k++ {
				h := (u[k] - u[k-1]) / 2
				for p := range m {
					m[p] += h * (math.Pow(u[k], float64(p))*f(u[k]) + math.Pow(u[k-1], float64(p))*f(u[k-1]))
				}
			}
			D, moment := student3(x, sigma)
			require.InDelta(t, m[1]/m[0], D, 1e-4*(1+math.Abs(D)), "x %v sigma %v", x, sigma)
			want := (m[2]/m[0] - 2*x*m[1]/m[0] + x*x) / (sigma * sigma)
			require.InDelta(t, want, moment, 1e-3*(1+want))
		}
	}
}

// student3Quantile returns the quantile of |t_3| at p: its law function is
// 2/π·(θ + sin θ·cos θ), tan θ = q/√3.
func student3Quantile(p float64) float64 {
	lo, hi := 0.0, math.Pi/2
	for range 80 {
		mid := (lo + hi) / 2
		if 2/math.Pi*(mid+math.Sin(mid)*math.Cos(mid)) < p {
			lo = mid
		} else {
			hi = mid
		}
	}
	return math.Sqrt(3) * math.Tan(lo)
}

var tails = []float64{0.9, 0.99, 0.999, 0.9999}

// flowQuantiles runs a deterministic sampler's steps from the quantiles of its
// start: in one dimension an ODE keeps the order, so they end at the quantiles
// of the samples, without Monte Carlo error. A start is x0 for one seed each.
func flowQuantiles(t *testing.T, s EDMSampler, den DataDenoiser, start []float64) []float64 {
	t.Helper()
	x := make([]float64, len(start))
	first := true
	for _, err := range s.Trajectory(context.Background(), den, x, seeds(len(x))) {
		require.NoError(t, err)
		if first {
			copy(x, start)
			first = false
		}
	}
	return x
}

// The quantile ratios of the ODE at N = 18 and 64 for data and noise t_3. The
// reference values carry the Monte Carlo error of their 1e6 samples, large at
// 99.99 %.
func TestGoldenODEQuantiles(t *testing.T) {
	for N, want := range map[int][]float64{18: {1.052, 1.070, 1.082, 1.063}, 64: {1.006, 1.008, 1.023, 1.001}} {
		start := make([]float64, len(tails))
		for i, p := range tails {
			start[i] = 80 * student3Quantile(p)
		}
		got := flowQuantiles(t, EDMSampler{Process: TEDM(3), Steps: N}, student3Data, start)
		for i, p := range tails {
			got[i] /= student3Quantile(p) / math.Sqrt(3)
			require.InDelta(t, want[i], got[i], 0.02, "N %d, quantile %v", N, p)
		}
	}
}

// absQuantiles returns quantiles of |x|.
func absQuantiles(x []float64, p []float64) []float64 {
	abs := make([]float64, len(x))
	for i, v := range x {
		abs[i] = math.Abs(v)
	}
	slices.Sort(abs)
	out := make([]float64, len(p))
	for i, q := range p {
		out[i] = abs[int(q*float64(len(abs)))]
	}
	return out
}

// stop runs a trajectory until a number of steps is left.
func stop(t *testing.T, steps func(func(int, error) bool), left int) {
	t.Helper()
	for k, err := range steps {
		require.NoError(t, err)
		if k == left {
			return
		}
	}
}

// The ancestral table: one data point at 0, |x| of a coordinate at the last
// level above 0, over that of exact noise. Its grid is geometric, to which ρ = 100
// comes close. The exact noise is drawn too for d = 4, so that only the law
// function of t_3 is needed. The tolerance covers the errors of n samples.
func TestGoldenAncestral(t *testing.T) {
	if testing.Short() {
		t.Skip("many samples")
	}
	zero := func(_ context.Context, data, _, _ []float64) error {
		clear(data)
		return nil
	}
	p := []float64{0.5, 0.9, 0.99, 0.999}
	for _, e := range []struct {
		d       int
		nu      float64
		n       int
		sampler TEDMAncestral
		want    []float64
	}{
		{1, 3, 60000, TEDMAncestral{Steps: 18}, []float64{0.998, 1, 1, 1.019}},
		{1, 3, 40000, TEDMAncestral{Steps: 18, GaussianNoise: true}, []float64{1.256, 1.104, 0.928, 0.805}},
		{1, 3, 40000, TEDMAncestral{Steps: 18, DropFactor: true}, []float64{1.046, 0.928, 0.744, 0.608}},
		{4, 5, 30000, TEDMAncestral{Steps: 18}, []float64{0.999, 0.999, 0.999, 0.995}},
		{4, 5, 30000, TEDMAncestral{Steps: 18, GaussianNoise: true}, []float64{1.087, 1.027, 0.935, 0.845}},
		{4, 5, 30000, TEDMAncestral{Steps: 18, DropFactor: true}, []float64{0.998, 0.913, 0.776, 0.646}},
		{1, 3, 8000, TEDMAncestral{Steps: 128, DropFactor: true}, []float64{1.177, 0.969, 0.666, 0.461}},
		{4, 5, 8000, TEDMAncestral{Steps: 128}, []float64{1.002, 0.999, 0.996, 0.974}},
	} {
		s := e.sampler
		s.Process, s.Eta = TEDM(e.nu), 1
		s.Process.Rho = 100
		x := make([]float64, e.n*e.d)
		stop(t, s.Trajectory(context.Background(), zero, x, seeds(e.n)), 1)
		exact := make([]float64, len(x))
		for i := range e.n {
			Nu{e.nu}.Noise(exact[i*e.d:(i+1)*e.d], stable.Key{Seed: uint64(i), Sample: 1}, 0.002)
		}
		got, want := absQuantiles(x, p), absQuantiles(exact, p)
		for i, q := range p {
			if e.d == 1 {
				want[i] = 0.002 * student3Quantile(q)
			}
			// the relative error of a quantile at tail probability 1−q of a law
			// with tail index ν is about 1/(ν·√(n(1−q)))
			n := float64(e.n) * (1 - q)
			tol := 0.01 + 5/(e.nu*math.Sqrt(n))
			require.InDelta(t, e.want[i], got[i]/want[i], tol, "%+v quantile %v", e, q)
		}
	}
}

// The posterior table: for (x_s, x_t) that share z's κ, the residual
// (x_s − mean)/√((ν+δ²)/(ν+d)·σ̄²) is t_{ν+d}, of variance (ν+d)/(ν+d−2) = 1.25
// for d = 3 and ν = 7, whatever δ².
func TestGoldenPosterior(t *testing.T) {
	const d, nu, n = 3, 7.0, 60000
	sigma, s := 2.0, 1.3
	var sum, near, far [2]float64
	row, other := make([]float64, 2*d), make([]float64, d)
	for i := range n {
		// one κ for both levels: x_s = σ_s·n_1, x_t = x_s + √(σ_t²−σ_s²)·n_2
		Nu{nu}.Noise(row, stable.Key{Seed: 3, Sample: uint64(i)}, 1)
		xs, xt := other, row[d:]
		for j := range d {
			xs[j] = s * row[j]
			xt[j] = xs[j] + math.Sqrt(sigma*sigma-s*s)*row[d+j]
		}
		delta2 := distance(xt, make([]float64, d), 0, 1, sigma)
		scale := posteriorScale(nu, delta2, d) * s * math.Sqrt(1-s*s/(sigma*sigma))
		for j := range d {
			r := (xs[j] - s*s/(sigma*sigma)*xt[j]) / scale
			sum[0]++
			sum[1] += r * r
			part := &near
			if delta2 > d {
				part = &far
			}
			part[0]++
			part[1] += r * r
		}
	}
	for _, v := range [][2]float64{sum, near, far} {
		require.InDelta(t, 1.25, v[1]/v[0], 0.025)
	}
	require.InDelta(t, math.Sqrt((7+4.0)/(7+3-2)), posteriorDeviation(nu, 4, d), 1e-15)
	plain := TEDMAncestral{GaussianNoise: true, DropFactor: true}.scale(nu, stable.Key{}, 0, 0, d)
	require.InDelta(t, math.Sqrt(1.25), plain, 1e-15)
}

// Churn keeps the marginals for finite ν: for data at 0 the state after a step
// with churn is still σ·n, for which P(|x|²/(νσ²) > r) = (1+r)^{−ν/2} at d = 2. Plain
// Gaussian churn fails this, and so does a wrong ν.
func TestChurnKeepsTheMarginal(t *testing.T) {
	const n, nu = 20000, 3.0
	zero := func(_ context.Context, data, _, _ []float64) error {
		clear(data)
		return nil
	}
	p := EDM{Nu: Nu{nu}, SigmaMax: 2, SigmaMin: 1}
	x := make([]float64, 2*n)
	stop(t, EDMSampler{Process: p, Steps: 2, Churn: Churn{S: 2}}.Trajectory(context.Background(), zero, x, seeds(n)), 1)
	for _, q := range []float64{0.001, 0.01, 0.1, 0.5, 0.9} {
		beyond := 0
		for i := range n {
			r := x[2*i]*x[2*i] + x[2*i+1]*x[2*i+1]
			if math.Pow(1+r/nu, -nu/2) < q {
				beyond++
			}
		}
		require.InDelta(t, q, float64(beyond)/n, 4*math.Sqrt(q*(1-q)/n))
	}
}

// The state-dependent SDE on the t_3 oracle: with the plug-in distance the tail
// is short, with the exact second moment it is right, with k = 1 it is gone.
func TestGoldenSDE(t *testing.T) {
	if testing.Short() {
		t.Skip("many samples")
	}
	const n = 20000
	p := tails[:3]
	run := func(s TEDMSDE) []float64 {
		s.Process, s.Steps, s.Beta = TEDM(3), 128, 1
		x := make([]float64, n)
		stop(t, s.Trajectory(context.Background(), student3Data, x, seeds(n)), 0)
		got := absQuantiles(x, p)
		for i, q := range p {
			got[i] /= student3Quantile(q) / math.Sqrt(3)
		}
		return got
	}
	for _, e := range []struct {
		sampler TEDMSDE
		want    []float64
	}{
		{TEDMSDE{}, []float64{0.882, 0.827, 0.805}},
		{TEDMSDE{Moment: student3Moment}, []float64{1.010, 1.013, 1.006}},
		{TEDMSDE{Constant: true}, []float64{0.624, 0.416, 0.252}},
	} {
		got := run(e.sampler)
		for i, q := range p {
			require.InDelta(t, e.want[i], got[i], 0.01+5/(3*math.Sqrt(n*(1-q))), "quantile %v of %v", q, got)
		}
	}
	// a smaller ν widens the plug-in's tail again
	require.Greater(t, run(TEDMSDE{NuCoeff: Nu{2.5}})[2], 0.85)
}
