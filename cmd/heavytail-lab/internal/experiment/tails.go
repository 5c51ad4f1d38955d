package experiment

import (
	"context"
	"fmt"
	"math"

	"heavytail/diffusion/metrics"
	"heavytail/internal/chart"
	"heavytail/stable"
)

// The tails experiment: how well do the methods keep the tails of heavy-tailed
// data? 20,000 points of isotropic S_1.7, scale 0.05, in the plane; the error
// is that of the logarithms of the quantiles above 0.95.
var tailsExperiment = Experiment{
	Name: "tails", Summary: "tails of isotropic S_1.7 in the plane: MSLE of DLPM, LIM and DDPM by α",
	Plan: planTails,
}

const (
	tailsAlpha, tailsScale = 1.7, 0.05
	tailsLevel             = 0.95
)

// tailsPoints draws n points, by the seed.
func tailsPoints(n int, seed uint64) []float32 {
	noise := stable.Noise{Alpha: tailsAlpha, Isotropic: true}
	x := make([]float32, 2*n)
	for i := range n {
		p := x[2*i : 2*i+2]
		noise.Fill(p, stable.Key{Seed: seed, Sample: uint64(i)})
		for k, v := range p {
			p[k] = float32(tailsScale * float64(v))
		}
	}
	return x
}

// tailsColumns are what is measured of a set of points: the norm's MSLE in the
// paper's form as an integral and as a mean over the levels; the form of the
// authors' later code; and both as means over the two coordinates' upper tails.
// Columns with .clamped are of coordinates clamped to ±6, which the authors'
// evaluation does to what is generated and not to the data. ratio.q is the
// norm's quantile at level q divided by the data's.
var tailsColumns = []string{"norm", "norm.integral", "norm.levels", "coordinate", "coordinate.levels", "ratio.95", "ratio.99", "ratio.999",
	"norm.clamped", "norm.levels.clamped", "coordinate.clamped", "coordinate.levels.clamped"}

// tailsRow measures points against the data.
func tailsRow(real, gen []float32) []float64 {
	m := tailsErrors(real, gen)
	row := append(m[:], metrics.QuantileRatios(norms(real), norms(gen), []float64{.95, .99, .999})...)
	m = tailsErrors(real, clampPoints(gen))
	return append(row, m[0], m[2], m[3], m[4])
}

// clampPoints does what the authors' evaluation does to points: it clamps
// their coordinates to ±6.
func clampPoints(x []float32) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = max(-6, min(v, 6))
	}
	return out
}

// tailsErrors returns the first five columns.
func tailsErrors(real, gen []float32) (e [5]float64) {
	rn, gn := norms(real), norms(gen)
	m := metrics.MSLE(rn, gn, tailsLevel)
	e = [5]float64{m.Mean, m.Integral, metrics.MSLELevels(rn, gn, tailsLevel), 0, 0}
	for c := range 2 {
		r, g := coordinate(real, c), coordinate(gen, c)
		e[3] += float64(metrics.MSLE(r, g, tailsLevel).Mean / 2)
		e[4] += float64(metrics.MSLELevels(r, g, tailsLevel) / 2)
	}
	return e
}

// norms returns |x| of points in the plane.
func norms(x []float32) []float64 {
	out := make([]float64, len(x)/2)
	for i := range out {
		a, b := float64(x[2*i]), float64(x[2*i+1])
		out[i] = math.Sqrt(float64(a*a) + float64(b*b))
	}
	return out
}

// coordinate returns one coordinate of points in the plane.
func coordinate(x []float32, c int) []float64 {
	out := make([]float64, len(x)/2)
	for i := range out {
		out[i] = float64(x[2*i+c])
	}
	return out
}

// tailsMethods are those of the table and what explains it.
func tailsMethods() []planar {
	return []planar{dlpmRow, ddpmRow, limRow, limMendedRow, dlpmRow.repaired(), ddpmRow.repaired(), limMendedAll().repaired(),
		dlpmRow.long(), ddpmRow.long(), limRow.long(), limBoundRow}
}

// limMendedAll is LIM with the right start for every α.
func limMendedAll() planar {
	m := limMendedRow
	m.name, m.alphas = "LIM", allAlphas
	return m
}

// freshData is the row of a second draw of the data themselves: no method can
// be expected to be better.
const freshData = "data again"

func planTails(_ context.Context, o Options) (*Plan, error) {
	points, size := 20000, publishedSize
	if o.Quick {
		points = 4000
		size = planarSize{train: 60, sample: 20, points: points}
	}
	p := &Plan{Settings: fmt.Sprintf("%d points; %+v", points, size), Columns: tailsColumns, Report: reportTails}
	for run := range o.RunsOr(20, 2) {
		set := func() []float32 { return tailsPoints(points, Seed(o.Seed, "tails data", run)) }
		p.Jobs = append(p.Jobs, Job{Keys: []Key{{freshData, "1.7", run}}, Do: func(context.Context, *Worker) ([][]float64, error) {
			return [][]float64{tailsRow(set()[:2*size.points], tailsPoints(size.points, Seed(o.Seed, "tails fresh", run)))}, nil
		}})
		for _, m := range tailsMethods() {
			if !m.runs(run) {
				continue
			}
			for _, alpha := range m.alphas {
				if o.Quick && alpha != 1.7 && alpha != 2 {
					continue
				}
				k := Key{m.name, alphaName(alpha), run}
				p.Jobs = append(p.Jobs, Job{Keys: []Key{k}, Do: func(ctx context.Context, w *Worker) ([][]float64, error) {
					x := set()
					gen, err := m.run(ctx, w.Dev, x, alpha, size, Seed(o.Seed, "tails", k))
					if err != nil {
						return nil, err
					}
					return [][]float64{tailsRow(x[:2*size.points], gen)}, nil
				}})
			}
		}
	}
	return p, nil
}

