package diffusion

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/stable"
)

// kappas are nodes and weights of κ ~ χ²(λ)/λ, by the trapezoid rule in ln κ.
func kappas(rate float64, n int) (kappa, weight []float64) {
	a, sum := rate/2, 0.0
	lo, hi := -1-22/a, math.Log(1+(40+9*math.Sqrt(a))/a)
	for i := range n {
		u := lo + (hi-lo)*float64(i)/float64(n-1)
		k := math.Exp(u)
		w := math.Exp(a * (u - k + 1))
		kappa, weight, sum = append(kappa, k), append(weight, w), sum+w
	}
	for i := range weight {
		weight[i] /= sum
	}
	return kappa, weight
}

// A normal is a part of a mixture: N(mean, v) in every element, with a weight.
type normal struct{ weight, mean, v float64 }

// jumpData is the exact D for data of the mixture, isotropic around the means, in the
// noise of j: given κ and the part all is normal.
func jumpData(j Jump, data []normal, nodes int) DataDenoiser {
	type term struct{ mean, keep, v, log float64 }
	kappa, weight := kappas(j.Rate, nodes)
	return func(_ context.Context, out, x, sigma []float64) error {
		d := len(x) / len(sigma)
		var terms []term // at the level, the same in all rows
		for k, w := range weight {
			for _, c := range data {
				v := c.v + sigma[0]*sigma[0]*(j.Share+(1-j.Share)*kappa[k])
				terms = append(terms, term{c.mean, c.v / v, v, math.Log(w*c.weight) - 0.5*float64(d)*math.Log(v)})
			}
		}
		logs := make([]float64, len(terms))
		for i := range sigma {
			row, to := x[i*d:(i+1)*d], out[i*d:(i+1)*d]
			top, sum := math.Inf(-1), 0.0
			for k, c := range terms {
				square := 0.0
				for _, u := range row {
					square += (u - c.mean) * (u - c.mean)
				}
				logs[k] = c.log - square/(2*c.v)
				top = max(top, logs[k])
			}
			clear(to)
			for k, c := range terms {
				if logs[k] < top-40 {
					continue
				}
				e := math.Exp(logs[k] - top)
				sum += e
				for at, u := range row {
					to[at] += e * (c.mean + c.keep*(u-c.mean))
				}
			}
			for at := range to {
				to[at] /= sum
			}
		}
		return nil
	}
}

// scaleMixture is a mixture of normal laws around 0 by factors of their variance.
func scaleMixture(v, weight []float64) []normal {
	var parts []normal
	for i, w := range weight {
		parts = append(parts, normal{w, 0, v[i]})
	}
	return parts
}

// laplaceData is the exact D for data of Laplace's law of scale b in the noise of λ = 2
// without a Gaussian part, which is Laplace's of scale c = σ/√2. With
// 1/((1+b²k²)²(1+c²k²)) in partial fractions it is in closed form, by the same identity
// as the generalized score.
func laplaceData(b float64) DataDenoiser {
	return func(_ context.Context, data, x, sigma []float64) error {
		for i, v := range x {
			c, sign, r := sigma[i]/math.Sqrt2, math.Copysign(1, v), math.Abs(v)
			B, C := b*b, c*c
			eb, ec := math.Exp(-r/b), math.Exp(-r/c)
			p := (B/(2*b)*eb - C/(2*c)*ec) / (B - C)
			one, two, three := B/(B-C), -B*C/((B-C)*(B-C)), C*C/((B-C)*(B-C))
			data[i] = 2 * B * (one*v*eb/(4*b*b*b) + sign*(two*eb/(2*B)+three*ec/(2*C))) / p
		}
		return nil
	}
}

func laplaceQuantile(p float64) float64 { return -math.Log(1-p) / math.Sqrt2 } // of |n|, variance 1

