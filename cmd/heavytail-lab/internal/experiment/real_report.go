package experiment

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"heavytail/internal/chart"
	"heavytail/internal/dmath"
)

// A realRow is a row of a set's table.
type realRow struct {
	family string
	value  float64 // NaN: none
}

func (r realRow) setting(set string) string {
	if math.IsNaN(r.value) {
		return set + " -"
	}
	return setting(set, r.value)
}

// title names the row: t-EDM, ν = 5.
func (r realRow) title() string {
	switch {
	case math.IsNaN(r.value) || r.family == logEDM || r.family == logFlow || slices.Contains(fieldFamilies, r.family):
		return r.family
	case math.IsInf(r.value, 1):
		return map[string]string{tEDM: "EDM (ν = ∞)", tFlow: "flow matching (ν = ∞)"}[r.family]
	case r.family == dlpm && r.value == 2:
		return "DDPM (α = 2)"
	case r.family == dlpm:
		return fmt.Sprintf("%s, α = %g", r.family, r.value)
	}
	return fmt.Sprintf("%s, ν = %g", r.family, r.value)
}

func realRows() []realRow {
	out := []realRow{{halfMethod, math.NaN()}, {studentMethod, math.NaN()}}
	for _, m := range slices.Concat(realMethods(2), fieldMethods()) {
		out = append(out, realRow{m.family, m.value})
	}
	return out
}

func reportReal(r *Results, sets []realSet) Report {
	rep := Report{Title: "real: held-out tails of real data"}
	rep.Sections = append(rep.Sections, Section{"overall", overallTable(r, sets)}, Section{"choice", choiceTable(r, sets)})
	fig := chart.Figure{Columns: 2}
	for _, s := range sets {
		rep.Sections = append(rep.Sections, Section{"set-" + s.name, setTable(r, s)})
		fig.Plots = append(fig.Plots, realPlot(r, s))
	}
	rep.Figures = []chart.Figure{fig}
	return rep
}

// setTable shows what was measured of one set.
func setTable(r *Results, s realSet) string {
	t := Table{Head: []string{s.name, "runs", "log tail error", "p", "W1 of the top 5 %", "W1", "KS beyond 90 %", "90 %", "95 %", "99 %", "99.5 %"}}
	for _, row := range realRows() {
		cells := []string{row.title(), fmt.Sprint(len(r.Values(row.family, row.setting(s.name), "tail")))}
		for i, c := range realColumns[:measured] {
			cells = append(cells, compact(r.Summary(row.family, row.setting(s.name), c)))
			if i == 0 {
				cells = append(cells, pairedP(r.pairs(row.family, row.setting(s.name), tEDM, setting(s.name, math.Inf(1)), c)))
			}
		}
		t.Add(cells...)
	}
	return t.String() + "\nMeans ± standard deviations; p of the t-test of ln of the error over that of EDM (ν = ∞), paired over the runs, which have their halves in common.\n"
}

// best returns the row of a family with the smallest mean log tail error.
func best(r *Results, set, family string) (realRow, Summary) {
	var row realRow
	least := Summary{Mean: math.Inf(1)}
	for _, c := range realRows() {
		if c.family != family {
			continue
		}
		if s := r.Summary(c.family, c.setting(set), "tail"); s.N > 0 && s.Mean < least.Mean {
			row, least = c, s
		}
	}
	return row, least
}

// overallTable ranks all methods over all sets: the log tail error in units of
// the training half's of the same set and run, as a geometric mean with the 95 % interval that the
// spread of these pairs gives.
func overallTable(r *Results, sets []realSet) string {
	t := Table{Head: []string{"method", "sets × runs", "log tail error relative to the training half's", "p", "p beside EDM"}}
	add := func(title string, errs func(set string) []float64) {
		var logs, own, besideEDM []float64
		for _, s := range sets {
			a := logsOf(errs(s.name), r.byRun(halfMethod, s.name+" -", "tail"))
			b := logsOf(errs(s.name), r.byRun(tEDM, setting(s.name, math.Inf(1)), "tail"))
			logs, own, besideEDM = append(logs, a...), append(own, Summarise(a).Mean), append(besideEDM, Summarise(b).Mean)
		}
		s := Summarise(logs)
		se := float64(1.96 * (s.Std / math.Sqrt(float64(s.N))))
		t.Add(title, fmt.Sprint(s.N), fmt.Sprintf("%.2f (%.2f to %.2f)", dmath.Exp(s.Mean), dmath.Exp(s.Mean-se), dmath.Exp(s.Mean+se)), pairedP(own), pairedP(besideEDM))
	}
	for _, row := range realRows() {
		add(row.title(), func(set string) []float64 { return r.byRun(row.family, row.setting(set), "tail") })
	}
	for _, c := range []struct {
		title, family, column string
		grid                  []float64
	}{
		{"t-EDM with the ν nearest to the fitted one", tEDM, "nu", realNu}, {"t-EDM with the ν nearest to the tail index", tEDM, "index", realNu},
		{"DLPM with the α nearest to the fitted one", dlpm, "alpha", realAlpha},
	} {
		add(c.title, func(set string) []float64 {
			errs, _ := chosenErrors(r, set, c.family, c.column, c.grid)
			return errs
		})
	}
	return t.String() + fmt.Sprintf("\np of the t-test of ln of the error over the training half's, and over EDM's (ν = ∞) of the same runs, paired over the %s, each the mean of its runs.\n", counted(len(sets), "set"))
}

