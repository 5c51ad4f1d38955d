package experiment

import (
	"fmt"
	"math"

	"heavytail/internal/chart"
	"heavytail/internal/dmath"
)

func reportSchedule(r *Results, alphas []float64, evaluations []int) Report {
	rep := Report{Title: "schedule: grid and law at equal evaluations"}
	n := evaluations[len(evaluations)/2]
	rep.Sections = append(rep.Sections, Section{"shares", scheduleShares(r, alphas, evaluations)})
	for _, c := range []struct{ column, what string }{{"scale", "ln of the scale of the samples over the data's"}, {"ks", fmt.Sprintf("sup |F_n − F| of the two clusters, which %d draws of the clusters themselves exceed %.4f with p = 0.05 and %.4f with p = 0.001",
		scheduleSamples, 1.358/math.Sqrt(scheduleSamples), 1.949/math.Sqrt(scheduleSamples))}} {
		for _, alpha := range alphas {
			rep.Sections = append(rep.Sections, Section{fmt.Sprintf("%s-%g", c.column, alpha), scheduleTable(r, c.column, c.what, alpha, n)})
		}
	}
	rep.Sections = append(rep.Sections, Section{"start", startTable(r, alphas, n)}, Section{"best", bestGrids(r, alphas, evaluations)})
	alpha := alphas[len(alphas)/2]
	if len(alphas) > 1 {
		alpha = alphas[1]
	}
	for _, column := range []string{"scale", "ks"} {
		var plots []chart.Plot
		for _, f := range []string{"DLIM", "DLIM2", "LIM ODE", "DLIM SDE", "LIM mended", "DLPM"} {
			p := chart.Plot{Title: fmt.Sprintf("%s, α = %g: |%s|", f, alpha, column), XLabel: "evaluations", YLabel: "error", LogX: true, LogY: true}
			for i, g := range levelGrids {
				s := chart.Series{Name: g.name, Colour: i + 1}
				if i >= inRange { // as the grid whose spacing it has
					s.Colour, s.Style = i-1, chart.Dashed
				}
				for _, n := range evaluations {
					s.X, s.Y = append(s.X, float64(n)), append(s.Y, math.Abs(r.Summary(f, scheduleSetting(keyed(g.name), alpha, n), column).Mean))
				}
				p.Series = append(p.Series, s)
			}
			plots = append(plots, p)
		}
		rep.Figures = append(rep.Figures, chart.Figure{Suffix: column, Columns: 2, Plots: plots})
	}
	return rep
}

