package diffusion

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/stable"
)

// stableSize returns the scale with which a sampler of steps coef ends from stable
// noise of the given α, for data that are SαS of that scale: E[ε | x_t] is then
// linear, in d = 1 and for isotropic noise in any dimension, and every state SαS,
// so that the end is known without drawing.
func stableSize(s *DLPMSchedule, scale float64, coef func(t int) (c Coef, noise float64)) float64 {
	size := math.Pow(s.SigmaBar[s.T()-1], s.Alpha) // to the power α
	for t := s.T() - 1; t >= 1; t-- {
		total := math.Pow(s.GammaBar[t]*scale, s.Alpha) + math.Pow(s.SigmaBar[t], s.Alpha)
		c, noise := coef(t)
		size = math.Pow(math.Abs(c.X+c.Eps*math.Pow(s.SigmaBar[t], s.Alpha-1)/total), s.Alpha)*size + math.Pow(noise, s.Alpha)
	}
	return math.Pow(size, 1/s.Alpha)
}

// Stable data come back with their scale, at first order in 1/T: the error halves
// as T doubles, within the quarter of it that the second order may be. LIM's
// published SDE is off by (α−1)^{−1/α} for all T (TestLIMConverges), DLPM stays
// narrow (TestDLPMTails).
func TestDLIMSDEReachesStableData(t *testing.T) {
	for _, alpha := range []float64{1.2, 1.5, 1.8, 2} {
		for _, scale := range []float64{0.05, 0.3, 2} {
			off := map[int]float64{}
			for _, T := range []int{2000, 4000} {
				s, err := Default(alpha, T).Schedule(0)
				require.NoError(t, err)
				off[T] = stableSize(s, scale, func(t int) (Coef, float64) {
					c := s.DLIMSDE(t, 1)
					return c, c.Z
				})/scale - 1
			}
			require.Less(t, math.Abs(off[4000]), 0.02, "alpha %v scale %v", alpha, scale)
			require.InDelta(t, 0.5, off[4000]/off[2000], 0.125, "alpha %v scale %v: %v", alpha, scale, off)
		}
	}
}

// At α = 2 the steps tend to those of DDPM: the coefficients of the state and of
// ε̂ differ from 1 and from 0 by the same amount per level, and so does the
// variance of the noise. The relative differences are of the order of a level's
// own share, β_t.
func TestDLIMSDEIsDDPMInTheLimit(t *testing.T) {
	const T = 4000
	s, err := Default(2, T).Schedule(0)
	require.NoError(t, err)
	for k := 200; k < T-200; k += 100 { // away from the ends, where levels change by more than a share
		sde, ddpm := s.DLIMSDE(k, 2), s.DLPM(k, 2*s.SigmaBar[k-1]*s.SigmaBar[k-1], 2*s.SigmaBar[k]*s.SigmaBar[k])
		share := 1 - s.GammaBar[k]*s.GammaBar[k]/(s.GammaBar[k-1]*s.GammaBar[k-1])
		tol := 3*share + 10/float64(k) // and by how much β and σ̄ change over a level
		require.Equal(t, ddpm.X, sde.X)
		require.InEpsilon(t, ddpm.Eps, sde.Eps, tol, "t %d", k)
		require.InEpsilon(t, ddpm.Z*ddpm.Z, sde.Z*sde.Z, tol, "t %d", k)
	}
}

// A target is data whose E[ε | x_t] is known, and the law of |x_1| of them.
type target struct {
	name string
	d    int
	// mean sets eps to E[ε | x_t] at level t.
	mean func(s *DLPMSchedule, t int) func(eps, x []float64)
	// beyond returns P(|x_1| > r), x_1 being the first element.
	beyond func(r float64) float64
}

