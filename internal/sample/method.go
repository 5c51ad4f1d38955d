package sample

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"heavytail/diffusion"
	"heavytail/recipe"
)

// DefaultSteps returns the number of steps of a method where none is given; 0 if
// there is no such method.
func DefaultSteps(name string, r recipe.Recipe) int {
	if m, ok := find(name); ok {
		return m.steps(r)
	}
	return 0
}

// Defaults fills in the method and the steps where they are not given.
func (o Options) Defaults(r recipe.Recipe) Options {
	if o.Method == "" {
		o.Method = Default(r)
	}
	if o.Steps == 0 {
		o.Steps = DefaultSteps(o.Method, r)
	}
	return o
}

// Moves returns the number of steps that the sampler makes, which is less than
// Steps where an edit starts on the way: Step is called first with it, at the
// start. It panics if the options are impossible.
func (o Options) Moves(r recipe.Recipe) int { return o.Defaults(r).must(r).Moves() }

// Evaluations returns how often the network is asked for one sample: at every
// step, or several times, and twice as often with guidance. It panics if the
// options are impossible.
func (o Options) Evaluations(r recipe.Recipe) int {
	n := o.Defaults(r).must(r).Evaluations()
	if o.guided() {
		n *= 2
	}
	return n
}

// must returns the sampler of options that Validate accepts.
func (o Options) must(r recipe.Recipe) sampler {
	s, err := o.sampler(r)
	if err != nil {
		panic("sample: " + err.Error() + " (ask Validate first)")
	}
	return s
}

// Validate returns an error that names the first impossible value.
func (o Options) Validate(r recipe.Recipe) error {
	o = o.Defaults(r)
	of := MethodsOf(r)
	m, ok := find(o.Method)
	switch {
	case !ok:
		return impossible("Method", o.Method, strings.Join(of, ", "), "method %.40q; want %s", o.Method, strings.Join(of, ", "))
	case !slices.Contains(of, o.Method):
		return impossible("Method", o.Method, strings.Join(of, ", "), "method %s with a model of %s; want %s", o.Method, r.Noise(), strings.Join(of, ", "))
	case o.Image64 != nil && o.Edit == nil:
		return impossible("Image64", len(o.Image64), "none, or an Edit", "an image in float64 without an edit to use it; say what to do with it")
	case o.Batch < 1:
		return impossible("Batch", o.Batch, "at least 1", "batch %d; want at least 1", o.Batch)
	case !(o.Guidance >= 0 && o.Guidance <= maxGuidance):
		return impossible("Guidance", o.Guidance, fmt.Sprintf("1 (none) or more, at most %d", maxGuidance), "guidance %s; want 1 (none) or more, at most %d", strconv.FormatFloat(o.Guidance, 'f', -1, 64), maxGuidance)
	case o.guided() && o.Label == nil:
		return impossible("Guidance", o.Guidance, "none of a model without classes", "guidance %v of a model without classes; leave it out", o.Guidance)
	case o.guided() && r.Trained() && r.Train.LabelDrop == 0:
		return impossible("Guidance", o.Guidance, "none of a model that always saw its classes", "guidance %v of a model that always saw its classes; train one with -label-drop 0.1, or leave it out", o.Guidance)
	case o.guided() && !r.Trained() && r.Network.UNet2D != nil:
		return impossible("Guidance", o.Guidance, "none of a model of diffusers", "guidance %v of a model of diffusers, whose network always saw its classes; train it on with train -from, which drops some (-label-drop), or leave it out", o.Guidance)
	}
	if err := o.Settings.validate(m); err != nil {
		return err
	}
	s, err := m.make(o, r)
	if err != nil {
		return err
	}
	return s.Validate()
}

// A given is a setting by its name in the registry, whether it was given, and how
// an error calls it.
type given struct {
	name  string
	given bool
	what  string
	field string
	value any
}

func (s Settings) given() []given {
	return []given{
		{"eta", s.Eta != 0, fmt.Sprintf("eta %v", s.Eta), "Eta", s.Eta},
		{"clamp-a", s.ClampA != 0, fmt.Sprintf("a bound on A of %v", s.ClampA), "ClampA", s.ClampA},
		{"solver", s.Solver != "", fmt.Sprintf("solver %.40s", s.Solver), "Solver", s.Solver},
		{"churn", s.Churn != (diffusion.Churn{}), "churn", "Churn", s.Churn},
		{"sigma", s.SigmaMin != 0, "a range of levels σ", "SigmaMin", s.SigmaMin},
		{"sigma", s.SigmaMax != 0, "a range of levels σ", "SigmaMax", s.SigmaMax},
		{"rho", s.Rho != 0, fmt.Sprintf("rho %v", s.Rho), "Rho", s.Rho},
		{"drop-factor", s.DropFactor, "the dropped factor", "DropFactor", s.DropFactor},
		{"nu-coeff", len(s.NuCoeff) > 0, "a ν or a constant for the coefficient", "NuCoeff", s.NuCoeff},
		{"nu-coeff", s.Constant, "a ν or a constant for the coefficient", "Constant", s.Constant},
		{"lim", s.LIMClamps != nil, "LIM's bounds or start", "LIMClamps", s.LIMClamps},
		{"lim", s.PublishedStart, "LIM's bounds or start", "PublishedStart", s.PublishedStart},
	}
}

// impossible returns the error of a field, with its message.
func impossible(field string, value any, want, format string, args ...any) error {
	return &diffusion.OptionError{Field: field, Value: value, Want: want, Text: fmt.Sprintf(format, args...)}
}

// maxGuidance bounds w: far beyond, the estimates leave the data in any model.
const maxGuidance = 100

// validate returns an error for a setting that the method does not have, or
// that is out of range where no sampler checks it.
func (s Settings) validate(m method) error {
	for _, f := range s.given() {
		if f.given && !m.has(f.name) {
			owners := strings.Join(Owners(f.name), ", ")
			return impossible(f.field, f.value, "none: it belongs to "+owners, "%s with method %s; it belongs to %s", f.what, m.name, owners)
		}
	}
	switch {
	case !(s.Eta >= 0 && s.Eta <= 1):
		return impossible("Eta", s.Eta, "0 (deterministic) to 1", "eta %v; want 0 (deterministic) to 1", s.Eta)
	case !(s.ClampA >= 0):
		return impossible("ClampA", s.ClampA, "a positive one, or 0 for the model's", "bound on A of %v; want a positive one, or 0 for the model's", s.ClampA)
	case s.Solver != "" && s.Solver != "heun" && s.Solver != "euler" && (s.Solver != "rk4" || m.name != "flow"):
		return impossible("Solver", s.Solver, "heun or euler, of flow also rk4", "solver %.40q; want heun or euler, of flow also rk4", s.Solver)
	}
	return nil
}

// sampler returns that of the method.
func (o Options) sampler(r recipe.Recipe) (sampler, error) {
	m, ok := find(o.Method)
	if !ok {
		return nil, impossible("Method", o.Method, strings.Join(MethodsOf(r), ", "), "no method %.40q", o.Method)
	}
	return m.make(o, r)
}

// trajectory returns the chosen sampler's run, with look at its estimates.
func (o Options) trajectory(ctx context.Context, r recipe.Recipe, net diffusion.Denoiser, look diffusion.Change, x []float32, seeds []uint64) iter.Seq2[int, error] {
	s, err := o.sampler(r)
	if err != nil {
		return failed(err)
	}
	return s.trajectory(ctx, net, look, x, seeds)
}
