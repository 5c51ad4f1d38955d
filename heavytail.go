// Package heavytail samples from diffusion models with heavy-tailed noise, on the CPU
// in pure Go, or on NVIDIA's GPUs (package cuda):
//
//	m, err := fashion.Model() // the built-in one, of heavytail/fashion; or Open, OpenFile
//	images, err := m.Sample(ctx, heavytail.Options{N: 16, Seed: 1})
//	png.Encode(w, images.Grid(4))
//
// One seed gives one result: the same model, seed and settings make the same
// bytes on every processor, with any number of threads and any split into
// batches. A sample depends on its own seed only.
//
// Models are trained with package train, of data that package data reads, or with the
// command heavytail (cmd/heavytail). The packages below these hold the parts: recipe the
// settings of a model, nn the networks, diffusion the processes and samplers, stable the
// random numbers, tensor, kernels and simd the arithmetic.
package heavytail

import (
	"context"
	"fmt"
	"slices"

	"heavytail/nn"
	"heavytail/recipe"
)

// Version is this module's version.
const Version = "0.5.0"

// A Recipe is everything that made a model: network, noise, data and training
// settings.
type Recipe = recipe.Recipe

// A Model is a trained network with its recipe. It is immutable: any number
// of goroutines may share one. Open, OpenFile, OpenReader, OpenDir, New and
// fashion.Model make them; the methods of another panic.
type Model struct {
	net    *nn.Net
	more   []*nn.Net // on other devices
	recipe Recipe
}

// must returns m, and panics if nothing was opened: without it, the mistake would
// show as a nil pointer somewhere inside.
func (m *Model) must(method string) *Model {
	if m == nil || m.net == nil {
		panic("heavytail: " + method + " of a Model that was not opened: make it with Open, OpenFile, OpenReader or fashion.Model")
	}
	return m
}

// needs panics unless there is a context, and a function where one is given.
func needs(method string, ctx context.Context, noEmit bool) {
	if ctx == nil {
		panic("heavytail: " + method + " with a nil context: use context.Background()")
	}
	if noEmit {
		panic("heavytail: " + method + " without a function that takes the samples")
	}
}

// Recipe returns a copy of what made the model.
func (m *Model) Recipe() Recipe { return m.must("Recipe").recipe.Clone() }

// Shape returns the shape of one sample: [height, width, channels] of an
// image, [dimensions] of a point.
func (m *Model) Shape() []int { return slices.Clone(m.must("Shape").recipe.Data.Shape) }

// Classes returns the number of classes the model knows, 0 if it has none.
func (m *Model) Classes() int { return m.must("Classes").net.Classes() }

// ClassNames returns the names of the classes, by their numbers; nil if the model
// has none.
func (m *Model) ClassNames() []string { return m.must("ClassNames").recipe.Data.ClassNames() }

// Given returns the names of the conditions that samples are drawn given, in the order
// of Options.Given; nil if the model has none.
func (m *Model) Given() []string { return m.must("Given").recipe.Data.Given.Names() }

// Scaled reports whether training scaled or transformed the columns of the points, so
// that Stream64 says more than Stream.
func (m *Model) Scaled() bool { return m.must("Scaled").recipe.Data.Converted() }

// SampleShape returns the shape of the samples of o: the trained one, or that
// with o's height and width.
func (m *Model) SampleShape(o Options) []int {
	s := m.Shape()
	if len(s) == 3 && (o.Height != 0 || o.Width != 0) {
		s[0], s[1] = o.Height, o.Width
	}
	return s
}

// Methods lists the samplers that fit the model's process.
func (m *Model) Methods() []string { return methodsOf(m.must("Methods").recipe) }

// Moves returns the number of steps that the sampler of o makes, with which Step
// is called first: Steps, or the part of them that an edit's strength leaves. It panics
// if the model has no such sampler or steps: Resolve has an error for what comes
// from outside.
func (m *Model) Moves(o Options) int { return m.valid("Moves", o).Moves() }

// Evaluations returns how often the sampler of o asks the network for one sample:
// at every step, or several times (docs/methods.md has a table), and twice as
// often with guidance. It panics as Moves does.
func (m *Model) Evaluations(o Options) int {
	n := m.valid("Evaluations", o).Evaluations()
	if o.guided() {
		n *= 2
	}
	return n
}

