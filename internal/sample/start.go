package sample

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"heavytail/diffusion"
	"heavytail/nn"
	"heavytail/recipe"
)

// deterministic are the methods whose samples are a function of the start, and how a
// start follows from the unit noise n: scale·n.
var deterministic = map[string]func(o Options, r recipe.Recipe) (scale float64, err error){
	"dlim": chainStart, "dlim2": chainStart, "edm": dataStart, "dpm": dataStart, "flow": flowStart,
	"lim-ode": func(o Options, r recipe.Recipe) (float64, error) {
		return diffusion.LIMSampler{Process: *r.LIM, Steps: o.Steps}.StartLevel(), nil
	},
}

func chainStart(o Options, r recipe.Recipe) (float64, error) {
	levels := o.Steps + 1
	if o.Method == "dlim2" {
		levels = 2*o.Steps + 1
	}
	sched, err := r.Process.Schedule(levels)
	if err != nil {
		return 0, err
	}
	return sched.SigmaBar[levels-1], nil
}

func dataStart(o Options, r recipe.Recipe) (float64, error) {
	p, err := o.levels(r)
	return p.Sigmas(o.Steps)[0], err
}

func flowStart(o Options, r recipe.Recipe) (float64, error) {
	f, start, _, err := o.field(r, nil)
	return 1 - float64((1-f.SigmaMin)*start), err // the mean counts times t_0: 0, or a model of EDM without one
}

// rareSteps are the steps of methods where none are given: enough that the error of
// the steps is small beside that of counting.
var rareSteps = map[string]int{"dlim2": 50, "dlim": 200, "lim-ode": 200, "edm": 64, "flow": 64, "dpm": 64}

// A Way is a deterministic sampler as a function of its noise.
type Way struct {
	Method string
	Steps  int
	Dim    int
	Noise  diffusion.UnitNoise
	// Map sets x, rows of unit noise, to samples in the units of the data.
	Map  func(ctx context.Context, x []float64) error
	free func()
}

// Close ends what the way holds of the memory.
func (w Way) Close() { w.free() }

// NewWay returns the way of the options' method, by default the one of second order
// where there is one. Call Close when it is no longer used; one goroutine at a time
// may use it. Samples have the class of Options.Label(0, 0) and
// the conditions of Options.Given, one row.
func NewWay(net *nn.Net, r recipe.Recipe, o Options) (*Way, error) {
	if o.Method == "" {
		if o.Method = Default(r); slices.Contains(MethodsOf(r), "dlim2") {
			o.Method = "dlim2"
		}
	}
	if err := CheckGiven(o.Given, 1, r); err != nil {
		return nil, err
	}
	start, ok := deterministic[o.Method]
	if fits := slices.Contains(MethodsOf(r), o.Method); !ok || !fits || o.Eta != 0 || o.Churn.S != 0 {
		var of []string
		for _, name := range MethodsOf(r) {
			if deterministic[name] != nil {
				of = append(of, name)
			}
		}
		return nil, impossible("Method", o.Method, strings.Join(of, ", "), "method %.40q adds noise on the way, or is not of %s; want %s, without eta and churn", o.Method, r.Noise(), strings.Join(of, ", "))
	}
	if o.Steps == 0 && !r.Process.IntegerTime {
		o.Steps = rareSteps[o.Method]
		switch o.Method {
		case "dlim":
			o.Steps = fewer(r, o.Steps, 1)
		case "dlim2":
			o.Steps = fewer(r, o.Steps, 2)
		}
	}
	o.ConsistentStart = false // which is drawn from the chain's own factors
	if o = o.Defaults(r); o.Edit != nil || o.PublishedStart {
		return nil, impossible("Edit", true, "none", "an edit or a published start: leave it out, for the start is given")
	}
	if err := o.Validate(r); err != nil {
		return nil, err
	}
	d := count(o.Shape(net))
	w := &Way{Method: o.Method, Steps: o.Steps, Dim: d, Noise: o.unitNoise(r, d)}
	scale, err := start(o, r)
	if err != nil {
		return nil, err
	}
	work, err := newWorker(net, r, o, units{data: &r.Data, d: d}, o.Batch)
	if err != nil {
		return nil, err
	}
	w.free = work.free
	w.Map = func(ctx context.Context, x []float64) error {
		for first := 0; first < len(x); first += o.Batch * d {
			if err := work.from(ctx, x[first:min(first+o.Batch*d, len(x))], scale); err != nil {
				return err
			}
		}
		return nil
	}
	return w, nil
}

// unitNoise is the law of the method's noise.
func (o Options) unitNoise(r recipe.Recipe, d int) diffusion.UnitNoise {
	if r.LIM != nil {
		return r.LIM.UnitNoise(d)
	}
	if m, _ := find(o.Method); m.of.models == clean.models {
		return diffusion.EDM{Nu: o.nu(r)}.UnitNoise(d)
	}
	return r.Process.UnitNoise(d)
}

// nu is that of the levels that EDM's samplers follow: none with DDPM's.
func (o Options) nu(r recipe.Recipe) diffusion.Nu {
	p, err := o.levels(r)
	if err != nil {
		return nil // Validate has said so
	}
	return p.Nu
}

// from replaces unit noise x by the samples that it leads to.
func (w *worker) from(ctx context.Context, x []float64, scale float64) error {
	d := w.units.d
	w.part = w.ids[:len(x)/d]
	clear(w.part)
	state := w.x()
	o := w.opt
	den := w.denoiser(0, w.part)
	s, err := o.sampler(w.recipe)
	if err != nil {
		return err
	}
	given := make([]float64, len(x))
	for j, v := range x {
		given[j] = float64(scale * v)
	}
	for _, err := range s.from(ctx, den, given, state, w.part) {
		if err != nil {
			return err
		}
	}
	copy(x, w.units.float64s(state))
	for j, v := range x {
		if v-v != 0 {
			return fmt.Errorf("a sample has the value %v: use more steps, or check the model's weights", x[j])
		}
	}
	return nil
}
