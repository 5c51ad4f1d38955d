package diffusion

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// knowing is the exact E[ε | x_t] of SαS data of the given scale, by the levels that a
// network trained with p knows by its time.
func knowing(p DLPM, scale float64) Denoiser {
	return func(_ context.Context, eps, x, times []float32) error {
		tau := float64(times[0])
		if p.Grid == Quadratic {
			tau *= tau
		}
		g, s := 1.0, 0.0
		if p.Scale == Exploding {
			lo, hi, rho := p.exploding()
			a, b := math.Pow(lo, 1/rho), math.Pow(hi, 1/rho)
			s = math.Pow(a+tau/p.tau(p.Steps-1)*(b-a), rho)
		} else {
			r, q := cosineRatio(tau, 0)
			g, s = math.Pow(r, 1/p.Alpha), math.Pow(q, 1/p.Alpha)
		}
		slope := math.Pow(s, p.Alpha-1) / (math.Pow(g*scale, p.Alpha) + math.Pow(s, p.Alpha))
		for j, v := range x {
			eps[j] = float32(slope * float64(v))
		}
		return nil
	}
}

// gridSamplers are the samplers that go through the levels of a grid.
func gridSamplers(p DLPM, grid Grid, steps int) map[string]Sampler[Denoiser, float32] {
	return map[string]Sampler[Denoiser, float32]{
		"DLPM": DLPMSampler{Process: p, Steps: steps, Grid: grid}, "DLIM": DLIM{Process: p, Steps: steps, Grid: grid},
		"DLIM SDE": DLIMSDE{Process: p, Steps: steps, Grid: grid}, "DLIM2": DLIM2{Process: p, Steps: steps / 2, Grid: grid},
	}
}

// A network of either grid, asked on the other, is told where it is: the samples are
// those of a network of that grid. A grid that is the process's own changes no bit.
func TestGridsOfSamplers(t *testing.T) {
	for _, scale := range []Scale{Preserving, Exploding} {
		for _, own := range []Grid{"", Linear, Quadratic} {
			other := Quadratic
			if own == Quadratic {
				other = Linear
			}
			p := DLPM{Alpha: 1.7, Scale: scale, Grid: own, Steps: 31}
			q := p.on(other)
			for name, s := range gridSamplers(p, other, 30) {
				x, err := s.Sample(t.Context(), knowing(p, 0.3), seeds(4), 2)
				require.NoError(t, err)
				want, err := gridSamplers(q, "", 30)[name].Sample(t.Context(), knowing(q, 0.3), seeds(4), 2)
				require.NoError(t, err)
				// each of 30 steps reads a time of 2^-24 of itself beside the other's, which
				// moves a level by 2^-22 (exploding, ρ = 7: 7 times that), and so the state
				for j := range x {
					require.InDelta(t, want[j], x[j], 30*0x1p-19*(1+math.Abs(float64(want[j]))), "%s of %q on %s", name, own, other)
				}
				base, err := gridSamplers(p, "", 30)[name].Sample(t.Context(), knowing(p, 0.3), seeds(4), 2)
				require.NoError(t, err)
				require.NotEqual(t, base, x, name)
				same := own
				if same == "" {
					same = Linear
				}
				again, err := gridSamplers(p, same, 30)[name].Sample(t.Context(), knowing(p, 0.3), seeds(4), 2)
				require.NoError(t, err)
				require.Equal(t, base, again, name)
			}
		}
	}
}

// On the quadratic grid DLIM ends nearer to the data; the numbers are those of the
// recursion in float64 by another program, the logarithm of the scale at the end over
// that of the data. A state in float32 is within 2^-22 of each of the steps.
func TestQuadraticGridIsNearer(t *testing.T) {
	for _, c := range []struct {
		alpha             float64
		n                 int
		linear, quadratic float64
	}{{1.3, 24, -0.0438, -0.0397}, {1.5, 24, -0.0607, -0.0488}, {1.8, 24, -0.0810, -0.0550}, {2, 24, -0.0940, -0.0571}, {1.5, 100, -0.0157, -0.0120}} {
		p := Default(c.alpha, 1000)
		for grid, want := range map[Grid]float64{"": c.linear, Quadratic: c.quadratic} {
			s := DLIM{Process: p, Steps: c.n, Grid: grid}
			x := make([]float32, 1)
			var first float64
			for left, err := range s.Trajectory(t.Context(), knowing(p, 0.3), x, seeds(1)) {
				require.NoError(t, err)
				if left == c.n {
					first = float64(x[0])
				}
			}
			sched, err := p.on(grid).Schedule(c.n + 1)
			require.NoError(t, err)
			require.InDelta(t, want, math.Log(float64(x[0])/first*sched.SigmaBar[c.n]/0.3), 1e-4, "α = %v, %d steps, %q", c.alpha, c.n, grid)
		}
	}
}

// Estimates are found at the levels of the grid, both ways.
func TestThroughAGrid(t *testing.T) {
	for _, p := range []DLPM{{Alpha: 1.7, Scale: Preserving, Steps: 900}, {Alpha: 1.7, Scale: Exploding, Steps: 900}, {Alpha: 1.7, Scale: Exploding, Grid: Quadratic, Steps: 900}} {
		for _, T := range []int{2, 25, 4096, maxSteps} {
			for _, grid := range []Grid{"", Linear, Quadratic} {
				for _, k := range []int{1, 2, T / 3, T / 2, T - 2, T - 1} {
					if 0 < k && k < T {
						require.Equal(t, k, p.stepOn(grid, p.timeOn(grid, k, T), T), "%v on %q, T = %d", p, grid, T)
					}
				}
			}
		}
	}
}

func TestGridsAreChecked(t *testing.T) {
	p := Default(2, 10)
	whole := p
	whole.IntegerTime = true
	for _, c := range []struct {
		p    DLPM
		grid Grid
		want string
	}{{p, "cubic", `grid is "cubic": use "linear" or "quadratic"`}, {whole, Quadratic, "levels of its training only"}} {
		for name, s := range gridSamplers(c.p, c.grid, 9) {
			if name != "DLIM2" || !c.p.IntegerTime { // which has an error of its own
				require.ErrorContains(t, s.Validate(), c.want, name)
			}
		}
		_, err := c.p.Through(nil, 0, c.grid, nil)
		require.ErrorContains(t, err, c.want)
	}
	whole.Grid = Linear
	require.NoError(t, DLIM{Process: whole, Grid: Linear}.Validate())
}
