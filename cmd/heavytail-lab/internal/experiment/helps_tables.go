package experiment

import (
	"fmt"
	"math"
	"strings"

	"heavytail/internal/chart"
	"heavytail/internal/dmath"
)

// complete says that a run of a cell has the rows of all methods: tables that show them
// below each other take no others.
func (h helpsResults) complete(copula string, d int, index float64, run int) bool {
	for _, m := range h.methods {
		if v := h.at(m.name, copula, d, index, helpsEvaluations[0], run, "fail"); v != v {
			return false
		}
	}
	return true
}

// values are a column of a method over all complete runs of the cells of a group.
func (h helpsResults) values(method string, g helpsGroup, evaluations int, column string) (v []float64) {
	for _, c := range h.copulas {
		for _, d := range h.dimensions {
			for _, index := range h.indices {
				if !g.want(c.name, d, index) {
					continue
				}
				for run := range h.runs {
					if h.complete(c.name, d, index, run) {
						v = append(v, h.at(method, c.name, d, index, evaluations, run, column))
					}
				}
			}
		}
	}
	return v
}

// rowsOf are the names of tables that show every method.
func (h helpsResults) rowsOf() []string {
	names := []string{freshData, memoryMethod}
	for _, m := range h.methods {
		names = append(names, m.name)
	}
	return names
}

// inLogs summarises the logarithms of positive values.
func inLogs(v []float64) Summary {
	logs := make([]float64, len(v))
	for i, x := range v {
		logs[i] = dmath.Log(x)
	}
	return Summarise(logs)
}

// meanCell formats a geometric mean.
func meanCell(v []float64) string {
	if s := inLogs(v); s.N > 0 {
		return fmt.Sprintf("%.3g", dmath.Exp(s.Mean))
	}
	return "–"
}

// helpsTested says what the brackets of besideEDM are.
const helpsTested = "In brackets p of the t-test of ln of the ratio to EDM's with as many evaluations, over the laws of a cell, each the mean of its runs."

// besideEDM is the p-value, in brackets, of the t-test over the laws of a group that a
// method's column is EDM's.
func (h helpsResults) besideEDM(method string, g helpsGroup, evaluations int, column string) string {
	if method == "EDM" {
		return ""
	}
	var means []float64
	for _, logs := range h.logs(helpsPair{method, "EDM"}, g, evaluations, column) {
		means = append(means, Summarise(logs).Mean)
	}
	return pairedCell(means)
}

// differs is besideEDM of a column that may be negative, by differences.
func (h helpsResults) differs(method string, g helpsGroup, column string) string {
	if method == "EDM" {
		return ""
	}
	var means []float64
	for _, d := range h.dimensions {
		for _, index := range h.indices {
			one := helpsGroup{want: func(c string, e int, i float64) bool { return e == d && i == index && g.want(c, e, i) }}
			a, b := h.values(method, one, helpsEvaluations[0], column), h.values("EDM", one, helpsEvaluations[0], column)
			for i := range a {
				a[i] -= b[i]
			}
			if s := Summarise(a); s.N > 0 {
				means = append(means, s.Mean)
			}
		}
	}
	return pairedCell(means)
}

// errorsTable shows the errors of all methods by index and dimension.
func (h helpsResults) errorsTable() string {
	t := Table{Head: []string{"error", "evaluations", "failed"}}
	var groups []helpsGroup
	for _, g := range h.fineGroups() {
		if n := len(h.values(freshData, g, helpsEvaluations[0], "error")); n > 0 {
			groups = append(groups, g)
			t.Head = append(t.Head, fmt.Sprintf("%s (%d)", g.title, n))
		}
	}
	for _, name := range h.rowsOf() {
		for _, n := range helpsEvaluations {
			if (name == freshData || name == memoryMethod) && n != helpsEvaluations[0] {
				continue
			}
			failed, all := 0, 0
			for _, v := range h.values(name, helpsGroup{want: everyCell}, n, "fail") {
				failed, all = failed+int(v), all+1
			}
			line := []string{name, fmt.Sprint(n), fmt.Sprintf("%d of %d", failed, all)}
			for _, g := range groups {
				line = append(line, meanCell(h.values(name, g, n, "error"))+h.besideEDM(name, g, n, "error"))
			}
			t.Add(line...)
		}
	}
	return t.String() + "\nGeometric means over copulas and runs that have all methods, whose number is in brackets; `failed` counts them in all cells. " + helpsTested + "\n"
}