// scheduleTable shows a column, grids by forms.
func scheduleTable(r *Results, column, what string, alpha float64, n int) string {
	t := Table{Head: []string{fmt.Sprintf("α = %g, %d evaluations", alpha, n)}}
	for _, f := range stepForms {
		t.Head = append(t.Head, f.name)
	}
	runs := 0
	for _, g := range levelGrids {
		cells := []string{g.name}
		for _, f := range stepForms {
			s := r.Summary(f.name, scheduleSetting(keyed(g.name), alpha, n), column)
			runs = max(runs, s.N)
			cell := fmt.Sprintf("%.3f", s.Mean)
			if s.N > 1 && s.Std > 1e-9 { // exact rows differ by rounding of the mean
				cell += fmt.Sprintf(" ± %.3f", s.Std)
				if g.name != levelGrids[0].name {
					cell += welchCell(s, r.Summary(f.name, scheduleSetting(keyed(levelGrids[0].name), alpha, n), column))
				}
			}
			cells = append(cells, cell)
		}
		t.Add(cells...)
	}
	return t.String() + fmt.Sprintf("\n%s; values without ± are exact, the others of %s: mean ± standard deviation, in brackets p of Welch's test beside the same form on the %s.\n", what, counted(runs, "run"), levelGrids[0].name)
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// comparedForms are those that end at the data as steps grow, with exact rows.
var comparedForms = []string{"DLIM", "DLIM2", "LIM ODE", "DLIM SDE", "LIM mended"}

// scheduleShares divides the variance of ln|scale| over grids and forms: what the mean
// of a grid explains, what that of a form, and what only both together.
func scheduleShares(r *Results, alphas []float64, evaluations []int) string {
	t := Table{Head: []string{"α", "evaluations", "grid", "form", "both together", "grid*", "form*", "both together*", "best first-order pair", "its error", "cosine + DLIM", "cosine + DLIM2"}}
	for _, alpha := range alphas {
		for _, n := range evaluations {
			logs := func(grid levelGrid, form string) float64 {
				return dmath.Log(math.Abs(r.Summary(form, scheduleSetting(keyed(grid.name), alpha, n), "scale").Mean))
			}
			least, best := math.Inf(1), "–"
			for _, g := range levelGrids {
				for _, f := range comparedForms {
					if v := logs(g, f); v < least && f != "DLIM2" { // whose error changes its sign
						least, best = v, g.name+" + "+f
					}
				}
			}
			cells := []string{fmt.Sprint(alpha), fmt.Sprint(n)}
			for _, but := range []string{"", "exploding, linear"} {
				var v [][]float64
				for _, g := range levelGrids {
					if g.name == but {
						continue
					}
					var row []float64
					for _, f := range comparedForms {
						row = append(row, logs(g, f))
					}
					v = append(v, row)
				}
				for _, share := range twoWay(v) {
					cells = append(cells, fmt.Sprintf("%.0f %%", 100*share))
				}
			}
			number := func(v float64) string { return fmt.Sprintf("%.2g", dmath.Exp(v)) }
			t.Add(append(cells, best, number(least), number(logs(levelGrids[0], "DLIM")), number(logs(levelGrids[0], "DLIM2")))...)
		}
	}
	return t.String() + "\nShares of the variance of ln |error of the scale| over the grids and the forms DLIM, DLIM2, LIM ODE, DLIM SDE and LIM mended (* without the linear exploding grid); everything is exact.\n"
}

// twoWay returns the shares of the variance of v that the means of its rows explain,
// those of its columns, and the rest.
func twoWay(v [][]float64) [3]float64 {
	rows, columns := float64(len(v)), float64(len(v[0]))
	mean, col := 0.0, make([]float64, len(v[0]))
	for _, row := range v {
		for j, x := range row {
			mean += x / (rows * columns)
			col[j] += x / rows
		}
	}
	var of, by, all float64
	for _, c := range col {
		by += float64((c - mean) * (c - mean) * rows)
	}
	for _, row := range v {
		m := Summarise(row).Mean - mean
		of += float64(m * m * columns)
		for _, x := range row {
			all += float64((x - mean) * (x - mean))
		}
	}
	return [3]float64{of / all, by / all, (all - of - by) / all}
}

// startTable shows what the first state contributes to the scale.
func startTable(r *Results, alphas []float64, n int) string {
	t := Table{Head: []string{"ln of the scale of the start over that of x_t"}}
	for _, alpha := range alphas {
		t.Head = append(t.Head, fmt.Sprintf("α = %g", alpha))
	}
	for _, g := range levelGrids {
		cells := []string{g.name}
		for _, alpha := range alphas {
			cells = append(cells, fmt.Sprintf("%.2g", r.Summary("DLIM", scheduleSetting(keyed(g.name), alpha, n), "start").Mean))
		}
		t.Add(cells...)
	}
	return t.String()
}

// bestGrids names the grid with the least ks of every form.
func bestGrids(r *Results, alphas []float64, evaluations []int) string {
	t := Table{Head: []string{"least `ks`"}}
	for _, f := range stepForms {
		t.Head = append(t.Head, f.name)
	}
	for _, alpha := range alphas {
		for _, n := range evaluations {
			cells := []string{fmt.Sprintf("α = %g, %d", alpha, n)}
			for _, f := range stepForms {
				least, best := math.Inf(1), ""
				for _, g := range levelGrids {
					if v := r.Summary(f.name, scheduleSetting(keyed(g.name), alpha, n), "ks").Mean; v < least {
						least, best = v, g.name
					}
				}
				cells = append(cells, fmt.Sprintf("%s: %.3f", best, least))
			}
			t.Add(cells...)
		}
	}
	return t.String()
}
