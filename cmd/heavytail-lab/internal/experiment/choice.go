package experiment

import (
	"context"
	"fmt"
	"math"

	"heavytail/data"
	"heavytail/internal/dmath"
	"heavytail/recipe"
	"heavytail/stable"
	"heavytail/tails"
)

// choiceExperiment asks what it costs to do what `heavytail tail` says: its first
// noise against the best of a sweep, in the tail error of the held-out half.
var choiceExperiment = Experiment{
	Name:    "choice",
	Summary: "what `heavytail tail` advises against a sweep of alpha and nu, on known laws and real data: the regret in the metric",
	Plan:    planChoice,
}

// adviceMethod is the row of the noise that tail puts first.
const adviceMethod = "advice"

// choiceColumns: error is the log tail error of real; kind is the place in
// choiceKinds, value the α or ν of what was trained, index tail's estimate.
var choiceColumns = []string{"error", "r90", "r99", "kind", "value", "index"}

var choiceKinds = []string{tEDM, tFlow, dlpm, logEDM, logFlow}

// A knownLaw is a set drawn from a law, by the quantile of a uniform variate.
type knownLaw struct {
	name     string
	index    float64 // of its tails; ∞ where they are no power
	quantile func(u float64) float64
}

func symmetric(d stable.Distribution) func(u float64) float64 { return d.Quantile }

var knownLaws = []knownLaw{
	{"student 1.5", 1.5, symmetric(stable.StudentT{Nu: 1.5, Scale: 1})},
	{"student 3", 3, symmetric(stable.StudentT{Nu: 3, Scale: 1})},
	{"student 8", 8, symmetric(stable.StudentT{Nu: 8, Scale: 1})},
	{"stable 1.3", 1.3, symmetric(stable.Symmetric(1.3))},
	{"stable 1.7", 1.7, symmetric(stable.Symmetric(1.7))},
	{"pareto 2", 2, func(u float64) float64 { return dmath.Pow(1-u, -0.5) }},
	{"lognormal", math.Inf(1), func(u float64) float64 { return dmath.Exp(stable.Symmetric(2).Quantile(u) / math.Sqrt2) }},
	{"normal", math.Inf(1), symmetric(stable.Symmetric(2))},
}

// choiceSets are the real sets and the known laws, each of n values.
func choiceSets(ctx context.Context, o Options, n int) ([]realSet, error) {
	sets, err := realSetsOf(ctx, o)
	if err != nil {
		return nil, err
	}
	if o.Quick && o.Data == "" {
		sets = nil // their stand-ins are known laws themselves
	}
	for _, l := range knownLaws {
		u := make([]float64, n)
		stable.Key{Seed: Seed(o.Seed, "choice", l.name)}.Uniform64(u, 0)
		for i, v := range u {
			u[i] = l.quantile(v)
		}
		sets = append(sets, realSet{name: keyed(l.name), x: u})
	}
	return sets, nil
}

// choiceMethods are the sweep.
func choiceMethods(levels int) (out []realMethod) {
	for _, m := range realMethods(levels) {
		if m.family == dlpm && m.value == 2 || m.family == tFlow && m.value == 5 {
			continue
		}
		out = append(out, m)
	}
	return out
}

func planChoice(ctx context.Context, o Options) (*Plan, error) {
	z, n := realSizes{steps: 800, generated: 4000, levels: 200}, 4000
	if o.Quick {
		z, n = realSizes{steps: 20, generated: 500, levels: 10}, 600
	}
	sets, err := choiceSets(ctx, o, n)
	if err != nil {
		return nil, err
	}
	methods := choiceMethods(z.levels)
	if o.Quick {
		sets, methods = sets[:2], methods[:2]
	}
	p := &Plan{
		Settings: fmt.Sprintf("choice 2: %+v, %d sets of %d, %d methods", z, len(sets), n, len(methods)),
		Columns:  choiceColumns,
		Report:   func(r *Results) Report { return reportChoice(r, sets, methods) },
	}
	for run := range o.RunsOr(3, 1) {
		for _, s := range sets {
			p.Jobs = append(p.Jobs, s.halfAgain(o.Seed, run), s.advised(z, o.Seed, run))
			for _, m := range methods {
				j := Job{Keys: []Key{{m.family, setting(s.name, m.value), run}}}
				j.Do = func(ctx context.Context, w *Worker) ([][]float64, error) {
					row, err := s.choiceRow(ctx, w, m, z, o.Seed, run)
					return [][]float64{row}, err
				}
				p.Jobs = append(p.Jobs, j)
			}
		}
	}
	return p, nil
}

// halfAgain judges the training half.
func (s realSet) halfAgain(seed uint64, run int) Job {
	return Job{Keys: []Key{{halfMethod, s.name + " -", run}}, Do: func(context.Context, *Worker) ([][]float64, error) {
		h, nan := s.split(seed, run), math.NaN()
		r := h.row(h.train)
		return [][]float64{{r[0], r[4], r[6], nan, nan, nan}}, nil
	}}
}

// choiceRow trains one method, 256 samples a step, as real does.
func (s realSet) choiceRow(ctx context.Context, w *Worker, m realMethod, z realSizes, seed uint64, run int) ([]float64, error) {
	rows, err := s.train(m, z, 256, Seed(seed, "choice", s.name, run), seed, run).Do(ctx, w)
	if err != nil {
		return nil, err
	}
	r, kind := rows[0], math.NaN()
	for i, name := range choiceKinds {
		if name == m.family {
			kind = float64(i)
		}
	}
	return []float64{r[0], r[4], r[6], kind, m.value, math.NaN()}, nil
}

// advised asks tail for the noise of the training half, and trains with it.
func (s realSet) advised(z realSizes, seed uint64, run int) Job {
	j := Job{Keys: []Key{{adviceMethod, s.name + " -", run}}}
	j.Do = func(ctx context.Context, w *Worker) ([][]float64, error) {
		h := s.split(seed, run)
		x := make([]float32, len(h.train))
		for i, v := range h.train {
			x[i] = float32(v)
		}
		set, err := data.FromPoints(x, 1)
		if err != nil {
			return nil, err
		}
		report, err := tails.Look(ctx, set, nil, 0)
		if err != nil {
			return nil, err
		}
		m, err := methodOfNoise(report.Suggestion.Noises[0], z.levels)
		if err != nil {
			return nil, err
		}
		row, err := s.choiceRow(ctx, w, m, z, seed, run)
		if err == nil && report.Suggestion.Index != nil {
			row[len(row)-1] = *report.Suggestion.Index
		}
		return [][]float64{row}, err
	}
	return j
}

// methodOfNoise is the method of the sweep with the noise that tail says.
func methodOfNoise(n tails.Noise, levels int) (realMethod, error) {
	switch {
	case n.Kind == recipe.Flow && n.Transform == recipe.SoftLog:
		m := realFlow(logFlow, math.Inf(1))
		m.compress = true
		return m, nil
	case n.Kind == recipe.EDM:
		return realEDM(tEDM, math.Inf(1)), nil
	case n.Kind == recipe.TEDM:
		return realEDM(tEDM, n.Nu), nil
	case n.Kind == recipe.DLPM:
		return realDLPM(n.Alpha, levels), nil
	}
	return realMethod{}, fmt.Errorf("experiment: tail puts %v first, which the sweep does not know", n)
}
