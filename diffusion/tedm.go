package diffusion

import (
	"context"
	"iter"
	"math"

	"heavytail/stable"
)

// A TEDMAncestral samples with the posteriors of t-EDM. With c = cov(x_s, x_t)
// the joint law of two levels s < t is a Student-t, and
//
//	x_s | x_t, x_0 ~ t_d(x_0 + r·(x_t−x_0), (ν+δ²)/(ν+d)·σ̄²·I, ν+d)
//	δ² = |x_t−x_0|²/σ_t²,  r = c/σ_t²,  σ̄² = σ_s² − c²/σ_t²
//
// so that with D for x_0 and σ_0…σ_N of Process.Sigmas:
//
//	x = σ_0·n
//	for i = 0 … N−1, t = σ_i, s = σ_{i+1}:
//		σ̄² = η²·s²·(t²−s²)/t²,  r = √(s²−σ̄²)/t
//		x = D + r·(x−D) + σ̄·√((ν+δ²)/(ν+d))·τ,  τ ~ t_{ν+d}
//
// d and δ² count the elements that share a κ. The paper's sampler leaves the
// factor of τ out (DropFactor); that takes most of the tail away, which lives
// there. ν = ∞ is DDPM in its variance-exploding form, η = 0 the Euler method
// on the ODE (DDIM). It evaluates the denoiser N times.
type TEDMAncestral struct {
	Process    EDM     // the noise, its levels and the scale of the data
	Steps      int     // N
	Eta        float64 // 1 is ancestral, 0 deterministic
	DropFactor bool    // takes the factor √((ν+δ²)/(ν+d)) of τ as 1, as published
	// GaussianNoise draws Gaussian noise with the posterior's variance,
	// √((ν+δ²)/(ν+d−2))·z, instead of τ.
	GaussianNoise bool
	// Moment gives the second moment of the posterior in place of δ² with D put for x_0,
	// which misses the spread of x_0 given x_t; nil: that δ². With the exact one the
	// sampler ends at the data as N grows: what the steps leave out then, the spread of
	// x_0 in their mean, is of second order in their length.
	Moment SecondMoment
	// IndependentNoise makes the noise that Edit.Resample adds independent of the state, as
	// that of EDMSampler.
	IndependentNoise bool
	Edit             *Edit // an image to start from or to keep parts of; nil: none
}

// Trajectory is that of EDMSampler with this sampler's steps.
func (s TEDMAncestral) Trajectory(ctx context.Context, den DataDenoiser, x []float64, seeds []uint64) iter.Seq2[int, error] {
	if err := s.Validate(); err != nil {
		return fail(err)
	}
	return func(yield func(int, error) bool) {
		r, nu := newRun(ctx, "t-EDM", s.Edit.data(den), x, seeds, s.Steps, s.Edit), s.Process.Nu
		if err := checkRow(r.name, s.Process.channels(), r.d); err != nil {
			yield(s.Steps, err)
			return
		}
		sigma, noise, err := s.Process.raised(ctx, s.Steps, s.IndependentNoise)
		if err != nil {
			yield(s.Steps, r.stopped(r.first, err))
			return
		}
		G := nu.groups()
		moment := make([]float64, r.n*G)
		startNoise(r, nu.Noise, sigma[r.first], 1)
		r.back = func(i int) error { return noise.raise(r, backward+i, sigma[i+1], sigma[i], 1) }
		r.loop(yield, func(i int) error {
			cur, next := sigma[i], sigma[i+1]
			if err := r.eval(r.out, x, cur); err != nil {
				return err
			}
			bar := s.Eta * next * math.Sqrt((cur-next)*(cur+next)) / cur
			keep := math.Sqrt((next-bar)*(next+bar)) / cur
			if err := distances(r, s.Moment, moment, cur); err != nil {
				return err
			}
			for k := range r.n {
				x, D, z := r.row(x, k), r.row(r.out, k), r.z
				if bar > 0 {
					z = r.normal(k, i)
				}
				for g := range G {
					w := 0.0
					if bar > 0 {
						w = bar * s.scale(nu.at(g), r.stream(k, uint32(i)), g, moment[k*G+g], float64(r.d/G))
					}
					for j := g; j < r.d; j += G {
						x[j] = D[j] + float64(keep*(x[j]-D[j])) + float64(w*float64(z[j]))
					}
				}
			}
			return nil
		})
	}
}

// scale returns the factor of σ̄·z for one group of a row, of d elements at the
// squared distance δ².
func (s TEDMAncestral) scale(nu float64, at stable.Key, g int, delta2, d float64) float64 {
	switch {
	case s.GaussianNoise && s.DropFactor: // the variance of t_{ν+d}
		return math.Sqrt(Nu{nu + d}.Inflation(0))
	case s.GaussianNoise:
		return posteriorDeviation(nu, delta2, d)
	case s.DropFactor:
		return 1 / math.Sqrt(at.Kappa(nu+d, g))
	}
	return posteriorNoise(nu, at, g, delta2, d)
}

// posteriorNoise returns √((ν+δ²)/(ν+d))/√κ of group g, κ ~ χ²(ν+d)/(ν+d): times z it is
// the noise of the posterior, given unit σ̄.
func posteriorNoise(nu float64, at stable.Key, g int, delta2, d float64) float64 {
	if math.IsInf(nu, 1) {
		return 1
	}
	return posteriorScale(nu, delta2, d) / math.Sqrt(at.Kappa(nu+d, g))
}

// Moves implements Sampler.
func (s TEDMAncestral) Moves() int { return s.Edit.Steps(s.Steps) }

// Evaluations implements Sampler: one at every move, and for finite ν one where
// an edit goes back with noise that is not independent.
func (s TEDMAncestral) Evaluations() int {
	n, back := s.Edit.visits(s.Steps)
	if !s.IndependentNoise && !s.Process.Nu.gaussian() {
		n += back
	}
	return n
}

// Sample draws one sample of d values per seed, row-major [len(seeds)][d],
// rounded to float32 at the end.
func (s TEDMAncestral) Sample(ctx context.Context, den DataDenoiser, seeds []uint64, d int) ([]float32, error) {
	x := states[float64]("t-EDM", len(seeds), d)
	return collect(x, s.Trajectory(ctx, den, x, seeds))
}

// Validate reports the first impossible field, its value and the remedy.
func (s TEDMAncestral) Validate() error {
	if !(s.Eta >= 0 && s.Eta <= 1) {
		return impossible("t-EDM", "Eta", s.Eta, "use 0 (deterministic) to 1 (ancestral)")
	}
	if err := checkSteps("t-EDM", s.Steps); err != nil {
		return err
	}
	if err := s.Edit.validate("t-EDM", true); err != nil {
		return err
	}
	if err := s.Process.withoutJumps("t-EDM", "its posteriors are Student's: use JumpSampler"); err != nil {
		return err
	}
	return s.Process.Validate()
}
