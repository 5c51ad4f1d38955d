package main

import (
	"fmt"
	"reflect"

	"heavytail/diffusion"
	"heavytail/nn"
	"heavytail/recipe"
)

// scheduleFlag defines -schedule. What belongs to the preset's schedule and not
// to the new one goes with it.
func scheduleFlag(c *catalogue) {
	v := &scalar[string]{parse: parseText, text: defaultOf(func(r *recipe.Recipe) *string { return (*string)(&r.Train.Rate.Kind) })}
	c.add("schedule", "learning rate: constant, `step` (with -lr-every and -lr-gamma), linear or cosine", v, func(r *recipe.Recipe) error {
		s := &r.Train.Rate
		if kind := nn.ScheduleKind(v.v); kind != s.Kind {
			*s = nn.Schedule{Kind: kind, LR: s.LR, Warmup: s.Warmup}
		}
		return nil
	})
}

// emaFlag defines -ema. Without averages there is none to warm up.
func emaFlag(c *catalogue) {
	v := &scalar[[]float64]{parse: list(parseFloat), text: defaultOf(func(r *recipe.Recipe) *[]float64 { return &r.Train.EMA })}
	c.add("ema", "rates of averaged weights, a `list`, or none; samples use the last", v, func(r *recipe.Recipe) error {
		if r.Train.EMA = v.v; len(v.v) == 0 {
			r.Train.EMAWarmup = 0
		}
		return nil
	})
}

// fixedFlag defines -fixed.
func fixedFlag(c *catalogue) {
	v := &boolean{scalar[bool]{parse: parseBool, text: "false"}}
	c.add("fixed", "a published network with its known faults repaired", v, func(r *recipe.Recipe) error {
		if !v.v {
			return nil
		}
		if isFixed(*r) {
			return fmt.Errorf("preset %s has no known fault; leave it out", r.Preset)
		}
		r.Network = r.Network.Fixed()
		return nil
	})
	c.held(func(r recipe.Recipe) bool { return !v.v || isFixed(r) })
}

func isFixed(r recipe.Recipe) bool { return reflect.DeepEqual(r.Network.Fixed(), r.Network) }

// logSigmaFlags defines -p-mean, -p-std and -log-uniform. A recipe holds both or, where they
// are EDM's, neither: one alone brings the other's usual value with it.
func logSigmaFlags(c *catalogue) {
	both := func(field func(*diffusion.EDM) *float64) func(*recipe.Recipe) *float64 {
		return func(r *recipe.Recipe) *float64 {
			if p := r.EDM; p != nil && p.PStd == 0 {
				p.PMean, p.PStd = p.LogSigma()
			}
			return edm(r, field)
		}
	}
	of(c, "p-mean", "edm, tedm: mean of ln σ in training", parseFloat, both(func(p *diffusion.EDM) *float64 { return &p.PMean }))
	of(c, "p-std", "edm, tedm: deviation of ln σ in training, above 0", func(text string) (float64, error) {
		v, err := parseFloat(text)
		if err == nil && v <= 0 {
			err = fmt.Errorf("use a positive value")
		}
		return v, err
	}, both(func(p *diffusion.EDM) *float64 { return &p.PStd }))
	of(c, "log-uniform", "edm, tedm: ln σ in training even from the lowest level to the highest instead of normal", parseBool,
		func(r *recipe.Recipe) *bool { return edm(r, func(p *diffusion.EDM) *bool { return &p.LogUniform }) })
}
