package experiment

import (
	"fmt"

	"heavytail/internal/chart"
)

// reportImages makes a table of all metrics at the middle number of evaluations and one
// of the Fréchet distance by evaluations for each set, of the networks that there are.
func (s imagesPlan) reportImages(r *Results, sets []string, methods []imagesMethod) Report {
	rep := Report{Title: "Images: all processes with networks of full size"}
	var figure chart.Figure
	for _, set := range sets {
		middle, curve := imagesSetting(set, imagesMiddle), Table{Head: []string{fmt.Sprintf("%s, Fréchet distance of %d images by evaluations", set, s.images)}}
		all := Table{Head: []string{set, "Fréchet distance", "kernel distance", "precision", "recall", "recall of rare classes"}}
		plot := chart.Plot{Title: "Fashion-MNIST, " + set, XLabel: "evaluations of the network", YLabel: "Fréchet distance, small classifier", LogX: true, LogY: true}
		for _, n := range s.steps {
			curve.Head = append(curve.Head, fmt.Sprint(n))
		}
		row := func(name string) {
			if len(r.Values(name, middle, "frechet")) == 0 {
				return
			}
			cells := []string{name}
			for _, c := range imagesColumns[:len(imagesColumns)-1] {
				cells = append(cells, fmt.Sprintf("%.3g", r.Summary(name, middle, c).Mean))
			}
			all.Add(cells...)
		}
		row(freshData)
		for _, m := range methods {
			for _, sampler := range m.samplers {
				name := m.name + " by " + sampler
				row(name)
				cells, line := []string{name}, chart.Series{Name: name, Colour: len(plot.Series) + 1}
				for _, n := range s.steps {
					v := r.Summary(name, imagesSetting(set, n), "curve")
					if v.N == 0 {
						cells = append(cells, "–")
						continue
					}
					cells = append(cells, fmt.Sprintf("%.3g", v.Mean))
					line.X, line.Y = append(line.X, float64(n)), append(line.Y, v.Mean)
				}
				if len(line.X) > 0 {
					curve.Add(cells...)
					plot.Series = append(plot.Series, line)
				}
			}
		}
		if len(plot.Series) > 0 {
			rep.Sections = append(rep.Sections, Section{set, all.String() + "\n" + curve.String() + "\nOne network each: what another training would give is not measured, and there are no tests.\n"})
			figure.Plots = append(figure.Plots, plot)
		}
	}
	if len(figure.Plots) == 0 {
		figure.Plots = []chart.Plot{{Title: "no rows yet"}}
	}
	rep.Figures = []chart.Figure{figure}
	return rep
}
