package diffusion

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// betaProcesses are processes of every schedule and prediction.
func betaProcesses() []DLPM {
	var out []DLPM
	for _, schedule := range []string{"linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid"} {
		for i, prediction := range []string{"epsilon", "sample", "v_prediction"} {
			b := Betas{Schedule: schedule, Start: 1e-3, End: 0.05, Prediction: prediction, Spacing: []string{"leading", "trailing", "linspace"}[i], Large: i == 1}
			if schedule == "squaredcos_cap_v2" {
				b.Start, b.End = 0, 0
			}
			out = append(out, DLPM{Alpha: 2, Isotropic: true, Scale: Given, Steps: 101, Betas: b})
		}
	}
	return out
}

// pointNetwork is the network of p that has learned data of one point.
func pointNetwork(p DLPM, point float64) Denoiser {
	logs := p.logBars()[1:]
	return func(_ context.Context, out, x, times []float32) error {
		d := len(x) / len(times)
		for i, t := range times {
			lo := min(int(t), len(logs)-2) // between levels by ln σ, as betaTime has it
			u := float64(t) - float64(lo)
			s2 := math.Pow(sigmaOf(logs[lo]), 2*(1-u)) * math.Pow(sigmaOf(logs[lo+1]), 2*u)
			g, s := 1/math.Sqrt(1+s2), math.Sqrt(s2/(1+s2))
			for j := i * d; j < (i+1)*d; j++ {
				n := (float64(x[j]) - g*point) / s
				switch p.Betas.Prediction {
				case "epsilon":
					out[j] = float32(n)
				case "sample":
					out[j] = float32(point)
				default:
					out[j] = float32(g*n - s*point)
				}
			}
		}
		return nil
	}
}

// TestBetasReachThePoint: with the network of a point every sampler ends there, whatever
// the network predicts.
func TestBetasReachThePoint(t *testing.T) {
	const point = 0.3
	ids := []uint64{1, 2}
	for _, p := range betaProcesses() {
		net := pointNetwork(p, point)
		den := p.FromNetwork(net)
		D, err := p.DataDenoiser(net)
		require.NoError(t, err)
		lo, hi, err := p.SigmaRange()
		require.NoError(t, err)
		edm := EDM{SigmaMin: lo, SigmaMax: hi}
		flow := Flow{Target: TargetData}
		for name, sample := range map[string]func() ([]float32, error){
			"dlpm": func() ([]float32, error) { return DLPMSampler{Process: p, Steps: 10}.Sample(t.Context(), den, ids, 3) },
			"all":  func() ([]float32, error) { return DLPMSampler{Process: p}.Sample(t.Context(), den, ids, 3) },
			"clipped": func() ([]float32, error) {
				return DLPMSampler{Process: p, Steps: 10, Clip: true}.Sample(t.Context(), den, ids, 3)
			},
			"dlim":     func() ([]float32, error) { return DLIM{Process: p, Steps: 10}.Sample(t.Context(), den, ids, 3) },
			"dlim-sde": func() ([]float32, error) { return DLIMSDE{Process: p, Steps: 10}.Sample(t.Context(), den, ids, 3) },
			"dlim2":    func() ([]float32, error) { return DLIM2{Process: p, Steps: 5}.Sample(t.Context(), den, ids, 3) },
			"edm":      func() ([]float32, error) { return EDMSampler{Process: edm, Steps: 8}.Sample(t.Context(), D, ids, 3) },
			"dpm":      func() ([]float32, error) { return DPMSolver{Process: edm, Steps: 8}.Sample(t.Context(), D, ids, 3) },
			"flow": func() ([]float32, error) {
				return FlowSampler{Process: flow, Solver: Euler, Steps: 8, Start: flow.Time(hi)}.Sample(t.Context(), flow.FromData(D), ids, 3)
			},
		} {
			x, err := sample()
			require.NoError(t, err, "%s %+v", name, p.Betas)
			allowed := 1e-3 // from the float32 of the network's time where σ is 10⁴
			if name == "flow" {
				allowed = lo // it asks for σ below the last level, which is told that level's time
			}
			for _, v := range x {
				require.InDelta(t, point, v, allowed, "%s %+v", name, p.Betas)
			}
		}
	}
}

