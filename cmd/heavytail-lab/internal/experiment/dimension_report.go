package experiment

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"heavytail/internal/chart"
)

// odeMethods follow ODEs; drawnMethods draw noise on the way.
var (
	odeMethods   = []string{"EDM", "t-EDM", "flow", "t-Flow", "DLIM 1.5", "DLIM 1.8", "DLIM2 1.5", "DLIM2 1.8"}
	drawnMethods = []string{"EDM ancestral", "t-EDM ancestral", "t-EDM ancestral exact moment", "t-EDM ancestral published",
		"DLIM SDE 1.5", "DLIM SDE 1.8", "DLPM 1.5", "DLPM 1.8", "DLPM published start 1.5", "DLPM published start 1.8"}
)

// eachMethods are those of independent elements.
var eachMethods = []string{"EDM", "t-EDM", "t-EDM each", "flow", "DLIM 1.5", "DLIM 1.5 each", "DLPM 1.5", "DLPM 1.5 each"}

func reportDimension(r *Results, z dimensionSizes) Report {
	rep := Report{Title: "dimension: samplers with exact denoisers from 2 to 512 dimensions"}
	add := func(g dimensionTarget, z dimensionSizes, name, column string, n int, methods []string) {
		rep.Sections = append(rep.Sections, Section{fmt.Sprintf("%s-%s-%d", g.name, name, n), dimensionTable(r, z, g, column, n, methods)})
	}
	for _, g := range dimensionTargets[:z.targets] {
		z := z.of(g)
		last := z.evaluations[len(z.evaluations)-1]
		if len(z.drawn) > 0 {
			last = z.drawn[len(z.drawn)-1]
		}
		switch {
		case g.independent:
			add(g, z, "tail", "tail", last, eachMethods)
			add(g, z, "far", "r999", last, eachMethods)
		case !g.radial():
			for _, n := range z.drawn {
				add(g, z, "mode", "mode", n, slices.Concat(odeMethods, drawnMethods))
			}
			add(g, z, "ks", "ks", last, slices.Concat(odeMethods, drawnMethods))
		default:
			if len(z.evaluations) > 1 {
				rep.Sections = append(rep.Sections, Section{g.name + "-steps", leastSteps(r, z, g)})
			}
			add(g, z, "ode", "tail", z.evaluations[len(z.evaluations)/2], odeMethods)
			add(g, z, "far", "r99999", z.evaluations[len(z.evaluations)-1], odeMethods)
			for _, n := range z.drawn[len(z.drawn)/2:] {
				add(g, z, "drawn", "tail", n, drawnMethods)
			}
			if len(z.drawn) > 0 {
				add(g, z, "quantile", "r99", last, drawnMethods)
			}
		}
	}
	rep.Figures = []chart.Figure{dimensionFigure(r, z)}
	return rep
}

// dimensionTable shows a column of one target and number of evaluations by dimension.
func dimensionTable(r *Results, z dimensionSizes, g dimensionTarget, column string, n int, methods []string) string {
	target := g.name
	t := Table{Head: []string{fmt.Sprintf("%s, %s, %d evaluations", target, column, n)}}
	for _, d := range z.dims {
		t.Head = append(t.Head, fmt.Sprintf("d = %d", d))
	}
	runs := 0
	line := func(method string, n int) {
		cells := []string{method}
		for _, d := range z.dims {
			s := r.Summary(method, dimensionSetting(target, d, n), column)
			p := math.NaN()
			if n > 0 {
				p = Welch(s, r.Summary(freshData, dimensionSetting(target, d, 0), column))
			}
			runs = max(runs, s.N)
			cells = append(cells, dimensionCell(s, p))
		}
		if slices.ContainsFunc(cells[1:], func(c string) bool { return c != "–" }) {
			t.Add(cells...)
		}
	}
	for _, m := range methods {
		line(m, n)
	}
	if runs < 2 {
		if len(odeMethods) == len(methods) && g.radial() {
			return t.String() + "\nNothing is drawn: quantiles end at quantiles.\n"
		}
	}
	line(freshData, 0)
	samples := fmt.Sprintf("%d samples", z.samples)
	if g.independent {
		samples = "3,000 elements"
	}
	return t.String() + fmt.Sprintf("\n%s of %s: mean ± standard deviation (p of Welch's test against `%s`).\n", counted(runs, "run"), samples, freshData)
}

