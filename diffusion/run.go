package diffusion

import (
	"context"
	"fmt"
	"iter"
	"math"

	"heavytail/stable"
)

// A DataDenoiser is the counterpart of Denoiser for methods that are written
// with D(x; σ), the estimate of the data E[x_0 | x_0 + σ·n = x]. It sets
// data ← D(x; σ) for a batch of len(sigma) samples: row i of x and data
// (row-major) belongs to sigma[i]. States, levels and estimates are float64;
// only a network inside, if there is one, is float32. It must depend on row i
// alone, and must not keep or change x and sigma.
//
// EDM.Precondition, Flow.DataDenoiser and DLPM.DataDenoiser make one from a
// network, so a network trained for one method drives the samplers of all.
type DataDenoiser func(ctx context.Context, data, x, sigma []float64) error

// A Velocity sets v ← v(x, t) = E[dx_t/dt | x_t = x], the field of flow
// matching, for a batch of len(t) samples; the rest is as for DataDenoiser.
// Time 0 is noise, time 1 is data. Flow.Velocity makes one from a network,
// Flow.FromData from a DataDenoiser.
type Velocity func(ctx context.Context, v, x, t []float64) error

// A run is the workspace of one trajectory: n samples of d values, which step
// through time with one function of x and a time or level.
type run[T float32 | float64] struct {
	name  string
	ctx   context.Context
	den   func(ctx context.Context, out, x, t []T) error
	seeds []uint64
	n, d  int
	x     []T       // the state
	out   []T       // what den estimated last
	times []T       // what den is told, once per sample
	z     []float32 // one row of noise

	edit   *Edit
	steps  int
	first  int               // the step to begin with: 0, or where the edit says
	repeat int               // how often the current step was made before
	back   func(i int) error // takes x back to before step i; nil: it cannot

	mendOutput, mendState string // what an error says to do
}

func newRun[T float32 | float64](ctx context.Context, name string, den func(ctx context.Context, out, x, t []T) error, x []T, seeds []uint64, steps int, edit *Edit) *run[T] {
	n := len(seeds)
	if len(x)%max(n, 1) != 0 || (n == 0 && len(x) > 0) {
		panic(fmt.Sprintf("diffusion: %s: %d values do not divide into %d rows", name, len(x), n))
	}
	needContext(name, ctx)
	d := len(x) / max(n, 1)
	edit.check(name, n, d)
	return &run[T]{
		edit: edit, steps: steps, first: edit.first(steps),
		name: name, ctx: ctx, den: den, seeds: seeds, n: n, d: d, x: x,
		out: make([]T, n*d), times: make([]T, n), z: make([]float32, d),
		mendOutput: "check the model's weights", mendState: "check the denoiser, use more steps or lighter tails",
	}
}

// states returns room for n samples of d values. It panics where there can be none.
func states[T float32 | float64](name string, n, d int) []T {
	if d < 0 || n > 0 && d > math.MaxInt/8/n {
		panic(fmt.Sprintf("diffusion: %s: %d samples of %d values", name, n, d))
	}
	return make([]T, n*d)
}

// needContext panics without a context.
func needContext(name string, ctx context.Context) {
	if ctx == nil {
		panic("diffusion: " + name + ": a nil context: use context.Background()")
	}
}

// needDenoiser panics without a function to evaluate.
func needDenoiser(name string, none bool) {
	if none {
		panic("diffusion: " + name + ": a nil denoiser: give the function that estimates")
	}
}

// loop yields the start and the state after each of the steps, with the number
// of steps that are left; it ends at the first error.
func (r *run[T]) loop(yield func(int, error) bool, step func(i int) error) {
	steps := r.steps
	for i := r.first; r.n > 0; i++ {
		if i == steps {
			keep(r.edit, r.x)
		}
		if at := nonFinite(r.x); at >= 0 {
			yield(steps-i, fmt.Errorf("diffusion: %s: the state of seed %d is not finite after %d of %d steps: %s", r.name, r.seeds[at/r.d], i, steps, r.mendState))
			return
		}
		if !yield(steps-i, nil) || i == steps {
			return
		}
		if err := r.move(i, step); err != nil {
			yield(steps-i, r.stopped(i, err))
			return
		}
	}
}

