package diffusion

import (
	"context"
	"iter"
)

// A Denoiser sets eps ← ε̂(x, t) for a batch of n = len(t) samples: row i of x
// and eps (row-major [n][d]) belongs to the network time t[i]. It must depend
// on row i alone, and must not keep or change x and t. Samplers call it from
// the goroutine that samples.
type Denoiser func(ctx context.Context, eps, x []float32, t []float32) error

// A Sampler is what every sampler of this package is: an immutable value that
// takes noise to data in steps, asking a function of type F for estimates, with
// states of type T. F is Denoiser, DataDenoiser or Velocity.
type Sampler[F any, T float32 | float64] interface {
	// Validate reports the first impossible field, its value and the remedy.
	Validate() error
	// Moves returns how often the state moves on towards the data: the number
	// that Trajectory yields first. It is for samplers that Validate accepts.
	Moves() int
	// Evaluations returns how often the function is asked: at every move, or
	// several times, and once more where an Edit makes moves again.
	Evaluations() int
	// Trajectory fills x, row-major [len(seeds)][d], with the start and moves it
	// in place; it yields the number of moves that are left.
	Trajectory(ctx context.Context, f F, x []T, seeds []uint64) iter.Seq2[int, error]
	// Sample returns what x of Trajectory ends with.
	Sample(ctx context.Context, f F, seeds []uint64, d int) ([]float32, error)
}

// A DLPMSampler samples with the stochastic reverse chain of the denoising Lévy
// probabilistic model. At α = 2 it is DDPM (with noise of variance 2).
//
//	A_0…A_{T−1} ~ S(α/2),  Σ_t = σ_t²·A_t + γ_t²·Σ_{t−1}
//	x_{T−1} = σ̄_{T−1}·ε
//	for t = T−1 … 1:
//		Γ_t = 1 − γ_t²·Σ_{t−1}/Σ_t
//		x_{t−1} = (x_t − Γ_t·σ̄_t·ε̂(x_t, t/T))/γ_t + 1[t≠1]·√(Γ_t·Σ_{t−1})·z
//
// The zero value of each field after Process is the published sampler's. A DLPMSampler
// is an immutable value: any number of goroutines may use one.
type DLPMSampler struct {
	Process DLPM // the noise and its schedule
	// Steps is how often the state moves on and the network is asked: T′−1 on a
	// schedule that is rebuilt for T′ levels. 0: on the process's own levels.
	Steps int
	// Clip clamps every estimate x̂_0 of the data to [−1, 1].
	Clip bool
	// ConsistentStart begins with noise that belongs to the steps after it,
	// x_{T−1} = √Σ_{T−1}·z with the factors A_0…A_{T−1} that they use, as the chain
	// that was trained on does. The published start has factors of its own,
	// σ̄_{T−1}·ε: its own law is right, its law together with the steps is not, and
	// the process's bound on A does not reach it.
	ConsistentStart bool
	// KeepSigmaMin ends an Exploding process at its level 0, whose noise is
	// σ_min, as the published sampler does, instead of at the data x̂_0.
	KeepSigmaMin bool
	// Grid says which levels are visited, Quadratic more of them near the data than
	// Linear; empty: those of the process's own grid. The network is told the times
	// that it had for these levels in training.
	Grid Grid
	Edit *Edit // an image to start from or to keep parts of; nil: none
}

// A DLIM samples with the denoising Lévy implicit model, the counterpart of DLPMSampler
// whose steps need no noise: Eta = 0 is deterministic given x_{T−1}; at α = 2 it is DDIM
// (Shariatian, Simsekli and Durmus 2025).
//
//	x_{T−1} = σ̄_{T−1}·ε
//	for t = T−1 … 1, ρ = η·σ̄_{t−1}:
//		x_{t−1} = (x_t − σ̄_t·ε̂)/γ_t + (σ̄_{t−1}^α − ρ^α)^{1/α}·ε̂ + 1[t≠1]·ρ·√A_t·z
//
// A DLIM is an immutable value: any number of goroutines may use one.
type DLIM struct {
	Process DLPM    // the noise and its schedule
	Eta     float64 // 0 ≤ η ≤ 1
	Steps   int     // this and what follows are as in DLPMSampler
	Clip    bool
	// ConsistentStart is as in DLPMSampler. Steps with noise need factors A that are
	// independent of the state, which the start has mixed in: they draw others.
	ConsistentStart bool
	KeepSigmaMin    bool
	Grid            Grid
	Edit            *Edit
}

