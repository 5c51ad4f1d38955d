package experiment

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"heavytail/internal/chart"
)

// peersNames are the columns that are ratios, and what they are called.
var peersNames = map[string]string{"r50": "50 %", "r90": "90 %", "r99": "99 %", "r999": "99.9 %"}

func reportPeers(r *Results, z peersSizes) Report {
	rep := Report{Title: "peers: samplers of other packages beside ours, with exact denoisers"}
	methods := peersMethods(r)
	middle := z.steps[len(z.steps)/2]
	for _, g := range peersTargets {
		for _, d := range z.dims {
			rep.Sections = append(rep.Sections, Section{fmt.Sprintf("%s-%d", g.name, d), peersTable(r, methods, g.name, d, middle)})
		}
		if len(z.steps) > 1 {
			rep.Sections = append(rep.Sections, Section{g.name + "-steps", peersSteps(r, z, methods, g.name)})
		}
	}
	rep.Figures = []chart.Figure{peersFigure(r, z)}
	return rep
}

// peersMethods are all samplers that there are rows of, ours last.
func peersMethods(r *Results) (out []string) {
	for _, k := range r.Keys() {
		if !slices.Contains(out, k.Method) && k.Method != freshData {
			out = append(out, k.Method)
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		if x, y := strings.HasPrefix(a, "heavytail"), strings.HasPrefix(b, "heavytail"); x != y {
			if x {
				return 1
			}
			return -1
		}
		return strings.Compare(a, b)
	})
	return out
}

// peersCell is a mean of ratios with its standard error, and the p-value of the t-test
// of their logarithms against 0 where it is below 1 %.
func peersCell(v []float64) string {
	s := Summarise(v)
	if len(v) == 0 {
		return "–"
	}
	if s.N == 0 {
		return "not finite"
	}
	out := fmt.Sprintf("%.3g", s.Mean)
	if s.N > 1 {
		out = fmt.Sprintf("%.3g ± %.1g", s.Mean, s.Std/math.Sqrt(float64(s.N)))
		logs := make([]float64, len(v))
		for i, x := range v {
			logs[i] = math.Log(x)
		}
		if p := pairedT(Summarise(logs)); p < 0.01 {
			out += fmt.Sprintf(" (%.0e)", p)
		}
	}
	if s.Bad > 0 {
		out += fmt.Sprintf(" [%d not finite]", s.Bad)
	}
	return out
}

// peersTable shows all quantiles of one target with n steps.
func peersTable(r *Results, methods []string, target string, d, n int) string {
	t := Table{Head: []string{fmt.Sprintf("%s, d = %d, %d steps", target, d, n), "evaluations"}}
	for _, c := range peersColumns[:len(peersBeyond)] {
		t.Head = append(t.Head, peersNames[c])
	}
	runs := 0
	line := func(m string, n int) {
		at := dimensionSetting(target, d, n)
		if len(r.Values(m, at, "r50")) == 0 {
			return
		}
		runs = max(runs, len(r.Values(m, at, "r50")))
		cells := []string{m, fmt.Sprintf("%.0f", r.Summary(m, at, "evaluations").Mean)}
		for _, c := range peersColumns[:len(peersBeyond)] {
			cells = append(cells, peersCell(r.Values(m, at, c)))
		}
		t.Add(cells...)
	}
	for _, m := range methods {
		line(m, n)
	}
	line(freshData, 0)
	return t.String() + fmt.Sprintf("\nQuantiles of |x| over those of the law: mean ± standard error of %s, in brackets the p-value of Student's t-test of their logarithms against 0 where it is below 0.01.\n", counted(runs, "run"))
}

// peersSteps shows the quantile at 99 % as steps grow.
func peersSteps(r *Results, z peersSizes, methods []string, target string) string {
	t := Table{Head: []string{target + ", 99 %"}}
	for _, d := range z.dims {
		for _, n := range z.steps {
			t.Head = append(t.Head, fmt.Sprintf("d = %d, %d steps", d, n))
		}
	}
	for _, m := range methods {
		cells, any := []string{m}, false
		for _, d := range z.dims {
			for _, n := range z.steps {
				v := r.Values(m, dimensionSetting(target, d, n), "r99")
				any = any || len(v) > 0
				cells = append(cells, peersCell(v))
			}
		}
		if any {
			t.Add(cells...)
		}
	}
	return t.String()
}

// peersFigure draws the quantile at 99 % by steps of those that are said to draw from
// heavy tails, but for samples that are all next to 0.
func peersFigure(r *Results, z peersSizes) chart.Figure {
	f := chart.Figure{Columns: 2}
	for _, c := range []struct {
		target string
		names  []string
	}{
		{"student", []string{"PhysicsNeMo legacy deterministic", "PhysicsNeMo legacy stochastic", "PhysicsNeMo scheduler Heun", "PhysicsNeMo scheduler churn 40",
			"heavytail t-EDM Heun", "heavytail t-EDM churn 40"}},
		{"stable", []string{"DLPM repository dlpm", "DLPM repository dlim", "heavytail DLPM as published", "heavytail DLIM2", "heavytail DLIM SDE"}},
	} {
		for _, d := range z.dims {
			plot := chart.Plot{Title: fmt.Sprintf("%s, d = %d", c.target, d), XLabel: "steps", YLabel: "quantile at 99 % over the law's", LogX: true, LogY: true}
			for i, m := range c.names {
				line := chart.Series{Name: m, Colour: i + 1}
				for _, n := range z.steps {
					if s := r.Summary(m, dimensionSetting(c.target, d, n), "r99"); s.N > 0 && s.Mean > 0.01 {
						line.X, line.Y = append(line.X, float64(n)), append(line.Y, s.Mean)
					}
				}
				if len(line.X) > 0 {
					plot.Series = append(plot.Series, line)
				}
			}
			f.Plots = append(f.Plots, plot)
		}
	}
	return f
}
