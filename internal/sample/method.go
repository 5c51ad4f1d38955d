package sample

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"heavytail/diffusion"
	"heavytail/internal/recipe"
)

// A method is a sampler by its name.
type method struct {
	name  string
	steps int    // the default number; 0: the process's own
	uses  string // which fields of Settings it has
}

// methods in the order in which they are listed.
var methods = []method{
	{"dlpm", 0, "clamp-a"},
	{"dlim", 0, "eta clamp-a"},
	{"lim", 100, "clamp-a lim"},
	{"lim-ode", 50, "clamp-a lim"},
	{"edm", 18, "solver churn sigma rho"},
	{"tedm-ancestral", 64, "sigma rho drop-factor"},
	{"tedm-sde", 128, "sigma rho nu-coeff"},
	{"dpm", 20, "sigma rho"},
	{"flow", 25, "solver sigma rho"},
}

// Methods are the names of the samplers.
func Methods() []string {
	var out []string
	for _, m := range methods {
		out = append(out, m.name)
	}
	return out
}

// MethodsOf lists the samplers that a network of the recipe's process drives:
// the estimates of the data of EDM, flows and DDPM drive each other's.
func MethodsOf(r recipe.Recipe) []string {
	all := Methods()
	switch {
	case r.LIM != nil:
		return all[2:4]
	case r.EDM != nil || r.Flow != nil:
		return all[4:]
	}
	if _, err := r.Process.DataDenoiser(nil); err != nil {
		return all[:2]
	}
	return slices.Concat(all[:2], all[4:])
}

// Default returns the method that a recipe's models are sampled with where none
// is named: of few steps.
func Default(r recipe.Recipe) string {
	switch {
	case r.LIM != nil:
		return "lim-ode"
	case r.EDM != nil:
		return "edm"
	case r.Flow != nil:
		return "flow"
	}
	return "dlim"
}

// tailSteps are what EDM's sampler needs for the tails of Student-t noise: 18
// steps, the published number, do not resolve them for ν = 3.
const tailSteps = 64

// DefaultSteps returns the number of steps of a method where none is given; 0
// stands for the process's own.
func DefaultSteps(name string, r recipe.Recipe) int {
	if k := r.Kind(); name == "edm" && (k == recipe.TEDM || k == recipe.TFlow) {
		return tailSteps
	}
	for _, m := range methods {
		if m.name == name {
			return m.steps
		}
	}
	return 0
}

// Defaults fills in the method and the steps where they are not given.
func (o Options) Defaults(r recipe.Recipe) Options {
	if o.Method == "" {
		o.Method = Default(r)
	}
	if o.Steps == 0 {
		if o.Steps = DefaultSteps(o.Method, r); o.Steps == 0 {
			o.Steps = r.Process.Steps
		}
	}
	return o
}

// Moves returns the number of steps that the sampler makes: it is at Moves when
// Step is called first, with the start. The chains of DLPM have one less than
// levels.
func (o Options) Moves(r recipe.Recipe) int {
	if o = o.Defaults(r); o.Method == "dlpm" || o.Method == "dlim" {
		return o.Edit.Steps(o.Steps - 1)
	}
	return o.Edit.Steps(o.Steps)
}

// Validate returns an error that names the first impossible value.
func (o Options) Validate(r recipe.Recipe) error {
	o = o.Defaults(r)
	of := MethodsOf(r)
	i := slices.IndexFunc(methods, func(m method) bool { return m.name == o.Method })
	switch {
	case i < 0:
		return fmt.Errorf("method %.40q; want %s", o.Method, strings.Join(of, ", "))
	case !slices.Contains(of, o.Method):
		return fmt.Errorf("method %s with a model of %s; want %s", o.Method, r.Noise(), strings.Join(of, ", "))
	case o.Image64 != nil && o.Edit == nil:
		return fmt.Errorf("an image in float64 without an edit to use it; say what to do with it")
	case o.Batch < 1:
		return fmt.Errorf("batch %d; want at least 1", o.Batch)
	case !(o.Guidance >= 0 && o.Guidance <= maxGuidance):
		return fmt.Errorf("guidance %s; want 1 (none) or more, at most %d", strconv.FormatFloat(o.Guidance, 'f', -1, 64), maxGuidance)
	case o.guided() && o.Label == nil:
		return fmt.Errorf("guidance %v of a model without classes; leave it out", o.Guidance)
	case o.guided() && r.Train.Steps > 0 && r.Train.LabelDrop == 0:
		return fmt.Errorf("guidance %v of a model that always saw its classes; train one with -label-drop 0.1, or leave it out", o.Guidance)
	}
	if err := o.Settings.validate(methods[i]); err != nil {
		return err
	}
	return o.check(r)
}

