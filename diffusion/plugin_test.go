package diffusion

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/stable"
)

// Stochastic samplers that put the estimate of the data where the posterior has
// the data themselves miss its spread. For Gaussian noise that vanishes with
// the steps; for heavy tails, where the scale of a step's noise depends on it, it
// does not: the tests below pin how short the tails of exact denoisers come out,
// as docs/methods.md says.

// TestPlugInDistance: t-EDM's ancestral sampler on the t_3 oracle, where the ODE
// is right, and so in the limit is the sampler with the second moment in place of
// the plug-in: its error is of first order, 6.4/N of the median with N = 64 and 6.2/N
// with 128, for the steps leave out the spread of x_0 in their mean.
func TestPlugInDistance(t *testing.T) {
	if testing.Short() {
		t.Skip("many samples")
	}
	const n = 10000
	p := []float64{0.5, 0.9, 0.99}
	ratios := func(s odeSampler) []float64 {
		x := make([]float64, n)
		stop(t, s.Trajectory(context.Background(), student3Data, x, seeds(n)), 0)
		got := absQuantiles(x, p)
		for i, q := range p {
			got[i] /= student3Quantile(q) / math.Sqrt(3)
		}
		return got
	}
	plug := ratios(TEDMAncestral{Process: TEDM(3), Steps: 128, Eta: 1})
	moment := ratios(TEDMAncestral{Process: TEDM(3), Steps: 256, Eta: 1, Moment: student3Moment})
	exact := ratios(DPMSolver{Process: TEDM(3), Steps: 64})
	for i, want := range []float64{0.871, 0.834, 0.783} {
		tol := 0.01 + 4/(3*math.Sqrt(n*(1-p[i])))
		require.InDelta(t, want, plug[i], tol, "ancestral, quantile %v", p[i])
		require.InDelta(t, 1, exact[i], tol, "ODE, quantile %v", p[i])
		require.InDelta(t, 1, moment[i], tol+7.0/256, "ancestral with the exact second moment, quantile %v", p[i])
	}
}

// TestDLPMTails: for stable data of scale 0.3, whose E[ε | x_t] is linear, DLIM
// reaches the target and DLPM's tails stay short, its A being drawn without
// regard to x_t.
func TestDLPMTails(t *testing.T) {
	if testing.Short() {
		t.Skip("many samples")
	}
	const alpha, T, n, scale, share = 1.5, 100, 8000, 0.3, 0.04
	p := Default(alpha, T)
	s, err := p.Schedule(0)
	require.NoError(t, err)
	den := func(_ context.Context, eps, x, times []float32) error {
		k := int(math.Round(float64(times[0]) * T))
		total := math.Pow(s.GammaBar[k]*scale, alpha) + math.Pow(s.SigmaBar[k], alpha)
		for j, v := range x {
			eps[j] = float32(math.Pow(s.SigmaBar[k], alpha-1) / total * float64(v))
		}
		return nil
	}
	far := stable.Law{Alpha: alpha, Scale: scale}.Quantile(1 - share/2)
	beyond := func(x []float32) float64 { // how many |x| exceed it, over what the target has
		count := 0.0
		for _, v := range x {
			if math.Abs(float64(v)) > far {
				count++
			}
		}
		return count / n / share
	}
	unit := make([]float32, n)
	noise := p.noise()
	for i := range unit {
		noise.Fill(unit[i:i+1], trainingStream(8, uint64(i), 0))
		unit[i] *= scale
	}
	dlpm, err := DLPMSampler{Process: p, ConsistentStart: true}.Sample(context.Background(), den, seeds(n), 1)
	require.NoError(t, err)
	dlim, err := DLIM{Process: p, ConsistentStart: true}.Sample(context.Background(), den, seeds(n), 1)
	require.NoError(t, err)
	tol := 4 / math.Sqrt(n*share)
	require.InDelta(t, 1, beyond(unit), tol, "the target's own draws")
	require.InDelta(t, 1, beyond(dlim), tol, "DLIM")
	require.InDelta(t, 0.63, beyond(dlpm), tol/2, "DLPM")
}
