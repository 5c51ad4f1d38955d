package diffusion

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// A pair is a Gaussian target of two coordinates with mean 0 and variance 1, of
// which the first is known to be y: the second has mean ρ·y and variance 1−ρ².
type pair struct{ rho, y float64 }

// estimate returns the coefficients of E[x_0 | x] = (b·x_1 + a·x_2, a·x_1 + b·x_2)
// at noise of variance v: the rows of C·(C+v·I)⁻¹.
func (p pair) estimate(v float64) (a, b float64) {
	det := (1+v)*(1+v) - p.rho*p.rho
	return p.rho * v / det, (1 + v - p.rho*p.rho) / det
}

func (p pair) data(_ context.Context, data, x, sigma []float64) error {
	for i, s := range sigma {
		a, b := p.estimate(s * s)
		data[2*i] = b*x[2*i] + a*x[2*i+1]
		data[2*i+1] = a*x[2*i] + b*x[2*i+1]
	}
	return nil
}

// eps is the exact ε̂ for DLPM at α = 2, whose noise has variance 2.
func (p pair) eps(sched *DLPMSchedule) Denoiser {
	return func(_ context.Context, eps, x, times []float32) error {
		t := int(math.Round(float64(times[0]) * float64(sched.T())))
		gb, sb := sched.GammaBar[t], sched.SigmaBar[t]
		a, b := p.estimate(2 * sb * sb / (gb * gb))
		for i := range times {
			u, v := float64(x[2*i])/gb, float64(x[2*i+1])/gb
			eps[2*i] = float32((u - b*u - a*v) * gb / sb)
			eps[2*i+1] = float32((v - a*u - b*v) * gb / sb)
		}
		return nil
	}
}

// moments are the mean and covariance of the two coordinates of a linear
// sampler.
type moments struct{ m1, m2, v1, v12, v2 float64 }

// step applies x_i ← X·x_i + E·D_i + Z·z_i with D = (y, a·x_1 + b·x_2).
func (s moments) step(y, a, b, X, E, Z float64) moments {
	p, q := E*a, X+E*b // x_2 ← p·x_1 + q·x_2
	return moments{
		X*s.m1 + E*y, p*s.m1 + q*s.m2,
		X*X*s.v1 + Z*Z, X * (p*s.v1 + q*s.v12), p*p*s.v1 + 2*p*q*s.v12 + q*q*s.v2 + Z*Z,
	}
}

// ancestral returns what TEDMAncestral at ν = ∞ makes of the pair, resampling
// included.
func (p pair) ancestral(N, resample int) moments {
	sigma := EDM{}.Sigmas(N)
	s := moments{p.y, 0, sigma[0] * sigma[0], 0, sigma[0] * sigma[0]}
	for i := range N {
		t, u := sigma[i], sigma[i+1]
		a, b := p.estimate(t * t)
		for k := range resample {
			if k > 0 && u == 0 {
				break
			}
			if k > 0 {
				s.v1 += t*t - u*u
				s.v2 += t*t - u*u
			}
			keep := u * u / (t * t)
			s = s.step(p.y, a, b, keep, 1-keep, u*math.Sqrt(1-keep))
		}
	}
	return s
}

// dlpm does so for DLPM at α = 2, in terms of D.
func (p pair) dlpm(sched *DLPMSchedule, resample int) moments {
	T := sched.T()
	sum := make([]float64, T)
	for t := range sum {
		sum[t] = 2
	}
	sched.Variances(sum, sum)
	// pure noise, but for the known coordinate
	s := moments{sched.GammaBar[T-1] * p.y, 0, sum[T-1], 0, sum[T-1]}
	for t := T - 1; t >= 1; t-- {
		gb, sb, g, sg := sched.GammaBar[t], sched.SigmaBar[t], sched.Gamma[t], sched.Sigma[t]
		a, b := p.estimate(2 * sb * sb / (gb * gb))
		for k := range resample {
			if k > 0 && t == 1 {
				break
			}
			if k > 0 {
				s = moments{g * s.m1, g * s.m2, g*g*s.v1 + 2*sg*sg, g * g * s.v12, g*g*s.v2 + 2*sg*sg}
			}
			c := sched.DLPM(t, sum[t-1], sum[t])
			s = s.step(p.y, a/gb, b/gb, c.X+c.Eps/sb, -c.Eps*gb/sb, c.Z)
		}
	}
	return s
}

// The unknown coordinate has the mean and variance that the method gives it in
// theory, which is not quite the conditional law: replacement leans towards
// samples that ignore the image, resampling much less so.
func TestKnownElementsOfAGaussian(t *testing.T) {
	n, pairs := 4000, []pair{{0.9, 1.5}, {0, 1.5}, {-0.5, 1.5}}
	if testing.Short() {
		n, pairs = 500, pairs[:1]
	}
	const N = 24
	sched, err := Default(2, N).Schedule(0)
	require.NoError(t, err)
	for _, p := range pairs {
		for _, resample := range []int{1, 6} {
			e := &Edit{Image: []float32{float32(p.y), 0}, Known: []bool{true, false}, Resample: resample}
			theory := map[string]moments{"ancestral": p.ancestral(N, resample), "dlpm": p.dlpm(sched, resample)}
			samples := map[string]func() ([]float32, error){
				"ancestral": func() ([]float32, error) {
					return TEDMAncestral{Process: EDM{}, Steps: N, Eta: 1, Edit: e}.Sample(context.Background(), p.data, seeds(n), 2)
				},
				"dlpm": func() ([]float32, error) {
					return DLPMSampler{Process: Default(2, N), Edit: e}.Sample(context.Background(), p.eps(sched), seeds(n), 2)
				},
			}
			for name, want := range theory {
				x, err := samples[name]()
				require.NoError(t, err)
				mean, second := 0.0, 0.0
				for i := range n {
					require.EqualValues(t, p.y, x[2*i])
					v := float64(x[2*i+1])
					mean += v / float64(n)
					second += v * v / float64(n)
				}
				root := math.Sqrt(float64(n))
				require.InDelta(t, want.m2, mean, 4*math.Sqrt(want.v2)/root, "%s: mean at %+v, resample %d", name, p, resample)
				require.InDelta(t, want.v2, second-mean*mean, 4*math.Sqrt2*want.v2/root, "%s: variance at %+v, resample %d", name, p, resample)
				t.Logf("%s ρ %v resample %d: mean %.3f, variance %.3f; conditional law %.3f, %.3f", name, p.rho, resample, want.m2, want.v2, p.rho*p.y, 1-p.rho*p.rho)
			}
		}
	}
}

// In theory, with the steps as small as one likes, the mean that replacement
// gives is this part of the conditional one.
func TestResamplingApproachesTheConditionalLaw(t *testing.T) {
	p := pair{0.9, 1.5}
	part := func(resample int) float64 { return p.ancestral(400, resample).m2 / (p.rho * p.y) }
	t.Logf("part of the mean: %.3f, %.3f, %.3f, %.3f for 1, 3, 10 and 100", part(1), part(3), part(10), part(100))
	require.InDelta(t, 1, part(100), 0.02)
	require.Less(t, part(1), part(3))
	require.Less(t, part(3), part(10))
	require.Less(t, part(10), part(100))
	v := p.ancestral(400, 100).v2
	require.InEpsilon(t, 1-p.rho*p.rho, v, 0.05)
	independent := pair{0, 1.5}.ancestral(400, 1)
	require.InDelta(t, 0, independent.m2, 1e-12)
	require.InEpsilon(t, 1, independent.v2, 0.03)
}