// stopped is the error of a run that err ended after i steps.
func (r *run[T]) stopped(i int, err error) error {
	return fmt.Errorf("diffusion: %s: stopped at step %d of %d: %w", r.name, i+1, r.steps, err)
}

// move makes step i, as often as the edit says.
func (r *run[T]) move(i int, step func(i int) error) error {
	defer func() { r.repeat = 0 }()
	for ; ; r.repeat++ {
		if err := step(i); err != nil {
			return err
		}
		if r.back == nil || r.repeat+1 >= r.edit.repeats() || i == r.steps-1 {
			return nil
		}
		if err := r.back(i); err != nil {
			return err
		}
	}
}

// eval sets out to the denoiser's estimate at x and one time for all samples.
func (r *run[T]) eval(out, x []T, t T) error {
	needDenoiser(r.name, r.den == nil)
	if err := r.ctx.Err(); err != nil {
		return err
	}
	for i := range r.times {
		r.times[i] = t
	}
	if err := r.den(r.ctx, out, x, r.times); err != nil {
		return err
	}
	if at := nonFinite(out); at >= 0 {
		return fmt.Errorf("the denoiser's output for seed %d at %v is not finite: %s", r.seeds[at/r.d], t, r.mendOutput)
	}
	return nil
}

// buffer returns another array of the state's size.
func (r *run[T]) buffer() []T { return make([]T, len(r.x)) }

func (r *run[T]) row(m []T, i int) []T { return m[i*r.d : (i+1)*r.d] }

// stream is that of sample i at a step, and at each repetition of it; the start
// has startStep. Steps are below maxSteps.
func (r *run[T]) stream(i int, step uint32) stable.Key {
	return stable.Key{Seed: r.seeds[i], Step: step + 2*maxSteps*uint32(r.repeat)}
}

// nonFinite returns the first index of an infinity or NaN, or −1.
func nonFinite[T float32 | float64](x []T) int {
	for i, v := range x {
		if v-v != 0 {
			return i
		}
	}
	return -1
}

// startStep is the step key of the initial noise: not a t of any schedule, so
// that x_{T−1}'s noise is the same for every number of steps.
const startStep uint32 = math.MaxUint32

// backward marks the step key of the noise that goes back before a step.
const backward = maxSteps

// normal returns the standard normals of sample i at a step.
func (r *run[T]) normal(i, step int) []float32 {
	r.stream(i, uint32(step)).Normal(r.z, 0)
	return r.z
}

// startNoise sets x to scale·n, one draw of the law per sample, and
// adds gain times the image if the edit starts from it.
func startNoise(r *run[float64], noise func(x []float64, s stable.Key, scale float64), scale, gain float64) {
	for i := range r.n {
		noise(r.row(r.x, i), r.stream(i, startStep), scale)
	}
	addImage(r.edit, r.x, gain)
}

// fail is the trajectory of an impossible configuration.
func fail(err error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) { yield(0, err) }
}

// collect runs a float64 trajectory to its end and rounds x once.
func collect(x []float64, steps iter.Seq2[int, error]) ([]float32, error) {
	for _, err := range steps {
		if err != nil {
			return nil, err
		}
	}
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out, nil
}

// checkSteps bounds a number of sampling steps.
func checkSteps(name string, steps int) error {
	if steps < 1 || steps > maxSteps {
		return &OptionError{Field: "Steps", Value: steps, Want: fmt.Sprintf("1 to %d", maxSteps),
			Text: fmt.Sprintf("diffusion: %s: %d steps: use 1 to %d", name, steps, maxSteps)}
	}
	return nil
}

// checkRow reports a row that its channels do not divide.
func checkRow(name string, channels, d int) error {
	if d%channels != 0 {
		return &OptionError{Field: "Nu", Value: channels, Want: "one value, or one per channel",
			Text: fmt.Sprintf("diffusion: %s: a sample of %d values does not divide into the %d channels of nu or sigma_data: give one value, or one per channel", name, d, channels)}
	}
	return nil
}
