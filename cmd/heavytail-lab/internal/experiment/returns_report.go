package experiment

import (
	"fmt"
	"math"

	"heavytail/internal/chart"
	"heavytail/internal/dmath"
)

// blindMethod is the network that the others are tested against.
const blindMethod = "t-EDM without vol"

// returnsRows are the rows of the tables, in order.
func returnsRows() []string {
	out := []string{heldMethod, bootstrapMethod, filteredMethod}
	for _, m := range returnsMethods() {
		out = append(out, m.title)
	}
	return out
}

func reportReturns(r *Results, sets []series) Report {
	rep := Report{Title: "returns: the next day given yesterday's volatility"}
	fig := chart.Figure{Columns: 2}
	for _, s := range sets {
		rep.Sections = append(rep.Sections, Section{"set-" + s.name, returnsTable(r, s)})
		fig.Plots = append(fig.Plots, returnsPlot(r, s))
	}
	rep.Figures = []chart.Figure{fig}
	return rep
}

// returnsTable shows what was measured of one set.
func returnsTable(r *Results, s series) string {
	t := Table{Head: []string{s.name, "runs", "CRPS, % of a day", "skill, %", "p", "skill at high volatility, %", "log tail error", "days below 1 %", "days above 99 %", "mean ACF of abs(r), lags 1 to 20", "ACF, lag 1"}}
	for _, row := range returnsRows() {
		scaled := func(column string) Summary {
			x := r.Summary(row, s.name, column)
			x.Mean, x.Std = 100*x.Mean, 100*x.Std
			return x
		}
		if row == heldMethod {
			t.Add(row, "–", "–", "–", "–", "–", "–", "–", "–", compact(r.Summary(row, s.name, "acf")), compact(r.Summary(row, s.name, "acf1")))
			continue
		}
		skill, p := compact(scaled("skill")), "–"
		if se := scaled("skill.se"); se.N > 0 {
			skill = fmt.Sprintf("%.1f (± %.1f over days)", scaled("skill").Mean, se.Mean)
			p = fmt.Sprintf("%.2g", dmath.Exp(dmath.LogErfc(math.Abs(scaled("skill").Mean)/se.Mean/math.Sqrt2)))
		}
		tested := func(column string) string {
			v := r.Summary(row, s.name, column)
			if row == blindMethod {
				return compact(v)
			}
			return compact(v) + welchCell(v, r.Summary(blindMethod, s.name, column))
		}
		t.Add(row, fmt.Sprint(len(r.Values(row, s.name, "acf"))), compact(scaled("crps")), skill, p, compact(scaled("skill.high")), tested("tail"),
			compact(scaled("below1")), compact(scaled("above99")), tested("acf"), tested("acf1"))
	}
	return t.String() + fmt.Sprintf("\nMeans ± standard deviations over the runs. p of the skill: normal test of the difference of the CRPS to the bootstrap's, paired over the days, of the means over the runs; in brackets p of Welch's test over the runs beside %s.\n", blindMethod)
}

// returnsPlot shows skill against the memory of |r|: what both forecasts and paths are
// worth.
func returnsPlot(r *Results, s series) chart.Plot {
	p := chart.Plot{Title: fmt.Sprintf("%s, %d days held out", s.name, len(s.held)), XLabel: "mean autocorrelation of |r|, lags 1 to 20", YLabel: "CRPS better than the bootstrap's by, %"}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, row := range returnsRows()[1:] {
		c := chart.Series{Name: row, Style: chart.Dots}
		c.X = r.Values(row, s.name, "acf")
		for _, v := range r.Values(row, s.name, "skill") {
			c.Y = append(c.Y, 100*v)
			lo, hi = min(lo, 100*v), max(hi, 100*v)
		}
		p.Series = append(p.Series, c)
	}
	if lo < hi {
		x := r.Summary(heldMethod, s.name, "acf").Mean
		p.Series = append(p.Series, chart.Series{Name: heldMethod, X: []float64{x, x}, Y: []float64{lo, hi}, Style: chart.Dashed})
	}
	return p
}