// DDPM returns the Gaussian DLPM of T levels: α = 2, scale-preserving.
func DDPM(T int) DLPMSampler { return DLPMSampler{Process: Default(2, T)} }

// DDIM returns the Gaussian DLIM of T levels: α = 2, scale-preserving.
func DDIM(T int, eta float64) DLIM { return DLIM{Process: Default(2, T), Eta: eta} }

// Trajectory fills x, row-major [len(seeds)][d], with x_{T−1} and then runs the
// chain in place. It yields t after x holds x_t, from T−1 down to 0 (the
// sample), with a nil error: a preview reads x between steps. Row i depends on
// seeds[i] only, so every split of a batch gives the same bytes.
//
// It yields one non-nil error and ends if the process or an option is
// impossible, if ctx is done (within one step; errors.Is finds ctx.Err()), if
// den fails or if a state stops being finite. It allocates before the first
// step only. It panics if x does not divide into len(seeds) rows.
func (s DLPMSampler) Trajectory(ctx context.Context, den Denoiser, x []float32, seeds []uint64) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		c, err := newChain(ctx, "DLPM", s.Process, s.options(), 1, den, x, seeds)
		if err != nil {
			yield(0, err)
			return
		}
		c.needVariances = true
		c.follow(yield, func(t int, a draw) Coef {
			return c.sched.DLPM(t, a.sumPrev, a.sum)
		})
	}
}

// Trajectory is DLPM's with DLIM's steps.
func (s DLIM) Trajectory(ctx context.Context, den Denoiser, x []float32, seeds []uint64) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		if err := s.Validate(); err != nil {
			yield(0, err)
			return
		}
		c, err := newChain(ctx, "DLIM", s.Process, s.options(), 1, den, x, seeds)
		if err != nil {
			yield(0, err)
			return
		}
		c.needA = s.Eta > 0
		c.follow(yield, func(t int, a draw) Coef {
			return c.sched.DLIM(t, s.Eta, a.a)
		})
	}
}

// Sample draws one sample of d values per seed, row-major [len(seeds)][d]; see
// Trajectory.
func (s DLPMSampler) Sample(ctx context.Context, den Denoiser, seeds []uint64, d int) ([]float32, error) {
	x := states[float32]("DLPM", len(seeds), d)
	return last(x, s.Trajectory(ctx, den, x, seeds))
}

// Sample draws one sample of d values per seed, row-major [len(seeds)][d]; see
// Trajectory.
func (s DLIM) Sample(ctx context.Context, den Denoiser, seeds []uint64, d int) ([]float32, error) {
	x := states[float32]("DLIM", len(seeds), d)
	return last(x, s.Trajectory(ctx, den, x, seeds))
}

// Validate reports the first impossible field, its value and the remedy.
func (s DLPMSampler) Validate() error { return s.options().validate("DLPM", s.Process) }

// Validate reports the first impossible field, its value and the remedy.
func (s DLIM) Validate() error {
	if !(s.Eta >= 0 && s.Eta <= 1) {
		return impossible("DLIM", "Eta", s.Eta, "use 0 (deterministic) to 1")
	}
	return s.options().validate("DLIM", s.Process)
}

// Moves implements Sampler: Steps, or the edit's part of them.
func (s DLPMSampler) Moves() int { return s.Edit.Steps(s.options().moves(s.Process)) }

// Moves implements Sampler: Steps, or the edit's part of them.
func (s DLIM) Moves() int { return s.Edit.Steps(s.options().moves(s.Process)) }

// Evaluations implements Sampler: one at every move.
func (s DLPMSampler) Evaluations() int { return s.options().visits(s.Process) }

// Evaluations implements Sampler: one at every move.
func (s DLIM) Evaluations() int { return s.options().visits(s.Process) }

func (s DLPMSampler) options() chainOptions {
	return chainOptions{s.Steps, s.Clip, s.ConsistentStart, s.KeepSigmaMin, s.Grid, s.Edit}
}

func (s DLIM) options() chainOptions {
	return chainOptions{s.Steps, s.Clip, s.ConsistentStart, s.KeepSigmaMin, s.Grid, s.Edit}
}

// last runs a trajectory to its end and returns x.
func last(x []float32, steps iter.Seq2[int, error]) ([]float32, error) {
	for _, err := range steps {
		if err != nil {
			return nil, err
		}
	}
	return x, nil
}
