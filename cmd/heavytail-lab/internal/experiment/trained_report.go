package experiment

import (
	"fmt"
	"math"

	"heavytail/diffusion/rare"
	"heavytail/internal/chart"
	"heavytail/internal/dmath"
)

func reportTrained(r *Results, z trainedSize, targets []dimensionTarget) Report {
	rep := Report{Title: "trained: tails and rare events of trained networks by dimension"}
	var plots []chart.Plot
	for _, g := range targets {
		t := trainedTable{r, z, g}
		rep.Sections = append(rep.Sections, Section{g.name + "-tail", t.tail()}, Section{g.name + "-far", t.ratios()}, Section{g.name + "-rare", t.rare()})
		plots = append(plots, t.plot())
	}
	rep.Figures = []chart.Figure{{Plots: plots}}
	return rep
}

// A trainedTable makes the tables of one target.
type trainedTable struct {
	r *Results
	z trainedSize
	g dimensionTarget
}

func (t trainedTable) names() []string {
	out := []string{}
	for _, m := range trainedMethods()[:t.z.methods] {
		out = append(out, m.name)
	}
	return append(out, freshData)
}

// by is a table with a row for every method and a column for every dimension.
func (t trainedTable) by(head string, cell func(method string, d int) string) string {
	out := Table{Head: []string{head}}
	for _, d := range t.z.dims {
		out.Head = append(out.Head, fmt.Sprintf("d = %d", d))
	}
	for _, m := range t.names() {
		cells := []string{m}
		for _, d := range t.z.dims {
			cells = append(cells, cell(m, d))
		}
		out.Add(cells...)
	}
	return out.String()
}

func (t trainedTable) tail() string {
	runs := 0
	body := t.by(t.g.name+", tail", func(m string, d int) string {
		s := t.r.Summary(m, trainedSetting(t.g, d), "tail")
		runs = max(runs, s.N+s.Bad)
		return compact(s) + t.beside(m, d, "tail")
	})
	return fmt.Sprintf("%s\nMeans ± deviations, at most of %s; in brackets the p-value of Welch's test beside %s.\n", body, trainings(runs), trainedReference)
}

// trainedReference is the method that the others are tested against.
const trainedReference = "t-EDM 3"

// beside is the p-value of Welch's test in brackets.
func (t trainedTable) beside(m string, d int, column string) string {
	if m == trainedReference {
		return ""
	}
	at := trainedSetting(t.g, d)
	return welchCell(t.r.Summary(m, at, column), t.r.Summary(trainedReference, at, column))
}

// trainings counts them in words.
func trainings(n int) string {
	if n == 1 {
		return "one training"
	}
	return fmt.Sprintf("%d trainings", n)
}

func (t trainedTable) ratios() string {
	runs := 0
	body := t.by(t.g.name+", quantiles of |x| at 50, 99, 99.9 % over the law's", func(m string, d int) string {
		cell := ""
		n := len(t.r.Values(m, trainedSetting(t.g, d), "r50"))
		if runs = max(runs, n); n == 0 {
			return "–"
		}
		for i, c := range []string{"r50", "r99", "r999"} {
			if i > 0 {
				cell += ", "
			}
			cell += fmt.Sprintf("%.2f", t.r.Summary(m, trainedSetting(t.g, d), c).Mean)
		}
		return cell + t.beside(m, d, "r999")
	})
	return fmt.Sprintf("%s\nMeans, at most of %s; in brackets the p-value of Welch's test of the ratio at 99.9 %% beside %s.\n", body, trainings(runs), trainedReference)
}

// rare shows what probabilities the networks say, over the right ones: geometric means
// by guidance, and by a tail that is fitted to samples.
func (t trainedTable) rare() string {
	runs, out := 0, Table{Head: []string{t.g.name + ", said over right probability", "d"}}
	for _, p := range trainedEvents {
		out.Head = append(out.Head, fmt.Sprintf("%.0e: guided", p), "interval holds it", "fitted tail")
	}
	for _, m := range t.names() {
		for _, d := range t.z.dims {
			cells, at := []string{m, fmt.Sprint(d)}, trainedSetting(t.g, d)
			for _, p := range trainedEvents {
				k, held := decades(p), 0.0
				inside := t.r.Values(m, at, "inside"+k)
				for _, v := range inside {
					if v == 1 {
						held++
					}
				}
				of := Summarise(inside).N
				share, guided := "", ""
				if of > 0 {
					share = fmt.Sprintf("%.0f of %d", held, of)
				}
				if d <= rare.MaxDim && m != freshData {
					guided = ratioOf(t.r.Values(m, at, "guided"+k)) + t.besideLogs(m, at, "guided"+k)
				}
				runs = max(runs, len(inside))
				cells = append(cells, guided, share, ratioOf(t.r.Values(m, at, "fitted"+k))+t.besideLogs(m, at, "fitted"+k))
			}
			out.Add(cells...)
		}
	}
	return out.String() + fmt.Sprintf("\nGeometric means of at most %s, in brackets the least and the largest, then the p-value of Welch's test of ln of the ratio beside %s.\n", trainings(runs), trainedReference)
}

// besideLogs is the p-value of Welch's test of the logarithms of the ratios that there
// are, in brackets.
func (t trainedTable) besideLogs(m, at, column string) string {
	if m == trainedReference {
		return ""
	}
	return welchCell(inLogs(t.r.Values(m, at, column)), inLogs(t.r.Values(trainedReference, at, column)))
}

// ratioOf is the geometric mean of the ratios that there are, and the least and largest
// of them, with how many trainings said none.
func ratioOf(v []float64) string {
	lo, hi, sum, n := math.Inf(1), math.Inf(-1), 0.0, 0.0
	for _, x := range v {
		if x-x == 0 && x > 0 {
			lo, hi, sum, n = min(lo, x), max(hi, x), sum+dmath.Log(x), n+1
		}
	}
	text := few(dmath.Exp(sum / n))
	switch {
	case len(v) == 0:
		return ""
	case n == 0:
		return "none"
	case n > 1:
		text += fmt.Sprintf(" (%s to %s)", few(lo), few(hi))
	}
	if none := len(v) - int(n); none > 0 {
		text += fmt.Sprintf(", none: %d", none)
	}
	return text
}

// few is a ratio to two digits; how many orders of magnitude below 1e-9 it is says nothing.
func few(ratio float64) string {
	if ratio < 1e-9 {
		return "< 1e-9"
	}
	return fmt.Sprintf("%.2g", ratio)
}

func (t trainedTable) plot() chart.Plot {
	plot := chart.Plot{Title: t.g.name + ": quantiles from 90 to 99.5 %", XLabel: "dimension", YLabel: "mean |ln ratio|", LogX: true, LogY: true}
	for i, m := range t.names() {
		s := chart.Series{Name: m, Colour: i + 1}
		for _, d := range t.z.dims {
			v := t.r.Summary(m, trainedSetting(t.g, d), "tail")
			s.X, s.Y, s.Err = append(s.X, float64(d)), append(s.Y, v.Mean), append(s.Err, v.Std)
		}
		plot.Series = append(plot.Series, s)
	}
	return plot
}
