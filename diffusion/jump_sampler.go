package diffusion

import (
	"context"
	"iter"
)

// A JumpSampler samples with the reverse SDE of jump noise [Baule 2025]: the drift of the
// probability flow twice, and the jumps of the forward process once more. On σ_0…σ_N of
// Process.Sigmas a step goes down too far by the flow and comes back up by jumps:
//
//	x = σ_0·n
//	for i = 0 … N−1, t = σ_i, s = σ_{i+1}:
//		D = D(x; t),  x = D + (s²/t²)·(x−D)     from t to s²/t, in ln σ twice the step
//		x = x + √V·z                            from s²/t to s, V of Jump's process
//
// The way up is exact for any step, as what comes between two levels is independent of
// what came before; the way down is Euler's, so that samples approach the data at
// first order in the step. With Gaussian noise, λ → ∞ or ρ = 1, it is TEDMAncestral. The
// paper discretizes the SDE with exponential integrators; this form is ours. It evaluates
// the denoiser N times.
type JumpSampler struct {
	Process EDM   // the noise with its Jump, its levels and the scale of the data
	Steps   int   // N
	Edit    *Edit // an image to start from or to keep parts of; nil: none
}

// Trajectory is that of EDMSampler with this sampler's steps.
func (s JumpSampler) Trajectory(ctx context.Context, den DataDenoiser, x []float64, seeds []uint64) iter.Seq2[int, error] {
	if err := s.Validate(); err != nil {
		return fail(err)
	}
	return func(yield func(int, error) bool) {
		r, jump := newRun(ctx, "jump", s.Edit.data(den), x, seeds, s.Steps, s.Edit), s.Process.Jump
		if err := checkRow(r.name, s.Process.channels(), r.d); err != nil {
			yield(s.Steps, err)
			return
		}
		sigma, err := s.Process.sigmas(ctx, s.Steps)
		if err != nil {
			yield(s.Steps, r.stopped(r.first, err))
			return
		}
		startNoise(r, jump.Noise, sigma[r.first], 1)
		r.back = func(i int) error {
			jump.jump(r, backward+i, sigma[i+1], sigma[i], 1)
			return nil
		}
		r.loop(yield, func(i int) error {
			if err := r.eval(r.out, x, sigma[i]); err != nil {
				return err
			}
			ratio, next := sigma[i+1]/sigma[i], sigma[i+1]
			for j, D := range r.out {
				x[j] = D + float64(ratio*ratio*(x[j]-D))
			}
			if next > 0 {
				jump.jump(r, i, ratio*next, next, 1)
			}
			return nil
		})
	}
}

// Moves implements Sampler.
func (s JumpSampler) Moves() int { return s.Edit.Steps(s.Steps) }

// Evaluations implements Sampler: one at every move.
func (s JumpSampler) Evaluations() int {
	n, _ := s.Edit.visits(s.Steps)
	return n
}

// Sample draws one sample of d values per seed, row-major [len(seeds)][d],
// rounded to float32 at the end.
func (s JumpSampler) Sample(ctx context.Context, den DataDenoiser, seeds []uint64, d int) ([]float32, error) {
	x := states[float64]("jump", len(seeds), d)
	return collect(x, s.Trajectory(ctx, den, x, seeds))
}

// Validate reports the first impossible field, its value and the remedy.
func (s JumpSampler) Validate() error {
	if err := checkSteps("jump", s.Steps); err != nil {
		return err
	}
	if err := s.Edit.validate("jump", true); err != nil {
		return err
	}
	if !s.Process.Jump.on() {
		return impossible("jump", "Process.Jump", s.Process.Jump, "use a process of jump noise, such as EDM{Jump: Jump{Rate: 2}}, or TEDMAncestral")
	}
	return s.Process.Validate()
}