// chosenErrors are the log tail errors, by run, of the grid's value that is
// nearest to what the estimator named by column said of that run's training
// half; it also returns the values chosen. Runs that are not measured yet are
// NaN.
func chosenErrors(r *Results, set, family, column string, grid []float64) (errs []float64, values string) {
	count := map[float64]int{}
	for run, v := range r.byRun(estimateMethod, set+" -", column) {
		g := nearest(grid, v)
		if math.IsNaN(g) {
			errs = append(errs, math.NaN())
			continue
		}
		count[g]++
		e := math.NaN()
		if all := r.byRun(family, setting(set, g), "tail"); run < len(all) {
			e = all[run]
		}
		errs = append(errs, e)
	}
	var names []string
	for _, g := range grid {
		if count[g] > 0 {
			names = append(names, strings.Replace(fmt.Sprintf("%g (%d×)", g, count[g]), "+Inf", "∞", 1))
		}
	}
	if len(names) == 0 {
		names = []string{"none: the fit fails"}
	}
	return errs, strings.Join(names, ", ")
}

// choiceTable shows per set the estimates, the best row of each family, and how
// the estimators' choices compare with them.
func choiceTable(r *Results, sets []realSet) string {
	t := Table{Head: []string{"set", "values", "estimate: ν, α, index", "best of all", "best t-EDM", "t-EDM by ν̂: ν, error", "t-EDM by index: ν, error", "best DLPM", "DLPM by α̂: α, error"}}
	runs := 0
	for _, s := range sets {
		runs = max(runs, len(r.Values(estimateMethod, s.name+" -", "nu")))
		var overall realRow
		least := Summary{Mean: math.Inf(1)}
		for _, f := range append([]string{tEDM, tFlow, dlpm, logEDM}, fieldFamilies...) {
			if row, v := best(r, s.name, f); v.N > 0 && v.Mean < least.Mean {
				overall, least = row, v
			}
		}
		named := func(row realRow, v Summary) string {
			if v.N == 0 {
				return "–"
			}
			return row.title() + ": " + compact(v)
		}
		chosen := func(family, column string, grid []float64) string {
			errs, names := chosenErrors(r, s.name, family, column, grid)
			return names + ": " + compact(Summarise(errs))
		}
		e := func(column string) string { return compact(r.Summary(estimateMethod, s.name+" -", column)) }
		t.Add(s.name, fmt.Sprint(s.values()), e("nu")+"; "+e("alpha")+"; "+e("index"), named(overall, least),
			named(best(r, s.name, tEDM)), chosen(tEDM, "nu", realNu), chosen(tEDM, "index", realNu),
			named(best(r, s.name, dlpm)), chosen(dlpm, "alpha", realAlpha))
	}
	return t.String() + fmt.Sprintf("\nMeans ± standard deviations of %s. The best of a row is chosen by the errors that it is shown with, so that no test applies; the choices are tested in the table above.\n", counted(runs, "run"))
}

// realPlot draws the log tail error against 1/ν and 1/α − ½, in which the
// Gaussian methods stand at 0.
func realPlot(r *Results, s realSet) chart.Plot {
	p := chart.Plot{Title: s.name + ": log tail error on the held-out half", XLabel: "1/ν, or 1/α − 1/2 (0: Gaussian)", YLabel: "error", LogY: true}
	at := func(family string, value float64) float64 {
		if family == dlpm {
			return 1/value - 0.5
		}
		return 1 / value
	}
	series := map[string]*chart.Series{}
	for _, f := range []string{tEDM, tFlow, dlpm, logEDM} {
		series[f] = &chart.Series{Name: f}
	}
	for _, row := range realRows() {
		if q := series[row.family]; q != nil {
			v := r.Summary(row.family, row.setting(s.name), "tail")
			q.X, q.Y, q.Err = append(q.X, at(row.family, row.value)), append(q.Y, v.Mean), append(q.Err, v.Std)
		}
	}
	for _, f := range []string{tEDM, tFlow, dlpm, logEDM} {
		p.Series = append(p.Series, *series[f])
	}
	floor := r.Summary(halfMethod, s.name+" -", "tail").Mean
	law := r.Summary(studentMethod, s.name+" -", "tail").Mean
	p.Series = append(p.Series, chart.Series{Name: halfMethod, X: []float64{0, 0.4}, Y: []float64{floor, floor}, Style: chart.Dashed},
		chart.Series{Name: studentMethod, X: []float64{0, 0.4}, Y: []float64{law, law}, Style: chart.Dashed})
	return p
}