// The generalized score of the noise is −σn: ∇V = −x·p, where V is (1−ρ)σ² times the
// law with one jump more, of variance 2(1−ρ)σ²/λ, and ρσ² times the law. Both sides are
// integrals over κ and the jump's exponential factor; half is their number of dimensions.
func TestJumpGeneralizedScore(t *testing.T) {
	for _, j := range []Jump{{Rate: 2}, {Rate: 1, Share: 0.3}, {Rate: 7, Share: 0.1}, {Rate: 20}} {
		kappa, w := kappas(j.Rate, 300)
		jump, u := kappas(2, 300) // exponential
		for _, half := range []float64{0.5, 1, 2.5} {
			const sigma = 1.7
			law := func(v, x float64) float64 { return math.Pow(2*math.Pi*v, -half) * math.Exp(-x*x/(2*v)) }
			for _, x := range []float64{0.3, 2, 6} {
				p, slope := 0.0, 0.0
				for i, k := range kappa {
					S := sigma * sigma * (j.Share + (1-j.Share)*k)
					p += w[i] * law(S, x)
					slope -= w[i] * j.Share * sigma * sigma * x / S * law(S, x)
					for m, e := range jump {
						v := S + 2*(1-j.Share)/j.Rate*sigma*sigma*e
						slope -= w[i] * u[m] * (1 - j.Share) * sigma * sigma * x / v * law(v, x)
					}
				}
				// the integrals leave out some e^−22; a jump of another size is far off
				require.InEpsilon(t, -x*p, slope, 1e-6, "%+v half %v x %v", j, half, x)
				require.InDelta(t, math.Log(p), j.logDensity(x*x/(sigma*sigma), half)-2*half*math.Log(sigma), 1e-6, "%+v half %v x %v", j, half, x)
			}
		}
	}
}

// The density of n has closed forms at λ = 2 and ρ = 0, Laplace's law: in one dimension
// and, with K_{1/2}, in three, near the center and as far out as float64 goes. It is
// finite where it can be, and near the normal one where the noise is.
func TestJumpDensity(t *testing.T) {
	for _, x := range []float64{1e-150, 1e-9, 0.1, 1, 30, 1e4, 1e7, 3e8, 1e12, 1e150} {
		r := math.Sqrt2 * x
		require.InDelta(t, 1, Jump{Rate: 2}.logDensity(x*x, 0.5)/(-0.5*math.Log(2)-r), 1e-9, "%v", x)
		require.InDelta(t, 1, Jump{Rate: 2}.logDensity(x*x, 1.5)/(-math.Log(2*math.Pi)-math.Log(x)-r), 1e-9, "%v", x)
	}
	require.InDelta(t, -0.5*math.Log(2), Jump{Rate: 2}.logDensity(0, 0.5), 1e-12)
	require.Equal(t, math.Inf(1), Jump{Rate: 2}.logDensity(0, 1))
	require.Equal(t, math.Inf(-1), Jump{Rate: 2}.logDensity(math.Inf(1), 1))
	require.True(t, math.IsNaN(Jump{Rate: 2}.logDensity(math.NaN(), 1)))
	for _, share := range []float64{1e-4, 0.5, 1} { // at the center S is not below ρ
		got := Jump{Rate: 0.1, Share: share}.logDensity(0, 3)
		require.Greater(t, got, Jump{Rate: 0.1, Share: 1}.logDensity(0, 3)-1e-12)
		require.LessOrEqual(t, got, Jump{Rate: 0.1, Share: 1}.logDensity(0, 3)-3*math.Log(share))
	}
	for _, half := range []float64{0.5, 400} { // λ = 1000 is nearly normal: excess kurtosis 0.006
		require.InEpsilon(t, Jump{Rate: 2, Share: 1}.logDensity(2*half, half), Jump{Rate: maxRate}.logDensity(2*half, half), 0.01)
	}
}

