package diffusion

import (
	"context"
	"iter"
	"math"
)

// A SecondMoment sets m ← E[|x−x_0|² | x]/σ² for a batch of len(sigma) samples,
// row-major [len(sigma)][G], G being the number of ν: the sum over the elements
// that share a κ.
type SecondMoment func(ctx context.Context, m, x, sigma []float64) error

// A TEDMSDE samples with the reverse SDE whose noise depends on the state
// [Wakatsuki and Shimazaki 2026]: far from the data it is hotter, near them it
// cools. Euler and Maruyama on σ_0…σ_{N−1} of Process.Sigmas, and a last
// denoising:
//
//	x = σ_0·n
//	for i = 0 … N−2, s = σ_{i+1}:
//		δ² = |x − D(x; σ_i)|²/σ_i²,  k = √((ν+δ²)/(ν+d−2))
//		x = x + (1+β)·(x−D)/σ_i·(s−σ_i) + √(β·(σ_i²−s²))·k·z
//	x = D(x; σ_{N−1})
//
// k² is the variance factor of t-EDM's posterior. The exact one has E[|x−x_0|² | x]/σ²
// in place of δ², which is larger by the spread of the posterior; Moment supplies it.
// With δ², where D stands for x_0, the tails come out short, which a smaller NuCoeff can
// offset (published: 2.5 for noise of ν = 3). Prefer TEDMAncestral: it has no bias of
// Euler's.
type TEDMSDE struct {
	Process  EDM     // the noise, its levels and the scale of the data
	Steps    int     // N, evaluations of the denoiser
	Beta     float64 // β: 1 is the published sampler, 0 the ODE by Euler
	NuCoeff  Nu      // ν of k and of the start; empty: Process.Nu
	Constant bool    // k = 1, which is wrong for finite ν: the ablation
	Moment   SecondMoment
	Edit     *Edit // an image to start from or to keep parts of; nil: none
}

// Trajectory is that of EDMSampler with this sampler's steps.
func (s TEDMSDE) Trajectory(ctx context.Context, den DataDenoiser, x []float64, seeds []uint64) iter.Seq2[int, error] {
	if err := s.Validate(); err != nil {
		return fail(err)
	}
	return func(yield func(int, error) bool) {
		r, nu := newRun(ctx, "t-EDM SDE", s.Edit.data(den), x, seeds, s.Steps, s.Edit), s.nu()
		if err := checkRow(r.name, max(s.Process.channels(), len(nu)), r.d); err != nil {
			yield(s.Steps, err)
			return
		}
		sigma, err := s.Process.sigmas(ctx, s.Steps)
		if err != nil {
			yield(s.Steps, r.stopped(r.first, err))
			return
		}
		G := nu.groups()
		moment := make([]float64, r.n*G)
		startNoise(r, nu.Noise, sigma[r.first], 1)
		r.loop(yield, func(i int) error {
			cur, next := sigma[i], sigma[i+1]
			if err := r.eval(r.out, x, cur); err != nil {
				return err
			}
			if i == s.Steps-1 {
				copy(x, r.out)
				return nil
			}
			if err := distances(r, s.Moment, moment, cur); err != nil {
				return err
			}
			drift := (1 + s.Beta) * (next - cur) / cur
			noise := math.Sqrt(s.Beta * (cur - next) * (cur + next))
			for k := range r.n {
				x, D, z := r.row(x, k), r.row(r.out, k), r.normal(k, i)
				for g := range G {
					w := noise
					if !s.Constant {
						w *= posteriorDeviation(nu.at(g), moment[k*G+g], float64(r.d/G))
					}
					for j := g; j < r.d; j += G {
						x[j] += float64(drift*(x[j]-D[j])) + float64(w*float64(z[j]))
					}
				}
			}
			return nil
		})
	}
}

// nu returns the ν of the coefficient and the start.
func (s TEDMSDE) nu() Nu {
	if len(s.NuCoeff) > 0 {
		return s.NuCoeff
	}
	return s.Process.Nu
}

// distances sets m to the second moments, or to δ² where there are none.
func distances(r *run[float64], moment SecondMoment, m []float64, sigma float64) error {
	if moment != nil {
		return moment(r.ctx, m, r.x, r.times)
	}
	G := len(m) / r.n
	for k := range r.n {
		for g := range G {
			m[k*G+g] = distance(r.row(r.x, k), r.row(r.out, k), g, G, sigma)
		}
	}
	return nil
}

// Moves implements Sampler.
func (s TEDMSDE) Moves() int { return s.Edit.Steps(s.Steps) }

// Evaluations implements Sampler: one at every move.
func (s TEDMSDE) Evaluations() int { return s.Moves() }

// Sample draws one sample of d values per seed, row-major [len(seeds)][d],
// rounded to float32 at the end.
func (s TEDMSDE) Sample(ctx context.Context, den DataDenoiser, seeds []uint64, d int) ([]float32, error) {
	x := states[float64]("t-EDM SDE", len(seeds), d)
	return collect(x, s.Trajectory(ctx, den, x, seeds))
}

// Validate reports the first impossible field, its value and the remedy.
func (s TEDMSDE) Validate() error {
	if !(s.Beta >= 0 && s.Beta <= 100) {
		return impossible("t-EDM SDE", "Beta", s.Beta, "use 0 (the ODE) to 100; 1 is published")
	}
	if err := s.NuCoeff.validate("t-EDM SDE", "NuCoeff"); err != nil {
		return err
	}
	if n, m := len(s.NuCoeff), s.Process.channels(); n > 1 && m > 1 && n != m {
		return impossible("t-EDM SDE", "NuCoeff", s.NuCoeff, "use one value, or one for each of the %d channels", m)
	}
	if err := checkSteps("t-EDM SDE", s.Steps); err != nil {
		return err
	}
	if err := s.Edit.validate("t-EDM SDE", false); err != nil {
		return err
	}
	if err := s.Process.withoutJumps("t-EDM SDE", "its noise is Student's: use JumpSampler"); err != nil {
		return err
	}
	return s.Process.Validate()
}
