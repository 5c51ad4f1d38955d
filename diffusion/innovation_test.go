package diffusion

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/stable"
)

// kolmogorov returns √n·sup|F_n − F| of n values of a law by their u = F(x).
func kolmogorov(u []float64) float64 {
	slices.Sort(u)
	n, worst := float64(len(u)), 0.0
	for i, v := range u {
		worst = max(worst, v-float64(i)/n, float64(i+1)/n-v)
	}
	return worst * math.Sqrt(n)
}

// studentBeyond is P(|n|² > ν·r) of isotropic noise in an even number d of dimensions:
// |n|²/ν is B/(1−B), B of the law Beta(d/2, ν/2).
func studentBeyond(nu, r float64, d int) float64 {
	sum, t := 0.0, 1.0
	for k := range d / 2 {
		sum += t
		t *= (nu/2 + float64(k)) / float64(k+1) * r / (1 + r)
	}
	return math.Pow(1+r, -nu/2) * sum
}

// The phase of Bessel's functions of half an odd order is elementary: of order 3/2
// dθ/dz = z²/(1+z²), of order 5/2 z⁴/(z⁴+3z²+9).
func TestInnovationJumps(t *testing.T) {
	phases := map[float64]func(z float64) float64{
		3: func(z float64) float64 { return z - math.Atan(z) },
		5: func(z float64) float64 { return z + math.Atan2(3*z, z*z-3) - math.Pi },
	}
	for nu, theta := range phases {
		f := newInnovation(nu)
		cut := 30 + nu
		require.InDelta(t, theta(cut)/math.Pi, f.most, 0.2/math.Pi, "nodes end within a step of the cut")
		// below 0.3 the differences of phases here lose digits, not the nodes
		for _, z := range []float64{0.3, 0.7, 1, 3, 10, 30} {
			require.InEpsilon(t, z, f.z(theta(z)/math.Pi), 1e-6, "ν %v", nu)
		}
		// G is c·z^ν there, of the relative error z² at the end of the nodes, z = 0.01
		require.InEpsilon(t, math.Pow(2, 1/nu), f.z(2e-30)/f.z(1e-30), 1e-4)
	}
	// ν = 3: ∫ dG/z² = atan(1/z)/π beyond z
	f := newInnovation(3)
	last := math.Exp(f.logZ[len(f.logZ)-1])
	require.InEpsilon(t, math.Atan(1/last)/math.Pi, f.mean, 1e-6)
	require.InEpsilon(t, (1/last-math.Atan(1/last))/math.Pi, f.square, 1e-5)
	// the means of all jumps are those of V, 1/(4(a−1))
	for _, nu := range []float64{2.2, 3, 7.5, 20, 300, 3000, lightNu + 1} {
		f := newInnovation(nu)
		require.LessOrEqual(t, int64(len(f.logG)), innovationNodes(nu), "ν %v", nu)
		mean := f.mean
		for i := 1; i < len(f.logG); i++ {
			dG := math.Exp(f.logG[i]) - math.Exp(f.logG[i-1])
			mean += dG / 2 * (math.Exp(-2*f.logZ[i]) + math.Exp(-2*f.logZ[i-1]))
		}
		if f.most > 0 { // jumps below the first node: G grows as z^ν
			mean += math.Exp(f.logG[0]-2*f.logZ[0]) * nu / (nu - 2)
		}
		require.InEpsilon(t, 1/(2*nu-4), mean, 0.003, "ν %v", nu) // the trapezoid rule here
	}
}

// Tables are made, and counted, once for each ν, and not for one that has none. They end
// with the context.
func TestInnovationsAreShared(t *testing.T) {
	nu := Nu{20, 4, math.Inf(1), 20, lightNu + 1}
	all, err := newInnovations(context.Background(), nu)
	require.NoError(t, err)
	require.Same(t, all[0], all[3])
	require.NotSame(t, all[0], all[1])
	require.Nil(t, all[2])
	require.Empty(t, all[4].logG)
	require.Equal(t, 64*(900+820), int(nu.IndependentNoiseBytes()))
	require.Zero(t, Nu(nil).IndependentNoiseBytes())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = newInnovations(ctx, nu)
	require.ErrorIs(t, err, context.Canceled)
}