// dimensionCell is a number without deviation if there is one only.
func dimensionCell(s Summary, p float64) string {
	switch {
	case s.N == 0:
		return "–"
	case s.N == 1:
		return fmt.Sprintf("%.3g", s.Mean)
	case p > 0:
		return fmt.Sprintf("%.3f ± %.3f (%.0e)", s.Mean, s.Std, p)
	}
	return fmt.Sprintf("%.3f ± %.3f", s.Mean, s.Std)
}

// within is the error of quantiles that a sampler is to reach.
const within = 0.05

// leastSteps tells the least evaluations with which the quantiles from 90 to 99.5 %
// are right to 5 %.
func leastSteps(r *Results, z dimensionSizes, g dimensionTarget) string {
	target := g.name
	t := Table{Head: []string{target}}
	for _, d := range z.dims {
		t.Head = append(t.Head, fmt.Sprintf("d = %d", d))
	}
	for _, m := range slices.Concat(odeMethods, drawnMethods) {
		cells := []string{m}
		for _, d := range z.dims {
			cells = append(cells, leastOf(r, z, target, m, d))
		}
		t.Add(cells...)
	}
	return t.String() + fmt.Sprintf("\nThe least evaluations, of %s, with `tail` ≤ %g; of samplers that draw (below the line of DLIM2), of %s, with `tail` within %g of `%s`.\n",
		numbers(z.evaluations), within, numbers(z.drawn), within, freshData)
}

func leastOf(r *Results, z dimensionSizes, target, method string, d int) string {
	floor, last := 0.0, 0
	for _, n := range z.evaluations {
		s := r.Summary(method, dimensionSetting(target, d, n), "tail")
		if s.N == 0 {
			continue
		}
		if s.N > 1 {
			floor = r.Summary(freshData, dimensionSetting(target, d, 0), "tail").Mean
		}
		if s.Mean <= within+floor {
			return fmt.Sprint(n)
		}
		last = n
	}
	if last == 0 {
		return "–"
	}
	return fmt.Sprintf("> %d", last)
}

func numbers(v []int) string {
	return strings.Join(strings.Fields(strings.Trim(fmt.Sprint(v), "[]")), ", ")
}

// dimensionFigure draws errors by dimension, and by evaluations in the middle one.
func dimensionFigure(r *Results, z dimensionSizes) chart.Figure {
	f := chart.Figure{Columns: 2}
	n, d := z.drawn[len(z.drawn)/2], z.dims[len(z.dims)/2]
	shown := []string{"EDM", "t-EDM", "flow", "t-Flow", "DLIM 1.5", "DLIM SDE 1.5", "DLPM 1.5"}
	for _, g := range dimensionTargets[:z.targets] {
		z := z.of(g)
		column := "tail"
		if len(g.centres) > 1 {
			column = "ks"
		}
		by := chart.Plot{Title: fmt.Sprintf("%s: %s with %d evaluations", g.name, column, n), XLabel: "dimension", YLabel: column, LogX: true, LogY: true}
		steps := chart.Plot{Title: fmt.Sprintf("%s: %s in %d dimensions", g.name, column, d), XLabel: "evaluations", YLabel: column, LogX: true, LogY: true}
		for i, m := range shown {
			a, b := chart.Series{Name: m, Colour: i + 1}, chart.Series{Name: m, Colour: i + 1}
			for _, d := range z.dims {
				a.X, a.Y = append(a.X, float64(d)), append(a.Y, r.Summary(m, dimensionSetting(g.name, d, n), column).Mean)
			}
			for _, n := range z.evaluations {
				if s := r.Summary(m, dimensionSetting(g.name, d, n), column); s.N > 0 {
					b.X, b.Y = append(b.X, float64(n)), append(b.Y, s.Mean)
				}
			}
			if len(b.X) > 0 {
				by.Series, steps.Series = append(by.Series, a), append(steps.Series, b)
			}
		}
		floor := chart.Series{Name: freshData, Style: chart.Dashed, Colour: 8}
		for _, d := range z.dims {
			floor.X, floor.Y = append(floor.X, float64(d)), append(floor.Y, r.Summary(freshData, dimensionSetting(g.name, d, 0), column).Mean)
		}
		by.Series = append(by.Series, floor)
		f.Plots = append(f.Plots, by)
		if len(z.evaluations) > 1 {
			f.Plots = append(f.Plots, steps)
		}
	}
	return f
}
