package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"heavytail/kernels"
	"heavytail/nn"
)

// A Profile says what the operations of a network take within a whole pass.
type Profile struct {
	// Rows are all operations of one kind, shape and form each, those that take
	// most time first; then what threads wait and copy; then the pass, which the
	// times and shares of all rows before it add up to.
	Rows []Result

	rows      []layerRow
	o         Options
	peak      float64
	bandwidth float64
}

// A layerRow is all operations of a network of one kind, shape and form.
type layerRow struct {
	name  string
	kind  string // of the picture
	calls int
	flops float64 // of all calls, those of the direct form
	bytes float64 // that they read and write at least
	ms    float64
	least float64 // milliseconds, of limits

	operations float64 // of the forms that they take
	weights    float64 // bytes
	number     int     // of the first one, for the order of equal times
}

// Layers times the operations of o.Config within o.Count whole passes on the
// processor: the times are those of the pass of median time, on several threads the
// mean of them. peak is as in Time; it and bandwidth, in bytes a second (PeakBandwidth),
// 0 for neither, set the limits of the rows. It returns an error where o.Device is not
// the processor, the network is unknown or the context ends.
func Layers(ctx context.Context, o Options, peak, bandwidth float64) (*Profile, error) {
	if ctx == nil {
		panic("bench: Layers with a nil context: use context.Background()")
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.gpu() {
		return nil, errors.New("bench: Layers times the processor: Device must be that of kernels.New")
	}
	net, s, err := benchNet(o)
	if err != nil {
		return nil, err
	}
	ws, err := net.NewWorkspace(o.Batch, s[0], s[1], false)
	if err != nil {
		return nil, err
	}
	ops, lanes := ws.Operations(), ws.Lanes(o.Batch)
	x, t := filled(o.Device, o.Batch, s[0], s[1], s[2]), times(o.Batch)
	net.Forward(ws, x, t, nil)
	spent := make([]atomic.Int64, len(ops))
	ws.Observe(func(i int, d time.Duration) { spent[i].Add(int64(d)) })
	type pass struct {
		ms  float64
		ops []float64
	}
	var passes []pass
	for range o.Count {
		if err := ctx.Err(); err != nil {
			return nil, err
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
	limits(rows, peak, bandwidth)
	return &Profile{layerResults(o, rows, p.ms, peak), rows, o, peak, bandwidth}, nil
}

// layerRows joins the operations of one kind, shape and form, those that take most
// time first.
func layerRows(o Options, ops []nn.Operation, ms []float64) []layerRow {
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
		r.flops += float64(2 * float64(op.MACs) * float64(o.Batch))
		r.operations += operations(o, op)
		values := float64(float64(o.Batch) * float64(product(op.In)+product(op.Out)))
		if op.Weight != nil {
			values += float64(product(op.Weight.Shape))
			r.weights += float64(4 * float64(product(op.Weight.Shape)))
		}
		r.bytes += float64(4 * values)
	}
	slices.SortFunc(rows, func(a, b layerRow) int {
		return cmp.Or(cmp.Compare(b.ms, a.ms), cmp.Compare(a.number, b.number))
	})
	return rows
}

// layerName returns the name of an operation with shapes and form, and its kind.
func layerName(o Options, op nn.Operation) (name, kind string) {
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
	form := o.Device.(*kernels.CPU).Form(op.In[0], op.In[1], op.Weight.Tensor, op.Opt)
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

// layerResults are the rows, the time in which threads waited and the whole.
func layerResults(o Options, rows []layerRow, ms, peak float64) []Result {
	whole := layerRow{name: fmt.Sprintf("unet %s batch %d", o.Config, o.Batch), calls: 1, ms: ms}
	rest := layerRow{name: "waiting and copies", calls: 1, ms: ms}
	for _, r := range rows {
		whole.flops += r.flops
		whole.least += r.least
		rest.ms -= r.ms
	}
	var out []Result
	for _, r := range append(slices.Clone(rows), rest, whole) {
		c := Case{name: r.name, flops: r.flops}
		res := c.result(o, []float64{r.ms}, peak)
		res.Calls, res.Share, res.LeastMS = r.calls, r.ms/ms, r.least
		out = append(out, res)
	}
	return out
}
