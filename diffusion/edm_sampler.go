package diffusion

import (
	"context"
	"fmt"
	"iter"
	"math"

	"heavytail/internal/dmath"
)

// An EDMSampler follows the probability-flow ODE dx/dσ = (x − D(x; σ))/σ, which
// is exact for every law of noise, on the grid of Process.Sigmas: Algorithm 2
// of [Karras et al. 2022], t-EDM's for finite ν. Given σ_0…σ_N:
//
//	x = σ_0·n
//	for i = 0 … N−1:
//		σ̂ = σ_i·(1+γ_i),  x̂ = x + √(σ̂²−σ_i²)·S_noise·z    (churn)
//		d = (x̂ − D(x̂; σ̂))/σ̂
//		x = x̂ + (σ_{i+1}−σ̂)·d                              (Euler)
//		d′ = (x − D(x; σ_{i+1}))/σ_{i+1}                      unless σ_{i+1} = 0
//		x = x̂ + (σ_{i+1}−σ̂)·(d+d′)/2                       (Heun)
//
// It evaluates the denoiser 2N−1 times, N times with Euler. 18 steps do not
// resolve the tails of ν = 3; 64 do. An EDMSampler is an immutable value: any
// number of goroutines may use one, each with its own DataDenoiser.
type EDMSampler struct {
	Process EDM  // the noise, its levels and the scale of the data
	Steps   int  // N
	Euler   bool // first order
	Churn   Churn
	// IndependentNoise makes the noise that Churn and Edit.Resample add independent of the
	// state, see Churn: for finite ν the noise that is right.
	IndependentNoise bool
	Edit             *Edit // an image to start from or to keep parts of; nil: none
}

// A Churn adds noise on the way. The zero value adds none.
//
//	γ_i = min(S/N, √2−1) where Min ≤ σ_i ≤ Max, else 0
//
// For finite ν plain Gaussian noise does not keep the marginals: x_0 + σ_i·n must become
// x_0 + σ̂·n. EDMSampler.IndependentNoise adds σ̂·√W·z with one W for all elements that share a κ,
// of the law that makes √(c²/κ + W)·z of one law with z/√κ, c = σ_i/σ̂. There is one, for
// 1/κ is self-decomposable; the noise is then right for all data and any length of the
// step, and takes no evaluation. Without it the noise is that of a process whose
// levels share κ, √(σ̂²−σ_i²)·√((ν+δ²)/(ν+d))·t_{ν+d}, with δ² = |x−D(x; σ_i)|²/σ_i² in
// place of |x−x_0|²/σ_i². That leaves out the spread of x_0 given x, so that samples of
// data with a spread come out narrow (results/peers.md), and takes one more evaluation.
// ImageNet-64 used S = 40, Min = 0.05, Max = 50, Noise = 1.003 with 256 steps.
type Churn struct {
	S     float64 `json:"s"`               // S_churn
	Min   float64 `json:"min,omitempty"`   // S_min
	Max   float64 `json:"max,omitempty"`   // S_max; 0 means none
	Noise float64 `json:"noise,omitempty"` // S_noise; 0 means 1
}

// gamma returns γ at σ.
func (c Churn) gamma(sigma float64, steps int) float64 {
	if sigma < c.Min || (c.Max > 0 && sigma > c.Max) {
		return 0
	}
	return min(c.S/float64(steps), math.Sqrt2-1)
}

// Trajectory fills x, row-major [len(seeds)][d], with σ_0·n and then steps in
// place. It yields the number of steps left after x holds their start, from N
// down to 0 (the sample), with a nil error. Row i depends on seeds[i] only, so
// every split of a batch gives the same bytes.
//
// It yields one non-nil error and ends if the sampler is impossible, if ctx is
// done (within one step; errors.Is finds ctx.Err()), if den fails or if a state
// stops being finite. It allocates before the first step only. It panics if x
// does not divide into len(seeds) rows.
func (s EDMSampler) Trajectory(ctx context.Context, den DataDenoiser, x []float64, seeds []uint64) iter.Seq2[int, error] {
	if err := s.Validate(); err != nil {
		return fail(err)
	}
	return func(yield func(int, error) bool) {
		r := newRun(ctx, "EDM", s.Edit.data(den), x, seeds, s.Steps, s.Edit)
		if err := checkRow(r.name, s.Process.channels(), r.d); err != nil {
			yield(s.Steps, err)
			return
		}
		sigma, noise, err := s.Process.raised(ctx, s.Steps, s.IndependentNoise)
		if err != nil {
			yield(s.Steps, r.stopped(r.first, err))
			return
		}
		slope, end := r.buffer(), r.buffer()
		startNoise(r, s.Process.noise, sigma[r.first], 1)
		r.back = func(i int) error { return noise.raise(r, backward+i, sigma[i+1], sigma[i], 1) }
		r.loop(yield, func(i int) error {
			hat, next := s.hat(sigma[i]), sigma[i+1]
			if err := noise.raise(r, i, sigma[i], hat, s.Churn.factor()); err != nil {
				return err
			}
			if err := r.eval(r.out, x, hat); err != nil {
				return err
			}
			for j := range x {
				slope[j] = (x[j] - r.out[j]) / hat
				end[j] = x[j] + float64((next-hat)*slope[j])
			}
			if next == 0 || s.Euler {
				copy(x, end)
				return nil
			}
			if err := r.eval(r.out, end, next); err != nil {
				return err
			}
			for j := range x {
				second := (end[j] - r.out[j]) / next
				x[j] += float64((next - hat) * float64(0.5*(slope[j]+second)))
			}
			return nil
		})
	}
}

