package experiment

import (
	"fmt"
	"math"
	"slices"

	"heavytail/internal/chart"
	"heavytail/internal/dmath"
)

func reportSamplers(r *Results, sets []samplersSet) Report {
	rep := Report{Title: "samplers: losses and samplers at equal evaluations"}
	rep.Sections = []Section{{"overall", samplersOverall(r, sets)}, {"against", samplersAgainst(r, sets)}}
	for _, s := range sets {
		rep.Sections = append(rep.Sections, Section{"set-" + s.name, samplersTable(r, s)})
	}
	plot := chart.Plot{Title: "all sets: error beside the training data's", XLabel: "α of the noise", YLabel: "ratio", LogY: true}
	for i, loss := range samplersLosses {
		for k, c := range chainSamplers {
			if c.name != "dlpm" && c.name != "dlim twice" && c.name != "dlim-sde" {
				continue
			}
			line := chart.Series{Name: methodOf(loss, c), Colour: k + 1, Style: []chart.Style{chart.Dashed, chart.Curve}[i]}
			for _, alpha := range measuredAlphas(r, sets) {
				line.X = append(line.X, alpha)
				line.Y = append(line.Y, dmath.Exp(Summarise(logRatios(r, sets, methodOf(loss, c), alpha, "")).Mean))
			}
			plot.Series = append(plot.Series, line)
		}
	}
	rep.Figures = []chart.Figure{{Plots: []chart.Plot{plot}}}
	return rep
}

// measuredAlphas are the values of α that some rows are of, ascending.
func measuredAlphas(r *Results, sets []samplersSet) (out []float64) {
	for _, alpha := range samplersAlphas {
		if len(logRatios(r, sets, publishedPair, alpha, "")) > 0 {
			out = append(out, alpha)
		}
	}
	slices.Sort(out)
	return out
}

// publishedPair is the method of the papers: the root loss and DLPM.
var publishedPair = methodOf(samplersLosses[0], chainSamplers[0])

// logRatios are the logarithms of a method's errors over those of another with
// the same α, of the same sets and runs; over those of the training data where
// other is empty.
func logRatios(r *Results, sets []samplersSet, method string, alpha float64, other string) (logs []float64) {
	for _, s := range sets {
		beside := r.byRun(trainingData, s.name+" -", "error")
		if other != "" {
			beside = r.byRun(other, setting(s.name, alpha), "error")
		}
		logs = append(logs, logsOf(r.byRun(method, setting(s.name, alpha), "error"), beside)...)
	}
	return logs
}

// setMeans are the means of logRatios of every set.
func setMeans(r *Results, sets []samplersSet, method string, alpha float64, other string) (means []float64) {
	for _, s := range sets {
		if logs := logRatios(r, []samplersSet{s}, method, alpha, other); len(logs) > 0 {
			means = append(means, Summarise(logs).Mean)
		}
	}
	return means
}

// geometric is the geometric mean of numbers given by their logarithms, with the
// 95 % interval of their spread.
func geometric(logs []float64) string {
	s := Summarise(logs)
	if s.N < 3 { // whose spread says nothing
		return fmt.Sprintf("%.2f", dmath.Exp(s.Mean))
	}
	se := float64(1.96 * (s.Std / math.Sqrt(float64(s.N))))
	return fmt.Sprintf("%.2f (%.2f to %.2f)", dmath.Exp(s.Mean), dmath.Exp(s.Mean-se), dmath.Exp(s.Mean+se))
}

// samplersOverall ranks losses and samplers over all sets.
func samplersOverall(r *Results, sets []samplersSet) string {
	return samplersMethods(r, sets, "loss and sampler", func(method string, alpha float64) string {
		return geometric(logRatios(r, sets, method, alpha, ""))
	}) + "\nGeometric means with 95 % intervals over pairs of set and run, whose number is in the head; how methods compare is tested in the next table.\n"
}

// samplersAgainst compares all with the published pair, run by run: root and DLPM.
func samplersAgainst(r *Results, sets []samplersSet) string {
	return samplersMethods(r, sets, "beside root + DLPM", func(method string, alpha float64) string {
		logs := logRatios(r, sets, method, alpha, publishedPair)
		if method == publishedPair {
			return "1"
		}
		better := 0
		for _, v := range logs {
			if v < 0 {
				better++
			}
		}
		return fmt.Sprintf("%s, p = %s, better in %d of %d", geometric(logs), pairedP(setMeans(r, sets, method, alpha, publishedPair)), better, len(logs))
	}) + fmt.Sprintf("\nGeometric means with 95 %% intervals over pairs of set and run; p of the t-test of ln of the ratio, paired over the %s, each the mean of its runs.\n", counted(len(sets), "set"))
}

// samplersMethods is a table with a cell for every method and α, and in its head
// how many pairs of set and run there are of it.
func samplersMethods(r *Results, sets []samplersSet, name string, cell func(method string, alpha float64) string) string {
	t, alphas := Table{Head: []string{name}}, measuredAlphas(r, sets)
	for _, alpha := range alphas {
		t.Head = append(t.Head, fmt.Sprintf("α = %g (%d)", alpha, len(logRatios(r, sets, publishedPair, alpha, ""))))
	}
	for _, loss := range samplersLosses {
		for _, c := range chainSamplers {
			cells := []string{fmt.Sprintf("%s + %s", loss, c.title)}
			for _, alpha := range alphas {
				cells = append(cells, cell(methodOf(loss, c), alpha))
			}
			t.Add(cells...)
		}
	}
	return t.String()
}

// samplersTable shows the errors of one set.
func samplersTable(r *Results, s samplersSet) string {
	data := r.Summary(trainingData, s.name+" -", "error")
	body := samplersMethods(r, []samplersSet{s}, s.name, func(method string, alpha float64) string {
		at := setting(s.name, alpha)
		return compact(r.Summary(method, at, "error")) + pairedCell(r.pairs(method, at, publishedPair, at, "error"))
	})
	return fmt.Sprintf("%s\nMeans ± standard deviations, the number of runs in the head; in brackets p of the t-test of ln of the error over that of root + DLPM, paired over the runs, from three on. The training data: %s, %s.", body, compact(data), counted(data.N, "run"))
}
