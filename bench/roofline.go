package bench

import (
	"fmt"
	"slices"

	"heavytail/internal/chart"
)

// Roofline draws the rate of every row of products by its operations for a byte, below
// what multiply-adds and memory allow, as an SVG. Caches lift points above memory's line,
// forms of Winograd above that of multiply-adds: rates count the direct form's. It panics
// where Layers was given no peak and bandwidth.
func (p *Profile) Roofline() string {
	o, rows, peak, bandwidth := p.o, p.rows, p.peak, p.bandwidth
	if !(peak > 0 && bandwidth > 0) {
		panic(fmt.Sprintf("bench: Roofline: peak %v, bandwidth %v: Layers must be given both", peak, bandwidth))
	}
	threads := fmt.Sprintf("%d threads", o.Threads)
	if o.Threads == 1 {
		threads = "1 thread"
	}
	plot := chart.Plot{Title: fmt.Sprintf("%s, batch %d, %s", o.Config, o.Batch, threads),
		XLabel: "operations for a byte of input, output and weight", YLabel: "GFLOP/s", LogX: true, LogY: true}
	lo, hi := peak/bandwidth, peak/bandwidth
	var kinds []string
	series := map[string]*chart.Series{}
	for _, r := range rows {
		if r.flops == 0 || r.ms <= 0 {
			continue
		}
		s := series[r.kind]
		if s == nil {
			s = &chart.Series{Name: r.kind, Style: chart.Dots}
			series[r.kind] = s
			kinds = append(kinds, r.kind)
		}
		at := r.flops / r.bytes
		s.X, s.Y = append(s.X, at), append(s.Y, r.flops/r.ms/1e6)
		lo, hi = min(lo, at), max(hi, at)
	}
	knee := peak / bandwidth
	plot.Series = append(plot.Series, chart.Series{Name: fmt.Sprintf("%.0f GFLOP/s, %.0f GB/s", peak/1e9, bandwidth/1e9), Style: chart.Curve, Colour: 7,
		X: []float64{lo, knee, hi}, Y: []float64{lo * bandwidth / 1e9, peak / 1e9, peak / 1e9}})
	slices.Sort(kinds)
	for _, k := range kinds {
		plot.Series = append(plot.Series, *series[k])
	}
	return chart.Figure{Plots: []chart.Plot{plot}}.SVG()
}