// c²·V + W has the law of V = 1/κ, in steps of any length (Kolmogorov and
// Smirnov, two samples).
func TestInnovationCompletesTheNoise(t *testing.T) {
	n := 6000
	if testing.Short() {
		n = 1500
	}
	for _, nu := range []float64{2.1, 3, 5, 20, 300, lightNu + 1} {
		f := newInnovation(nu)
		for _, T := range []float64{0.05, 2 * math.Log(math.Sqrt2), 9} {
			got, want := make([]float64, n), make([]float64, n)
			for i := range n {
				at := stable.Key{Seed: 1, Sample: uint64(i)}
				got[i] = math.Exp(-T)/at.Kappa(nu, 9) + f.draw(at, 0, 1, T)
				want[i] = 1 / stable.Key{Seed: 2, Sample: uint64(i)}.Kappa(nu, 9)
			}
			slices.Sort(got)
			slices.Sort(want)
			worst, j := 0.0, 0
			for i, v := range got {
				for j < n && want[j] <= v {
					j++
				}
				worst = max(worst, math.Abs(float64(i+1-j))/float64(n))
			}
			require.Less(t, worst, 1.95*math.Sqrt(2/float64(n)), "ν %v, T %v: the 0.1 %% point", nu, T)
		}
	}
}

// From σ to σ̂ in one long step: independent noise keeps the law whatever the data, in one
// dimension, in eight and with a κ for each channel. The data are the points ±1, of
// which the noise is told nothing.
func TestIndependentNoiseKeepsTheMarginal(t *testing.T) {
	n := 8000
	if testing.Short() {
		n = 3000
	}
	const sigma, hat = 0.7, 1.4
	raised := func(nu Nu, d int) (x []float64, sign func(i int) float64) {
		sign = func(i int) float64 { return float64(2*(i%2) - 1) }
		x = make([]float64, n*d)
		r := newRun[float64](context.Background(), "test", nil, x, seeds(n), 1, nil)
		startNoise(r, nu.Noise, sigma, 1)
		for i := range x {
			x[i] += sign(i / d)
		}
		noise, err := newRaiser(context.Background(), EDM{Nu: nu}, true)
		require.NoError(t, err)
		require.NoError(t, noise.raise(r, 3, sigma, hat, 1))
		return x, sign
	}
	for _, nu := range []float64{3, 5, 20} {
		const d = 8
		x, sign := raised(Nu{nu}, d)
		u := make([]float64, n)
		for i := range u {
			r := 0.0
			for _, v := range x[i*d : (i+1)*d] {
				r += (v - sign(i)) * (v - sign(i)) / (hat * hat * nu)
			}
			u[i] = studentBeyond(nu, r, d)
		}
		require.Less(t, kolmogorov(u), 1.95, "ν %v in eight dimensions", nu)
	}
	for _, nu := range []Nu{{3}, {20, 4, math.Inf(1)}} {
		d := len(nu)
		x, _ := raised(nu, d)
		for g := range d {
			F := stable.StudentT{Nu: nu.at(g), Scale: hat}.CDF
			if math.IsInf(nu.at(g), 1) {
				F = stable.Law{Alpha: 2, Scale: hat / math.Sqrt2}.CDF
			}
			u := make([]float64, n)
			for i := range u {
				u[i] = (F(x[i*d+g]-1) + F(x[i*d+g]+1)) / 2
			}
			require.Less(t, kolmogorov(u), 1.95, "%v, channel %d", nu, g)
		}
	}
}

// Churn on the t_3 oracle in 64 steps: with independent noise the sampler ends at the
// data, within the error of 10,000 samples and what 64 steps of Heun leave, 2 %; without
// it its samples are narrow.
func TestIndependentChurnReachesTheTarget(t *testing.T) {
	if testing.Short() {
		t.Skip("many samples")
	}
	const n = 10000
	p := []float64{0.5, 0.9, 0.99, 0.999}
	ratios := func(independent bool) []float64 {
		x := make([]float64, n)
		s := EDMSampler{Process: TEDM(3), Steps: 64, Churn: Churn{S: 40}, IndependentNoise: independent}
		stop(t, s.Trajectory(context.Background(), student3Data, x, seeds(n)), 0)
		got := absQuantiles(x, p)
		for i, q := range p {
			got[i] /= student3Quantile(q) / math.Sqrt(3)
		}
		return got
	}
	right, narrow := ratios(true), ratios(false)
	for i := range p {
		tol := 0.02 + 4/(3*math.Sqrt(n*(1-p[i]))) // the steps and four standard errors of a quantile with tail index 3
		require.InDelta(t, 1, right[i], tol, "independent, quantile %v", p[i])
		if p[i] < 0.999 { // whose error is too large to tell
			require.Less(t, narrow[i], 1-tol, "posterior, quantile %v", p[i])
		}
	}
}
