// Package output writes samples to files, as the command heavytail sample does: a
// picture of all of them, a film, an array, a table, single pictures, or a share of them
// that Open puts together with the others. Of writes those of a model,
//
//	s, err := output.Of(m, heavytail.Options{N: 64, Seed: 1})
//	f, err := output.To("out.png")
//	err = f.Write(ctx, s)
//
// a batch at a time: any number takes the memory of one batch, but in pictures of all.
package output

import (
	"context"
	"fmt"

	"heavytail"
	"heavytail/internal/jobs"
)

// Samples are what a File writes: of a model, of a law, or of the parts of a run.
type Samples struct {
	Command string   // that made them: sample or noise
	N       int      // how many
	Shape   []int    // of one; none: they are numbers
	Wide    bool     // they are float64: points that training scaled
	Columns []string // names of a point's values, or of a row's; nil: none
	Window  int      // rows of a sequence that a point is; 0: it is none
	Cols    int      // columns of a grid of images; 0: about a square
	Frames  int      // of a film
	Recipe  Recipe   // what pictures carry
	Parts   int      // that they were read from

	moves  int                // of the sampler
	seed   func(i int) uint64 // of a sample
	ready  func() error       // sets seed; nil: it is set
	noise  *Noise             // instead of Recipe
	folder *jobs.Folder       // of the parts
	exact  bool               // float32 would not give all digits of points back
	// stream and stream64 pass the samples lo, …, hi−1 on in order, a batch at a time.
	stream   func(ctx context.Context, lo, hi int, emit func(first int, x []float32) error) error
	stream64 func(ctx context.Context, lo, hi int, emit func(first int, x []float64) error) error
	// film passes on what is known in frame k of the samples first, first+1, …; the
	// frames of a batch in their order, the last of which is the samples.
	film func(ctx context.Context, lo, hi int, emit func(k, first int, x []float64) error) error
	// films passes on all frames of each sample in turn, a batch at a time.
	films func(ctx context.Context, lo, hi int, emit func(x []float64) error) error
}

// Images reports whether the samples are images.
func (s *Samples) Images() bool { return len(s.Shape) == 3 }

// per returns the number of values of a sample.
func (s *Samples) per() int { return product(s.Shape) }

// usualFrames are those of a film, at most.
const usualFrames = 40

// Of returns the samples of o, which are drawn as they are written. What the Recipe says
// of the model's file, and of what o was made of, is left to the caller. It returns an
// error if o is impossible for the model, or is a part of the samples (First, Count):
// WritePart draws those.
func Of(m *heavytail.Model, o heavytail.Options) (*Samples, error) {
	if o.First != 0 || o.Count != 0 {
		return nil, &heavytail.OptionError{Field: "First", Value: o.First, Want: "0, and Count 0: WritePart draws a part",
			Text: fmt.Sprintf("output: samples from %d on, %d of them (0: all), of %d: leave First and Count out, and let WritePart draw a share", o.First, o.Count, o.N)}
	}
	o, err := m.Resolve(o)
	if err != nil {
		return nil, err
	}
	d := m.Recipe().Data
	s := &Samples{Command: "sample", N: o.N, Shape: m.SampleShape(o), Wide: m.Scaled(), Columns: d.Columns, Window: d.Window, Recipe: recipeOf(m, o), seed: o.SeedOf}
	s.exact = o.Image64 != nil // known values of points are those that were given, to the last bit
	s.moves = m.Moves(o)
	s.Film(usualFrames)
	part := func(lo, hi int) heavytail.Options {
		p := o
		p.First, p.Count = lo, hi-lo
		return p
	}
	s.stream = func(ctx context.Context, lo, hi int, emit func(first int, x []float32) error) error {
		return m.Stream(ctx, part(lo, hi), emit)
	}
	s.stream64 = func(ctx context.Context, lo, hi int, emit func(first int, x []float64) error) error {
		return m.Stream64(ctx, part(lo, hi), emit)
	}
	s.film = func(ctx context.Context, lo, hi int, emit func(k, first int, x []float64) error) error {
		o := part(lo, hi)
		o.Estimates = true
		o.Step64 = framesOf(m.Moves(o), s.Frames, o.Step64, emit)
		return m.Stream64(ctx, o, func(int, []float64) error { return nil })
	}
	s.films = func(ctx context.Context, lo, hi int, emit func(x []float64) error) error {
		return s.inTurn(ctx, m, part(lo, hi), emit)
	}
	return s, nil
}

// Film sets how many frames a film has: n, or as many as there are steps, and one, where
// those are fewer. It panics if n is below 1, or the samples are those of Open, whose
// frames were drawn.
func (s *Samples) Film(n int) {
	if n < 1 || s.folder != nil {
		panic(fmt.Sprintf("output: Film(%d) of samples with %d frames from %d parts: want 1 or more, of samples that are yet to be drawn", n, s.Frames, s.Parts))
	}
	s.Frames = min(n, s.moves+1)
}

// inTurn passes on the frames of each sample in turn.
func (s *Samples) inTurn(ctx context.Context, m *heavytail.Model, o heavytail.Options, emit func(x []float64) error) error {
	o.Estimates = true
	d := s.per()
	batches := map[int][]float64{} // by their first samples; several devices draw at once
	o.Step64 = framesOf(m.Moves(o), s.Frames, o.Step64, func(k, first int, x []float64) error {
		all := batches[first]
		if all == nil {
			all = make([]float64, s.Frames*len(x))
			batches[first] = all
		}
		for i := range len(x) / d {
			copy(all[(i*s.Frames+k)*d:], x[i*d:(i+1)*d])
		}
		return nil
	})
	return m.Stream64(ctx, o, func(first int, _ []float64) error {
		defer delete(batches, first)
		return emit(batches[first])
	})
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
