package diffusion

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// counted runs a sampler and compares what it says with what it does.
func counted[F any, T float32 | float64](t *testing.T, s Sampler[F, T], f func(called func()) F) {
	t.Helper()
	name := fmt.Sprintf("%T %+v", s, s)
	require.NoError(t, s.Validate(), name)
	evaluations, left := 0, s.Moves()
	x := make([]T, 8)
	for k, err := range s.Trajectory(context.Background(), f(func() { evaluations++ }), x, seeds(2)) {
		require.NoError(t, err, name)
		require.Equal(t, left, k, name)
		left--
	}
	require.Equal(t, -1, left, name)
	require.Equal(t, s.Evaluations(), evaluations, name)
}

// Every sampler makes the moves and evaluations that it says, whole, from an
// image, with repeated steps, with noise on the way, for finite ν and without.
func TestMovesAndEvaluations(t *testing.T) {
	watched := func(called func()) Denoiser {
		return func(ctx context.Context, out, x, t []float32) error {
			called()
			return shrink(ctx, out, x, t)
		}
	}
	img := &Edit{Image: ramp(4), Strength: 0.45}
	again := &Edit{Image: ramp(4), Strength: 0.45, Known: []bool{true, false, false, true}, Resample: 3}
	for _, e := range []*Edit{nil, img, again, {Resample: 2}} {
		for _, consistent := range []bool{false, true} {
			p, steps := Default(1.7, 12), 0
			if consistent {
				steps = 8
			}
			counted(t, DLPMSampler{Process: p, Steps: steps, ConsistentStart: consistent, Edit: e}, watched)
			counted(t, DLIM{Process: p, Steps: steps, ConsistentStart: consistent, Edit: e}, watched)
			counted(t, DLIM{Process: p, Eta: 0.5, Steps: steps, ConsistentStart: consistent, Edit: e}, watched)
			counted(t, DLIMSDE{Process: p, Steps: steps, ConsistentStart: consistent, Edit: e}, watched)
			counted(t, DLIM2{Process: p, Steps: 5, ConsistentStart: consistent, Edit: e}, watched)
		}
		for _, p := range []EDM{{}, TEDM(3.5), {Jump: Jump{Rate: 2}}} {
			data := func(called func()) DataDenoiser { return p.Precondition(watched(called)) }
			for _, c := range []Churn{{}, {S: 2}, {S: 2, Min: 1, Max: 20}} {
				counted(t, EDMSampler{Process: p, Steps: 9, Churn: c, Edit: e}, data)
				counted(t, EDMSampler{Process: p, Steps: 9, Churn: c, Edit: e, Euler: true}, data)
				counted(t, EDMSampler{Process: p, Steps: 9, Churn: c, Edit: e, IndependentNoise: true}, data)
			}
			if p.Jump.on() {
				counted(t, JumpSampler{Process: p, Steps: 9, Edit: e}, data)
				continue
			}
			counted(t, TEDMAncestral{Process: p, Steps: 9, Eta: 1, Edit: e}, data)
			counted(t, TEDMAncestral{Process: p, Steps: 9, Eta: 1, Edit: e, IndependentNoise: true}, data)
		}
	}
	for _, e := range []*Edit{nil, img} {
		p, f, lim := TEDM(3.5), Flow{Nu: Nu{4}, Target: TargetVelocity}, LIM{Alpha: 1.7}
		data := func(called func()) DataDenoiser { return p.Precondition(watched(called)) }
		counted(t, TEDMSDE{Process: p, Steps: 9, Beta: 1, Edit: e}, data)
		counted(t, DPMSolver{Process: p, Steps: 9, Edit: e}, data)
		for _, m := range []Solver{"", Euler, Heun, RK4} {
			counted(t, FlowSampler{Process: f, Steps: 9, Solver: m, Edit: e}, func(called func()) Velocity { return f.Velocity(watched(called)) })
		}
		counted(t, LIMSampler{Process: lim, Steps: 9, Edit: e}, watched)
		counted(t, LIMSampler{Process: lim, Steps: 9, ODE: true, Edit: e}, watched)
		counted(t, LIMSampler{Process: lim, Steps: 9, Mended: true, Edit: e}, watched)
	}
}