// quantilesTable shows the measures of elements by index.
func (h helpsResults) quantilesTable() string {
	out := ""
	for _, index := range h.indices {
		g := helpsGroup{want: func(_ string, _ int, i float64) bool { return i == index }}
		t := Table{Head: []string{"index " + indexName(index), "runs", "99 %", "99.9 %", "99.99 %", "CVaR beyond 99 %", "tail", "KS beyond 95 %", "W1", "body", "sum", "p, 99.99 %", "p, tail", "p, sum"}}
		for _, name := range h.rowsOf() {
			v := func(column string) []float64 { return h.values(name, g, helpsEvaluations[0], column) }
			line := []string{name, fmt.Sprint(len(v("fail")))}
			for _, c := range []string{"r99", "r999", "r9999", "cvar"} {
				line = append(line, logSpread(v(c)))
			}
			for _, c := range []string{"tail", "ks", "w1", "body", "sum"} {
				line = append(line, meanCell(v(c)))
			}
			for _, c := range []string{"r9999", "tail", "sum"} {
				line = append(line, strings.Trim(h.besideEDM(name, g, helpsEvaluations[0], c), " ()"))
			}
			t.Add(line...)
		}
		out += t.String() + "\n"
	}
	return out + fmt.Sprintf("%d evaluations. Quantiles of |x_i| and the mean beyond the 99 %% quantile as ratios to the law's: geometric means over all copulas, dimensions and runs, and in brackets the factor of one standard deviation. The others are geometric means. p of the t-test of ln of the ratio to EDM's, over the laws, each the mean of its runs.\n", helpsEvaluations[0])
}

// logSpread is a geometric mean with the factor of a standard deviation.
func logSpread(v []float64) string {
	s := inLogs(v)
	switch {
	case s.N == 0:
		return "–"
	case s.N == 1:
		return fmt.Sprintf("%.3g", dmath.Exp(s.Mean))
	}
	return fmt.Sprintf("%.3g (%.2f)", dmath.Exp(s.Mean), dmath.Exp(s.Std))
}

// jointTable shows the dependence in the tails by copula.
func (h helpsResults) jointTable() string {
	t := Table{Head: []string{"", "evaluations"}}
	var copulas []copula
	for _, c := range h.copulas {
		if len(h.values(freshData, copulaGroup(c), helpsEvaluations[0], "upper")) == 0 {
			continue
		}
		copulas = append(copulas, c)
		for _, side := range []string{"upper", "lower"} {
			t.Head = append(t.Head, c.name+", "+side)
		}
	}
	for _, name := range h.rowsOf() {
		line := []string{name, fmt.Sprint(helpsEvaluations[0])}
		for _, c := range copulas {
			g := copulaGroup(c)
			for _, side := range []string{"upper", "lower"} {
				line = append(line, compact(Summarise(h.values(name, g, helpsEvaluations[0], side)))+h.differs(name, g, side))
			}
		}
		t.Add(line...)
	}
	return t.String() + "\nP(both neighbours beyond the 95 % quantile)/5 %, less the law's: mean ± standard deviation over indices, dimensions and runs; in brackets p of the t-test of the difference to EDM's, over the laws, each the mean of its runs.\n"
}

// tuningTable shows what was chosen.
func (h helpsResults) tuningTable() string {
	t := Table{Head: []string{"method"}}
	for _, index := range h.indices {
		t.Head = append(t.Head, "index "+indexName(index), "error", "of all")
	}
	for _, m := range h.methods {
		line := []string{m.name}
		for _, index := range h.indices {
			k, label, all := helpsTuned(m.name, index), "–", ""
			if k >= 0 {
				label = m.candidates[k].label
			}
			for i := range m.candidates {
				if i > 0 {
					all += ", "
				}
				all += fmt.Sprintf("%.2f", h.tuned(m.name, i, index))
			}
			line = append(line, label, fmt.Sprintf("%.3g", h.tuned(m.name, k, index)), all)
		}
		t.Add(line...)
	}
	return t.String() + fmt.Sprintf("\nOne training of each candidate on the %s copula in %d dimensions; `error` is against a validation part, the mean over %d and %d evaluations. Of one training there are no tests.\n", helpsCopulas[0].name, tuneDimension, helpsEvaluations[0], helpsEvaluations[1])
}

// helpsColours are those of the series: a method and its Gaussian limit have one.
var helpsColours = map[string]int{freshData: 8, "EDM": 1, "t-EDM": 1, "flow": 2, "t-Flow": 2, "DDIM": 3, "DLIM": 3, "DLPM": 4, "LIM": 5, "bent": 6, "jump": 7}

// figure shows the errors by index, a plot for each dimension.
func (h helpsResults) figure() chart.Figure {
	f := chart.Figure{Columns: 2}
	for _, d := range h.dimensions {
		p := chart.Plot{Title: fmt.Sprintf("d = %d: error at %d evaluations", d, helpsEvaluations[0]), XLabel: "index of the tails (10: normal)", YLabel: "error", LogX: true, LogY: true}
		for _, name := range h.rowsOf() {
			s := chart.Series{Name: name, Colour: helpsColours[name]}
			switch name {
			case memoryMethod:
				continue
			case freshData, "EDM", "flow", "DDIM":
				s.Style = chart.Dashed
			}
			for _, index := range h.indices {
				g := helpsGroup{want: func(_ string, e int, v float64) bool { return e == d && v == index }}
				s.X, s.Y = append(s.X, math.Min(index, 10)), append(s.Y, dmath.Exp(inLogs(h.values(name, g, helpsEvaluations[0], "error")).Mean))
			}
			p.Series = append(p.Series, s)
		}
		f.Plots = append(f.Plots, p)
	}
	return f
}
