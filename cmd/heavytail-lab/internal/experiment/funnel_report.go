package experiment

import (
	"fmt"
	"heavytail/internal/chart"
	"strings"
)

// A lawRowName is a row of a table: a sampler with its ν, and what one run of
// a PyTorch implementation gave, in the order of the table's columns.
type lawRowName struct {
	method, label, torch string
}

// funnelRows are the rows in the order of the page. The ratios of PyTorch are
// one run with seed 0: the same data, network and number of samples seen.
func funnelRows() map[string][]lawRowName {
	torch := map[string]map[string]string{
		"v": {
			exactMethod + " -": "1.001 1.000 1.001 0.997", "EDM inf": "1.091 1.030 1.009 1.033", "t-EDM 20/4": "1.064 1.030 1.024 1.074",
			"t-EDM 20/7": "1.062 1.042 1.028 1.077", "t-EDM 20/10": "1.051 1.017 1.041 1.136", "t-EDM joint 4": "1.040 1.020 1.097 1.372",
			"t-EDM swapped 4/20": "1.114 1.063 1.082 1.375", "flow noise inf": "0.899 1.247 4.226 6.075", "t-Flow noise 20/4": "0.799 0.975 3.976 12.46",
			"flow velocity inf": "1.038 1.027 0.960 0.914", "t-Flow velocity 20/4": "1.010 0.980 0.959 0.999",
		},
		"x": {
			exactMethod + " -": "1.005 0.991 0.962 1.013", "EDM inf": "1.191 1.190 0.621 0.304", "t-EDM 20/4": "1.219 1.337 1.138 0.894",
			"t-EDM 20/7": "0.984 1.357 0.860 0.506", "t-EDM 20/10": "1.130 1.204 0.710 0.394", "t-EDM joint 4": "1.202 1.206 0.930 0.673",
			"t-EDM swapped 4/20": "1.539 1.558 0.866 0.446", "flow noise inf": "0.516 3.059 10.53 6.97", "t-Flow noise 20/4": "0.585 0.610 10.20 15.59",
			"flow velocity inf": "1.040 1.164 0.857 0.475", "t-Flow velocity 20/4": "1.080 1.036 1.098 0.996",
		},
		"t": {
			exactMethod + " -": "0.0034 1e-2 5e-3 1e-3 1e-4 1", "VE-SDE inf": "0.0538 1.007e-2 3.64e-3 2.3e-5 0 0.956",
			"t-ODE 3": "0.0271 1.211e-2 6.44e-3 1.307e-3 1.19e-4 1.047", "t-SDE 2.5 3": "0.0161 9.71e-3 5.18e-3 1.165e-3 1.65e-4 1.028",
			"ablated 3": "0.2227 1e-6 0 0 0 0.525",
		},
	}
	out := map[string][]lawRowName{}
	for _, t := range []lawTarget{funnelTarget(), studentTarget()} {
		for _, c := range t.coords {
			out[c] = append(out[c], lawRowName{exactMethod, "-", torch[c][exactMethod+" -"]})
			for _, m := range t.methods {
				for _, s := range m.samplers {
					out[c] = append(out[c], lawRowName{s.name, m.label(), torch[c][s.name+" "+m.label()]})
				}
			}
		}
	}
	return out
}

func reportFunnel(r *Results) Report {
	rows := funnelRows()
	return Report{
		Title: "funnel: tails of Neal's funnel and of Student's law",
		Sections: []Section{
			{"funnel-x", lawTable(r, "x", rows["x"], "r90", "r99", "r999", "r9999", "ks", "tail", "w1")},
			{"funnel-v", lawTable(r, "v", rows["v"], "r90", "r99", "r999", "r9999", "ks", "tail", "w1")},
			{"student", lawTable(r, "t", rows["t"], "w1", "p99", "p995", "p999", "p9999", "std")},
			{"student-ratios", lawTable(r, "t", withoutTorch(rows["t"]), "r90", "r99", "r999", "r9999", "ks", "tail")},
		},
		Figures: []chart.Figure{{Columns: 2, Plots: []chart.Plot{
			ratioPlot(r, "Neal's funnel, |x|: generated to true quantile", "x", []lawRowName{
				{"EDM", "inf", ""}, {"t-EDM", "20/10", ""}, {"t-EDM", "20/7", ""}, {"t-EDM", "20/4", ""}, {"flow velocity", "inf", ""}, {"t-Flow velocity", "20/4", ""}}),
			ratioPlot(r, "Student's law, ν = 3: generated to true quantile", "t", []lawRowName{
				{"VE-SDE", "inf", ""}, {"EDM ODE", "inf", ""}, {"t-ODE", "3", ""}, {"t-SDE 2.5", "3", ""}, {"ablated", "3", ""}, {"ancestral", "3", ""}, {"t-Flow velocity", "3", ""}}),
		}}},
	}
}

