package experiment

import (
	"fmt"

	"heavytail/internal/chart"
	"heavytail/recipe"
)

// report makes the tables and the picture of the steps experiment.
func (s stepsPlan) report(r *Results) Report {
	rep := Report{Title: "Images by the number of steps"}
	var figure chart.Figure
	names := map[string]string{"dlpm": "DLPM", "dlim": "DLIM", "lim": "LIM", "lim-ode": "LIM-ODE"}
	order := append(append([]string{}, stepsMethods[recipe.DLPM]...), stepsMethods[recipe.LIM]...)
	for _, set := range []string{"balanced", "long-tailed"} {
		floor := r.Values(freshData, set, "frechet")
		if len(floor) == 0 {
			continue
		}
		plot := chart.Plot{Title: "Fashion-MNIST, " + set, XLabel: "steps", YLabel: "Fréchet distance, small classifier", LogX: true, LogY: true}
		least := Summarise(floor).Mean
		plot.Series = []chart.Series{{Name: "other real images", X: []float64{float64(s.steps[0]), float64(s.steps[len(s.steps)-1])}, Y: []float64{least, least}, Style: chart.Curve, Colour: 8}}
		body := ""
		for _, c := range []struct{ column, text string }{
			{"frechet", fmt.Sprintf("Fréchet distance in the features of heavytail/fashion-classifier-1, %d images against %d (lower is better)", s.images, s.ref)},
			{"precision", "Improved precision, k = 5"}, {"recall", "Improved recall, k = 5"},
		} {
			t := Table{Head: []string{"steps"}}
			for _, n := range s.steps {
				t.Head = append(t.Head, fmt.Sprint(n))
			}
			for i, m := range order {
				row, line := []string{names[m]}, chart.Series{Name: names[m], Colour: i + 1}
				for _, n := range s.steps {
					v := r.Summary(m, fmt.Sprintf("%s %d", set, n), c.column)
					row = append(row, fmt.Sprintf("%.3g", v.Mean))
					line.X, line.Y = append(line.X, float64(n)), append(line.Y, v.Mean)
				}
				t.Add(row...)
				if c.column == "frechet" {
					plot.Series = append(plot.Series, line)
				}
			}
			body += fmt.Sprintf("**%s**; other real images: %.3g\n\n%s\n", c.text, r.Summary(freshData, set, c.column).Mean, t.String())
		}
		rep.Sections = append(rep.Sections, Section{set, body + "One network each of DLPM, which DLIM shares, and of LIM: no tests.\n"})
		figure.Plots = append(figure.Plots, plot)
	}
	rep.Figures = []chart.Figure{figure}
	return rep
}
