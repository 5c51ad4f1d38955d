package heavytail

import (
	"context"
	"fmt"

	"heavytail/diffusion"
	"heavytail/diffusion/rare"
)

// A LogDensity is the logarithm of a point's density with the standard error of its
// estimate.
type LogDensity = diffusion.LogDensity

// DensityOptions say how densities are computed; see diffusion.Density.
type DensityOptions struct {
	// Steps is the number of steps up the ODE, each of two evaluations and of as many
	// backward passes as a trace takes. 0: 128, or as many as the model knows levels, if
	// these are fixed.
	Steps int
	// Probes is how many random directions estimate a trace, at least 2. 0: the exact
	// trace of up to 64 values, which takes a backward pass for each, and 8 beyond.
	Probes int
	Seed   uint64 // of the directions
	// Given are the values of the conditions of a model that has some (Model.Given), one
	// row for all points or one for each, in the units of the data.
	Given []float64
	// Class is that of the points, Unconditional for none; 0 in models without classes.
	Class int
}

// exactDim is up to how many values the exact trace is the default.
const exactDim = 64

// LogDensity returns ln p of the points x, one after the other as Stream64 has them, in
// nats for the units of the data, under the ODE that the model's deterministic samplers
// follow: EDM's probability flow of edm, tedm, jump, flow and tflow models, LIM's of lim, and
// of dlpm the one of which DLIM without noise is Euler's method. So it is the density of
// samples of the ODE, not of chains that draw noise on the way, such as the methods
// dlpm, lim and tedm-sde. The bounds on A of dlpm and lim models are left out of the law
// of the noise. It panics if ctx is nil or x does not divide into points.
func (m *Model) LogDensity(ctx context.Context, x []float64, o DensityOptions) ([]LogDensity, error) {
	needs("LogDensity", ctx, false)
	d := m.must("LogDensity").per()
	if d == 0 {
		return nil, impossible("Class", o.Class, "a model with an image size", "the model names no image size, so there is no density of its images")
	}
	if len(x)%d != 0 {
		panic(fmt.Sprintf("heavytail: LogDensity: %d values do not divide into points of %d", len(x), d))
	}
	if err := m.class(o.Class); err != nil {
		return nil, err
	}
	if err := checkGiven(o.Given, len(x)/d, m.recipe); err != nil {
		return nil, own(err)
	}
	if o.Probes == 0 && d > exactDim {
		o.Probes = 8
	}
	out, err := m.logDensity(ctx, diffusion.Density{Steps: o.Steps, Probes: o.Probes, Seed: o.Seed}, o.Class, o.Given, x)
	if err != nil {
		return nil, own(err)
	}
	return out, nil
}

// per returns the number of values of a sample.
func (m *Model) per() int {
	n := 1
	for _, v := range m.recipe.Data.Shape {
		n *= v
	}
	return n
}

// class reports a class that the model does not have.
func (m *Model) class(k int) error {
	if n := m.Classes(); k >= max(n, 1) || k < Unconditional {
		return impossible("Class", k, "a class of the model, or Unconditional", "class %d: the model has %d classes, numbered from 0; %d is none", k, n, Unconditional)
	}
	return nil
}

// A Way is a model's deterministic sampler, for package rare, with its Method and the
// Steps that it makes. Close it when it is no longer used.
type Way struct {
	rare.Model
	Method string
	Steps  int
	close  func()
}

// Close gives the way's memory back.
func (w *Way) Close() { w.close() }

// Way returns a sampler without noise in its steps as a function of its start, whose
// rare events rare.Guided finds. Of o it takes Method (empty: dlim2, lim-ode, edm or
// flow, by the model), Steps (0: 50 to 200, enough for the error of the steps to be
// small beside that of counting), Settings, Clip, Guidance, Batch, the first of
// Classes and one row of Given. One goroutine at a time may use it.
func (m *Model) Way(o Options) (*Way, error) {
	if m.must("Way"); len(o.Classes) == 0 {
		o.Classes = []int{Unconditional}
	} else if err := m.class(o.Classes[0]); err != nil {
		return nil, err
	}
	o.Classes = o.Classes[:1] // of every sample
	w, err := m.way(o)
	if err != nil {
		return nil, own(err)
	}
	return w, nil
}

// way is Way, of o with a class.
func (m *Model) way(o Options) (*Way, error) {
	r := m.recipe
	if err := checkGiven(o.Given, 1, r); err != nil {
		return nil, err
	}
	o, err := o.deterministic(r)
	if err != nil {
		return nil, err
	}
	o.ConsistentStart = Off // which is drawn from the chain's own factors
	if o.Batch == 0 {
		o.Batch = 256
	}
	if o = m.defaults(o); o.Edit != nil || o.PublishedStart {
		return nil, impossible("Edit", true, "none", "an edit or a published start: leave it out, for the start is given")
	}
	if err := m.validate(o); err != nil {
		return nil, err
	}
	row, _ := find(o.Method)
	scale, err := row.start(o, r)
	if err != nil {
		return nil, err
	}
	d := count(m.SampleShape(o))
	work, err := m.newWorker(m.net, o, units{data: &r.Data, d: d}, o.Batch)
	if err != nil {
		return nil, err
	}
	return &Way{Method: o.Method, Steps: o.Steps, close: work.free, Model: rare.Model{Dim: d, Noise: o.unitNoise(r, d), Map: func(ctx context.Context, x []float64) error {
		needs("Way.Map", ctx, false)
		if len(x)%d != 0 {
			panic(fmt.Sprintf("heavytail: Way.Map: %d values do not divide into samples of %d", len(x), d))
		}
		for first := 0; first < len(x); first += o.Batch * d {
			if err := work.from(ctx, x[first:min(first+o.Batch*d, len(x))], scale); err != nil {
				return err
			}
		}
		return nil
	}}}, nil
}
