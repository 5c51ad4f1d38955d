// Package experiment runs the experiments that compare the methods: every
// (method, setting, run) is a row of measured values, kept as soon as it is
// known, so that a killed experiment goes on where it was. What comes out is a
// table of all rows (CSV), pictures (SVG) and the generated parts of a page
// (Markdown) that a person completes.
package experiment

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"heavytail/internal/chart"
	"heavytail/kernels"
)

// An Experiment is one question that measurements answer.
type Experiment struct {
	Name    string // of the command, the files and the state
	Summary string // one line
	// Plan says what is measured. It must be quick: work belongs into jobs.
	Plan func(ctx context.Context, o Options) (*Plan, error)
}

// All lists the experiments in the order in which they are shown.
func All() []Experiment {
	return []Experiment{tailsExperiment, gridExperiment, stepsExperiment, funnel, realData, samplersExperiment, scheduleExperiment, dimensionExperiment, choiceExperiment, returnsExperiment, trainedExperiment, imagesExperiment, helpsExperiment, peersExperiment, stableExperiment}
}

// Find returns the experiment of that name.
func Find(name string) (Experiment, error) {
	var names []string
	for _, e := range All() {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return Experiment{}, fmt.Errorf("no experiment %q; there are %s", name, strings.Join(names, ", "))
}

// Options are what a person chooses.
type Options struct {
	Quick bool   // a small version, under a minute: it shows that all works, not what is true
	Seed  uint64 // of everything
	Runs  int    // repetitions with other seeds; 0: the experiment's own number
	Data  string // folder with data that do not come with the program; empty: none
	// Report says that nothing is measured: the plan does without data, and its Settings
	// may then be the beginning of those of the rows.
	Report bool
}

// RunsOr returns o.Runs, or else full, or quick with o.Quick.
func (o Options) RunsOr(full, quick int) int {
	switch {
	case o.Runs > 0:
		return o.Runs
	case o.Quick:
		return quick
	}
	return full
}

// A Plan is an experiment with its options settled.
type Plan struct {
	// Settings is one line with everything, besides a row's key and the seed,
	// that its values depend on. Rows of other settings are never mixed.
	Settings string
	Columns  []string // names of the measured values
	Jobs     []Job
	// Report makes the page's generated sections and the pictures from the
	// rows that there are.
	Report func(r *Results) Report
}

// A Report is what can be read.
type Report struct {
	Title    string
	Sections []Section
	Figures  []chart.Figure // the first goes to NAME.svg, others to NAME-suffix.svg
}

// A Section is a generated part of a page.
type Section struct {
	Name string // keeps its place in the page; no spaces
	Body string // Markdown
}

// A Key names a row. Its fields hold no commas, quotes or line ends.
type Key struct {
	Method  string // as in the tables: DLPM, LIM
	Setting string // what the method was set to: 1.7
	Run     int    // repetition, from 0
}

func (k Key) String() string { return fmt.Sprintf("%s %s run %d", k.Method, k.Setting, k.Run) }

// compare orders keys by method, setting, run.
func (k Key) compare(o Key) int {
	if c := strings.Compare(k.Method, o.Method); c != 0 {
		return c
	}
	if c := strings.Compare(k.Setting, o.Setting); c != 0 {
		return c
	}
	return k.Run - o.Run
}

// A Job measures one or several rows. Jobs do not depend on each other and run
// in any order.
type Job struct {
	Keys []Key
	// Do returns the columns of each key in turn. It must end soon after ctx.
	Do func(ctx context.Context, w *Worker) ([][]float64, error)
}

// A Worker is what a job may use.
type Worker struct {
	Dev *kernels.CPU // one thread: jobs, not operations, run in parallel
	Dir string       // a folder for checkpoints; kept until the experiment's state is removed
	Log func(format string, args ...any)
}

// Seed mixes the experiment's seed and words that name what is drawn into one
// number, so that no row depends on another's being there or on the order.
func Seed(seed uint64, words ...any) uint64 {
	h := mix(seed ^ 0x6578706572696d65) // "experime"
	for _, w := range words {
		for _, b := range []byte(fmt.Sprint(w)) {
			h = (h ^ uint64(b)) * 0x100000001b3
		}
		h = mix(h)
	}
	return h
}

// mix is the finaliser of splitmix64.
func mix(z uint64) uint64 {
	z += 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// validate reports a plan that cannot work: a mistake of its author.
func (p *Plan) validate() error {
	seen := map[Key]bool{}
	for _, j := range p.Jobs {
		for _, k := range j.Keys {
			if seen[k] {
				return fmt.Errorf("experiment: two jobs measure %v", k)
			}
			if strings.ContainsAny(k.Method+k.Setting, ",\"\r\n") {
				return fmt.Errorf("experiment: key %q %q: commas, quotes and line ends do not fit into a table", k.Method, k.Setting)
			}
			seen[k] = true
		}
	}
	if len(p.Columns) == 0 || slices.Contains(p.Columns, "") {
		return fmt.Errorf("experiment: columns %q", p.Columns)
	}
	return nil
}
