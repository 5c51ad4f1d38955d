package heavytail

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"heavytail/diffusion"
	"heavytail/recipe"
)

// validate returns an error that names the first impossible value of what the sampler
// of o and its network are asked for.
func (m *Model) validate(o Options) error {
	r, of := m.recipe, methodsOf(m.recipe)
	row, ok := find(o.Method)
	switch {
	case !ok:
		return impossible("Method", o.Method, strings.Join(of, ", "), "method %.40q; want %s", o.Method, strings.Join(of, ", "))
	case row.of.models == levySpread.models && levy.fits(r) && !r.Spread():
		return impossible("Method", o.Method, strings.Join(of, ", "), "method %s with a model without a second output for the variance, which training with setting spread gives networks of points; want %s", o.Method, strings.Join(of, ", "))
	case !slices.Contains(of, o.Method):
		return impossible("Method", o.Method, strings.Join(of, ", "), "method %s with a model of %s; want %s", o.Method, r.Noise(), strings.Join(of, ", "))
	case o.Image64 != nil && o.Edit == nil:
		return impossible("Image64", len(o.Image64), "none, or an Edit", "an image in float64 without an edit to use it; say what to do with it")
	case o.Batch < 1:
		return impossible("Batch", o.Batch, "at least 1", "batch %d; want at least 1", o.Batch)
	case !(o.Guidance >= 0 && o.Guidance <= maxGuidance):
		return impossible("Guidance", o.Guidance, fmt.Sprintf("1 (none) or more, at most %d", maxGuidance), "guidance %s; want 1 (none) or more, at most %d", strconv.FormatFloat(o.Guidance, 'f', -1, 64), maxGuidance)
	case o.guided() && m.net.Classes() == 0:
		return impossible("Guidance", o.Guidance, "none of a model without classes", "guidance %v of a model without classes; leave it out", o.Guidance)
	case o.guided() && r.Trained() && r.Train.LabelDrop == 0:
		return impossible("Guidance", o.Guidance, "none of a model that always saw its classes", "guidance %v of a model that always saw its classes; train one with setting label-drop 0.1, or leave it out", o.Guidance)
	case o.guided() && !r.Trained() && r.Network.UNet2D != nil:
		return impossible("Guidance", o.Guidance, "none of a model of diffusers", "guidance %v of a model of diffusers, whose network always saw its classes; train it on with train.Start.From, which drops some (setting label-drop), or leave it out", o.Guidance)
	}
	if err := o.Settings.validate(row); err != nil {
		return err
	}
	if err := o.checkNoise(r); err != nil {
		return err
	}
	s, err := row.make(o, r)
	if err != nil {
		return err
	}
	return s.Validate()
}

// checkNoise returns an error for independent noise that would change nothing.
func (o Options) checkNoise(r recipe.Recipe) error {
	if !o.IndependentNoise {
		return nil
	}
	p, err := o.levels(r)
	if err != nil {
		return err
	}
	heavy := slices.ContainsFunc(p.Nu, func(v float64) bool { return !math.IsInf(v, 1) })
	switch {
	case !heavy:
		return impossible("IndependentNoise", true, "none but of Student-t noise", "independent noise with a model of %s, whose noise is always independent; leave it out", r.Noise())
	case o.Churn.S == 0 && (o.Edit == nil || o.Edit.Resample < 2):
		return impossible("IndependentNoise", true, "none where no noise is added", "independent noise where none is added; ask for churn or resample, or leave it out")
	}
	return nil
}

// A given is a setting by its field, whether it was given, how an error calls it, and
// its value.
type given struct {
	field string
	given bool
	what  string
	value any
}

func (s Settings) given() []given {
	return []given{
		{"Eta", s.Eta != 0, fmt.Sprintf("eta %v", s.Eta), s.Eta},
		{"ClampA", s.ClampA != 0, fmt.Sprintf("a bound on A of %v", s.ClampA), s.ClampA},
		{"Grid", s.Grid != "", fmt.Sprintf("grid %.40q", s.Grid), s.Grid},
		{"Solver", s.Solver != "", fmt.Sprintf("solver %.40s", s.Solver), s.Solver},
		{"Churn", s.Churn != (diffusion.Churn{}), "churn", s.Churn},
		{"IndependentNoise", s.IndependentNoise, "independent noise", s.IndependentNoise},
		{"SigmaMin", s.SigmaMin != 0, "a lowest level σ", s.SigmaMin},
		{"SigmaMax", s.SigmaMax != 0, "a highest level σ", s.SigmaMax},
		{"Rho", s.Rho != 0, fmt.Sprintf("rho %v", s.Rho), s.Rho},
		{"DropFactor", s.DropFactor, "the dropped factor", s.DropFactor},
		{"NuCoeff", len(s.NuCoeff) > 0, "a ν for the coefficient", s.NuCoeff},
		{"Constant", s.Constant, "a constant for the coefficient", s.Constant},
		{"LIMClamps", s.LIMClamps != nil, "bounds of LIM", s.LIMClamps},
		{"PublishedStart", s.PublishedStart, "the start of LIM's code", s.PublishedStart},
	}
}

// maxGuidance bounds w: far beyond, the estimates leave the data in any model.
const maxGuidance = 100

// validate returns an error for a setting that the method does not have, or
// that is out of range where no sampler checks it.
func (s Settings) validate(m Method) error {
	for _, f := range s.given() {
		if f.given && !m.has(f.field) {
			of := owners(f.field)
			return impossible(f.field, f.value, "none: it belongs to "+of, "%s with method %s; it belongs to %s", f.what, m.Name, of)
		}
	}
	switch {
	case !(s.Eta >= 0 && s.Eta <= 1):
		return impossible("Eta", s.Eta, "0 (deterministic) to 1", "eta %v; want 0 (deterministic) to 1", s.Eta)
	case !(s.ClampA >= 0):
		return impossible("ClampA", s.ClampA, "a positive one, or 0 for the model's", "bound on A of %v; want a positive one, or 0 for the model's", s.ClampA)
	case s.Solver != "" && s.Solver != "heun" && s.Solver != "euler" && (s.Solver != "rk4" || m.Name != "flow"):
		return impossible("Solver", s.Solver, "heun or euler, of flow also rk4", "solver %.40q; want heun or euler, of flow also rk4", s.Solver)
	}
	return nil
}

// sampler returns that of the method.
func (o Options) sampler(r recipe.Recipe) (sampler, error) {
	m, ok := find(o.Method)
	if !ok {
		return nil, impossible("Method", o.Method, strings.Join(methodsOf(r), ", "), "no method %.40q", o.Method)
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
