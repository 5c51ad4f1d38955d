package diffusion

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// What Through shows is the estimate of the data: 0.75 for the exact estimates of
// data that are the point 0.75. Looking changes no byte.
func TestThroughShowsTheEstimate(t *testing.T) {
	const c = 0.75
	ctx, ids := context.Background(), seeds(3)
	seen := 0
	look := func(tol float64) Change {
		return func(j int, x0 float64) float64 {
			require.GreaterOrEqual(t, j, 0)
			require.Less(t, j, 12)
			require.InDelta(t, c, x0, tol)
			seen++
			return x0
		}
	}
	for _, base := range []DLPM{Default(1.7, 9), Default(2, 9), {Alpha: 1.8, Scale: Exploding, SigmaMax: 5, Steps: 9, InputScaling: true}, {Alpha: 2, Scale: Preserving, Steps: 9, IntegerTime: true}} {
		sched, err := base.Schedule(0)
		require.NoError(t, err)
		den := pointMass(base, sched, c)
		if base.IntegerTime {
			den = func(ctx context.Context, eps, x, times []float32) error {
				u := make([]float32, len(times))
				for i, v := range times {
					u[i] = v / 9
				}
				return pointMass(base, sched, c)(ctx, eps, x, u)
			}
		}
		seeing, err := base.Through(den, 0, "", look(1e-2)) // ε̂ in float32, times σ̄/γ̄
		require.NoError(t, err)
		for _, s := range []Sampler[Denoiser, float32]{DLPMSampler{Process: base}, DLIM{Process: base}, DLIMSDE{Process: base}, DLIM2{Process: base, Steps: 4}} {
			want, err := s.Sample(ctx, den, ids, 4)
			require.NoError(t, err)
			seen = 0
			got, err := s.Sample(ctx, seeing, ids, 4)
			require.NoError(t, err)
			numtest.SameBits(t, want, got, "looking")
			require.Equal(t, 12*s.Evaluations(), seen)
		}
	}
	p, f := TEDM(4), Flow{Nu: Nu{4}, Target: TargetVelocity}
	point := func(_ context.Context, data, _, _ []float64) error {
		for j := range data {
			data[j] = c
		}
		return nil
	}
	seen = 0
	_, err := EDMSampler{Process: p, Steps: 5}.Sample(ctx, DataDenoiser(point).Through(look(0)), ids, 4)
	require.NoError(t, err)
	_, err = FlowSampler{Process: f, Steps: 5, Solver: Euler, Start: 0.1}.Sample(ctx, f.Through(f.FromData(point), look(1e-9)), ids, 4)
	require.NoError(t, err)
	require.Equal(t, 12*(9+5), seen)
}

// A clamp of the estimates by Through is Clip, which works on x̂_0 itself
// instead of on the ε̂ that belongs to it, but for the rounding of ε̂.
func TestThroughClampsAsClip(t *testing.T) {
	p := Default(1.7, 12)
	den, err := p.Through(shrink, 0, "", clampChange(1))
	require.NoError(t, err)
	want, err := DLIM{Process: p, Clip: true}.Sample(context.Background(), shrink, seeds(20), 3)
	require.NoError(t, err)
	got, err := DLIM{Process: p}.Sample(context.Background(), den, seeds(20), 3)
	require.NoError(t, err)
	free, err := DLIM{Process: p}.Sample(context.Background(), shrink, seeds(20), 3)
	require.NoError(t, err)
	require.NotEqual(t, want, free)
	for j := range want {
		require.InDelta(t, want[j], got[j], 1e-3*(1+math.Abs(float64(want[j]))))
	}
}