// twoClusters is a mixture of isotropic stable clusters of the noise's α at
// ±(at, …, at) with shares 0.8 and 0.2: x_t is such a mixture too, and ε given
// x_t and the cluster is linear.
func twoClusters(t *testing.T, alpha, at, scale float64, d int) target {
	t.Helper()
	logf := radial(t, alpha, d)
	one := stable.Law{Alpha: alpha, Scale: scale}
	const share = 0.8
	return target{fmt.Sprintf("clusters d %d alpha %v", d, alpha), d, func(s *DLPMSchedule, k int) func(eps, x []float64) {
		g, sb := s.GammaBar[k], s.SigmaBar[k]
		total := math.Pow(g*scale, alpha) + math.Pow(sb, alpha)
		size, slope := math.Pow(total, 1/alpha), math.Pow(sb, alpha-1)/total
		return func(eps, x []float64) {
			var r [2]float64
			for _, v := range x {
				r[0] += (v - g*at) * (v - g*at)
				r[1] += (v + g*at) * (v + g*at)
			}
			w := 1 / (1 + (1-share)/share*math.Exp(logf(math.Sqrt(r[1])/size)-logf(math.Sqrt(r[0])/size)))
			for j, v := range x {
				eps[j] = slope * (v - g*at*(2*w-1))
			}
		}
	}, func(r float64) float64 {
		return one.Survival(r-at) + one.CDF(-r-at) // the same for either sign
	}}
}

// radial returns ln f(|x|) of the isotropic stable law of scale 1, up to a
// constant, by straight lines between exact values in asinh(4|x|).
func radial(t *testing.T, alpha float64, d int) func(r float64) float64 {
	t.Helper()
	if d == 1 {
		table, err := stable.NewTable(stable.Symmetric(alpha))
		require.NoError(t, err)
		return table.LogDensity
	}
	shape := make([]float64, d*d)
	for i := range d {
		shape[i*d+i] = 1
	}
	law, err := stable.NewElliptical(alpha, make([]float64, d), shape)
	require.NoError(t, err)
	const n, last = 1500, 40.0
	v, x := make([]float64, n+1), make([]float64, d)
	for i := range v {
		x[0] = math.Sinh(last*float64(i)/n) / 4
		v[i] = law.LogDensity(x)
	}
	return lines(v, last, 4)
}

// lines interpolates values at equal distances of asinh(c·r) from 0 to last.
func lines(v []float64, last, c float64) func(r float64) float64 {
	n := float64(len(v) - 1)
	return func(r float64) float64 {
		at := math.Min(math.Asinh(c*r)/last*n, n-1e-9)
		i := int(at)
		return v[i] + (at-float64(i))*(v[i+1]-v[i])
	}
}

// studentTarget is Student's law with ν = 3 on the line, with E[ε | x_t] by the
// trapezoid rule over points that lie close around 0 and around x_t/γ̄_t, at 160
// places of x_t and straight lines between them.
func studentTarget(t *testing.T, alpha float64) target {
	t.Helper()
	table, err := stable.NewTable(stable.Symmetric(alpha))
	require.NoError(t, err)
	law := stable.StudentT{Nu: 3, Scale: 1}
	density := func(x float64) float64 { return 1 / ((1 + x*x/3) * (1 + x*x/3)) } // but for a factor
	return target{"student", 1, func(s *DLPMSchedule, k int) func(eps, x []float64) {
		g, sb := s.GammaBar[k], s.SigmaBar[k]
		const places, last = 160, 22.0
		v, u := make([]float64, places+1), []float64{}
		for i := 1; i <= places; i++ {
			x := math.Sinh(last*float64(i)/places) / 4
			u = u[:0]
			for w := -100; w <= 100; w++ {
				wide := 0.02 * math.Sinh(float64(w)/5)
				u = append(u, wide, (x+sb*wide)/g)
			}
			slices.Sort(u)
			num, den := 0.0, 0.0
			for j := 1; j < len(u)-1; j++ { // the trapezoid rule, but for the ends, where f is next to 0
				e := (x - g*u[j]) / sb
				f := density(u[j]) * table.Density(e) * (u[j+1] - u[j-1])
				num, den = num+e*f, den+f
			}
			v[i] = num / den
		}
		at := lines(v, last, 4)
		return func(eps, x []float64) {
			for j, v := range x {
				eps[j] = math.Copysign(at(math.Abs(v)), v)
			}
		}
	}, func(r float64) float64 { return 2 * law.Survival(r) }}
}

