package diffusion

import (
	"context"
	"iter"

	"heavytail/internal/dmath"
)

// A DPMSolver is DPM-Solver++(2M) of [Lu et al. 2022], the second-order
// multistep method in λ = −ln σ with one evaluation per step:
//
//	x = σ_0·n
//	for i = 0 … N−1, h_i = ln(σ_i/σ_{i+1}), q = h_i/h_{i−1}:
//		D̃ = (1 + q/2)·D(x; σ_i) − q/2·D_{i−1}      D̃ = D at the first step and where σ_{i+1} = 0
//		x = σ_{i+1}/σ_i·x + (1 − σ_{i+1}/σ_i)·D̃
//
// It integrates the same ODE as EDMSampler, so it takes any ν; a DDPM network
// drives it through DLPM.DataDenoiser.
type DPMSolver struct {
	Process EDM   // the noise: its ν, its levels and the scale of the data
	Steps   int   // N, evaluations of the denoiser
	Edit    *Edit // an image to start from or to keep parts of; nil: none
}

// Trajectory is that of EDMSampler with this sampler's steps.
func (s DPMSolver) Trajectory(ctx context.Context, den DataDenoiser, x []float64, seeds []uint64) iter.Seq2[int, error] {
	if err := s.Validate(); err != nil {
		return fail(err)
	}
	return func(yield func(int, error) bool) {
		r := newRun(ctx, "DPM-Solver++", s.Edit.data(den), x, seeds, s.Steps, s.Edit)
		if err := checkRow(r.name, s.Process.channels(), r.d); err != nil {
			yield(s.Steps, err)
			return
		}
		sigma, err := s.Process.sigmas(ctx, s.Steps)
		if err != nil {
			yield(s.Steps, r.stopped(r.first, err))
			return
		}
		last := r.buffer()
		startNoise(r, s.Process.noise, sigma[r.first], 1)
		r.loop(yield, func(i int) error {
			if err := r.eval(r.out, x, sigma[i]); err != nil {
				return err
			}
			half := 0.0 // q/2
			if i > r.first && sigma[i+1] > 0 {
				half = 0.5 * dmath.Log(sigma[i]/sigma[i+1]) / dmath.Log(sigma[i-1]/sigma[i])
			}
			ratio := sigma[i+1] / sigma[i]
			for j, D := range r.out {
				Dt := D + float64(half*(D-last[j]))
				x[j] = Dt + float64(ratio*(x[j]-Dt))
			}
			r.out, last = last, r.out
			return nil
		})
	}
}

// Moves implements Sampler.
func (s DPMSolver) Moves() int { return s.Edit.Steps(s.Steps) }

// Evaluations implements Sampler: one at every move.
func (s DPMSolver) Evaluations() int { return s.Moves() }

// Sample draws one sample of d values per seed, row-major [len(seeds)][d],
// rounded to float32 at the end.
func (s DPMSolver) Sample(ctx context.Context, den DataDenoiser, seeds []uint64, d int) ([]float32, error) {
	x := states[float64]("DPM-Solver++", len(seeds), d)
	return collect(x, s.Trajectory(ctx, den, x, seeds))
}

// Validate reports the first impossible field, its value and the remedy.
func (s DPMSolver) Validate() error {
	if err := checkSteps("DPM-Solver++", s.Steps); err != nil {
		return err
	}
	if err := s.Edit.validate("DPM-Solver++", false); err != nil {
		return err
	}
	return s.Process.Validate()
}
