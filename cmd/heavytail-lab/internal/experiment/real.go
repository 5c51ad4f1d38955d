package experiment

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"heavytail/data"
	"heavytail/diffusion/metrics"
	"heavytail/stable"
)

// realData asks which method, and which α or ν, models the tails of real data
// best, judged by the half that it was not trained on; and whether the tail
// estimate of the training half would have chosen it.
var realData = Experiment{
	Name:    "real",
	Summary: "held-out tails of claims, returns, earthquakes and rain: DLPM by α, t-EDM and t-Flow by ν, and the estimators' choice",
	Plan:    planReal,
}

// realSets are the files that results/real-data.sh writes.
var realSets = []string{"danish", "bmw", "sp500", "quakes", "precip"}

// realValues are how many values the files have, for reports without them.
var realValues = map[string]int{"danish": 2167, "bmw": 6146, "sp500": 5104, "quakes": 971, "precip": 60480}

// realColumns: tail, w1, w1tail, ks and r90 … are of a sample against the
// held-out half; nu, alpha and index are the estimates from the training half,
// in the rows of the method estimateMethod.
var realColumns = []string{"tail", "w1tail", "w1", "ks", "r90", "r95", "r99", "r995", "nu", "alpha", "index"}

// measured is the number of realColumns that samples have.
const measured = 8

// Rows without a network.
const (
	estimateMethod = "estimate"
	halfMethod     = "training half"
	studentMethod  = "fitted Student law"
)

// A realSet is one set of one-dimensional data.
type realSet struct {
	name string
	x    []float64 // nil in a report without data
}

// values is how many there are.
func (s realSet) values() int {
	if s.x == nil {
		return realValues[s.name]
	}
	return len(s.x)
}

func planReal(ctx context.Context, o Options) (*Plan, error) {
	sets, err := realSetsOf(ctx, o)
	if err != nil {
		return nil, err
	}
	z := realSizes{steps: 1500, generated: 5000, levels: 200}
	if o.Quick {
		z = realSizes{steps: 40, generated: 1000, levels: 20}
	}
	var about []string
	for _, s := range sets {
		if s.x != nil {
			about = append(about, fmt.Sprintf("%s %d %.6g", s.name, len(s.x), slices.Max(s.x)))
		}
	}
	p := &Plan{
		Settings: fmt.Sprintf("real 2: %d steps, %d generated, T %d, %s", z.steps, z.generated, z.levels, strings.Join(about, ", ")),
		Columns:  realColumns,
		Report:   func(r *Results) Report { return reportReal(r, sets) },
	}
	for run := range o.RunsOr(5, 1) {
		for _, s := range sets {
			p.Jobs = append(p.Jobs, s.baselines(o.Seed, run))
			for _, m := range slices.Concat(realMethods(z.levels), fieldMethods()) {
				p.Jobs = append(p.Jobs, s.job(m, z, o.Seed, run))
			}
		}
	}
	return p, nil
}

// realSizes are the numbers that -quick changes.
type realSizes struct {
	steps, generated int
	levels           int // T of DLPM; the fewer, the narrower are its samples
}

// realSetsOf reads the data, or makes the stand-ins of a quick run.
func realSetsOf(ctx context.Context, o Options) ([]realSet, error) {
	if o.Data == "" && o.Quick {
		return syntheticSets(o.Seed), nil
	}
	if o.Data == "" && o.Report {
		var sets []realSet
		for _, name := range realSets {
			sets = append(sets, realSet{name: name})
		}
		return sets, nil
	}
	if o.Data == "" {
		return nil, fmt.Errorf("real needs data that do not come with the program: fetch them with bash results/real-data.sh runs/real-data, then add -data runs/real-data (-quick runs without)")
	}
	var sets []realSet
	for _, name := range realSets {
		path := filepath.Join(o.Data, name+".csv")
		set, err := data.Open(ctx, "csv:"+path, data.Options{Rules: data.FirstRules})
		if err != nil {
			return nil, fmt.Errorf("%w; bash results/real-data.sh %s writes it", err, o.Data)
		}
		if set.Per() != 1 || set.Len() < 200 {
			return nil, fmt.Errorf("%s: %d values in each of %d lines; want one value per line and 200 lines: bash results/real-data.sh %s writes it",
				path, set.Per(), set.Len(), o.Data)
		}
		s := realSet{name: name}
		var v [1]float32
		for i := range set.Len() {
			set.Get(v[:], i, false)
			s.x = append(s.x, float64(v[0]))
		}
		sets = append(sets, s)
	}
	return sets, nil
}

