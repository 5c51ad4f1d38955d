package heavytail

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"heavytail/diffusion"
	"heavytail/recipe"
)

// The starts of methods without noise in their steps; see Method.start.

// chainStart is that of methods that go through so many levels a step.
func chainStart(levels int) func(Options, recipe.Recipe) (float64, error) {
	return func(o Options, r recipe.Recipe) (float64, error) {
		p := r.Process
		if o.Grid != "" {
			p.Grid = o.Grid
		}
		sched, err := p.Schedule(levels*o.Steps + 1)
		if err != nil {
			return 0, err
		}
		return sched.SigmaBar[levels*o.Steps], nil
	}
}

func limStart(o Options, r recipe.Recipe) (float64, error) {
	return diffusion.LIMSampler{Process: *r.LIM, Steps: o.Steps}.StartLevel(), nil
}

func dataStart(o Options, r recipe.Recipe) (float64, error) {
	p, err := o.levels(r)
	return p.Sigmas(o.Steps)[0], err
}

func flowStart(o Options, r recipe.Recipe) (float64, error) {
	f, start, _, err := o.field(r, nil)
	return 1 - float64((1-f.SigmaMin)*start), err // the mean counts times t_0: 0, or a model of EDM without one
}

// deterministic returns o with its method, by default the one of second order where
// there is one, and its steps, or an error if the method draws noise on the way.
func (o Options) deterministic(r recipe.Recipe) (Options, error) {
	if o.Method == "" {
		if o.Method = defaultMethod(r); slices.Contains(methodsOf(r), "dlim2") {
			o.Method = "dlim2"
		}
	}
	row, ok := find(o.Method)
	if !ok || row.start == nil || !row.of.fits(r) || o.Eta != 0 || o.Churn.S != 0 {
		var of []string
		for _, m := range methods {
			if m.of.fits(r) && m.start != nil {
				of = append(of, m.Name)
			}
		}
		return o, impossible("Method", o.Method, strings.Join(of, ", "), "method %.40q adds noise on the way, or is not of %s; want %s, without eta and churn", o.Method, r.Noise(), strings.Join(of, ", "))
	}
	if o.Steps == 0 {
		o.Steps = row.rare(r)
	}
	return o, nil
}

// unitNoise is the law of the method's noise.
func (o Options) unitNoise(r recipe.Recipe, d int) diffusion.UnitNoise {
	if r.LIM != nil {
		return r.LIM.UnitNoise(d)
	}
	if m, _ := find(o.Method); m.of.models == clean.models || m.of.models == ofData.models {
		p, err := o.levels(r)
		if err != nil {
			p = diffusion.EDM{} // Validate has said so
		}
		return diffusion.EDM{Nu: p.Nu, Jump: p.Jump}.UnitNoise(d)
	}
	return r.Process.UnitNoise(d)
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
