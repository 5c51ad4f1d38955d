package diffusion

import (
	"context"
	"iter"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// odeSampler is what the samplers of D(x; σ) offer.
type odeSampler interface {
	Trajectory(ctx context.Context, den DataDenoiser, x []float64, seeds []uint64) iter.Seq2[int, error]
	Sample(ctx context.Context, den DataDenoiser, seeds []uint64, d int) ([]float32, error)
	Validate() error
}

// endAt returns the states of n seeds with the given number of steps left.
func endAt(t *testing.T, s odeSampler, den DataDenoiser, n, left int) []float64 {
	t.Helper()
	x := make([]float64, n)
	stop(t, s.Trajectory(context.Background(), den, x, seeds(n)), left)
	return x
}

// For Gaussian data the ODE's solution is known: x−m grows as √(s²+σ²). The
// error at the last level above 0 falls with the order of the method when the
// intervals are halved.
func TestODEOrders(t *testing.T) {
	const m, s, n = 0.3, 0.7, 5
	p := EDM{SigmaMax: 10, SigmaMin: 0.02}
	for name, e := range map[string]struct {
		make  func(N int) odeSampler
		order float64
	}{
		"euler":      {func(N int) odeSampler { return EDMSampler{Process: p, Steps: N, Euler: true} }, 1},
		"heun":       {func(N int) odeSampler { return EDMSampler{Process: p, Steps: N} }, 2},
		"dpm++ 2m":   {func(N int) odeSampler { return DPMSolver{Process: p, Steps: N} }, 2},
		"ancestral0": {func(N int) odeSampler { return TEDMAncestral{Process: p, Steps: N} }, 1},
		"sde0":       {func(N int) odeSampler { return TEDMSDE{Process: p, Steps: N} }, 1},
	} {
		fault := func(intervals int) float64 {
			den := gaussianData(m, s)
			start := endAt(t, e.make(intervals+1), den, n, intervals+1)
			end := endAt(t, e.make(intervals+1), den, n, 1)
			worst := 0.0
			for i, v := range start {
				exact := m + (v-m)*math.Sqrt((s*s+0.02*0.02)/(s*s+100))
				worst = max(worst, math.Abs(end[i]-exact))
			}
			return worst
		}
		coarse, fine := fault(100), fault(200)
		require.InDelta(t, e.order, math.Log2(coarse/fine), 0.15, name)
		require.Less(t, fine, 0.02, name)
	}
}

// On the Student-t oracle Heun and DPM-Solver++ converge to the target's
// quantiles, tails included, at second order. (The map of quantiles is exact,
// see flowQuantiles.)
func TestStudentTargetIsReached(t *testing.T) {
	start := make([]float64, len(tails))
	for i, p := range tails {
		start[i] = 80 * student3Quantile(p)
	}
	ratios := func(N int) []float64 {
		got := flowQuantiles(t, EDMSampler{Process: TEDM(3), Steps: N}, student3Data, start)
		for i, p := range tails {
			got[i] /= student3Quantile(p) / math.Sqrt(3)
		}
		return got
	}
	a, b, c := ratios(200), ratios(400), ratios(800)
	for i := range tails {
		require.InDelta(t, 1, c[i], 1e-3)
		require.InDelta(t, 2, math.Log2((a[i]-b[i])/(b[i]-c[i])), 0.3)
	}
}

// Stochastic samplers approach a Gaussian target's variance at first order:
// four times the steps, a quarter of the excess.
func TestStochasticSamplersConverge(t *testing.T) {
	if testing.Short() {
		t.Skip("many samples")
	}
	const n, s = 12000, 0.7
	p := EDM{SigmaMax: 10, SigmaMin: 0.02}
	for name, make := range map[string]func(N int) odeSampler{
		"ancestral": func(N int) odeSampler { return TEDMAncestral{Process: p, Steps: N, Eta: 1} },
		"half":      func(N int) odeSampler { return TEDMAncestral{Process: p, Steps: N, Eta: 0.7} },
		"sde":       func(N int) odeSampler { return TEDMSDE{Process: p, Steps: N, Beta: 1} },
		"churn":     func(N int) odeSampler { return EDMSampler{Process: p, Steps: N, Churn: Churn{S: 10}} },
	} {
		fault := func(N int) float64 {
			sum := 0.0
			for _, v := range endAt(t, make(N), gaussianData(0, s), n, 0) {
				sum += v * v
			}
			return math.Abs(sum/n/(s*s) - 1)
		}
		se := math.Sqrt(2.0 / n)
		coarse, fine := fault(12), fault(48)
		require.Less(t, fine, coarse/4*1.6+3*se, name)
		require.Less(t, fine, 0.15, name)
	}
}

// Two points come back with equal weights, for every ν and sampler: all samples
// end at ±1.
func TestPointsReturn(t *testing.T) {
	const n, d = 1500, 2
	for _, nu := range []float64{3, 5.5, inf} {
		p := EDM{Nu: Nu{nu}, SigmaData: []float64{1}}
		for name, s := range map[string]odeSampler{
			"heun":      EDMSampler{Process: p, Steps: 20},
			"churn":     EDMSampler{Process: p, Steps: 20, Churn: Churn{S: 5, Min: 0.05, Max: 50, Noise: 1.003}},
			"dpm":       DPMSolver{Process: p, Steps: 20},
			"ancestral": TEDMAncestral{Process: p, Steps: 20, Eta: 1},
			"sde":       TEDMSDE{Process: p, Steps: 40, Beta: 1},
		} {
			x, err := s.Sample(context.Background(), pointsData(1, nu), seeds(n), d)
			require.NoError(t, err)
			plus := 0
			for i := range n {
				require.InDelta(t, x[2*i], x[2*i+1], 1e-3, name)
				require.InDelta(t, 1, math.Abs(float64(x[2*i])), 1e-3, name)
				if x[2*i] > 0 {
					plus++
				}
			}
			require.InDelta(t, n/2, plus, 4*math.Sqrt(n)/2, "%s nu %v", name, nu)
		}
	}
}

// gaussianFlow is the exact network of a Flow for data N(m, s²) and Gaussian
// noise.
func gaussianFlow(f Flow, m, s float64) Denoiser {
	return func(_ context.Context, out, x, times []float32) error {
		d := len(x) / len(times)
		for j, v := range x {
			t := float64(times[j/d])
			b := f.b(t)
			gain := (float64(v) - t*m) / (t*t*s*s + b*b)
			n, data := b*gain, m+t*s*s*gain
			out[j] = float32(map[Target]float64{TargetNoise: n, TargetData: data, TargetVelocity: data - (1-f.SigmaMin)*n}[f.Target])
		}
		return nil
	}
}

// A flow carries N(0, 1) to the data's N(m, s²) by x → m + s·x, at each method's
// order, for linear and published knots.
func TestFlowOrders(t *testing.T) {
	const m, s, n = 0.4, 0.5, 6
	f := Flow{Target: TargetNoise, Mean: []float64{m}}
	for _, e := range []struct {
		method Solver
		N      int
		order  float64
	}{{Euler, 100, 1}, {Heun, 40, 2}, {"", 40, 2}, {RK4, 80, 4}} {
		for _, rho := range []float64{0, 7} {
			fault := func(N int) float64 {
				x, first := make([]float64, n), []float64(nil)
				for k, err := range (FlowSampler{Process: f, Steps: N, Solver: e.method, Rho: rho}).Trajectory(context.Background(), f.FromData(gaussianData(m, s)), x, seeds(n)) {
					require.NoError(t, err)
					if k == N {
						first = slices.Clone(x)
					}
				}
				worst := 0.0
				for i, v := range first {
					worst = max(worst, math.Abs(x[i]-m-s*v))
				}
				return worst
			}
			coarse, fine := fault(e.N), fault(2*e.N)
			if rho == 0 {
				require.InDelta(t, e.order, math.Log2(coarse/fine), 0.25, "%+v", e)
			}
			require.Less(t, fine, 0.02, "%+v rho %v", e, rho)
		}
	}
}

// A flow that starts later starts at t·E[x_1] + b·n.
func TestFlowStart(t *testing.T) {
	f := Flow{Target: TargetVelocity, Mean: []float64{2, -3}, SigmaMin: 0.1}
	first := func(start float64) []float64 {
		x := make([]float64, 4)
		for range (FlowSampler{Process: f, Steps: 3, Start: start}).Trajectory(context.Background(), nil, x, []uint64{4}) {
			break
		}
		return x
	}
	n, late := first(0), first(0.5)
	for j, v := range n {
		require.InDelta(t, 0.5*f.Mean[j%2]+0.55*v, late[j], 1e-15)
	}
}

// The three targets and a denoiser of EDM are the same field.
func TestFlowTargetsAgree(t *testing.T) {
	const m, s = 0.4, 0.5
	x, v := []float64{-1, 0.3, 2}, make([]float64, 3)
	for _, smin := range []float64{0, 0.01} {
		f := Flow{SigmaMin: smin, Target: TargetVelocity}
		D, want, sigma := make([]float64, 3), make([]float64, 3), []float64{0.1, 1, 9}
		require.NoError(t, gaussianData(m, s)(context.Background(), want, x, sigma))
		require.NoError(t, f.DataDenoiser(f.FromData(gaussianData(m, s)))(context.Background(), D, x, sigma))
		require.InDeltaSlice(t, want, D, 1e-12)
		for _, at := range []float64{0, 0.01, 0.5, 0.99, 1} {
			times := []float64{at, at, at}
			f := Flow{SigmaMin: smin, Target: TargetVelocity, Mean: []float64{m}}
			want := make([]float64, 3)
			require.NoError(t, f.FromData(gaussianData(m, s))(context.Background(), want, x, times))
			for _, f.Target = range []Target{TargetNoise, TargetVelocity, TargetData} {
				require.NoError(t, f.Velocity(gaussianFlow(f, m, s))(context.Background(), v, x, times))
				require.InDeltaSlice(t, want, v, 2e-5, "%+v at %v", f, at)
			}
		}
	}
}

// A t-EDM denoiser drives a flow's sampler and a flow's field EDM's: both follow
// the same solution of the same ODE.
func TestFlowAndEDMDriveEachOther(t *testing.T) {
	const n = 4
	f := Flow{Nu: Nu{3}, Target: TargetVelocity}
	p := TEDM(3)
	back := f.DataDenoiser(f.FromData(student3Data))
	a, b, sigma := make([]float64, 3), make([]float64, 3), []float64{0.002, 1, 70}
	x := []float64{0.5, -3, 90}
	require.NoError(t, student3Data(context.Background(), a, x, sigma))
	require.NoError(t, back(context.Background(), b, x, sigma))
	require.InDeltaSlice(t, a, b, 1e-10)

	direct := endAt(t, EDMSampler{Process: p, Steps: 300}, student3Data, n, 0)
	through := endAt(t, EDMSampler{Process: p, Steps: 300}, back, n, 0)
	require.InDeltaSlice(t, direct, through, 1e-9)
	y := make([]float64, n)
	s := FlowSampler{Process: f, Steps: 2000, Start: f.Time(p.Sigmas(1)[0]), Solver: RK4, Rho: 7}
	stop(t, s.Trajectory(context.Background(), f.FromData(student3Data), y, seeds(n)), 0)
	for i, v := range direct { // the same start: t_0·σ_0 = b_0
		require.InEpsilon(t, v, y[i], 2e-3, "seed %d", i)
	}
}

// A DDPM network has the denoiser of its data, and DPM-Solver++ samples from it.
func TestDDPMDrivesEDM(t *testing.T) {
	const m, s = 0.2, 0.6
	p := Default(2, 1000)
	net := func(_ context.Context, eps, x, times []float32) error {
		for j, v := range x {
			u := (float64(times[j/(len(x)/len(times))]) + 0.008) / 1.008 * math.Pi / 2
			gb := math.Cos(u) / math.Cos(0.008/1.008*math.Pi/2)
			sb2 := 2 * (1 - gb*gb) // the noise of variance 2
			eps[j] = float32(math.Sqrt2 * math.Sqrt(sb2) * (float64(v) - gb*m) / (gb*gb*s*s + sb2))
		}
		return nil
	}
	den, err := p.DataDenoiser(net)
	require.NoError(t, err)
	x, D, want := []float64{0.1, -2, 30}, make([]float64, 3), make([]float64, 3)
	sigma := []float64{0.05, 1, 60}
	require.NoError(t, den(context.Background(), D, x, sigma))
	require.NoError(t, gaussianData(m, s)(context.Background(), want, x, sigma))
	require.InDeltaSlice(t, want, D, 2e-4)
	edm := EDM{}
	edm.SigmaMin, edm.SigmaMax, err = p.SigmaRange()
	require.NoError(t, err)
	const n = 8
	first := endAt(t, DPMSolver{Process: edm, Steps: 60}, den, n, 60)
	end := endAt(t, DPMSolver{Process: edm, Steps: 60}, den, n, 0)
	for i, v := range first {
		require.InDelta(t, m+s*(v-m)/math.Hypot(edm.SigmaMax, s), end[i], 0.01, "seed %d", i)
	}
	p.Alpha = 1.8
	_, err = p.DataDenoiser(net)
	require.ErrorContains(t, err, "alpha 2")
}

// limScale follows the scale of SαS data through LIM's steps with the exact
// ε̂ = σ^{α−1}·x/S^α, S^α = γ^α·s^α + σ^α: x stays SαS, of scale^α
// |X+Eps·slope|^α·scale^α + Z^α.
func limScale(p LIM, N int, scale float64, step func(s, t float64) Coef) float64 {
	s := LIMSampler{Process: p, Steps: N}
	y := math.Pow(p.Sigma(limLast), p.Alpha)
	for i := range N {
		from := s.time(i)
		g, sg := p.Gamma(from), p.Sigma(from)
		slope := math.Pow(sg, p.Alpha-1) / (math.Pow(g*scale, p.Alpha) + math.Pow(sg, p.Alpha))
		c := step(from, s.time(i+1))
		y = math.Pow(math.Abs(c.X+c.Eps*slope), p.Alpha)*y + math.Pow(c.Z, p.Alpha)
	}
	return math.Pow(y, 1/p.Alpha) / scale
}

// LIM's ODE reaches a stable target for every α at first order, its SDE at α = 2
// only, and the mended SDE for every α: for α < 2 the published reversal converges to samples that are wider by
// (α−1)^{−1/α}, 13 % at α = 1.8 and 59 % at 1.5, even with this exact denoiser.
func TestLIMConverges(t *testing.T) {
	const s = 0.3
	order := func(f func(N int) float64) float64 {
		return math.Log2((f(1000) - f(2000)) / (f(2000) - f(4000)))
	}
	for _, alpha := range []float64{1.3, 1.5, 1.8, 2} {
		p := LIM{Alpha: alpha}
		ode := func(N int) float64 { return limScale(p, N, s, p.ODE) - 1 }
		sde := func(N int) float64 { return limScale(p, N, s, p.SDE) - 1 }
		require.InDelta(t, 1, order(ode), 0.3, "ODE alpha %v", alpha)
		require.InDelta(t, 0, ode(4000), 2e-3, "ODE alpha %v", alpha)
		require.InDelta(t, 1, order(sde), 0.3, "SDE alpha %v", alpha)
		// At first order the error of 2N steps is half that of N, so that twice the
		// one less the other is what is left in the limit, but for the second order.
		mended := func(N int) float64 { return limScale(p, N, s, p.MendedSDE) - 1 }
		require.InDelta(t, 1, order(mended), 0.3, "mended SDE alpha %v", alpha)
		require.InDelta(t, 0, 2*mended(4000)-mended(2000), 5e-4, "mended SDE alpha %v", alpha)
		wider := math.Pow(alpha-1, -1/alpha) - 1
		require.InDelta(t, wider, sde(4000), 1e-3+0.1*wider, "SDE alpha %v", alpha)
	}
}

// The sampler is its coefficients: a sample of the linear denoiser has the
// scale that limScale predicts, by the median of |x| over that of the noise.
func TestLIMSamplesHaveTheirScale(t *testing.T) {
	const n, s = 4000, 0.3
	for _, alpha := range []float64{1.6, 2} {
		p := LIM{Alpha: alpha, Isotropic: true}
		den := func(_ context.Context, eps, x, times []float32) error {
			for j, v := range x {
				t := float64(times[j])
				g, sg := p.Gamma(t), p.Sigma(t)
				eps[j] = float32(math.Pow(sg, alpha-1) * float64(v) / (math.Pow(g*s, alpha) + math.Pow(sg, alpha)))
			}
			return nil
		}
		for _, ode := range []bool{false, true} {
			sampler := LIMSampler{Process: p, Steps: 40, ODE: ode}
			x, err := sampler.Sample(context.Background(), den, seeds(n), 1)
			require.NoError(t, err)
			step := p.SDE
			if ode {
				step = p.ODE
			}
			unit := make([]float32, n)
			for i := range unit {
				p.noise(LIMClamps{}).fill(unit[i:i+1], trainingStream(5, uint64(i), 0))
			}
			want := limScale(p, 40, s, step) * s * medianAbs(unit)
			require.InEpsilon(t, want, medianAbs(x), 0.08, "alpha %v ode %v", alpha, ode)
		}
	}
}

func medianAbs(x []float32) float64 {
	abs := slices.Clone(x)
	for i, v := range abs {
		abs[i] = max(v, -v)
	}
	slices.Sort(abs)
	return float64(abs[len(abs)/2])
}
