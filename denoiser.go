package heavytail

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"heavytail/diffusion"
)

// Denoisers are what a model estimates, as the functions that the samplers of
// package diffusion ask, and one's own. A function that a model's process does not
// have is nil; by Recipe().Kind():
//
//	kind             Noise   Data, Velocity
//	dlpm             yes     where it is DDPM: α = 2, noise that keeps the data's scale
//	lim              yes     no
//	edm, tedm, jump  no      yes
//	flow, tflow      no      yes
//
// The process of a sampler is that of the recipe: Recipe().Process of dlpm, LIM, EDM
// and Flow of the others. Noise is for DLPMSampler, DLIM, DLIMSDE and DLIM2, that of
// lim for LIMSampler; Data for EDMSampler, DPMSolver and, of jump, JumpSampler, of the
// others TEDMAncestral and TEDMSDE; Velocity for FlowSampler, but not of jump, whose noise
// it does not start from.
//
// Rows are samples as the network sees them: images in [−1,1], points as the method
// ToNetwork of Recipe().Data scales and transforms them, whose FromNetwork gives the
// units of the data.
// Estimates are not clipped: Sample does that with images, by the sampler's field Clip
// or by DataDenoiser.Clamp, Flow.Clamp and LIM.Clamp with the bound 1.
//
// The functions share the workspace of one network: call one of them at a time. Any
// number of goroutines may each have Denoisers of one model.
type Denoisers struct {
	// Noise is ε̂(x, t), t the time that the process tells its network: of dlpm the
	// network's output, of lim what LIM.FromScore makes of it.
	Noise diffusion.Denoiser
	// Data is D(x; σ), the estimate of the data at a level of noise σ.
	Data diffusion.DataDenoiser
	// Velocity is v(x, t) of flow matching, from noise at t = 0 to data at t = 1.
	Velocity diffusion.Velocity
}

// Denoiser returns the functions of the model for batches of at most the samples of
// o: of those options N and Seed or Seeds, Height and Width, Classes and Guidance
// count, Given too, and row i is of the class and conditions that sample i of Sample has. The memory that they
// hold, as Memory(N) says it, is not counted as that of requests in progress. It
// returns an error as Resolve does.
func (m *Model) Denoiser(o Options) (Denoisers, error) {
	o.Batch = max(o.N, len(o.Seeds), 1)
	o, err := m.must("Denoiser").Resolve(o)
	if err != nil {
		return Denoisers{}, err
	}
	if o.N == 0 {
		return Denoisers{}, impossible("Seeds", o.Seeds, "at least one", "no Seeds: a denoiser is for at least one sample")
	}
	f, err := m.functions(o)
	if err != nil {
		return Denoisers{}, ownFault(err)
	}
	return Denoisers{bounded(f.Noise, o.N), bounded(f.Data, o.N), bounded(f.Velocity, o.N)}, nil
}

// bounded returns f, nil if that is, which panics for more than n samples: the rows
// beyond have no class, and the workspace no room.
func bounded[T float32 | float64, F ~func(ctx context.Context, out, x, t []T) error](f F, n int) F {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, out, x, t []T) error {
		if ctx == nil || len(t) > n || len(t) == 0 || len(x)%len(t) != 0 || len(out) != len(x) {
			panic(fmt.Sprintf("heavytail: a denoiser of %d samples at most, called with %d values in, %d out and %d times: one time for each row, and a context", n, len(x), len(out), len(t)))
		}
		return f(ctx, out, x, t)
	}
}

// A Step is a batch of samples on its way.
type Step struct {
	First int // the batch holds samples First, First+1, …
	Left  int // steps still to do; 0: the samples are done
	// Samples are their states, or with Options.Estimates what a preview shows, the
	// estimates of the samples. They are a copy.
	Samples *Images
}

// errLeft ends a run whose caller has seen enough.
var errLeft = fmt.Errorf("heavytail: the loop was left")

// Steps draws the samples of o a batch at a time, as Stream does, and yields each
// batch at its start and after each of its steps, the last time with Left 0, in the
// units of the data. A loop that is left ends the sampling. The last pair has an
// error if there is one, and no samples: that of Stream. It panics if ctx is nil;
// o.Step and o.Step64 are errors, as this loop is in their place.
func (m *Model) Steps(ctx context.Context, o Options) iter.Seq2[Step, error] {
	needs("Steps", ctx, false)
	m.must("Steps")
	return func(yield func(Step, error) bool) {
		if o.Step != nil || o.Step64 != nil {
			yield(Step{}, impossible("Step", "a function", "none with Steps", "Step with Steps, whose loop is in its place: leave it out"))
			return
		}
		var err error
		if len(m.more) == 0 {
			err = m.steps(ctx, o, func(s Step) bool { return yield(s, nil) })
		} else { // several goroutines draw, and this one alone may yield
			err = m.handed(ctx, o, func(s Step) bool { return yield(s, nil) })
		}
		if err != nil && err != errLeft {
			yield(Step{}, err)
		}
	}
}

// steps passes every step to see until it returns false.
func (m *Model) steps(ctx context.Context, o Options, see func(Step) bool) error {
	shape := m.SampleShape(o)
	pass := func(first, left int, s *Images) error {
		if s.shape = shape; !see(Step{first, left, s}) {
			return errLeft
		}
		return nil
	}
	if m.Scaled() {
		o.Step64 = func(first, left int, x []float64) error {
			s := &Images{}
			s.append64(x)
			return pass(first, left, s)
		}
		return m.Stream64(ctx, o, func(int, []float64) error { return nil })
	}
	o.Step = func(first, left int, x []float32) error {
		return pass(first, left, &Images{data: append([]float32(nil), x...)})
	}
	return m.Stream(ctx, o, func(int, []float32) error { return nil })
}

// handed is steps, with see called by this goroutine whoever draws.
func (m *Model) handed(ctx context.Context, o Options, see func(Step) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel() // also where see panics: first the end of the run, then the wait for it
	steps, more, done := make(chan Step), make(chan struct{}), make(chan error, 1)
	wg.Go(func() {
		done <- m.steps(ctx, o, func(s Step) bool {
			select {
			case steps <- s:
			case <-ctx.Done():
				return false
			}
			select {
			case <-more:
				return true
			case <-ctx.Done():
				return false
			}
		})
	})
	ended := func(err error) error {
		if err == errLeft { // it was left because ctx ended
			err = fmt.Errorf("heavytail: %w", ctx.Err())
		}
		return err
	}
	for {
		select {
		case s := <-steps:
			if !see(s) {
				return errLeft // and cancel ends all that draw
			}
			select {
			case more <- struct{}{}:
			case err := <-done: // ctx ended while see looked
				return ended(err)
			}
		case err := <-done:
			return ended(err)
		}
	}
}