// syntheticSets stand in for the data: Student's law and Pareto's, both of
// index 3.
func syntheticSets(seed uint64) []realSet {
	const n = 3000
	t, u := make([]float32, n), make([]float32, n)
	fillStudent(t, Seed(seed, "synthetic"))
	stable.Key{Seed: Seed(seed, "synthetic")}.Uniform(u, 0)
	sets := []realSet{{name: "student"}, {name: "pareto"}}
	for i := range t {
		sets[0].x = append(sets[0].x, float64(t[i]))
		sets[1].x = append(sets[1].x, 1/math.Cbrt(float64(u[i])))
	}
	return sets
}

// A split is a set cut at random into halves.
type split struct {
	train, held  []float64
	median, half float64 // of the training half: the median and half the interquartile range
}

// split returns the halves of a run: the same for every method.
func (s realSet) split(seed uint64, run int) split {
	x := slices.Clone(s.x)
	key := Seed(seed, "split", s.name, run)
	for i := len(x) - 1; i > 0; i-- {
		j := int(mix(key^uint64(i)) % uint64(i+1))
		x[i], x[j] = x[j], x[i]
	}
	h := split{train: x[:len(x)/2], held: x[len(x)/2:]}
	q := metrics.Quantiles(h.train, []float64{0.25, 0.5, 0.75})
	h.median, h.half = q[1], (q[2]-q[0])/2
	return h
}

// row measures a sample against the held-out half: the first of realColumns.
// The tail is |x − median|, both sides together; distances are in units of half
// the interquartile range.
func (h split) row(gen []float64) []float64 {
	folded := func(x []float64) []float64 {
		out := make([]float64, len(x))
		for i, v := range x {
			out[i] = math.Abs(v-h.median) / h.half
		}
		slices.Sort(out)
		return out
	}
	ref, abs := folded(h.held), folded(gen)
	top := func(x []float64) []float64 { return x[len(x)*19/20:] }
	out := []float64{
		logSurvivalError(ref, abs, 0.9, 0.995),
		metrics.Wasserstein1(top(ref), top(abs)),
		metrics.Wasserstein1(h.held, gen) / h.half,
		metrics.TailKS(ref, abs, metrics.Right, 0.9),
	}
	return append(out, metrics.QuantileRatios(ref, abs, []float64{0.9, 0.95, 0.99, 0.995})...)
}

// padded fills a row of realColumns up with NaN.
func padded(row []float64) []float64 {
	for len(row) < len(realColumns) {
		row = append(row, math.NaN())
	}
	return row
}

// baselines measures what needs no network: the training half against the
// other, a Student-t law fitted to it, and the estimates.
func (s realSet) baselines(seed uint64, run int) Job {
	j := Job{Keys: []Key{{halfMethod, s.name + " -", run}, {studentMethod, s.name + " -", run}, {estimateMethod, s.name + " -", run}}}
	j.Do = func(context.Context, *Worker) ([][]float64, error) {
		h := s.split(seed, run)
		e := estimate(h.train)
		fitted := make([]float64, measured)
		for i := range fitted {
			fitted[i] = math.NaN()
		}
		if fit, err := stable.FitStudent(h.train); err == nil {
			law := fit.Law()
			x := make([]float64, 20_000)
			for i := range x {
				x[i] = law.Quantile((float64(i) + 0.5) / float64(len(x)))
			}
			fitted = h.row(x)
		}
		none := padded(nil)[:measured]
		return [][]float64{padded(h.row(h.train)), padded(fitted), append(none, e.nu, e.alpha, e.index)}, nil
	}
	return j
}

// An estimates holds what heavytail tail prints of data; NaN where it fails.
type estimates struct {
	nu, alpha, index float64
}

// estimate estimates ν, α of the nearest symmetric stable law, and the tail
// index of |x − median|.
func estimate(x []float64) estimates {
	e := estimates{math.NaN(), math.NaN(), math.NaN()}
	if f, err := stable.FitStudent(x); err == nil {
		e.nu = f.Nu
	}
	if f, err := stable.FitStable(x, stable.FitOptions{Symmetric: true}); err == nil {
		e.alpha = f.Alpha
	}
	if f, err := stable.TailIndex(x); err == nil {
		e.index = f.Alpha
	}
	return e
}

// nearest returns the value of a grid whose reciprocal is nearest to that of v:
// 1/ν and 1/α are what the estimators' errors are even in. NaN if v is.
func nearest(grid []float64, v float64) float64 {
	if math.IsNaN(v) {
		return v
	}
	best := grid[0]
	for _, g := range grid {
		if math.Abs(1/g-1/v) < math.Abs(1/best-1/v) {
			best = g
		}
	}
	return best
}
