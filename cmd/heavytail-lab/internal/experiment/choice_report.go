package experiment

import (
	"fmt"
	"math"
	"strings"

	"heavytail/internal/chart"
	"heavytail/internal/dmath"
)

func reportChoice(r *Results, sets []realSet, methods []realMethod) Report {
	c := choiceResults{r, sets, methods}
	rep := Report{Title: "choice: what the advice of tail costs"}
	rep.Sections = []Section{{"regret", c.regretTable()}, {"fixed", c.fixedTable()}, {"sets", c.setsTable()}, {"errors", c.errorsTable()}}
	plot := chart.Plot{Title: "error of the advice over that of the best of the sweep", XLabel: "tail's index of the training half", YLabel: "ratio", LogX: true, LogY: true}
	for i, kind := range choiceKinds {
		s := chart.Series{Name: "advice: " + kind, Style: chart.Dots, Colour: i + 1}
		for _, set := range sets {
			index := r.Summary(adviceMethod, set.name+" -", "index")
			if k := r.Values(adviceMethod, set.name+" -", "kind"); len(k) > 0 && k[0] == float64(i) {
				x := index.Mean
				if index.N == 0 {
					x = 50 // nothing is heavy: at the right end
				}
				s.X, s.Y = append(s.X, x), append(s.Y, dmath.Exp(Summarise(c.regrets(set)).Mean))
			}
		}
		if len(s.X) > 0 {
			plot.Series = append(plot.Series, s)
		}
	}
	plot.Series = append(plot.Series, chart.Series{Name: "no regret", X: []float64{1, 50}, Y: []float64{1, 1}, Style: chart.Dashed, Colour: 8})
	rep.Figures = []chart.Figure{{Plots: []chart.Plot{plot}}}
	return rep
}

// choiceResults are the rows by sets and methods.
type choiceResults struct {
	r       *Results
	sets    []realSet
	methods []realMethod
}

// errors are those of a method by run; NaN where a run is missing.
func (c choiceResults) errors(set, method string) []float64 { return c.r.byRun(method, set, "error") }

// oracle returns the place of the method with the least mean log error over the runs
// but one (−1: over all).
func (c choiceResults) oracle(set realSet, but int) int {
	best, least := -1, math.Inf(1)
	for i, m := range c.methods {
		var logs []float64
		for run, v := range c.errors(setting(set.name, m.value), m.family) {
			if run != but {
				logs = append(logs, dmath.Log(v))
			}
		}
		if mean := Summarise(logs).Mean; mean < least {
			best, least = i, mean
		}
	}
	return best
}

// regrets are by run ln of the advice's error over that of the method which is best
// in the other runs: the sweep's winner is judged on splits and trainings that did
// not make it the winner.
func (c choiceResults) regrets(set realSet) (logs []float64) {
	advice := c.errors(set.name+" -", adviceMethod)
	for run, v := range advice {
		but := run
		if len(advice) == 1 {
			but = -1
		}
		if i := c.oracle(set, but); i >= 0 {
			if errs := c.errors(setting(set.name, c.methods[i].value), c.methods[i].family); run < len(errs) {
				logs = append(logs, logsOf([]float64{v}, errs[run:])...)
			}
		}
	}
	return logs
}

// against are by run ln of the advice's error over a method's.
func (c choiceResults) against(set realSet, m realMethod) (logs []float64) {
	return logsOf(c.errors(set.name+" -", adviceMethod), c.errors(setting(set.name, m.value), m.family))
}

// perSet are the means over runs of every set that has some: sets are what is
// independent.
func (c choiceResults) perSet(logs func(realSet) []float64, want func(realSet) bool) (means []float64) {
	for _, s := range c.sets {
		if v := Summarise(logs(s)); v.N > 0 && want(s) {
			means = append(means, v.Mean)
		}
	}
	return means
}

// heavyIndex tells whether the mean of tail's indices over the runs is at most 2.
func (c choiceResults) heavyIndex(s realSet) bool {
	v := c.r.Summary(adviceMethod, s.name+" -", "index")
	return v.N > 0 && v.Mean <= 2
}

// regretTable is the number that the advice quotes.
func (c choiceResults) regretTable() string {
	t := Table{Head: []string{"sets", "number", "error of the advice over that of the sweep's best", "p", "over the best in hindsight", "over the training half's"}}
	runs := 0
	for _, g := range []struct {
		name string
		want func(realSet) bool
	}{
		{"all", func(realSet) bool { return true }},
		{"index above 2, or none", func(s realSet) bool { return !c.heavyIndex(s) }},
		{"index of 2 and below", c.heavyIndex},
		{"real", func(s realSet) bool { return isReal(s.name) }},
		{"known laws", func(s realSet) bool { return !isReal(s.name) }},
	} {
		regret := c.perSet(c.regrets, g.want)
		half := c.perSet(func(s realSet) (logs []float64) {
			errs := c.errors(s.name+" -", halfMethod)
			for run, v := range c.errors(s.name+" -", adviceMethod) {
				runs = max(runs, run+1)
				if run < len(errs) {
					logs = append(logs, dmath.Log(v/errs[run]))
				}
			}
			return logs
		}, g.want)
		a, p := tInterval(regret)
		b, _ := tInterval(half)
		hindsight, _ := tInterval(c.perSet(func(s realSet) []float64 {
			if i := c.oracle(s, -1); i >= 0 {
				return c.against(s, c.methods[i])
			}
			return nil
		}, g.want))
		t.Add(g.name, fmt.Sprint(len(regret)), a, p, hindsight, b)
	}
	return t.String() + fmt.Sprintf("\n%s of each set; geometric means with 95 %% intervals and p-values of the t-test over sets. The best of the sweep is the one that is best in the other runs; that in hindsight was chosen by the errors that it is judged by, and is lucky.\n", counted(runs, "run"))
}

