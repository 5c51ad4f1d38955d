package experiment

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"heavytail/internal/chart"
	"heavytail/internal/dmath"
)

// helpsResults are the rows by cells and methods.
type helpsResults struct {
	r          *Results
	methods    []helpsMethod
	copulas    []copula
	dimensions []int
	indices    []float64
	runs       int                           // that tables look for
	best       map[float64]map[string]string // by index and chosenHeavy or chosenGaussian
}

// newHelpsResults finds the runs and what the tuning put first.
func newHelpsResults(r *Results, methods []helpsMethod, copulas []copula, dimensions []int, indices []float64) helpsResults {
	h := helpsResults{r, methods, copulas, slices.Sorted(slices.Values(dimensions)), indices, 0, map[float64]map[string]string{}}
	for k := range r.rows {
		h.runs = max(h.runs, k.Run+1)
	}
	for _, index := range indices {
		best, least := map[string]string{}, map[string]float64{chosenHeavy: math.Inf(1), chosenGaussian: math.Inf(1)}
		for _, m := range methods {
			name := map[helpsNoise]string{heavyNoise: chosenHeavy, gaussianNoise: chosenGaussian}[m.noise]
			if v := h.tuned(m.name, helpsTuned(m.name, index), index); v < least[name] {
				best[name], least[name] = m.name, v
			}
		}
		h.best[index] = best
	}
	return h
}

// Columns of tables that stand for the method of a kind with the least error in tuning.
const (
	chosenHeavy    = "heavy noise"
	chosenGaussian = "Gaussian noise"
)

// A helpsPair is a method beside another.
type helpsPair struct{ of, over string }

// helpsPairs are methods of heavy-tailed noise beside their own Gaussian limits, and
// the chosen ones beside each other and beside bent data.
var helpsPairs = []helpsPair{
	{chosenHeavy, chosenGaussian}, {"bent", chosenGaussian}, {chosenHeavy, "bent"},
	{"t-EDM", "EDM"}, {"t-Flow", "flow"}, {"DLPM", "DDIM"}, {"DLIM", "DDIM"}, {"LIM", "DDIM"},
	{"jump", "EDM"}, {"jump", "t-EDM"},
}

func reportHelps(r *Results, methods []helpsMethod, copulas []copula, dimensions []int, indices []float64) Report {
	h := newHelpsResults(r, methods, copulas, dimensions, indices)
	return Report{
		Title: "helps: do heavy tails help?",
		Sections: []Section{
			{"when", h.whenTable()}, {"pairs", h.pairsTable()}, {"errors", h.errorsTable()}, {"quantiles", h.quantilesTable()},
			{"joint", h.jointTable()}, {"tuning", h.tuningTable()},
		},
		Figures: []chart.Figure{h.figure()},
	}
}

// A helpsGroup is some of the cells.
type helpsGroup struct {
	title string
	want  func(copula string, d int, index float64) bool
}

func everyCell(string, int, float64) bool { return true }

// groups are all cells, those with heavy tails, and those of every index, dimension and
// copula.
func (h helpsResults) groups() (out []helpsGroup) {
	out = append(out, helpsGroup{"all", everyCell}, helpsGroup{"index 1.5 to 4", func(_ string, _ int, i float64) bool { return !math.IsInf(i, 1) }})
	for _, index := range h.indices {
		out = append(out, helpsGroup{"index " + indexName(index), func(_ string, _ int, i float64) bool { return i == index }})
	}
	for _, d := range h.dimensions {
		out = append(out, helpsGroup{fmt.Sprintf("d = %d", d), func(_ string, e int, _ float64) bool { return e == d }})
	}
	for _, c := range h.copulas {
		out = append(out, copulaGroup(c))
	}
	return out
}

// fineGroups are those of every index with every dimension.
func (h helpsResults) fineGroups() (out []helpsGroup) {
	for _, index := range h.indices {
		for _, d := range h.dimensions {
			out = append(out, helpsGroup{fmt.Sprintf("index %s, d = %d", indexName(index), d), func(_ string, e int, i float64) bool { return e == d && i == index }})
		}
	}
	return out
}

func copulaGroup(c copula) helpsGroup {
	return helpsGroup{c.name + " copula", func(name string, _ int, _ float64) bool { return name == c.name }}
}

func indexName(index float64) string { return strings.Replace(fmt.Sprint(index), "+Inf", "∞", 1) }

// tuned is the error of a method's candidate in the tuning rows, over the numbers of
// evaluations; NaN if it was not measured.
func (h helpsResults) tuned(method string, candidate int, index float64) float64 {
	sum := 0.0
	for _, n := range helpsEvaluations {
		sum += h.r.value(Key{tuneMethod(method), helpsSetting(cellName(helpsCopulas[0].name, tuneDimension, index), n, candidate), 0}, "error")
	}
	return sum / float64(len(helpsEvaluations))
}

// value is a column of a row; NaN if there is no such row.
func (r *Results) value(k Key, column string) float64 {
	row := r.rows[k]
	if row == nil {
		return math.NaN()
	}
	return row[slices.Index(r.columns, column)]
}

