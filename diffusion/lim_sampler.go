package diffusion

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"heavytail/simd"
)

// A LIMSampler samples with the reverse SDE or, with ODE, the probability-flow
// ODE of LIM. With the N+1 times t_0 = 0.9946 … t_N = 1e-5, equally spaced:
//
//	x = σ(t_0)·e
//	for i = 0 … N−1:
//		x = X·x + Eps·ε̂(x, t_i) + Z·e      coefficients of LIM.SDE, LIM.MendedSDE or LIM.ODE
//
// It evaluates the denoiser N times, at the times t_i themselves, and ends
// without a denoising step. The state is float32. A LIMSampler is an immutable
// value: any number of goroutines may use one.
type LIMSampler struct {
	Process LIM // the noise and its schedule
	Steps   int // N
	ODE     bool
	// Mended takes LIM.MendedSDE in place of the published SDE, whose samples are
	// too wide for α < 2. Not with ODE.
	Mended bool
	Clamps LIMClamps // of every draw, the start's included
	// PublishedStart takes x = e, without σ(t_0), and at α = 2 with the
	// variance 2, while the steps and training have 1: the published numbers
	// of LIM at α = 2 have it.
	PublishedStart bool
	Edit           *Edit // an image to start from or to keep parts of; nil: none
}

// Trajectory is that of DLPM with this sampler's steps: it fills x, row-major
// [len(seeds)][d], and yields the number of steps left, from N to 0.
func (s LIMSampler) Trajectory(ctx context.Context, den Denoiser, x []float32, seeds []uint64) iter.Seq2[int, error] {
	if err := s.Validate(); err != nil {
		return fail(err)
	}
	return func(yield func(int, error) bool) {
		r, p := newRun(ctx, "LIM", den, x, seeds, s.Steps, s.Edit), s.Process
		noise := p.noise(s.Clamps)
		for i := range r.n {
			noise.fill(r.row(x, i), r.stream(i, startStep))
		}
		hold := s.hold(x)
		s.start(x, s.time(r.first))
		r.loop(yield, func(i int) error {
			from, to := s.time(i), s.time(i+1)
			hold(from)
			if err := r.eval(r.out, x, float32(from)); err != nil {
				return err
			}
			if s.ODE {
				c := p.ODE(from, to)
				simd.AxpBy(x, float32(c.Eps), r.out, float32(c.X), x)
				return nil
			}
			c := p.SDE(from, to)
			if s.Mended {
				c = p.MendedSDE(from, to)
			}
			for k := range r.n {
				x := r.row(x, k)
				noise.fill(r.z, r.stream(k, uint32(i)))
				simd.LinComb3(x, float32(c.X), x, float32(c.Eps), r.row(r.out, k), float32(c.Z), r.z)
			}
			return nil
		})
	}
}

// time returns t_i.
func (s LIMSampler) time(i int) float64 {
	return limLast + float64((limFirst-limLast)*(float64(i)/float64(s.Steps)))
}

// StartLevel returns σ(t_0), the factor of the noise that the sampler starts from.
func (s LIMSampler) StartLevel() float64 { return s.Process.Sigma(s.time(0)) }

// start makes the state at time t of the noise x.
func (s LIMSampler) start(x []float32, t float64) {
	scale := s.Process.Sigma(t)
	if s.PublishedStart && !s.Edit.fromImage() {
		scale = 1
		if s.Process.Alpha == 2 {
			scale = math.Sqrt2
		}
	}
	simd.Scale(x, x, float32(scale))
	addImage(s.Edit, x, s.Process.Gamma(t))
}

// hold returns what sets the known elements of the state x to their value at
// time t, γ(t)·image + σ(t)·e, e being what x holds when hold is called.
func (s LIMSampler) hold(x []float32) func(t float64) {
	if !s.Edit.keeps() {
		return func(float64) {}
	}
	e := slices.Clone(x)
	return func(t float64) {
		g, sigma := s.Process.Gamma(t), s.Process.Sigma(t)
		s.Edit.known(len(x), func(j int, v float64) {
			x[j] = float32(float64(g*v) + float64(sigma*float64(e[j])))
		})
	}
}

// Moves implements Sampler.
func (s LIMSampler) Moves() int { return s.Edit.Steps(s.Steps) }

// Evaluations implements Sampler: one at every move.
func (s LIMSampler) Evaluations() int { return s.Moves() }

// Sample draws one sample of d values per seed, row-major [len(seeds)][d]; see
// Trajectory.
func (s LIMSampler) Sample(ctx context.Context, den Denoiser, seeds []uint64, d int) ([]float32, error) {
	x := states[float32]("LIM", len(seeds), d)
	return last(x, s.Trajectory(ctx, den, x, seeds))
}

// Validate reports the first impossible field, its value and the remedy.
func (s LIMSampler) Validate() error {
	if err := checkSteps("LIM", s.Steps); err != nil {
		return err
	}
	if s.ODE && s.Mended {
		return fmt.Errorf("diffusion: LIM: mended is of the SDE and ode is set: leave out one")
	}
	if err := s.Clamps.validate(); err != nil {
		return err
	}
	if err := s.Edit.validate("LIM", false); err != nil {
		return err
	}
	return s.Process.Validate()
}