// tailsPublished is the table of the authors' slides of February 2025.
var tailsPublished = map[string]map[string]Published{
	"DLPM": {"1.5": {0.160, 0.128, 0}, "1.6": {0.081, 0.078, 0}, "1.7": {0.071, 0.028, 0}, "1.8": {0.099, 0.044, 0}, "1.9": {0.132, 0.101, 0}, "2.0": {0.798, 0.601, 0}},
	"DDPM": {"2.0": {0.528, 0.400, 1.0e-1}},
	"LIM": {"1.5": {0.743, 0.290, 1.0e-8}, "1.6": {0.497, 0.311, 8.6e-6}, "1.7": {0.267, 0.077, 1.3e-10}, "1.8": {0.653, 0.413, 8.8e-6},
		"1.9": {2.444, 1.067, 7.9e-9}, "2.0": {1.239, 0.240, 5.0e-3}},
}

// tailsComparison is the table of one column beside the published one.
func tailsComparison(column string) Comparison {
	c := Comparison{Column: column, Settings: alphaNames()}
	for _, name := range []string{"DLPM", "DDPM", "LIM"} {
		row := ComparisonRow{Method: name, Published: tailsPublished[name]}
		if name != "DLPM" {
			row.Against = "DLPM"
		}
		c.Rows = append(c.Rows, row)
	}
	c.Rows = append(c.Rows, ComparisonRow{Method: "LIM mended", Against: "DLPM"},
		ComparisonRow{Method: limBoundRow.name, Against: "DLPM", Published: tailsPublished["LIM"], Again: true})
	for _, kind := range []string{longName, repairedName} {
		for _, name := range []string{"DLPM", "DDPM", "LIM"} {
			row := ComparisonRow{Method: name + kind, Published: tailsPublished[name], Again: true}
			if name != "DLPM" {
				row.Against = "DLPM" + kind
			}
			c.Rows = append(c.Rows, row)
		}
	}
	c.Rows = append(c.Rows, ComparisonRow{Method: freshData})
	return c
}

func reportTails(r *Results) Report {
	plot := chart.Plot{Title: "S_1.7, scale 0.05: MSLE of |x| above 95 %", XLabel: "α of the noise", YLabel: "mean squared log error", LogY: true}
	ratios := chart.Plot{Title: "99 % quantile of |x|", XLabel: "α of the noise", YLabel: "generated / data", LogY: true}
	floor := r.Summary(freshData, "1.7", "norm").Mean
	plot.Series = append(plot.Series, chart.Series{Name: "data again", X: []float64{1.5, 2}, Y: []float64{floor, floor}, Style: chart.Curve, Colour: 8})
	ratios.Series = append(ratios.Series, chart.Series{Name: "", X: []float64{1.5, 2}, Y: []float64{1, 1}, Style: chart.Curve, Colour: 8})
	for i, name := range []string{"DLPM", "LIM", "DLPM repaired", "LIM repaired", "DDPM"} {
		plot.Series = append(plot.Series, r.byAlpha(name, "norm", i+1))
		ratios.Series = append(ratios.Series, r.byAlpha(name, "ratio.99", i+1))
		if pub := tailsPublished[name]; len(pub) > 1 {
			plot.Series = append(plot.Series, publishedByAlpha(name+", paper", pub, i+1))
		}
	}
	rep := Report{Title: "Tails of heavy-tailed points", Figures: []chart.Figure{{Plots: []chart.Plot{plot, ratios}}}}
	const then = " after clamping what is generated to ±6"
	for _, c := range []struct{ name, column, text string }{
		{"coordinate-clamped", "coordinate.clamped", "MSLE of each coordinate, mean over the levels above 0.95," + then},
		{"norm", "norm", "MSLE of |x|, mean over the levels above 0.95 (the paper's integral divided by 0.05)"},
		{"levels", "coordinate.levels", "MSLE as in the authors' later code: quantiles at .99, .995, .999, .9995 and .9999 of each coordinate, mean over both"},
		{"coordinate", "coordinate", "MSLE of each coordinate's upper tail, mean over the levels above 0.95 and both coordinates"},
		{"norm-clamped", "norm.clamped", "MSLE of |x|, mean over the levels above 0.95," + then},
		{"levels-clamped", "coordinate.levels.clamped", "MSLE as in the authors' later code, of coordinates," + then},
		{"norm-integral", "norm.integral", "MSLE of |x| as the paper writes it: the integral over the levels above 0.95"},
	} {
		rep.Sections = append(rep.Sections, Section{c.name, "**" + c.text + "**\n\n" + tailsComparison(c.column).Table(r)})
	}
	return rep
}

// byAlpha is a series of a method's means by α.
func (r *Results) byAlpha(method, column string, colour int) chart.Series {
	s := chart.Series{Name: method, Colour: colour}
	for _, a := range allAlphas {
		sum := r.Summary(method, alphaName(a), column)
		s.X, s.Y, s.Err = append(s.X, a), append(s.Y, sum.Mean), append(s.Err, sum.Std)
	}
	return s
}

// publishedByAlpha is a series of a published row.
func publishedByAlpha(name string, p map[string]Published, colour int) chart.Series {
	s := chart.Series{Name: name, Style: chart.Dashed, Colour: colour}
	for _, a := range allAlphas {
		y := math.NaN()
		if v, ok := p[alphaName(a)]; ok {
			y = v.Mean
		}
		s.X, s.Y = append(s.X, a), append(s.Y, y)
	}
	return s
}
