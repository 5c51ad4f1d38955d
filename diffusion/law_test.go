package diffusion

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/stable"
)

// pointMass is the exact denoiser of data that is the point c:
// ε̂ = (x − γ̄_t·c)/σ̄_t.
func pointMass(p DLPM, s *DLPMSchedule, c float32) Denoiser {
	return func(_ context.Context, eps, x []float32, times []float32) error {
		d := len(x) / len(times)
		for i, v := range x {
			t := step(s, times[i/d])
			in := 1.0
			if p.InputScaling {
				in = 1 + s.SigmaBar[t]
			}
			eps[i] = float32((float64(v)*in - s.GammaBar[t]*float64(c)) / s.SigmaBar[t])
		}
		return nil
	}
}

// step finds t from the network time t/T.
func step(s *DLPMSchedule, time float32) int {
	return int(math.Round(float64(time) * float64(s.T())))
}

func seeds(n int) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		out[i] = uint64(i)
	}
	return out
}

// sampler is what both samplers offer.
type sampler interface {
	Sample(ctx context.Context, den Denoiser, seeds []uint64, d int) ([]float32, error)
}

// A point mass comes back for every process, number of steps, η and option.
// The last step is x̂_0 = (x_1 − σ̄_1·ε̂)/γ̄_1: three float32 roundings of terms
// as large as x_1 and of two coefficients, 2^-24 each, and ε̂'s rounding, so the
// error is at most 6·2^-24 of the largest term. x_1 is heavy-tailed, so the
// bound takes it from the run.
func TestPointMassReturns(t *testing.T) {
	const c, d = 0.75, 5
	for _, alpha := range []float64{1.05, 1.5, 1.7, 2} {
		for _, T := range []int{2, 3, 10, 57} {
			for _, base := range []DLPM{
				Default(alpha, T),
				{Alpha: alpha, Scale: Preserving, Grid: Quadratic, Steps: T},
				{Alpha: alpha, Scale: Exploding, Isotropic: true, Steps: T, InputScaling: true},
				{Alpha: alpha, Scale: Exploding, Grid: Quadratic, Steps: T, ClampA: 20, ClampEps: 200},
			} {
				for opt := range 4 {
					clip, consistent := opt&1 != 0, opt&2 != 0
					checkPointMass(t, DLPMSampler{Process: base, Clip: clip, ConsistentStart: consistent}, base, c, d, 1, 1)
					for _, eta := range []float64{0, 0.5, 1} {
						checkPointMass(t, DLIM{Process: base, Eta: eta, Clip: clip, ConsistentStart: consistent}, base, c, d, 1, 1)
					}
					checkPointMass(t, DLIMSDE{Process: base, Clip: clip, ConsistentStart: consistent}, base, c, d, 1, 1)
					if T%2 == 1 {
						s := DLIM2{Process: base, Steps: T / 2, Clip: clip, ConsistentStart: consistent}
						checkPointMass(t, s, base, c, d, 2, twoStepTerms(t, base))
					}
				}
			}
		}
	}
}

// twoStepTerms bounds the terms of DLIM2's last step by multiples of x_2/γ̄_2:
// x_2 itself, the two estimates, and what the second passes on of the roundings
// of x_1, times w·τ_2/τ_1. None has more than the six roundings of one step.
func twoStepTerms(t *testing.T, p DLPM) float64 {
	t.Helper()
	s, err := p.Schedule(0)
	require.NoError(t, err)
	one, two := s.SigmaBar[1]/s.GammaBar[1], s.SigmaBar[2]/s.GammaBar[2]
	w := two / (2 * (two - one))
	return 1 + math.Abs(1-w) + w + w*two/one
}

// checkPointMass wants the point from a sampler whose last step begins at level
// from and has the given number of terms as large as the state there.
func checkPointMass(t *testing.T, s sampler, p DLPM, c float32, d, from int, terms float64) {
	t.Helper()
	sched, err := p.Schedule(0)
	require.NoError(t, err)
	den := pointMass(p, sched, c)
	largest := 1.0
	watch := func(ctx context.Context, eps, x []float32, times []float32) error {
		if k := step(sched, times[0]); k <= from {
			for _, v := range x {
				largest = math.Max(largest, math.Abs(float64(v)*(1+sched.SigmaBar[k])))
			}
		}
		return den(ctx, eps, x, times)
	}
	x, err := s.Sample(context.Background(), watch, seeds(6), d)
	require.NoError(t, err)
	for _, v := range x {
		require.InDelta(t, c, v, 6*0x1p-24*largest*terms/sched.GammaBar[from], fmt.Sprintf("%+v", s))
	}
}

