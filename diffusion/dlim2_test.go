package diffusion

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// stableData returns the exact E[ε | x_t] of stable data of the given scale, and
// the scale of x_t: γ̄^α·scale^α + σ̄^α to the power 1/α. The ODE multiplies a
// state by the ratio of these scales.
func stableData(t *testing.T, p DLPM, scale float64) (Denoiser, func(level int) float64) {
	t.Helper()
	s, err := p.Schedule(0)
	require.NoError(t, err)
	size := func(k int) float64 {
		return math.Pow(math.Pow(s.GammaBar[k]*scale, p.Alpha)+math.Pow(s.SigmaBar[k], p.Alpha), 1/p.Alpha)
	}
	return func(_ context.Context, eps, x, times []float32) error {
		k := step(s, times[0])
		slope := math.Pow(s.SigmaBar[k], p.Alpha-1) / math.Pow(size(k), p.Alpha)
		for j, v := range x {
			eps[j] = float32(slope * float64(v))
		}
		return nil
	}, size
}

// off returns by how much a trajectory is beside the ODE's solution with the
// given number of steps left, at the given level, as a share of it: the worst of
// three samples, with its sign.
func off(t *testing.T, s Sampler[Denoiser, float32], den Denoiser, size func(int) float64, first, left, level int) float64 {
	t.Helper()
	run := func(left int) []float64 {
		x := make([]float32, 3)
		return at64(t, x, s.Trajectory(context.Background(), den, x, seeds(3)), left)
	}
	worst, end := 0.0, run(left)
	for i, v := range run(-1) {
		if f := end[i]/(v*size(level)/size(first)) - 1; math.Abs(f) > math.Abs(worst) {
			worst = f
		}
	}
	return worst
}

// With as many evaluations DLIM2 ends far nearer to the data than DLIM does. The
// numbers are those of the recursions in float64 by another program; a state in
// float32 is within 2^-22 of each of 40 steps.
func TestDLIM2IsNearerThanDLIM(t *testing.T) {
	for _, c := range []struct {
		alpha          float64
		evaluations    int
		euler, doubled float64
	}{{1.5, 10, -0.1227, -0.00261}, {1.5, 40, -0.0368, -0.00162}, {1.8, 10, -0.1649, -0.0101}, {1.8, 40, -0.0485, -0.00144}} {
		n := c.evaluations
		p := Default(c.alpha, n+1)
		den, size := stableData(t, p, 0.3)
		one, two := DLIM{Process: p}, DLIM2{Process: p, Steps: n / 2}
		require.Equal(t, one.Evaluations(), two.Evaluations())
		require.InDelta(t, c.euler, off(t, one, den, size, n, 0, 0), 1e-4)
		require.InDelta(t, c.doubled, off(t, two, den, size, n, 0, 0), 6e-5)
	}
}

// Twice the steps leave half of DLIM's error and a quarter of DLIM2's, for every
// α, above the last step: there the field is no longer smooth in τ.
func TestDLIM2HasOrderTwo(t *testing.T) {
	for _, alpha := range []float64{1.5, 1.8, 2} {
		var one, two [2]float64
		for i, n := range []int{80, 160} { // evaluations
			p := Default(alpha, n+1)
			den, size := stableData(t, p, 1)
			one[i] = off(t, DLIM{Process: p}, den, size, n, 2, 2)
			two[i] = off(t, DLIM2{Process: p, Steps: n / 2}, den, size, n, 1, 2)
		}
		require.InDelta(t, 1, math.Log2(one[0]/one[1]), 0.1, "alpha %v", alpha)
		require.InDelta(t, 2, math.Log2(two[0]/two[1]), 0.1, "alpha %v", alpha)
	}
}

// Two points, for which the field is not linear, come back in equal shares, with
// the clamp and without. (α = 2, where the exact estimate is known:
// tanh(γ̄·x/(2σ̄²)), as the noise has the variance 2.)
func TestDLIM2ReturnsTwoPoints(t *testing.T) {
	const n = 400
	for _, scale := range []Scale{Preserving, Exploding} {
		p := DLPM{Alpha: 2, Scale: scale, Steps: 61}
		s, err := p.Schedule(0)
		require.NoError(t, err)
		den := func(_ context.Context, eps, x, times []float32) error {
			k := step(s, times[0])
			g, sb := s.GammaBar[k], s.SigmaBar[k]
			for j, v := range x {
				eps[j] = float32((float64(v) - g*math.Tanh(g*float64(v)/(2*sb*sb))) / sb)
			}
			return nil
		}
		for _, clip := range []bool{false, true} {
			x, err := DLIM2{Process: p, Steps: 30, Clip: clip}.Sample(context.Background(), den, seeds(n), 1)
			require.NoError(t, err)
			plus := 0
			for _, v := range x {
				if v > 0 {
					plus++
				}
				require.InDelta(t, 1, math.Abs(float64(v)), 0.02)
			}
			require.InDelta(t, n/2, plus, 4*math.Sqrt(n)/2)
		}
	}
}

func TestDLIM2IsValidated(t *testing.T) {
	for want, s := range map[string]DLIM2{
		"0 steps":                       {Process: Default(1.7, 10)},
		"-1 steps":                      {Process: Default(1.7, 10), Steps: -1},
		"524288 steps":                  {Process: Default(1.7, 10), Steps: 1 << 19},
		"alpha is 3":                    {Process: Default(3, 10), Steps: 4},
		"strength is 2":                 {Process: Default(1.7, 10), Steps: 4, Edit: &Edit{Strength: 2}},
		"need 9 levels":                 {Process: DLPM{Alpha: 2, Scale: Preserving, Steps: 10, IntegerTime: true}, Steps: 4},
		"DLIM2: stopped at step 3 of 4": {Process: Default(1.7, 10), Steps: 4}, // at its second evaluation
	} {
		calls := 0
		_, err := s.Sample(context.Background(), func(ctx context.Context, out, x, t []float32) error {
			if calls++; calls == 6 {
				return context.Canceled
			}
			return shrink(ctx, out, x, t)
		}, seeds(2), 3)
		require.ErrorContains(t, err, want)
	}
	p := DLPM{Alpha: 2, Scale: Preserving, Steps: 9, IntegerTime: true}
	require.NoError(t, DLIM2{Process: p, Steps: 4}.Validate())
}
