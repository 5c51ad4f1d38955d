package experiment

import (
	"fmt"
	"math"

	"heavytail/internal/chart"
)

func reportStable(r *Results) Report {
	return Report{
		Title:    "Stable laws against a table and against other programs",
		Sections: []Section{{"programs", stableTable(r)}},
		Figures:  []chart.Figure{stableFigure(r)},
	}
}

// stableTable shows the shares in per cent.
func stableTable(r *Results) string {
	t := Table{Head: []string{"program", "of"}}
	for k := range stableErrors {
		t.Head = append(t.Head, fmt.Sprintf("1e-%d", k+1))
	}
	t.Head = append(t.Head, "all digits", "values", "µs")
	for _, kind := range stableKinds {
		for _, p := range stablePrograms {
			values := r.Values(p.name, kind, "values")
			if len(values) == 0 {
				continue
			}
			cells := []string{p.name, kind}
			for _, c := range stableColumns[:stableErrors+1] {
				share := r.Values(p.name, kind, c)[0]
				if math.IsNaN(share) {
					cells = append(cells, "–")
				} else {
					cells = append(cells, fmt.Sprintf("%.2f", 100*share))
				}
			}
			took := r.Values(p.name, kind, "microseconds")[0]
			t.Add(append(cells, fmt.Sprintf("%.0f", values[0]), fmt.Sprintf("%.*f", max(0, 1-int(math.Log10(took))), took))...)
		}
	}
	return t.String()
}

// stableFigure draws the share that is not within each error: a line that lies level is
// of a program that is right to the last digit or not at all.
func stableFigure(r *Results) chart.Figure {
	f := chart.Figure{Columns: 2}
	for _, kind := range stableKinds {
		plot := chart.Plot{Title: kind + ": values further off than an error", XLabel: "relative error", YLabel: "share of the values", LogX: true, LogY: true}
		for i, p := range stablePrograms {
			line := chart.Series{Name: p.name, Colour: i + 1}
			if p.name == "heavytail tables" {
				line.Style = chart.Dashed
			}
			for k := stableErrors - 1; k >= 0; k-- {
				if v := r.Values(p.name, kind, stableColumns[k]); len(v) > 0 && v[0] < 1 {
					line.X, line.Y = append(line.X, math.Pow(10, -float64(k+1))), append(line.Y, 1-v[0])
				}
			}
			if len(line.X) > 0 {
				plot.Series = append(plot.Series, line)
			}
		}
		f.Plots = append(f.Plots, plot)
	}
	return f
}
