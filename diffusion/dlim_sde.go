package diffusion

import (
	"context"
	"iter"
	"math"
)

// A DLIMSDE samples stochastically and still ends at the data for every α, with
// the exact E[ε | x_t] and as the number of steps grows, which DLPM does not for
// α < 2: its steps leave out the spread of x_0 given x_t. Every step goes two
// levels down by DLIM and one up by the forward process:
//
//	x_{T−1} = σ̄_{T−1}·ε
//	for t = T−1 … 2:
//		x̂_0 = (x_t − σ̄_t·ε̂(x_t, t))/γ̄_t
//		x_{t−1} = γ_{t−1}·(γ̄_{t−2}·x̂_0 + σ̄_{t−2}·ε̂) + σ_{t−1}·√A·z
//	x_0 = (x_1 − σ̄_1·ε̂)/γ̄_1
//
// The way down is Euler's method for the ODE of the marginals, which is exact
// for every law of noise; the way up is the forward process itself. Both take the
// law of one level to that of another, so their limit has the right marginals,
// in any dimension, and needs no second moment and no posterior of A. At α = 2
// the limit is the reverse SDE of DDPM; for α < 2 it jumps as the forward process
// does. It costs one evaluation a level, as DLIM does. A DLIMSDE is an immutable
// value: any number of goroutines may use one.
type DLIMSDE struct {
	Process         DLPM // the noise and its schedule
	Steps           int  // this and what follows are as in DLPMSampler
	Clip            bool
	ConsistentStart bool
	KeepSigmaMin    bool
	Grid            Grid
	Edit            *Edit
}

// Trajectory is DLPM's with these steps.
func (s DLIMSDE) Trajectory(ctx context.Context, den Denoiser, x []float32, seeds []uint64) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		c, err := newChain(ctx, "DLIM SDE", s.Process, s.options(), 1, den, x, seeds)
		if err != nil {
			yield(0, err)
			return
		}
		c.needA = true
		c.follow(yield, func(t int, a draw) Coef { return c.sched.DLIMSDE(t, a.a) })
	}
}

// DLIMSDE returns the step of the sampler of that name with A = a. From t = 1 it
// is DLIM's without noise: there is no level to go down to.
func (s *DLPMSchedule) DLIMSDE(t int, a float64) Coef {
	if t == 1 {
		return s.DLIM(t, 0, 0)
	}
	up := s.Gamma[t-1]
	return Coef{X: 1 / s.Gamma[t], Eps: float64(up*s.SigmaBar[t-2]) - s.SigmaBar[t]/s.Gamma[t], Z: s.Sigma[t-1] * math.Sqrt(a)}
}

// Sample draws one sample of d values per seed, row-major [len(seeds)][d]; see
// Trajectory.
func (s DLIMSDE) Sample(ctx context.Context, den Denoiser, seeds []uint64, d int) ([]float32, error) {
	x := states[float32]("DLIM SDE", len(seeds), d)
	return last(x, s.Trajectory(ctx, den, x, seeds))
}

// Validate reports the first impossible field, its value and the remedy.
func (s DLIMSDE) Validate() error { return s.options().validate("DLIM SDE", s.Process) }

// Moves implements Sampler: Steps, or the edit's part of them.
func (s DLIMSDE) Moves() int { return s.Edit.Steps(s.options().moves(s.Process)) }

// Evaluations implements Sampler: one at every move.
func (s DLIMSDE) Evaluations() int { return s.options().visits(s.Process) }

func (s DLIMSDE) options() chainOptions {
	return chainOptions{s.Steps, s.Clip, s.ConsistentStart, s.KeepSigmaMin, s.Grid, s.Edit}
}