// denoiser makes the target's exact denoiser on a schedule.
func (g target) denoiser(s *DLPMSchedule) Denoiser {
	at := map[int]func(eps, x []float64){}
	return func(_ context.Context, eps, x, times []float32) error {
		k := step(s, times[0])
		f := at[k]
		if f == nil {
			f = g.mean(s, k)
			at[k] = f
		}
		in, out := make([]float64, g.d), make([]float64, g.d)
		for i := 0; i < len(x); i += g.d {
			for j := range in {
				in[j] = float64(x[i+j])
			}
			f(out, in)
			for j, v := range out {
				eps[i+j] = float32(v)
			}
		}
		return nil
	}
}

// misfit returns, of |x_1| of n samples, Kolmogorov's statistic √n·sup|F_n − F|
// and by how many standard deviations the numbers beyond the quantiles at 50, 90,
// 99 and 99.9 % are too large.
func (g target) misfit(t *testing.T, x []float32) (ks float64, beyond [4]float64) {
	t.Helper()
	n := len(x) / g.d
	p := make([]float64, n) // P(|x_1| > r)
	for i := range p {
		p[i] = g.beyond(math.Abs(float64(x[i*g.d])))
	}
	slices.Sort(p)
	for i, v := range p {
		ks = math.Max(ks, math.Max(float64(i+1)/float64(n)-v, v-float64(i)/float64(n)))
	}
	for i, q := range []float64{0.5, 0.1, 0.01, 0.001} {
		k, _ := slices.BinarySearch(p, q)
		beyond[i] = (float64(k) - q*float64(n)) / math.Sqrt(q*(1-q)*float64(n))
	}
	return ks * math.Sqrt(float64(n)), beyond
}

// With the exact E[ε | x_t] the stochastic sampler and DLIM with two visits of
// every level end at the data within the error of the simulation: Kolmogorov's
// statistic stays below its 0.01 % point 2.23, and the numbers beyond the
// quantiles to 99.9 % within 4 standard deviations. DLPM fails on the targets of
// α = 1.5. The steps' own error, 4 % of the scale at T = 120 by stableSize, moves
// the distribution of |x| by less than 2 % (x·f(x) < ½), 1.2 of the statistic, and
// the numbers by 1.4 deviations. HEAVYTAIL_EXHAUSTIVE=1 draws 20,000 with T = 400, whose error is 1.5 %.
func TestStochasticSamplersReachTheTarget(t *testing.T) {
	if testing.Short() {
		t.Skip("many samples")
	}
	n, T := 4000, 120
	if os.Getenv("HEAVYTAIL_EXHAUSTIVE") != "" {
		n, T = 20_000, 400
	}
	narrow := 0
	for alpha, targets := range map[float64][]target{
		1.5: {twoClusters(t, 1.5, 1, 0.2, 1), twoClusters(t, 1.5, 1, 0.2, 3)},
		1.8: {twoClusters(t, 1.8, 0.7, 0.3, 2), studentTarget(t, 1.8)},
	} {
		for _, g := range targets {
			p := Default(alpha, T)
			s, err := p.Schedule(0)
			require.NoError(t, err)
			den := g.denoiser(s)
			for name, sampler := range map[string]sampler{
				"DLIM SDE": DLIMSDE{Process: p}, "two visits": DLIM{Process: p, Edit: &Edit{Resample: 2}},
				"DLPM": DLPMSampler{Process: p, ConsistentStart: true},
			} {
				if name == "DLPM" && alpha != 1.5 {
					continue // nearer to the data, and no part of the claim
				}
				x, err := sampler.Sample(t.Context(), den, seeds(n), g.d)
				require.NoError(t, err)
				ks, beyond := g.misfit(t, x)
				worst := 0.0
				for _, v := range beyond {
					worst = math.Max(worst, math.Abs(v))
				}
				if name == "DLPM" {
					if ks > 2.23 || worst > 4 {
						narrow++
					}
					continue
				}
				require.Less(t, ks, 2.23, "%s %s", g.name, name)
				require.Less(t, worst, 4.0, "%s %s: %v", g.name, name, beyond)
			}
		}
	}
	require.GreaterOrEqual(t, narrow, 2, "DLPM passes: the test sees nothing")
}