// lawFault returns √n times the largest distance between the law of |x| and the exact
// one: beyond 1.95 with probability 0.001.
func lawFault(x []float64, below func(r float64) float64) float64 {
	abs := make([]float64, len(x))
	for i, v := range x {
		abs[i] = math.Abs(v)
	}
	slices.Sort(abs)
	worst, n := 0.0, float64(len(x))
	for i, r := range abs {
		p := below(r)
		worst = max(worst, p-float64(i)/n, float64(i+1)/n-p)
	}
	return worst * math.Sqrt(n)
}

// The noise at λ = 2 is Laplace's, at other rates it has variance 1 and the kurtosis of
// S; one factor serves all elements. And the forward process takes the law of one level
// to that of any higher one: in few jumps, in many, and with a Gaussian part.
func TestJumpNoise(t *testing.T) {
	const n = 20000
	laplace := func(scale float64) func(r float64) float64 {
		return func(r float64) float64 { return 1 - math.Exp(-math.Sqrt2*r/scale) }
	}
	for _, levels := range [][2]float64{{1, 1}, {0.9, 1}, {0.5, 1}, {1e-6, 1}, {3, 80}} {
		x := make([]float64, n)
		r := newRun(context.Background(), "test", nil, x, seeds(n), 1, nil)
		startNoise(r, Jump{Rate: 2}.Noise, levels[0], 1)
		Jump{Rate: 2}.jump(r, 0, levels[0], levels[1], 1)
		require.Less(t, lawFault(x, laplace(levels[1])), 1.95, "%v", levels)
	}
	for _, j := range []Jump{{Rate: 0.5}, {Rate: 2, Share: 0.5}, {Rate: 40}} {
		x := make([]float64, 2*n)
		r := newRun(context.Background(), "test", nil, x, seeds(n), 1, nil)
		startNoise(r, j.Noise, 0.5, 1)
		j.jump(r, 0, 0.5, 1, 1)
		both, mean := 0.0, 0.0
		for i := range n {
			mean += (x[2*i]*x[2*i] + x[2*i+1]*x[2*i+1]) / (2 * n)
			both += x[2*i] * x[2*i] * x[2*i+1] * x[2*i+1] / n
		}
		// E x²y² = E S² = 1 + 2(1−ρ)²/λ. Its error: var x²y² = 9·E S⁴ − (E S²)²,
		// and E S⁴ of the gamma law with a = λ/2 is (a+1)(a+2)(a+3)/a³, above that with ρ.
		a := j.Rate / 2
		want := 1 + 2*(1-j.Share)*(1-j.Share)/j.Rate
		se := math.Sqrt(9 * (a + 1) * (a + 2) * (a + 3) / (a * a * a) / n)
		require.InDelta(t, want, both, 4*se, "%+v", j)
		require.InDelta(t, 1, mean, 4*math.Sqrt(3*want/n), "%+v", j) // var x² is below 3·E S²
	}
	require.Equal(t, 0.0, Jump{Rate: 2}.rise(stable.Key{}, 1, 1))
}

