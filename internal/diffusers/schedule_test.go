package diffusers

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
	"heavytail/stable"
)

// A goldenRun is a run of a scheduler of diffusers, whose network is a formula.
type goldenRun struct {
	Scheduler string
	Config    json.RawMessage
	Timesteps []int
	States    [][]float64
	Noise     [][]float32 // of every step of DDPM
}

// formula is the network of testdata/make.py.
func formula(_ context.Context, out, x, times []float32) error {
	for i, t := range times {
		d := len(x) / len(times)
		for j := i * d; j < (i+1)*d; j++ {
			v := float64(x[j])
			out[j] = float32(0.9*v/(1+0.1*v*v) + 0.001*float64(int(t)%7) - 0.002)
		}
	}
	return nil
}

// TestSchedules compares every step of the samplers with diffusers' schedulers: all
// schedules, predictions, spacings and variances, clipped and not. Every step starts from
// diffusers' state, and of DDPM's steps our noise is exchanged for theirs. A step has
// the bound
//
//	2⁻²⁰·(1 + |x| + |n̂|)/√r,  r = ᾱ_t/ᾱ_{t−1}
//
// where 2⁻²³ is what the betas of diffusers, in float32, and our states lose, 1/√r what
// the step multiplies it with, and 8 the number of roundings of a step.
func TestSchedules(t *testing.T) {
	var runs []goldenRun
	load(t, "testdata/schedules.json", &runs)
	kinds := map[string]int{}
	for i, g := range runs {
		var c struct {
			Schedule   string `json:"beta_schedule"`
			Prediction string `json:"prediction_type"`
			Spacing    string `json:"timestep_spacing"`
			Clip       bool   `json:"clip_sample"`
		}
		require.NoError(t, json.Unmarshal(g.Config, &c))
		name := fmt.Sprint(i, " ", g.Scheduler, " ", c.Schedule, " ", c.Prediction, " ", c.Spacing)
		kinds[g.Scheduler+c.Schedule+c.Prediction]++
		p, err := scheduler(withClass(t, g.Config, g.Scheduler))
		require.NoError(t, err, name)
		N := len(g.Timesteps)
		s, err := p.Schedule(N + 1)
		require.NoError(t, err, name)
		for k, want := range g.Timesteps {
			require.EqualValues(t, want, p.Time(N-k, N+1), name)
		}
		const seed = 5
		x := make([]float32, len(g.States[0]))
		den := p.FromNetwork(formula)
		var steps iter.Seq2[int, error]
		if g.Scheduler == "DDPMScheduler" {
			steps = diffusion.DLPMSampler{Process: p, Steps: N, Clip: c.Clip}.Trajectory(t.Context(), den, x, []uint64{seed})
		} else {
			steps = diffusion.DLIM{Process: p, Steps: N, Clip: c.Clip}.Trajectory(t.Context(), den, x, []uint64{seed})
		}
		level := N + 1 // of the state before
		for left, err := range steps {
			require.NoError(t, err, name)
			want := g.States[N-left]
			if left < N {
				compare(t, name, s, level, g, x, want)
			}
			for j, v := range want {
				x[j] = float32(v)
			}
			level = left
		}
	}
	require.Len(t, kinds, 3*4+3*3)
}

// compare holds the state x after the step from that level to want.
func compare(t *testing.T, name string, s *diffusion.DLPMSchedule, level int, g goldenRun, x []float32, want []float64) {
	t.Helper()
	k := len(g.Timesteps) - level
	z := make([]float32, len(x))
	scale := 0.0
	if len(g.Noise) > 0 {
		a := 2.0 // of α = 2
		scale = s.DLPM(level, a*s.SigmaBar[level-1]*s.SigmaBar[level-1], a*s.SigmaBar[level]*s.SigmaBar[level]).Z
		stable.Key{Seed: 5, Step: uint32(level)}.Normal(z, 0)
	}
	for j := range want {
		got := float64(x[j])
		if len(g.Noise) > 0 {
			got += scale * float64(g.Noise[k][j]-z[j])
		}
		if level == 1 && s.Large && g.Timesteps[k] > 0 { // with an offset diffusers ends with noise, and we at the data
			got += math.Sqrt2 * s.Sigma[1] * float64(g.Noise[k][j])
		}
		before := math.Abs(g.States[k][j])
		bound := 0x1p-20 * (1 + before + math.Abs(want[j])) / s.Gamma[level]
		if !(math.Abs(got-want[j]) <= bound) {
			t.Errorf("%s: step %d, value %d: %v, diffusers has %v; allowed %.2g", name, k, j, got, want[j], bound)
		}
	}
}

// withClass returns a scheduler's configuration as its file has it.
func withClass(t *testing.T, config json.RawMessage, class string) []byte {
	t.Helper()
	all := map[string]any{}
	require.NoError(t, json.Unmarshal(config, &all))
	all["_class_name"] = class
	b, err := json.Marshal(all)
	require.NoError(t, err)
	return b
}