// maxGuidance bounds w: far beyond, the estimates leave the data in any model.
const maxGuidance = 100

// validate returns an error for a setting that the method does not have, or
// that is out of range where no sampler checks it.
func (s Settings) validate(m method) error {
	has := strings.Fields(m.uses)
	for _, f := range []struct {
		name  string
		given bool
		what  string
	}{
		{"eta", s.Eta != 0, fmt.Sprintf("eta %v", s.Eta)},
		{"clamp-a", s.ClampA != 0, fmt.Sprintf("a bound on A of %v", s.ClampA)},
		{"solver", s.Solver != "", fmt.Sprintf("solver %.40s", s.Solver)},
		{"churn", s.Churn != (diffusion.Churn{}), "churn"},
		{"sigma", s.SigmaMin != 0 || s.SigmaMax != 0, "a range of levels σ"},
		{"rho", s.Rho != 0, fmt.Sprintf("rho %v", s.Rho)},
		{"drop-factor", s.DropFactor, "the dropped factor"},
		{"nu-coeff", len(s.NuCoeff) > 0 || s.Constant, "a ν or a constant for the coefficient"},
		{"lim", s.LIMClamps != nil || s.PublishedStart, "LIM's bounds or start"},
	} {
		if f.given && !slices.Contains(has, f.name) {
			var owners []string
			for _, m := range methods {
				if slices.Contains(strings.Fields(m.uses), f.name) {
					owners = append(owners, m.name)
				}
			}
			return fmt.Errorf("%s with method %s; it belongs to %s", f.what, m.name, strings.Join(owners, ", "))
		}
	}
	switch {
	case !(s.Eta >= 0 && s.Eta <= 1):
		return fmt.Errorf("eta %v; want 0 (deterministic) to 1", s.Eta)
	case !(s.ClampA >= 0):
		return fmt.Errorf("bound on A of %v; want a positive one, or 0 for the model's", s.ClampA)
	case s.Solver != "" && s.Solver != "heun" && s.Solver != "euler" && (s.Solver != "rk4" || m.name != "flow"):
		return fmt.Errorf("solver %.40q; want heun or euler, of flow also rk4", s.Solver)
	}
	return nil
}

// check asks the sampler itself whether it is possible.
func (o Options) check(r recipe.Recipe) error {
	switch o.Method {
	case "dlpm":
		return o.dlpm(r.Process).Validate()
	case "dlim":
		return o.dlim(r.Process).Validate()
	case "lim", "lim-ode":
		return o.lim(*r.LIM).Validate()
	}
	p, err := o.levels(r)
	if err != nil {
		return err
	}
	switch o.Method {
	case "edm":
		return o.edm(p).Validate()
	case "tedm-ancestral":
		return o.ancestral(p).Validate()
	case "tedm-sde":
		return o.sde(p).Validate()
	case "dpm":
		return diffusion.DPMSolver{Process: p, Steps: o.Steps, Edit: o.Edit}.Validate()
	}
	if r.Flow != nil && (o.SigmaMin != 0 || o.SigmaMax != 0) || o.SigmaMin != 0 {
		return fmt.Errorf("a range of levels σ with method flow; it runs from noise to the data: leave it out (a model of edm starts at sigma-max)")
	}
	if err := p.Validate(); err != nil { // of which Field takes the start
		return err
	}
	f, start, _, err := o.field(r, nil)
	if err != nil {
		return err
	}
	return o.flow(f, start).Validate()
}

// The samplers, from the options.

func (o Options) chain() diffusion.Options {
	return diffusion.Options{Steps: o.Steps, ClipDenoised: o.Clip, ConsistentStart: o.Consistent, Edit: o.Edit}
}