// The probability flow of jump noise ends at the quantiles of normal, Laplace, Student's
// and two-mode data, at second order with Heun's method. In one dimension it keeps the
// order of points, so that this is without Monte Carlo error.
func TestJumpFlowReachesTheData(t *testing.T) {
	p := []float64{0.5, 0.9, 0.99, 0.999}
	quantile := func(below func(x float64) float64) (q []float64) {
		for _, u := range p {
			lo, hi := 0.0, 100.0
			for range 60 {
				if mid := (lo + hi) / 2; below(mid) < u {
					lo = mid
				} else {
					hi = mid
				}
			}
			q = append(q, lo)
		}
		return q
	}
	start, laplaces, students := make([]float64, len(p)), make([]float64, len(p)), make([]float64, len(p))
	for i, u := range p {
		start[i], laplaces[i], students[i] = 80*laplaceQuantile(u), laplaceQuantile(u), student3Quantile(u)/math.Sqrt(3)
	}
	modes := []normal{{0.5, -1, 0.09}, {0.5, 1, 0.09}}
	inverse, w := kappas(3, 60) // Student's law has the variances 1/κ; of variance 1, 1/(3κ)
	for i, k := range inverse {
		inverse[i] = 1 / (3 * k)
	}
	law := Jump{Rate: 2}
	for name, c := range map[string]struct {
		den  DataDenoiser
		want []float64
	}{
		"normal":  {jumpData(law, []normal{{1, 0, 1}}, 50), quantile(func(x float64) float64 { return math.Erf(x / math.Sqrt2) })},
		"laplace": {laplaceData(1 / math.Sqrt2), laplaces},
		"student": {jumpData(law, scaleMixture(inverse, w), 50), students},
		"modes": {jumpData(law, modes, 50), quantile(func(x float64) float64 {
			return (math.Erf((x-1)/(0.3*math.Sqrt2)) + math.Erf((x+1)/(0.3*math.Sqrt2))) / 2
		})},
	} {
		ratios := func(N int) []float64 {
			got := flowQuantiles(t, EDMSampler{Process: EDM{Jump: law}, Steps: N}, c.den, start)
			for i, q := range c.want {
				got[i] /= q
			}
			return got
		}
		a, b, e := ratios(40), ratios(80), ratios(160)
		if name == "normal" { // as docs/methods.md has it
			few, many := ratios(18), ratios(64)
			for i := range p {
				require.InDelta(t, 1.045, few[i], 0.015)
				require.InDelta(t, 1.0035, many[i], 0.002)
			}
		}
		for i := range p {
			if name != "laplace" { // which the steps hardly miss
				require.InDelta(t, 2, math.Log2((a[i]-b[i])/(b[i]-e[i])), 0.3, "%s: %v", name, p[i])
			}
			// What second order leaves is a third of the last gain. Beyond it there is the
			// start, which leaves the data out beside noise of 80: some (1/80)² = 1.6e-4.
			require.InDelta(t, 1, e[i]+(e[i]-b[i])/3, 6e-4, "%s: %v", name, p[i])
		}
	}
}

// In two dimensions the flow of isotropic data is along the radius and keeps its
// quantiles: from those of Laplace noise, E exp(−r²/(2κ)), to those of normal data.
func TestJumpFlowInThePlane(t *testing.T) {
	kappa, w := kappas(2, 200)
	law := Jump{Rate: 2}
	s := EDMSampler{Process: EDM{Jump: law}, Steps: 160}
	p := []float64{0.5, 0.99}
	x := make([]float64, 2*len(p))
	first := true
	for _, err := range s.Trajectory(context.Background(), jumpData(law, []normal{{1, 0, 0.49}}, 80), x, seeds(len(p))) {
		require.NoError(t, err)
		if !first {
			continue
		}
		first = false
		for i, u := range p {
			lo, hi := 0.0, 100.0
			for range 60 {
				mid, beyond := (lo+hi)/2, 0.0
				for k, v := range kappa {
					beyond += w[k] * math.Exp(-mid*mid/(2*v))
				}
				if beyond > 1-u {
					lo = mid
				} else {
					hi = mid
				}
			}
			x[2*i], x[2*i+1] = 80*lo*0.6, 80*lo*0.8
		}
	}
	for i, u := range p {
		// as in one dimension with four times the error of half the steps
		require.InEpsilon(t, 0.7*math.Sqrt(-2*math.Log(1-u)), math.Hypot(x[2*i], x[2*i+1]), 1e-3)
		require.InEpsilon(t, 0.75, x[2*i]/x[2*i+1], 1e-9)
	}
}

