package diffusion

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// pointMass is the exact denoiser of data that is the point c:
// ε̂ = (x − γ̄_t·c)/σ̄_t.
func pointMass(p Process, s *Schedule, c float32) Denoiser {
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
func step(s *Schedule, time float32) int {
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
			for _, base := range []Process{
				Default(alpha, T),
				{Alpha: alpha, Scale: Preserving, Grid: Quadratic, Steps: T},
				{Alpha: alpha, Scale: Exploding, Isotropic: true, Steps: T, InputScaling: true},
				{Alpha: alpha, Scale: Exploding, Grid: Quadratic, Steps: T, ClampA: 20, ClampEps: 200},
			} {
				for opt := range 4 {
					o := Options{ClipDenoised: opt&1 != 0, ConsistentStart: opt&2 != 0}
					checkPointMass(t, DLPM{base, o}, base, c, d)
					for _, eta := range []float64{0, 0.5, 1} {
						checkPointMass(t, DLIM{base, eta, o}, base, c, d)
					}
				}
			}
		}
	}
}

func checkPointMass(t *testing.T, s sampler, p Process, c float32, d int) {
	t.Helper()
	sched, err := p.Schedule(0)
	require.NoError(t, err)
	den := pointMass(p, sched, c)
	largest := 1.0
	watch := func(ctx context.Context, eps, x []float32, times []float32) error {
		if step(sched, times[0]) == 1 {
			for _, v := range x {
				largest = math.Max(largest, math.Abs(float64(v)*(1+sched.SigmaBar[1])))
			}
		}
		return den(ctx, eps, x, times)
	}
	x, err := s.Sample(context.Background(), watch, seeds(6), d)
	require.NoError(t, err)
	for _, v := range x {
		require.InDelta(t, c, v, 6*0x1p-24*largest/sched.GammaBar[1], fmt.Sprintf("%+v", s))
	}
}