func withoutTorch(rows []lawRowName) []lawRowName {
	out := append([]lawRowName(nil), rows...)
	for i := range out {
		out[i].torch = ""
	}
	return out
}

// lawTable shows mean ± deviation of the columns over the runs, beside the
// PyTorch run's values where any row has them.
func lawTable(r *Results, coord string, rows []lawRowName, names ...string) string {
	t := Table{Head: append([]string{"method", "ν", "runs"}, columnTitles(names)...)}
	torch, against := false, lawRowName{method: "EDM", label: "inf"}
	if coord == "t" {
		against.method = "EDM ODE"
	}
	for _, row := range rows {
		torch = torch || row.torch != ""
	}
	if torch {
		t.Head = append(t.Head, "PyTorch, one run")
	}
	for _, row := range rows {
		runs := len(r.Values(row.method, coord+" "+row.label, names[0]))
		cells := []string{row.method, strings.Replace(row.label, "inf", "∞", 1), fmt.Sprint(runs)}
		for _, c := range names {
			v := r.Summary(row.method, coord+" "+row.label, c)
			cell := compact(v)
			if row.method != against.method || row.label != against.label {
				cell += welchCell(v, r.Summary(against.method, coord+" "+against.label, c))
			}
			cells = append(cells, cell)
		}
		if torch {
			cells = append(cells, row.torch)
		}
		t.Add(cells...)
	}
	return t.String() + fmt.Sprintf("\nMeans ± standard deviations; in brackets the p-value of Welch's test beside %s (ν = ∞), where both have two runs and more.\n", against.method)
}

// columnTitles are the heads of the columns of lawColumns.
func columnTitles(names []string) []string {
	titles := map[string]string{
		"r90": "90 %", "r99": "99 %", "r999": "99.9 %", "r9999": "99.99 %", "p99": "P(.99)", "p995": "P(.995)", "p999": "P(.999)",
		"p9999": "P(.9999)", "w1": "W1", "ks": "KS beyond 99 %", "tail": "log tail error", "std": "deviation",
	}
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = titles[n]
	}
	return out
}

// compact formats a summary with three digits: 0.982 ± 0.011.
func compact(s Summary) string {
	if s.N+s.Bad == 0 {
		return "–"
	}
	if s.N == 0 {
		return fmt.Sprintf("– [%d not finite]", s.Bad)
	}
	out := fmt.Sprintf("%.3g ± %.1g", s.Mean, s.Std)
	if s.N == 1 {
		out = fmt.Sprintf("%.3g", s.Mean)
	}
	if s.Bad > 0 {
		out += fmt.Sprintf(" [%d not finite]", s.Bad)
	}
	return out
}

// ratioPlot draws the ratios of quantiles against the share beyond them.
func ratioPlot(r *Results, title, coord string, rows []lawRowName) chart.Plot {
	p := chart.Plot{Title: title, XLabel: "share beyond the quantile", YLabel: "ratio", LogX: true, LogY: true}
	beyond := []float64{1e-1, 1e-2, 1e-3, 1e-4}
	p.Series = append(p.Series, chart.Series{X: []float64{1e-1, 1e-4}, Y: []float64{1, 1}, Style: chart.Dashed, Name: "exact", Colour: 8})
	for _, row := range rows {
		s := chart.Series{Name: row.method, X: beyond}
		if row.label != "inf" {
			s.Name += ", ν " + row.label
		}
		for _, c := range []string{"r90", "r99", "r999", "r9999"} {
			v := r.Summary(row.method, coord+" "+row.label, c)
			s.Y, s.Err = append(s.Y, v.Mean), append(s.Err, v.Std)
		}
		p.Series = append(p.Series, s)
	}
	return p
}