// The reverse SDE reaches normal, Laplace and two-mode data, with few large jumps and with
// a Gaussian part, as the steps grow; with four times the steps it is nearer.
func TestJumpSDEReachesTheData(t *testing.T) {
	const n = 1000
	modes := []normal{{0.5, -1, 0.09}, {0.5, 1, 0.09}}
	for name, c := range map[string]struct {
		law   Jump
		den   DataDenoiser
		below func(r float64) float64
	}{
		"normal":  {Jump{Rate: 0.5, Share: 0.2}, jumpData(Jump{Rate: 0.5, Share: 0.2}, []normal{{1, 0, 1}}, 50), func(r float64) float64 { return math.Erf(r / math.Sqrt2) }},
		"laplace": {Jump{Rate: 2}, laplaceData(1 / math.Sqrt2), func(r float64) float64 { return 1 - math.Exp(-math.Sqrt2*r) }},
		"modes": {Jump{Rate: 2}, jumpData(Jump{Rate: 2}, modes, 30), func(x float64) float64 {
			return (math.Erf((x-1)/(0.3*math.Sqrt2)) + math.Erf((x+1)/(0.3*math.Sqrt2))) / 2
		}},
	} {
		fault := func(N int) float64 {
			x := make([]float64, n)
			stop(t, JumpSampler{Process: EDM{Jump: c.law}, Steps: N}.Trajectory(context.Background(), c.den, x, seeds(n)), 0)
			return lawFault(x, c.below)
		}
		coarse, fine := fault(12), fault(96)
		// First order: an eighth of the fault, and chance with probability 0.001.
		require.Less(t, fine, coarse/8+1.95, name)
		require.Greater(t, coarse, 1.95, name)
	}
}

// With Gaussian noise the SDE is DDPM's chain, in all but rounding: with ρ = 1, and nearly
// with many small jumps.
func TestJumpSDEWithoutJumps(t *testing.T) {
	const n = 4
	den := gaussianData(0.3, 0.7)
	draw := func(s odeSampler) []float64 { return endAt(t, s, den, n, 0) }
	want := draw(TEDMAncestral{Steps: 20, Eta: 1})
	require.InDeltaSlice(t, want, draw(JumpSampler{Process: EDM{Jump: Jump{Rate: 2, Share: 1}}, Steps: 20}), 1e-12)
	// The sum of a step's m jumps varies by √(2/m), here 20 %, and its root by half of
	// that. What the steps' noise adds to a sample has at most the data's deviation, so
	// the difference has a tenth of it: four deviations.
	near := draw(JumpSampler{Process: EDM{Jump: Jump{Rate: maxRate}}, Steps: 20})
	require.InDeltaSlice(t, want, near, 4*0.1*0.7)
	require.NotEqual(t, want, near)
}

// The examples of training have the noise of the process: from the network's input, with
// one factor for both elements, E (n_1·n_2)² = E S² = 1 + 2/λ.
func TestJumpTraining(t *testing.T) {
	const B, rate = 20000, 4.0
	p := EDM{Jump: Jump{Rate: rate}}
	n, err := NewEDMNoiser(p, 3)
	require.NoError(t, err)
	x, _, _, x0 := batch(n, B, 2)
	both := 0.0
	for b := range B {
		sigma, product := n.Sigma(10+uint64(b)), 1.0
		for j := 2 * b; j < 2*b+2; j++ {
			product *= (float64(x[j])/p.Preconditioning(0, sigma).In - float64(x0[j])) / sigma
		}
		both += product * product / B
	}
	// var of the square: 9·E S⁴ − (E S²)², E S⁴ = 3·4·5/2³ at a = λ/2 = 2
	require.InDelta(t, 1+2/rate, both, 4*math.Sqrt((9*7.5-1.5*1.5)/B))
}

// The samplers start from the noise of the process at its first level.
func TestJumpStarts(t *testing.T) {
	p := EDM{Jump: Jump{Rate: 1, Share: 0.1}, SigmaMax: 30}
	want := make([]float64, 3)
	p.Jump.Noise(want, stable.Key{Seed: 0, Step: startStep}, 30)
	for _, s := range []odeSampler{EDMSampler{Process: p, Steps: 3}, DPMSolver{Process: p, Steps: 3}, JumpSampler{Process: p, Steps: 3}} {
		x := make([]float64, 3)
		stop(t, s.Trajectory(context.Background(), gaussianData(0, 1), x, seeds(1)), 3)
		require.InDeltaSlice(t, want, x, 1e-12)
	}
}