// TestBetasExamples: what training asks of the network is what the samplers take for the
// noise, and the levels and times are those of all T steps.
func TestBetasExamples(t *testing.T) {
	for _, p := range betaProcesses() {
		noiser, err := NewNoiser(p, Loss{Kind: Squared}, 3)
		require.NoError(t, err)
		s := noiser.Schedule()
		const B, d = 20, 4
		x0, x, target, times := make([]float32, B*d), make([]float32, B*d), make([]float32, B*d), make([]float32, B)
		for j := range x0 {
			x0[j] = float32(j%7)/7 - 0.5
		}
		noiser.Noise(x, target, times, x0, 0)
		eps := make([]float32, B*d)
		require.NoError(t, p.FromNetwork(func(_ context.Context, out, _, _ []float32) error {
			copy(out, target)
			return nil
		})(t.Context(), eps, x, times))
		variance := 0.0
		for i, time := range times {
			level := noiser.Step(uint64(i))
			require.EqualValues(t, level-1, time)
			require.Equal(t, level, p.levelOf(time, p.Steps-1))
			for j := i * d; j < (i+1)*d; j++ {
				want := (float64(x[j]) - s.GammaBar[level]*float64(x0[j])) / s.SigmaBar[level]
				// both are float32 of order 1, divided by σ̄
				require.InDelta(t, want, eps[j], 8*0x1p-24*(2+math.Abs(want))/s.SigmaBar[level], "%+v level %d", p.Betas, level)
				variance += want * want / (B * d)
			}
		}
		require.InDelta(t, 2, variance, 4*math.Sqrt(8.0/(B*d)), "noise of variance 2: four deviations of its estimate") // Var z²·2 = 8
		time := p.betaTime()
		for k, l := range p.logBars()[1:] {
			require.InDelta(t, k, time(sigmaOf(l)), 1e-3)
		}
		g, sb := s.GammaBar, s.SigmaBar
		for level := 1; level < s.T(); level++ {
			require.InDelta(t, 1, g[level]*g[level]+2*sb[level]*sb[level], 1e-12)
			require.InEpsilon(t, sb[level]*sb[level], s.Sigma[level]*s.Sigma[level]+s.Gamma[level]*s.Gamma[level]*sb[level-1]*sb[level-1], 1e-9)
		}
	}
}

// TestBetasMistakes: what is impossible names its field.
func TestBetasMistakes(t *testing.T) {
	good := betaProcesses()[0]
	require.NoError(t, good.Validate())
	for want, change := range map[string]func(p *DLPM){
		"Alpha": func(p *DLPM) { p.Alpha = 1.7 }, "Scale": func(p *DLPM) { p.IntegerTime = true }, "Betas.Schedule": func(p *DLPM) { p.Betas.Schedule = "x" },
		"Betas.Prediction": func(p *DLPM) { p.Betas.Prediction = "" }, "Betas.Spacing": func(p *DLPM) { p.Betas.Spacing = "karras" }, "Betas.Offset": func(p *DLPM) { p.Betas.Offset = 100 },
		"Betas.Start": func(p *DLPM) { p.Betas.Start = 0 }, "Betas.End": func(p *DLPM) { p.Betas.Start, p.Betas.End, p.Steps = 0.9, 0.99, 2001 },
		"Steps": func(p *DLPM) { p.Steps = maxBetas + 1 }, "SigmaMin": func(p *DLPM) { p.SigmaMin = 1 },
	} {
		p := good
		change(&p)
		var of *OptionError
		require.ErrorAs(t, p.Validate(), &of, want)
		require.Equal(t, want, of.Field)
	}
	p := Default(2, 100)
	p.Betas.Schedule = "linear"
	require.ErrorContains(t, p.Validate(), "betas")
	require.ErrorContains(t, DLIM{Process: good, Steps: 101}.Validate(), "knows 100 levels")
	good.Betas.Offset = 5
	require.NoError(t, good.CheckSteps(100))
	require.Error(t, good.CheckSteps(99))
	require.NoError(t, good.CheckSteps(10))
}
