package main

import (
	"context"
)

// drawn are the samples that an output writes: of a model, which draws them as they are
// asked for, or of the parts of a run.
type drawn struct {
	n       int
	shape   []int    // of one sample
	wide    bool     // the samples are float64: points that training scaled
	columns []string // names of a point's values, or of a row's; nil: none
	window  int      // rows of a sequence that a point is; 0: it is none
	grid    int      // columns of a grid of images; 0: about a square
	frames  int      // of a film
	recipe  pictureRecipe
	seed    func(i int) uint64

	// stream and stream64 pass the samples on in order, a batch at a time.
	stream   func(ctx context.Context, emit func(first int, x []float32) error) error
	stream64 func(ctx context.Context, emit func(first int, x []float64) error) error
	// film passes on what is known in frame k of the samples first, first+1, …; the
	// frames of a batch in their order, the last of which is the samples. nil: there
	// are no frames.
	film func(ctx context.Context, emit func(k, first int, x []float64) error) error
}

func (d *drawn) images() bool { return len(d.shape) == 3 }

// per returns the number of values of a sample.
func (d *drawn) per() int {
	n := 1
	for _, v := range d.shape {
		n *= v
	}
	return n
}

// drawn are the samples of a request whose model is loaded and whose options are
// resolved.
func (r *sampleRequest) drawn() *drawn {
	m := r.loaded
	d := &drawn{n: r.options.N, shape: m.SampleShape(r.options), wide: m.Scaled(), columns: m.Recipe().Data.Columns, window: m.Recipe().Data.Window, grid: r.columns, recipe: r.recipe, seed: r.options.SeedOf}
	d.frames = min(r.frames, m.Moves(r.options)+1)
	d.stream = func(ctx context.Context, emit func(first int, x []float32) error) error {
		return m.Stream(ctx, r.options, emit)
	}
	d.stream64 = func(ctx context.Context, emit func(first int, x []float64) error) error {
		return m.Stream64(ctx, r.options, emit)
	}
	d.film = func(ctx context.Context, emit func(k, first int, x []float64) error) error {
		o := r.options
		o.Estimates = true
		o.Step64 = framesOf(m.Moves(o), d.frames, o.Step64, emit)
		return m.Stream64(ctx, o, func(int, []float64) error { return nil })
	}
	return d
}

// framesOf returns a function for Options.Step64 that passes the frames of a film on to
// emit: frame k shows what is known with as many of the moves left as the k-th of evenly
// spaced ones, the last one the samples. It calls show, if not nil, for every step.
func framesOf(moves, frames int, show func(first, left int, x []float64) error, emit func(k, first int, x []float64) error) func(first, left int, x []float64) error {
	index := make(map[int]int, frames)
	for k := range frames {
		index[moves*(frames-1-k)/max(frames-1, 1)] = k
	}
	return func(first, left int, x []float64) error {
		if show != nil {
			if err := show(first, left, x); err != nil {
				return err
			}
		}
		if k, ok := index[left]; ok {
			return emit(k, first, x)
		}
		return nil
	}
}