// valid returns the sampler of o, or panics.
func (m *Model) valid(method string, o Options) sampler {
	o = m.must(method).defaults(o)
	err := m.validate(o)
	if err != nil {
		panic("heavytail: " + method + ": " + plain(err) + " (ask Resolve first)")
	}
	s, _ := o.sampler(m.recipe) // which validate made too
	return s
}

// Parameters returns the number of the network's parameters.
func (m *Model) Parameters() int { return m.must("Parameters").net.Params().Count() }

// MACs returns the multiply-adds of the network's layers for one sample and
// one step.
func (m *Model) MACs() (int64, error) {
	if s := m.must("MACs").recipe.Data.Shape; len(s) == 3 {
		return m.net.MACs(s[0], s[1])
	}
	return m.net.MACs(0, 0)
}

// Memory returns how many bytes sampling takes, by the default method in batches of
// the given size: the weights, copies of those that are read in another form (of
// convolutions that double their image, and where 32 does not divide a layer's outputs;
// of a model of New of all, unless its network's Params().Freeze was called),
// the tables of the layers, the
// activations and buffers of every thread and the states, without what Sample returns
// and what the program takes by itself. The peak of a process's resident set grows by
// that, to a tenth; more threads take more, and on Linux large pages of memory up to
// 2 MiB, or more in a process whose memory is scattered (tensor.Aligned). It takes none
// of them. It returns an error
// if there can be no such batch.
func (m *Model) Memory(batch int) (int64, error) {
	if batch < 1 {
		return 0, impossible("Batch", batch, "at least 1", "batch %d; want at least 1", batch)
	}
	n, err := m.must("Memory").need(Options{Batch: batch}, batch)
	if err != nil {
		return 0, own(err)
	}
	return n, nil
}

// Stream draws the samples of o a batch at a time and passes them to emit in
// order: x holds samples first, first+1, … one after the other, channels last,
// images in [−1,1], points in the units of the data, and is reused afterwards.
// Its memory is that of one batch, whatever N is. It stops with an error soon
// after ctx's end: between two operations of the network and within long ones.
// It panics if ctx or emit is nil.
func (m *Model) Stream(ctx context.Context, o Options, emit func(first int, x []float32) error) error {
	needs("Stream", ctx, emit == nil)
	o, err := m.Resolve(o)
	if err != nil {
		return err
	}
	return ownFault(m.run(ctx, o, func(u *units, first int, x []float32) error {
		y, err := u.samples32(first, x)
		if err != nil {
			return err
		}
		return emit(first, y)
	}))
}

// Stream64 is Stream in float64. Training scales points, and they come back in
// the units of the data: where these lie far from 0, a mean of 10⁹ and a
// deviation of 1, float32 has no digits for what tells them apart.
func (m *Model) Stream64(ctx context.Context, o Options, emit func(first int, x []float64) error) error {
	needs("Stream64", ctx, emit == nil)
	o, err := m.Resolve(o)
	if err != nil {
		return err
	}
	return ownFault(m.run(ctx, o, func(u *units, first int, x []float32) error {
		y, err := u.finite(first, u.samples64(first, x))
		if err != nil {
			return err
		}
		return emit(first, y)
	}))
}

// Sample draws the samples of o. It returns an error, and takes nothing, if the
// process has not the memory for all of them: Stream has them a batch at a time.
// It panics if ctx is nil.
func (m *Model) Sample(ctx context.Context, o Options) (*Images, error) {
	needs("Sample", ctx, false)
	o, err := m.Resolve(o)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("heavytail: %w", err)
	}
	out := &Images{shape: m.SampleShape(o)}
	all, free, err := m.room(o)
	if err != nil {
		return nil, err
	}
	defer free()
	out.data = make([]float32, 0, all)
	if m.Scaled() {
		out.wide = make([]float64, 0, all)
	}
	if m.Scaled() {
		err = m.Stream64(ctx, o, func(_ int, x []float64) error {
			out.append64(x)
			return nil
		})
	} else {
		err = m.Stream(ctx, o, func(_ int, x []float32) error {
			out.data = append(out.data, x...)
			return nil
		})
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}