// resolve is the method that a name of a pair stands for.
func (h helpsResults) resolve(name string, index float64) string {
	if name == chosenHeavy || name == chosenGaussian {
		return h.best[index][name]
	}
	return name
}

// at is a column of a method in a run of a cell; NaN if it is not there.
func (h helpsResults) at(method, copula string, d int, index float64, evaluations, run int, column string) float64 {
	name, method := cellName(copula, d, index), h.resolve(method, index)
	if method == freshData || method == memoryMethod {
		return h.r.value(Key{method, name, run}, column)
	}
	return h.r.value(Key{method, helpsSetting(name, evaluations, helpsTuned(method, index)), run}, column)
}

// logs are, by cell, the logarithms of the ratio of a column in the runs that have both
// methods.
func (h helpsResults) logs(p helpsPair, g helpsGroup, evaluations int, column string) (cells [][]float64) {
	for _, c := range h.copulas {
		for _, d := range h.dimensions {
			for _, index := range h.indices {
				if !g.want(c.name, d, index) {
					continue
				}
				var logs []float64
				for run := range h.runs {
					v := dmath.Log(h.at(p.of, c.name, d, index, evaluations, run, column) / h.at(p.over, c.name, d, index, evaluations, run, column))
					if v-v == 0 {
						logs = append(logs, v)
					}
				}
				if len(logs) > 0 {
					cells = append(cells, logs)
				}
			}
		}
	}
	return cells
}

// ratio is the mean of cells' means with its interval, or over runs where a group has
// fewer than three cells; bold where the p-value is below the bound.
func ratio(cells [][]float64, bound float64) string {
	var logs []float64
	for _, c := range cells {
		if len(cells) >= 3 {
			logs = append(logs, Summarise(c).Mean)
		} else {
			logs = append(logs, c...)
		}
	}
	interval, p := tInterval(logs)
	if p == "–" {
		return interval
	}
	if pairedT(Summarise(logs)) < bound {
		return fmt.Sprintf("**%s, p = %s**", interval, p)
	}
	return fmt.Sprintf("%s, p = %s", interval, p)
}

// whenTable tells where heavy-tailed noise helps.
func (h helpsResults) whenTable() string {
	pairs := helpsPairs[:5]
	t := Table{Head: []string{"where", "cells", "runs of a cell"}}
	for _, p := range pairs {
		t.Head = append(t.Head, p.of+" over "+p.over)
	}
	var groups []helpsGroup
	for _, g := range append(h.groups(), h.fineGroups()...) {
		if len(h.logs(pairs[0], g, helpsEvaluations[0], "error")) > 0 {
			groups = append(groups, g)
		}
	}
	bound := 0.05 / float64(max(len(groups), 1)*len(pairs))
	for _, g := range groups {
		cells := h.logs(pairs[0], g, helpsEvaluations[0], "error")
		least, most := 0, 0
		for i, c := range cells {
			if most = max(most, len(c)); i == 0 || len(c) < least {
				least = len(c)
			}
		}
		runs := fmt.Sprint(most)
		if least < most {
			runs = fmt.Sprintf("%d to %d", least, most)
		}
		line := []string{g.title, fmt.Sprint(len(cells)), runs}
		for _, p := range pairs {
			line = append(line, ratio(h.logs(p, g, helpsEvaluations[0], "error"), bound))
		}
		t.Add(line...)
	}
	return t.String() + fmt.Sprintf("\nRatios of `error` at %d evaluations, below 1 where the first is better: geometric means, 95 %% intervals and p-values of the t-test over cells, in the rows of fewer than three cells over runs. Bold: p below 0.05 over the %d tests of the table. %s and %s are the methods with the least error in tuning, by index: %s.\n",
		helpsEvaluations[0], len(groups)*len(pairs), chosenHeavy, chosenGaussian, h.chosen())
}

// chosen lists what the tuning put first.
func (h helpsResults) chosen() string {
	var words []string
	for _, index := range h.indices {
		words = append(words, fmt.Sprintf("%s: %s and %s", indexName(index), h.resolve(chosenHeavy, index), h.resolve(chosenGaussian, index)))
	}
	return strings.Join(words, "; ")
}

// pairsTable compares by measure and number of evaluations.
func (h helpsResults) pairsTable() string {
	columns := []string{"error", "tail", "sum", "body", "w1", "ks"}
	t := Table{Head: append([]string{"", "evaluations"}, columns...)}
	bound := 0.05 / float64(len(helpsPairs)*len(helpsEvaluations)*len(columns))
	for _, p := range helpsPairs {
		for _, n := range helpsEvaluations {
			line := []string{p.of + " over " + p.over, fmt.Sprint(n)}
			for _, c := range columns {
				line = append(line, ratio(h.logs(p, helpsGroup{want: everyCell}, n, c), bound))
			}
			t.Add(line...)
		}
	}
	return t.String() + "\nAll cells: ratios as above. Runs without a finite measure are left out of its column, and count in `error`. Bold: p below 0.05 over all tests of the table.\n"
}