// At α = 2 a DLPM step is the DDPM posterior step with noise of variance 2, and
// its Γ does not depend on chance.
func TestAlphaTwoIsDDPM(t *testing.T) {
	const T = 50
	p := DDPM(T).Process
	s, err := p.Schedule(0)
	require.NoError(t, err)
	a := make([]float64, T)
	for i := range a {
		a[i] = p.noise().A(stable.Key{Seed: 9, Step: uint32(i)})
		require.Equal(t, 2.0, a[i])
	}
	s.Variances(a, a)
	for k := 1; k < T; k++ {
		abar, prev := s.GammaBar[k]*s.GammaBar[k], s.GammaBar[k-1]*s.GammaBar[k-1]
		beta := 1 - abar/prev
		require.InDelta(t, 2*(1-abar), a[k], 1e-12)
		c := s.DLPM(k, a[k-1], a[k])
		require.InDelta(t, 1/math.Sqrt(1-beta), c.X, 1e-12)
		require.InDelta(t, -beta/math.Sqrt((1-abar)*(1-beta)), c.Eps, 1e-12)
		require.InDelta(t, 2*beta*(1-prev)/(1-abar), c.Z*c.Z, 1e-12)
	}
}

// charFunc returns the mean of cos(u·x) and its standard error bound 1/√n.
func charFunc(x []float64, u float64) (mean, se float64) {
	for _, v := range x {
		mean += math.Cos(u * v)
	}
	return mean / float64(len(x)), 1 / math.Sqrt(float64(len(x)))
}

// The conditional variances average to the closed-form marginal:
// E exp(−u²·Σ_t/2) = exp(−|u·σ̄_t|^α). (Taking the mean over z exactly leaves
// only A's noise.)
func TestVariancesHaveTheMarginalLaw(t *testing.T) {
	const n, T = 20000, 12
	for _, p := range []DLPM{
		Default(1.5, T), Default(1.8, T),
		{Alpha: 1.7, Scale: Exploding, SigmaMax: 3, Isotropic: true, Steps: T},
	} {
		s, err := p.Schedule(0)
		require.NoError(t, err)
		var got [T]float64
		a := make([]float64, T)
		for i := range n {
			for k := range a {
				a[k] = p.noise().A(stable.Key{Seed: uint64(i), Step: uint32(k)})
			}
			s.Variances(a, a)
			for k, v := range a {
				got[k] += math.Exp(-v / 2)
			}
		}
		for k, v := range got { // the terms lie in [0, 1]: deviation ≤ ½
			require.InDelta(t, math.Exp(-math.Pow(s.SigmaBar[k], p.Alpha)), v/n, 5*0.5/math.Sqrt(n))
		}
	}
}

// The forward chain x_t = γ_t·x_{t−1} + σ_t·ε_t and the closed form agree on
// |x_t| (Kolmogorov and Smirnov, two samples).
func TestForwardChainMatchesClosedForm(t *testing.T) {
	const n, T = 4000, 10
	p := DLPM{Alpha: 1.6, Isotropic: true, Scale: Preserving, Steps: T}
	s, err := p.Schedule(0)
	require.NoError(t, err)
	chain, direct := make([]float64, n), make([]float64, n)
	var e [1]float32
	for i := range n {
		x := 0.0
		for k := 1; k < T; k++ {
			p.noise().Fill(e[:], stable.Key{Seed: uint64(i), Step: uint32(k)})
			x = s.Gamma[k]*x + s.Sigma[k]*float64(e[0])
		}
		chain[i] = math.Abs(x)
		p.noise().Fill(e[:], stable.Key{Seed: uint64(i), Sample: 1})
		direct[i] = math.Abs(s.SigmaBar[T-1] * float64(e[0]))
	}
	slices.Sort(chain)
	slices.Sort(direct)
	worst, j := 0.0, 0
	for i, v := range chain {
		for j < n && direct[j] <= v {
			j++
		}
		worst = math.Max(worst, math.Abs(float64(i+1-j))/n)
	}
	require.Less(t, worst, 1.95*math.Sqrt(2.0/n), "the 0.1 % point of the statistic")
}

