package experiment

import (
	"context"
	"fmt"

	"heavytail/data"
	"heavytail/diffusion/metrics"
	"heavytail/internal/chart"
)

// The grid experiment: do the methods find rare modes? Nine Gaussians of
// unequal weights on a grid; the score is F₁ of precision and recall of
// histograms.
var gridExperiment = Experiment{
	Name: "grid", Summary: "unbalanced 3×3 grid of Gaussians: F1 of precision and recall of DLPM, DLPM₅, LIM and DDPM by α",
	Plan: planGrid,
}

var gridColumns = []string{"f1", "precision", "recall", "rarest", "outside"}

// gridPoints draws n points of the published grid: standard deviation 0.1,
// modes at 0, 1 and 2 in each coordinate.
func gridPoints(n int, seed uint64) ([]float32, error) {
	set, err := data.Open(context.Background(), "toy:gmm_grid", data.Options{N: n, Seed: seed})
	if err != nil {
		return nil, err
	}
	x := make([]float32, 2*n)
	for i := range n {
		set.Get(x[2*i:2*i+2], i, false)
	}
	for i := range x {
		x[i]++ // the set is centred, the published one is not
	}
	return x, nil
}

// gridRow scores points: rarest is the share of the rarest mode, whose weight
// is 0.01, divided by that; outside is the share of points farther than four
// deviations from every mode (of the data: 0.0003).
func gridRow(real, gen []float32, seed uint64) []float64 {
	s := metrics.PRD(real, gen, 2, metrics.PRDOptions{Seed: seed, Threads: 1})
	rarest, outside := 0, 0
	for i := 0; i < len(gen); i += 2 {
		best, at := 100.0, 0
		for k := range 9 {
			dx, dy := float64(gen[i])-float64(k/3), float64(gen[i+1])-float64(k%3)
			if d := float64(dx*dx) + float64(dy*dy); d < best {
				best, at = d, k
			}
		}
		switch {
		case !(best <= 0.4*0.4):
			outside++
		case at == 0:
			rarest++
		}
	}
	n := float64(len(gen) / 2)
	return []float64{s.F1, s.Precision, s.Recall, float64(rarest) / n / 0.01, float64(outside) / n}
}

// Rows of methods whose name ends with clamped score the same points after
// clamping them as the authors' evaluation does; every sixth run has them.
const (
	clamped      = " clamped"
	clampedEvery = 6
)

// gridMethods are those of the table and what explains it.
func gridMethods() []planar {
	dlpm, lim := dlpmRow.repaired(), limMendedAll().repaired()
	dlpm.every, lim.every = dlpm5Row.every, dlpm5Row.every
	return []planar{dlpmRow, dlpm5Row, limRow, limMendedRow, ddpmRow, dlpm, lim}
}

func planGrid(_ context.Context, o Options) (*Plan, error) {
	points, size := 32000, publishedSize
	if o.Quick {
		points, size = 4000, planarSize{train: 60, sample: 20, points: 2000}
	}
	p := &Plan{Settings: fmt.Sprintf("%d points; %+v", points, size), Columns: gridColumns, Report: reportGrid}
	for run := range o.RunsOr(30, 2) {
		set := func() ([]float32, error) { return gridPoints(points, Seed(o.Seed, "grid data", run)) }
		p.Jobs = append(p.Jobs, Job{Keys: []Key{{freshData, "", run}}, Do: func(context.Context, *Worker) ([][]float64, error) {
			x, err := set()
			if err != nil {
				return nil, err
			}
			y, err := gridPoints(size.points, Seed(o.Seed, "grid fresh", run))
			return [][]float64{gridRow(x[:2*size.points], y, uint64(run))}, err
		}})
		for _, m := range gridMethods() {
			if !m.runs(run) {
				continue
			}
			for _, alpha := range m.alphas {
				if o.Quick && alpha != 1.7 && alpha != 2 {
					continue
				}
				keys := []Key{{m.name, alphaName(alpha), run}}
				if run%clampedEvery == 0 {
					keys = append(keys, Key{m.name + clamped, alphaName(alpha), run})
				}
				p.Jobs = append(p.Jobs, Job{Keys: keys, Do: func(ctx context.Context, w *Worker) ([][]float64, error) {
					x, err := set()
					if err != nil {
						return nil, err
					}
					gen, err := m.run(ctx, w.Dev, x, alpha, size, Seed(o.Seed, "grid", keys[0]))
					if err != nil {
						return nil, err
					}
					real := x[:2*size.points]
					rows := [][]float64{gridRow(real, gen, uint64(run))}
					if len(keys) > 1 {
						rows = append(rows, gridRow(real, clampPoints(gen), uint64(run)))
					}
					return rows, nil
				}})
			}
		}
	}
	return p, nil
}