// hat returns σ̂.
func (s EDMSampler) hat(sigma float64) float64 {
	return float64(sigma * (1 + s.Churn.gamma(sigma, s.Steps)))
}

// factor returns S_noise.
func (c Churn) factor() float64 {
	if c.Noise == 0 {
		return 1
	}
	return c.Noise
}

// A raiser adds the noise of a process of levels.
type raiser struct {
	nu          Nu
	jump        Jump
	innovations []*innovation // nil: noise from the posterior of κ, with D for x_0
}

// raised returns the levels of N steps and what raises their noise, independent of the
// state or not; it ends with ctx.
func (p EDM) raised(ctx context.Context, N int, independent bool) (sigma []float64, noise raiser, err error) {
	if sigma, err = p.sigmas(ctx, N); err != nil {
		return nil, noise, err
	}
	noise, err = newRaiser(ctx, p, independent)
	return sigma, noise, err
}

// newRaiser returns one whose noise is independent of the state, or not.
func newRaiser(ctx context.Context, p EDM, independent bool) (a raiser, err error) {
	a = raiser{nu: p.Nu, jump: p.Jump}
	if independent && !p.Nu.gaussian() {
		a.innovations, err = newInnovations(ctx, p.Nu)
	}
	return a, err
}

// raise lifts the noise of x from sigma > 0 to hat, with the noise of the given step key
// times a factor.
func (a raiser) raise(r *run[float64], step int, sigma, hat, noise float64) error {
	if hat == sigma {
		return nil
	}
	if a.jump.on() {
		a.jump.jump(r, step, sigma, hat, noise)
		return nil
	}
	add := math.Sqrt(float64(hat*hat)-float64(sigma*sigma)) * noise
	T := 0.0
	switch {
	case a.innovations != nil:
		T = 2 * dmath.Log(hat/sigma)
	case !a.nu.gaussian():
		if err := r.eval(r.out, r.x, sigma); err != nil {
			return err
		}
	}
	G := a.nu.groups()
	for i := range r.n {
		x, D, z, at := r.row(r.x, i), r.row(r.out, i), r.normal(i, step), r.stream(i, uint32(step))
		for g := range G {
			w := add
			switch {
			case a.innovations == nil:
				w *= posteriorNoise(a.nu.at(g), at, g, distance(x, D, g, G, sigma), float64(r.d/G))
			case a.innovations[g] != nil:
				w = hat * noise * math.Sqrt(a.innovations[g].draw(at, g, G, T))
			}
			for j := g; j < r.d; j += G {
				x[j] += float64(w * float64(z[j]))
			}
		}
	}
	return nil
}

// Moves implements Sampler.
func (s EDMSampler) Moves() int { return s.Edit.Steps(s.Steps) }

// Evaluations implements Sampler: two at every move but the last, one with
// Euler; and for finite ν, unless the noise is independent, one more wherever noise is
// added, by churn or where an edit goes back.
func (s EDMSampler) Evaluations() int {
	n, back := s.Edit.visits(s.Steps)
	total := n
	if !s.Euler {
		total += n - 1
	}
	if s.IndependentNoise || s.Process.Nu.gaussian() {
		return total
	}
	sigma := s.Process.Sigmas(s.Steps)
	for i := s.Edit.first(s.Steps); i < s.Steps; i++ {
		if s.hat(sigma[i]) == sigma[i] {
			continue
		}
		if total++; i < s.Steps-1 {
			total += s.Edit.repeats() - 1
		}
	}
	return total + back
}

// Sample draws one sample of d values per seed, row-major [len(seeds)][d],
// rounded to float32 at the end; see Trajectory.
func (s EDMSampler) Sample(ctx context.Context, den DataDenoiser, seeds []uint64, d int) ([]float32, error) {
	x := states[float64]("EDM", len(seeds), d)
	return collect(x, s.Trajectory(ctx, den, x, seeds))
}

// Validate reports the first impossible field, its value and the remedy.
func (s EDMSampler) Validate() error {
	c := s.Churn
	for _, f := range []struct {
		name string
		v    float64
	}{{"S", c.S}, {"Min", c.Min}, {"Max", c.Max}, {"Noise", c.Noise}} {
		if !(f.v >= 0 && f.v <= 1e6) {
			return &OptionError{Field: "Churn." + f.name, Value: f.v, Want: "a value from 0",
				Text: fmt.Sprintf("diffusion: EDM: churn's %s is %v: use a value from 0", f.name, f.v)}
		}
	}
	if err := checkSteps("EDM", s.Steps); err != nil {
		return err
	}
	if err := s.Edit.validate("EDM", true); err != nil {
		return err
	}
	return s.Process.Validate()
}
