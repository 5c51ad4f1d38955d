package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"heavytail/internal/atomicfile"
	"heavytail/internal/chart"
	"heavytail/internal/cli"
	"heavytail/kernels"
	"heavytail/nn"
)

// A layerRow is all operations of a network of one kind, shape and form.
type layerRow struct {
	name   string
	kind   string // of the picture
	calls  int
	flops  float64 // of all calls, those of the direct form
	bytes  float64 // that they read and write at least
	ms     float64
	number int // of the first one, for the order of equal times
}

// benchLayers times the operations of a network within whole passes, whose times and
// the time that threads waited add up to the pass: that of median time.
func (o benchOptions) benchLayers(ctx context.Context, stdout io.Writer, peak float64) error {
	net, s, err := benchNet(o)
	if err != nil {
		return err
	}
	ws, err := net.NewWorkspace(o.batch, s[0], s[1], false)
	if err != nil {
		return err
	}
	ops, lanes := ws.Operations(), ws.Lanes(o.batch)
	x, t := filled(o.dev, o.batch, s[0], s[1], s[2]), times(o.batch)
	net.Forward(ws, x, t, nil)
	spent := make([]atomic.Int64, len(ops))
	ws.Observe(func(i int, d time.Duration) { spent[i].Add(int64(d)) })
	type pass struct {
		ms  float64
		ops []float64
	}
	var passes []pass
	for range o.count {
		if err := ctx.Err(); err != nil {
			return cli.Left(err, "no operation was timed")
		}
		for i := range spent {
			spent[i].Store(0)
		}
		start := time.Now()
		net.Forward(ws, x, t, nil)
		p := pass{ms: time.Since(start).Seconds() * 1e3}
		for i := range spent {
			p.ops = append(p.ops, float64(spent[i].Load())/1e6/float64(lanes))
		}
		passes = append(passes, p)
	}
	slices.SortFunc(passes, func(a, b pass) int { return cmp.Compare(a.ms, b.ms) })
	p := passes[(len(passes)-1)/2]
	rows := layerRows(o, ops, p.ops)
	if err := o.printLayers(stdout, rows, p.ms, peak); err != nil {
		return err
	}
	if o.roofline == "" {
		return nil
	}
	f := roofline(o, rows, peak, peakBandwidth(o.threads))
	return atomicfile.Write(o.roofline, func(w io.Writer) error {
		_, err := io.WriteString(w, f.SVG())
		return err
	})
}

// layerRows joins the operations of one kind, shape and form, those that take most
// time first.
func layerRows(o benchOptions, ops []nn.Operation, ms []float64) []layerRow {
	var rows []layerRow
	for i, op := range ops {
		if ms[i] == 0 && op.MACs == 0 {
			continue // a concatenation, of which nothing moves
		}
		name, kind := layerName(o, op)
		at := slices.IndexFunc(rows, func(r layerRow) bool { return r.name == name })
		if at < 0 {
			at = len(rows)
			rows = append(rows, layerRow{name: name, kind: kind, number: i})
		}
		r := &rows[at]
		r.calls++
		r.ms += ms[i]
		r.flops += float64(2 * float64(op.MACs) * float64(o.batch))
		values := float64(float64(o.batch) * float64(product(op.In)+product(op.Out)))
		if op.Weight != nil {
			values += float64(product(op.Weight.Shape))
		}
		r.bytes += float64(4 * values)
	}
	slices.SortFunc(rows, func(a, b layerRow) int {
		return cmp.Or(cmp.Compare(b.ms, a.ms), cmp.Compare(a.number, b.number))
	})
	return rows
}

// layerName returns the name of an operation with shapes and form, and its kind.
func layerName(o benchOptions, op nn.Operation) (name, kind string) {
	at := ""
	if len(op.In) == 3 {
		at = fmt.Sprintf(" at %d×%d", op.In[0], op.In[1])
	}
	c, d := op.In[len(op.In)-1], op.Out[len(op.Out)-1]
	if op.Name != "convolution" {
		if c == d {
			return fmt.Sprintf("%s %d%s", op.Name, c, at), op.Name
		}
		return fmt.Sprintf("%s %d→%d%s", op.Name, c, d, at), op.Name
	}
	k := op.Weight.Tensor.Dim(0)
	form := o.dev.(*kernels.CPU).Form(op.In[0], op.In[1], op.Weight.Tensor, op.Opt)
	stride := ""
	if op.Opt.Stride == 2 {
		stride = "/2"
	}
	kind = "convolution, " + form
	if k == 1 {
		kind = "convolution 1×1"
	}
	return fmt.Sprintf("convolution %d×%d%s %d→%d%s, %s", k, k, stride, c, d, at, form), kind
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// printLayers prints the rows, the time in which threads waited and the whole.
func (o benchOptions) printLayers(w io.Writer, rows []layerRow, ms, peak float64) error {
	whole := layerRow{name: fmt.Sprintf("unet %s batch %d", o.config, o.batch), calls: 1, ms: ms}
	rest := layerRow{name: "waiting and copies", calls: 1, ms: ms}
	for _, r := range rows {
		whole.flops += r.flops
		rest.ms -= r.ms
	}
	for _, r := range append(slices.Clone(rows), rest, whole) {
		c := benchCase{name: r.name, flops: r.flops}
		res := c.result(o, []float64{r.ms}, peak)
		res.Calls, res.Share = r.calls, r.ms/ms
		if err := o.report(w, res); err != nil {
			return err
		}
	}
	return nil
}

// peakBandwidth measures the bytes a second that threads goroutines together read
// from and write to memory, copying far more than caches hold.
func peakBandwidth(threads int) float64 {
	const size = 64 << 20
	from, to := make([][]byte, threads), make([][]byte, threads)
	for i := range from {
		from[i], to[i] = make([]byte, size/threads+1), make([]byte, size/threads+1)
		copy(to[i], from[i]) // the pages are there
		clear(from[i])
	}
	best := 0.0
	for range 5 {
		done := make(chan int, threads)
		start := time.Now()
		for i := range threads {
			go func() { done <- copy(to[i], from[i]) }()
		}
		n := 0
		for range threads {
			n += <-done
		}
		best = max(best, 2*float64(n)/time.Since(start).Seconds())
	}
	return best
}

// roofline draws the rate of every row of products by its operations for a byte, below
// what multiply-adds and memory allow. Caches lift points above memory's line, forms
// of Winograd above that of multiply-adds: rates count the direct form's.
func roofline(o benchOptions, rows []layerRow, peak, bandwidth float64) chart.Figure {
	p := chart.Plot{Title: fmt.Sprintf("%s, batch %d, %s", o.config, o.batch, cli.Counted(o.threads, "thread")),
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
	p.Series = append(p.Series, chart.Series{Name: fmt.Sprintf("%.0f GFLOP/s, %.0f GB/s", peak/1e9, bandwidth/1e9), Style: chart.Curve, Colour: 7,
		X: []float64{lo, knee, hi}, Y: []float64{lo * bandwidth / 1e9, peak / 1e9, peak / 1e9}})
	slices.Sort(kinds)
	for _, k := range kinds {
		p.Series = append(p.Series, *series[k])
	}
	return chart.Figure{Plots: []chart.Plot{p}}
}