// bounded returns p with the tighter of the two bounds on A.
func (o Options) bounded(p diffusion.Process) diffusion.Process {
	if o.ClampA > 0 && (p.ClampA == 0 || o.ClampA < p.ClampA) {
		p.ClampA = o.ClampA
	}
	return p
}

func (o Options) dlpm(p diffusion.Process) diffusion.DLPM {
	return diffusion.DLPM{Process: o.bounded(p), Options: o.chain()}
}

func (o Options) dlim(p diffusion.Process) diffusion.DLIM {
	return diffusion.DLIM{Process: o.bounded(p), Eta: o.Eta, Options: o.chain()}
}

func (o Options) lim(p diffusion.LIM) diffusion.LIMSampler {
	s := diffusion.LIMSampler{Process: p, Steps: o.Steps, ODE: o.Method == "lim-ode", Clamps: p.Clamps, PublishedStart: o.PublishedStart, Edit: o.Edit}
	if o.LIMClamps != nil {
		s.Clamps = *o.LIMClamps
	}
	if c := &s.Clamps; o.ClampA > 0 && (c.A == 0 || o.ClampA < c.A) {
		c.A = o.ClampA
	}
	return s
}

func (o Options) edm(p diffusion.EDM) diffusion.EDMSampler {
	return diffusion.EDMSampler{Process: p, Steps: o.Steps, Euler: o.Solver == "euler", Churn: o.Churn, Edit: o.Edit}
}

func (o Options) ancestral(p diffusion.EDM) diffusion.TEDMAncestral {
	return diffusion.TEDMAncestral{Process: p, Steps: o.Steps, Eta: 1, DropFactor: o.DropFactor, Edit: o.Edit}
}

func (o Options) sde(p diffusion.EDM) diffusion.TEDMSDE {
	return diffusion.TEDMSDE{Process: p, Steps: o.Steps, Beta: 1, NuCoeff: o.NuCoeff, Constant: o.Constant, Edit: o.Edit}
}

func (o Options) flow(f diffusion.Flow, start float64) diffusion.FlowSampler {
	return diffusion.FlowSampler{Process: f, Steps: o.Steps, Method: diffusion.Method(o.Solver), Start: start, Rho: o.Rho, Edit: o.Edit}
}

// trajectory returns the chosen sampler's run.
func (o Options) trajectory(ctx context.Context, r recipe.Recipe, net diffusion.Denoiser, x []float32, seeds []uint64) iter.Seq2[int, error] {
	switch o.Method {
	case "dlpm":
		return o.dlpm(r.Process).Trajectory(ctx, net, x, seeds)
	case "dlim":
		return o.dlim(r.Process).Trajectory(ctx, net, x, seeds)
	case "lim", "lim-ode":
		den := r.LIM.FromScore(net)
		if o.Clip {
			den = r.LIM.Clamp(den, 1)
		}
		return o.lim(*r.LIM).Trajectory(ctx, den, x, seeds)
	}
	wide := make([]float64, len(x))
	if o.Method == "flow" {
		f, start, v, err := o.field(r, net)
		if err != nil {
			return failed(err)
		}
		if o.Clip {
			v = f.Clamp(v, 1)
		}
		return rounded(x, wide, o.flow(f, start).Trajectory(ctx, v, wide, seeds))
	}
	D, err := Data(r, net)
	if err != nil {
		return failed(err)
	}
	p, err := o.levels(r)
	if err != nil {
		return failed(err)
	}
	if o.Clip {
		D = D.Clamp(1)
	}
	steps := o.edm(p).Trajectory(ctx, D, wide, seeds)
	switch o.Method {
	case "tedm-ancestral":
		steps = o.ancestral(p).Trajectory(ctx, D, wide, seeds)
	case "tedm-sde":
		steps = o.sde(p).Trajectory(ctx, D, wide, seeds)
	case "dpm":
		steps = diffusion.DPMSolver{Process: p, Steps: o.Steps, Edit: o.Edit}.Trajectory(ctx, D, wide, seeds)
	}
	return rounded(x, wide, steps)
}

// rounded is a trajectory of float64 states, of which x gets a copy.
func rounded(x []float32, wide []float64, steps iter.Seq2[int, error]) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for left, err := range steps {
			for j, v := range wide {
				x[j] = float32(v)
			}
			if !yield(left, err) {
				return
			}
		}
	}
}