func isReal(name string) bool {
	for _, s := range realSets {
		if s == name {
			return true
		}
	}
	return false
}

// titleOf names a method of the sweep as the tables do.
func titleOf(m realMethod) string { return realRow{m.family, m.value}.title() }

// fixedTable compares the advice with always doing the same.
func (c choiceResults) fixedTable() string {
	t := Table{Head: []string{"always", "sets", "error of the advice over its", "p", "better in", "index ≤ 2", "p", "index > 2", "p"}}
	for _, m := range c.methods {
		logs := func(s realSet) []float64 { return c.against(s, m) }
		all := c.perSet(logs, func(realSet) bool { return true })
		better := 0
		for _, v := range all {
			if v < 0 {
				better++
			}
		}
		a, p := tInterval(all)
		b, q := tInterval(c.perSet(logs, c.heavyIndex))
		d, s := tInterval(c.perSet(logs, func(s realSet) bool { return !c.heavyIndex(s) }))
		t.Add(titleOf(m), fmt.Sprint(len(all)), a, p, fmt.Sprintf("%d of %d", better, len(all)), b, q, d, s)
	}
	return t.String()
}

// setsTable shows what was advised and what was best.
func (c choiceResults) setsTable() string {
	t := Table{Head: []string{"set", "true index", "tail's index", "advice", "its error", "best of all runs", "its error", "regret", "training half"}}
	for _, s := range c.sets {
		known := "–"
		for _, l := range knownLaws {
			if keyed(l.name) == s.name {
				known = strings.Replace(fmt.Sprint(l.index), "+Inf", "∞", 1)
			}
		}
		i := c.oracle(s, -1)
		if i < 0 {
			continue
		}
		best, regret := c.methods[i], Summarise(c.regrets(s))
		t.Add(s.name, known, compact(c.r.Summary(adviceMethod, s.name+" -", "index")), c.advice(s), compact(c.r.Summary(adviceMethod, s.name+" -", "error")),
			titleOf(best), compact(c.r.Summary(best.family, setting(s.name, best.value), "error")),
			fmt.Sprintf("%.2f", dmath.Exp(regret.Mean))+pairedCell(c.regrets(s)), compact(c.r.Summary(halfMethod, s.name+" -", "error")))
	}
	return t.String() + c.testedOver("in brackets behind the regret", "1, the best of each run being chosen by the others")
}

// advice lists what tail put first, by run.
func (c choiceResults) advice(s realSet) string {
	var words []string
	values := c.r.Values(adviceMethod, s.name+" -", "value")
	for i, k := range c.r.Values(adviceMethod, s.name+" -", "kind") {
		word := adviceWord(choiceKinds[int(k)], values[i])
		if len(words) == 0 || words[len(words)-1] != word {
			words = append(words, word)
		}
	}
	return strings.Join(words, ", ")
}

// adviceWord names advice of a kind with its α or ν.
func adviceWord(kind string, value float64) string {
	switch {
	case kind == logEDM, kind == logFlow:
		return kind
	case kind == dlpm:
		return fmt.Sprintf("DLPM %.3g", value)
	case !math.IsInf(value, 1):
		return fmt.Sprintf("t-EDM %.3g", value)
	}
	return "EDM"
}

// errorsTable shows the errors of all.
func (c choiceResults) errorsTable() string {
	t := Table{Head: []string{"log tail error"}}
	for _, s := range c.sets {
		t.Head = append(t.Head, s.name)
	}
	line := func(title string, at func(s realSet) string) {
		cells := []string{title}
		for _, s := range c.sets {
			cells = append(cells, at(s))
		}
		t.Add(cells...)
	}
	tested := func(family string, setting func(s realSet) string) func(s realSet) string {
		return func(s realSet) string {
			return compact(c.r.Summary(family, setting(s), "error")) + pairedCell(c.r.pairs(family, setting(s), adviceMethod, s.name+" -", "error"))
		}
	}
	none := func(s realSet) string { return s.name + " -" }
	line("training half", tested(halfMethod, none))
	line("advice", tested(adviceMethod, none))
	for _, m := range c.methods {
		line(titleOf(m), tested(m.family, func(s realSet) string { return setting(s.name, m.value) }))
	}
	return t.String() + c.testedOver("in brackets", "the advice's error")
}

// testedOver says of how many runs a table of single sets is, and what its p-values are.
func (c choiceResults) testedOver(where, beside string) string {
	runs := 0
	for _, s := range c.sets {
		runs = max(runs, len(c.errors(s.name+" -", adviceMethod)))
	}
	text := fmt.Sprintf("\nMeans ± standard deviations of %s. ", counted(runs, "run"))
	if runs < 3 {
		return text + "A single set is not tested over so few; the tables above test over the sets.\n"
	}
	return text + fmt.Sprintf("p-values %s are of the t-test of ln of the ratio to %s, paired over the runs.\n", where, beside)
}
