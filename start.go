package heavytail

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"heavytail/diffusion"
	"heavytail/recipe"
)

// starts are the methods whose samples are a function of the start, and how a
// start follows from the unit noise n: scale·n.
var starts = map[string]func(o Options, r recipe.Recipe) (scale float64, err error){
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
	p := r.Process
	if o.Grid != "" {
		p.Grid = o.Grid
	}
	sched, err := p.Schedule(levels)
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

// deterministic returns o with its method, by default the one of second order where
// there is one, and its steps, or an error if the method draws noise on the way.
func (o Options) deterministic(r recipe.Recipe) (Options, error) {
	all := methodsOf(r)
	if o.Method == "" {
		if o.Method = defaultMethod(r); slices.Contains(all, "dlim2") {
			o.Method = "dlim2"
		}
	}
	if starts[o.Method] == nil || !slices.Contains(all, o.Method) || o.Eta != 0 || o.Churn.S != 0 {
		var of []string
		for _, name := range all {
			if starts[name] != nil {
				of = append(of, name)
			}
		}
		return o, impossible("Method", o.Method, strings.Join(of, ", "), "method %.40q adds noise on the way, or is not of %s; want %s, without eta and churn", o.Method, r.Noise(), strings.Join(of, ", "))
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
	return o, nil
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
	s, err := o.sampler(w.model.recipe)
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
			return fmt.Errorf("heavytail: a sample has the value %v: use more steps, or check the model's weights", x[j])
		}
	}
	return nil
}