// gridPublished is the table of the authors' slides of February 2025.
var gridPublished = map[string]map[string]Published{
	"DLPM": {"1.5": {0.933, 0.018, 0}, "1.6": {0.923, 0.005, 0}, "1.7": {0.933, 0.028, 0}, "1.8": {0.923, 0.024, 0}, "1.9": {0.907, 0.034, 0}, "2.0": {0.862, 0.028, 0}},
	"DLPM5": {"1.5": {0.944, 0.013, 9.0e-3}, "1.6": {0.943, 0.021, 1.6e-5}, "1.7": {0.943, 0.010, 7.4e-2}, "1.8": {0.941, 0.014, 9.0e-4},
		"1.9": {0.928, 0.016, 3.9e-3}},
	"LIM": {"1.5": {0.842, 0.039, 1.7e-14}, "1.6": {0.850, 0.046, 1.3e-9}, "1.7": {0.868, 0.034, 5.7e-11}, "1.8": {0.874, 0.030, 3.9e-9},
		"1.9": {0.884, 0.017, 1.9e-3}, "2.0": {0.874, 0.027, 9.6e-2}},
	"DDPM": {"2.0": {0.867, 0.029, 5.0e-1}},
}

func reportGrid(r *Results) Report {
	rows := []ComparisonRow{{Method: "DLPM", Published: gridPublished["DLPM"]}}
	for _, name := range []string{"DLPM5", "LIM", "DDPM"} {
		rows = append(rows, ComparisonRow{Method: name, Against: "DLPM", Published: gridPublished[name]})
	}
	rows = append(rows, ComparisonRow{Method: "LIM mended", Against: "DLPM"},
		ComparisonRow{Method: "DLPM" + repairedName, Published: gridPublished["DLPM"], Again: true},
		ComparisonRow{Method: "LIM" + repairedName, Against: "DLPM" + repairedName, Published: gridPublished["LIM"], Again: true})
	floor := r.Summary(freshData, "", "f1")
	rep := Report{Title: "Rare modes on an unbalanced grid"}
	add := func(name, column, text string, rows []ComparisonRow) {
		body := "**" + text + "**\n\n" + Comparison{Column: column, Settings: alphaNames(), Rows: rows}.Table(r)
		if name == "f1" {
			body += fmt.Sprintf("\nA second draw of the data themselves scores %s.\n", floor.Cell(0))
		}
		rep.Sections = append(rep.Sections, Section{name, body})
	}
	add("f1", "f1", "F₁ of precision and recall (higher is better)", rows)
	var bound []ComparisonRow
	for i := range rows {
		c := rows[i]
		c.Method += clamped
		if c.Against != "" {
			c.Against += clamped
		}
		bound = append(bound, c)
		rows[i].Published = nil
	}
	add("f1-clamped", "f1", "F₁ of some of the same points after clamping them to ±6, as the authors' evaluation does", bound)
	add("precision", "precision", "Precision", rows)
	add("recall", "recall", "Recall", rows)
	add("rarest", "rarest", "Share of the rarest mode (weight 0.01), divided by 0.01", rows)
	add("outside", "outside", "Share of points farther than 4 deviations from every mode (data: 0.0003)", rows)
	plot := chart.Plot{Title: "unbalanced 3×3 grid: F1", XLabel: "α of the noise", YLabel: "F1 of precision and recall"}
	plot.Series = []chart.Series{{Name: "data again", X: []float64{1.5, 2}, Y: []float64{floor.Mean, floor.Mean}, Style: chart.Curve, Colour: 8}}
	for i, name := range []string{"DLPM", "DLPM5", "LIM", "DDPM", "DLPM" + repairedName, "LIM" + repairedName} {
		plot.Series = append(plot.Series, r.byAlpha(name, "f1", i+1))
		if pub := gridPublished[name]; len(pub) > 1 {
			plot.Series = append(plot.Series, publishedByAlpha(name+", paper", pub, i+1))
		}
	}
	rep.Figures = []chart.Figure{{Plots: []chart.Plot{plot}}}
	return rep
}