// With the exact denoiser of a point c every state has its closed-form law,
// (x_t − γ̄_t·c)/σ̄_t unit SαS: DLIM for every η and its SDE from the independent start,
// DLPM from the consistent one, with one A or one per element.
func TestSamplersKeepTheMarginals(t *testing.T) {
	const n, T, c = 6000, 8, 0.5
	if testing.Short() {
		t.Skip("6000 samples")
	}
	for _, p := range []DLPM{
		Default(1.6, T),
		{Alpha: 1.8, Scale: Preserving, Steps: T},
		{Alpha: 1.7, Isotropic: true, Scale: Exploding, SigmaMin: 0.1, SigmaMax: 5, Steps: T},
	} {
		s, err := p.Schedule(0)
		require.NoError(t, err)
		x := make([]float32, 2*n)
		unit := make([]float64, n)
		check := func(name string, steps iter.Seq2[int, error]) {
			for k, err := range steps {
				require.NoError(t, err)
				if k == 0 {
					continue
				}
				for i := range unit { // the second element: it has its own A or shares one
					unit[i] = (float64(x[2*i+1]) - s.GammaBar[k]*c) / s.SigmaBar[k]
				}
				for _, u := range []float64{0.3, 1, 2} {
					got, se := charFunc(unit, u)
					require.InDelta(t, math.Exp(-math.Pow(u, p.Alpha)), got, 4*se, "%s %+v t=%d u=%v", name, p, k, u)
				}
			}
		}
		ctx, den := context.Background(), pointMass(p, s, c)
		for _, eta := range []float64{0, 0.4, 1} {
			check("DLIM", DLIM{Process: p, Eta: eta}.Trajectory(ctx, den, x, seeds(n)))
		}
		check("DLIM SDE", DLIMSDE{Process: p}.Trajectory(ctx, den, x, seeds(n)))
		check("DLPM", DLPMSampler{Process: p, ConsistentStart: true}.Trajectory(ctx, den, x, seeds(n)))
	}
}

// For data that are SαS of scale s the best ε̂ is linear, E[ε | x_t] =
// σ̄^{α−1}·x/S_t^α with S_t = (γ̄^α·s^α + σ̄^α)^{1/α}, and DLIM's limit of many
// steps maps the scale S_T to s. At α = 2 the same holds for DDPM's variance.
func TestStableTargetIsReached(t *testing.T) {
	const scale = 0.3
	for _, alpha := range []float64{1.4, 1.7, 2} {
		var off [2]float64
		for n, T := range []int{500, 1000} {
			s, err := Default(alpha, T).Schedule(0)
			require.NoError(t, err)
			total := func(k int) float64 {
				return math.Pow(math.Pow(s.GammaBar[k]*scale, alpha)+math.Pow(s.SigmaBar[k], alpha), 1/alpha)
			}
			size := total(T - 1)
			variance := 2 * size * size
			for k := T - 1; k >= 1; k-- {
				slope := math.Pow(s.SigmaBar[k], alpha-1) / math.Pow(total(k), alpha)
				c := s.DLIM(k, 0, 0)
				size *= c.X + c.Eps*slope
				c = s.DLPM(k, 2*s.SigmaBar[k-1]*s.SigmaBar[k-1], 2*s.SigmaBar[k]*s.SigmaBar[k])
				variance = (c.X+c.Eps*slope)*(c.X+c.Eps*slope)*variance + c.Z*c.Z
			}
			off[n] = math.Abs(size/scale - 1)
			if alpha == 2 {
				require.InEpsilon(t, 2*scale*scale, variance, 15.0/float64(T), "first order in 1/T")
			}
		}
		require.Less(t, off[1], 0.02, "alpha %v", alpha)
		require.Less(t, off[1], off[0], "more steps come closer")
	}
}
