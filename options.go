package heavytail

import (
	"fmt"
	"math"
	"slices"

	"heavytail/internal/sample"
)

// defaults fills in method, steps and batch.
func (m *Model) defaults(o Options) Options {
	if o.Method == "" {
		o.Method = sample.Default(m.recipe)
	}
	if o.Steps == 0 {
		o.Steps = sample.DefaultSteps(o.Method, m.recipe)
	}
	if o.Batch == 0 {
		o.Batch = 32
	}
	return o
}

// maxSamples bounds N, so that no count of samples wraps around.
const maxSamples = min(1<<40, math.MaxInt/2)

// Resolve fills in the defaults of o for this model and checks it, the memory of
// a batch included. Seeds stay as they are: see Options.SeedOf.
func (m *Model) Resolve(o Options) (Options, error) {
	o = m.must("Resolve").defaults(o)
	if o.N < 0 {
		return o, fmt.Errorf("heavytail: N is %d; want the number of samples, or 0 for one, or for one of each of Seeds", o.N)
	}
	if o.N > 0 && o.Seeds != nil && o.N != len(o.Seeds) {
		return o, fmt.Errorf("heavytail: %d samples of %d seeds: give one of N and Seeds", o.N, len(o.Seeds))
	}
	if o.N > maxSamples {
		return o, fmt.Errorf("heavytail: %d samples; want at most %d", o.N, maxSamples)
	}
	if o.N = max(o.N, 1); o.Seeds != nil {
		o.N = len(o.Seeds)
	}
	for _, c := range o.Classes {
		if c >= m.Classes() || c < 0 && c != Unconditional {
			return o, fmt.Errorf("heavytail: class %d: the model has %d classes, numbered from 0; %d is none", c, m.Classes(), Unconditional)
		}
	}
	if used := o.Classes[:min(len(o.Classes), o.N)]; o.Guidance != 0 && o.Guidance != 1 && len(used) > 0 && slices.Max(used) < 0 {
		return o, fmt.Errorf("heavytail: guidance %v of samples without a class changes nothing: leave it out, or ask for classes", o.Guidance)
	}
	shape := m.SampleShape(o)
	if len(shape) != 3 && (o.Height != 0 || o.Width != 0) {
		return o, fmt.Errorf("heavytail: samples of %d×%d pixels: this model makes points; leave it out", o.Height, o.Width)
	}
	need, err := sample.Memory(m.net, m.recipe, m.engine(o), o.N)
	if err == nil {
		err = sample.Room(m.net, need, fmt.Sprintf("a batch of %d samples of %v", min(o.Batch, o.N), shape))
	}
	if err != nil {
		return o, fmt.Errorf("heavytail: %w", err)
	}
	return o, nil
}

// room returns how many values the samples of resolved options have, which count as
// held until free is called, or an error if there is no memory for all of them.
func (m *Model) room(o Options) (n int, free func(), err error) {
	need, err := sample.Memory(m.net, m.recipe, m.engine(o), o.N)
	if err != nil {
		return 0, nil, fmt.Errorf("heavytail: %w", err)
	}
	if !sample.OnHost(m.net) { // Resolve looked at the device's memory
		need = 0
	}
	values, bytes := int64(o.N), int64(4)
	for _, d := range m.SampleShape(o) {
		if values > math.MaxInt64/16/int64(d) {
			values = math.MaxInt64 / 16 / int64(d)
		}
		values *= int64(d)
	}
	if m.Scaled() {
		bytes = 12 // in float32 and float64
	}
	free, err = sample.Hold(nil, bytes*values, need, fmt.Sprintf("%d samples of %v at once", o.N, m.SampleShape(o)))
	if err != nil {
		return 0, nil, fmt.Errorf("heavytail: %w, or draw them with Stream", err)
	}
	return int(values), free, nil
}

// SeedOf returns the seed of sample i. It panics if there is no seed of that number.
func (o Options) SeedOf(i int) uint64 {
	if i < 0 || o.Seeds != nil && i >= len(o.Seeds) {
		panic(fmt.Sprintf("heavytail: SeedOf(%d) of options with N %d and %d Seeds: samples are numbered from 0", i, o.N, len(o.Seeds)))
	}
	if o.Seeds != nil {
		return o.Seeds[i]
	}
	return o.Seed + uint64(i)
}

// seeds returns those of resolved options.
func (o Options) seeds() sample.Seeds {
	if o.Seeds != nil {
		return sample.List(o.Seeds)
	}
	return sample.Range{First: o.Seed, N: o.N}
}

// engine translates resolved options.
func (m *Model) engine(o Options) sample.Options {
	shape := m.SampleShape(o)
	e := sample.Options{Guidance: o.Guidance, Edit: o.Edit, Image64: o.Image64, Method: o.Method, Steps: o.Steps, Settings: o.Settings, Batch: o.Batch,
		Step: o.Step, Step64: o.Step64, Estimates: o.Estimates, Consistent: !o.IndependentStart, More: m.more}
	if len(shape) == 3 {
		e.Height, e.Width, e.Clip = shape[0], shape[1], !o.NoClip
	}
	if k := m.Classes(); k > 0 {
		e.Label = func(i int, seed uint64) int {
			if len(o.Classes) > 0 {
				return o.Classes[i%len(o.Classes)]
			}
			return int(seed % uint64(k))
		}
	}
	return e
}
