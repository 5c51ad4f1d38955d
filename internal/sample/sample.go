// Package sample draws samples from a network in batches, so that any number
// of them needs the memory of one batch.
package sample

import (
	"context"
	"fmt"
	"iter"

	"heavytail/diffusion"
	"heavytail/nn"
)

// Methods are the names of the samplers.
var Methods = []string{"dlpm", "dlim"}

// Options say how to sample.
type Options struct {
	Method     string  // dlpm or dlim
	Steps      int     // 0: the process's own number
	Eta        float64 // dlim: 0 deterministic … 1
	Clip       bool    // clamp every estimate of the data to [−1,1]
	Consistent bool    // start from the same A as the steps use
	ClampA     float64 // tighter bound on A than the process's; 0: the process's
	Batch      int     // samples at a time
	Height     int     // images: 0, 0 means the trained size
	Width      int
	// Label gives the class of sample i, which has the given seed; negative for
	// none. nil: no classes.
	Label func(i int, seed uint64) int
	// Step is called after every step with the states of the batch that begins
	// at sample first; left counts the steps still to do. nil: not called.
	Step func(first, left int, x []float32) error
}

// Validate returns an error that names the first impossible value.
func (o Options) Validate(p diffusion.Process) error {
	switch {
	case o.Method != "dlpm" && o.Method != "dlim":
		return fmt.Errorf("method %q; want dlpm or dlim", o.Method)
	case !(o.Eta >= 0 && o.Eta <= 1):
		return fmt.Errorf("eta %v; want 0 (deterministic) to 1", o.Eta)
	case o.Eta != 0 && o.Method != "dlim":
		return fmt.Errorf("eta %v with method %s; it belongs to dlim", o.Eta, o.Method)
	case !(o.ClampA >= 0):
		return fmt.Errorf("bound on A of %v; want a positive one, or 0 for the model's", o.ClampA)
	case o.Batch < 1:
		return fmt.Errorf("batch %d; want at least 1", o.Batch)
	}
	_, err := p.Schedule(o.Steps)
	return err
}

// trajectory returns the chosen sampler's run.
func (o Options) trajectory(ctx context.Context, p diffusion.Process, den diffusion.Denoiser, x []float32, seeds []uint64) iter.Seq2[int, error] {
	opt := diffusion.Options{Steps: o.Steps, ClipDenoised: o.Clip, ConsistentStart: o.Consistent}
	if o.Method == "dlpm" {
		return diffusion.DLPM{Process: p, Options: opt}.Trajectory(ctx, den, x, seeds)
	}
	return diffusion.DLIM{Process: p, Eta: o.Eta, Options: opt}.Trajectory(ctx, den, x, seeds)
}

// Shape returns the shape of one sample of net under o.
func (o Options) Shape(net *nn.Net) []int {
	s := net.SampleShape()
	if len(s) == 3 && o.Height > 0 {
		s[0], s[1] = o.Height, o.Width
	}
	return s
}

// Run draws one sample for each seed and passes them to emit in order, a batch
// at a time: x holds samples first, first+1, … and is reused afterwards. A
// sample depends on its own seed only. Run stops with an error if an option is
// impossible, ctx ends (within one step), the numbers stop being finite or
// emit fails.
func Run(ctx context.Context, net *nn.Net, p diffusion.Process, seeds []uint64, o Options, emit func(first int, x []float32) error) error {
	if err := o.Validate(p); err != nil {
		return err
	}
	if len(seeds) == 0 {
		return nil
	}
	if o.ClampA > 0 && (p.ClampA == 0 || o.ClampA < p.ClampA) {
		p.ClampA = o.ClampA
	}
	batch := min(o.Batch, len(seeds))
	ws, err := net.NewWorkspace(batch, o.Height, o.Width, false)
	if err != nil {
		return err
	}
	d := 1
	for _, v := range o.Shape(net) {
		d *= v
	}
	if d == 0 {
		return fmt.Errorf("the model names no image size; give one")
	}
	buf := make([]float32, batch*d)
	for first := 0; first < len(seeds); first += batch {
		part := seeds[first:min(first+batch, len(seeds))]
		x := buf[:len(part)*d]
		labels := o.labels(first, part)
		den := func(_ context.Context, eps, in, t []float32) error {
			net.Predict(ws, eps, in, t, labels)
			return nil
		}
		for t, err := range o.trajectory(ctx, p, den, x, part) {
			if err == nil && o.Step != nil {
				err = o.Step(first, t, x)
			}
			if err != nil {
				return err
			}
		}
		if err := emit(first, x); err != nil {
			return err
		}
	}
	return nil
}

func (o Options) labels(first int, seeds []uint64) []int {
	if o.Label == nil {
		return nil
	}
	out := make([]int, len(seeds))
	for i, s := range seeds {
		out[i] = o.Label(first+i, s)
	}
	return out
}
