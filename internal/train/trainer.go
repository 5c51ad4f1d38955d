// Package train fits networks to data. A training run is a function of its
// recipe and data: which samples a step takes, their mirrorings, classes,
// times and noise depend on (seed, step, index) alone, so a run that was
// killed and resumed ends with the same bytes as one that was not.
package train

import (
	"context"
	"fmt"
	"math"
	"slices"

	"heavytail/diffusion"
	"heavytail/internal/data"
	"heavytail/internal/recipe"
	"heavytail/nn"
	"heavytail/tensor"
)

// A Trainer holds the state of one run.
type Trainer struct {
	Recipe recipe.Recipe
	Net    *nn.Net
	Opt    *nn.AdamW
	EMA    []*nn.EMA

	dev    tensor.Device
	set    *data.Set
	order  shuffle
	noiser diffusion.Examples
	ws     *nn.Workspace
	buf    buffers
	tally  tally
}

// buffers hold one micro-batch of b samples in rows = copies·b rows.
type buffers struct {
	x0, x, target, times []float32
	wide                 []float64        // a sample before it is scaled
	rows                 []*tensor.Tensor // input, target, gradient of the prediction; per size of micro-batch below
	labels               []int
	keys                 []uint64
	means, weights       []float64
	scales               []float64 // nn.Net.Magnitudes of the rows
	views                map[int][3]*tensor.Tensor
}

// Stats tell about one step.
type Stats struct {
	Loss float64 // mean over the batch
	Norm float64 // of the gradient, before clipping
	Rate float64 // learning rate
}

// New prepares a run of r on set: the network starts from r's seed. It returns
// an error if the recipe and the data do not fit.
func New(dev tensor.Device, set *data.Set, r recipe.Recipe) (*Trainer, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	if !slices.Equal(set.Shape, r.Data.Shape) || set.Len() != r.Data.Samples {
		return nil, fmt.Errorf("the data are %d samples of %v, the recipe says %d of %v; give the data that the run was started with",
			set.Len(), set.Shape, r.Data.Samples, r.Data.Shape)
	}
	t := &Trainer{Recipe: r, dev: dev, set: set, order: newShuffle(r.Train.Seed, set.Len())}
	var err error
	if t.Net, err = nn.New(dev, r.Network); err != nil {
		return nil, err
	}
	t.Net.Params().Init(r.Train.Seed)
	t.fitTail()
	if k := t.Net.Classes(); k > 0 && set.NumClasses() > k {
		return nil, fmt.Errorf("the data have %d classes, the network knows %d", set.NumClasses(), k)
	}
	if t.noiser, err = r.Noiser(); err != nil {
		return nil, err
	}
	h, w := 0, 0
	if len(r.Data.Shape) == 3 {
		h, w = r.Data.Shape[0], r.Data.Shape[1]
	}
	if t.ws, err = t.Net.NewWorkspace(t.micro()*t.noiser.Copies(), h, w, true); err != nil {
		return nil, err
	}
	t.Opt = nn.NewAdamW(t.Net.Params())
	t.Opt.Beta1, t.Opt.Beta2, t.Opt.Eps, t.Opt.WeightDecay = r.Train.Beta1, r.Train.Beta2, r.Train.Eps, r.Train.WeightDecay
	for _, mu := range r.Train.EMA {
		e := nn.NewEMA(t.Net.Params(), mu)
		e.Warmup = r.Train.EMAWarmup
		t.EMA = append(t.EMA, e)
	}
	t.buf.alloc(dev, t.micro(), t.noiser.Copies(), r.Data.Shape)
	return t, nil
}

// fitTail gives the part of a point network that grows with |x| the start that
// LIM's output asks for: it begins as ε̂ = x/t far out, and LIM's is −ε̂/α.
func (t *Trainer) fitTail() {
	p := t.Net.Params()
	q := p.Find("tail.weight")
	if q == nil || t.Recipe.LIM == nil {
		return
	}
	w := p.Get(p.Flat, q)
	for i := range w {
		w[i] = float32(float64(w[i]) * (-1 / t.Recipe.LIM.Alpha))
	}
	p.Set(p.Flat, q, w)
}

// micro returns the number of samples that pass through the network at a time.
func (t *Trainer) micro() int {
	if m := t.Recipe.Train.Micro; m > 0 {
		return m
	}
	return t.Recipe.Train.Batch
}

// Bytes returns the memory of weights, optimiser and activations.
func (t *Trainer) Bytes() int64 {
	return 4*int64(t.Net.Params().Flat.Len())*int64(4+len(t.EMA)) + t.ws.Bytes()
}

// Done returns the number of steps done.
func (t *Trainer) Done() int { return t.Opt.Step }

func (b *buffers) alloc(dev tensor.Device, micro, copies int, shape []int) {
	d := 1
	for _, v := range shape {
		d *= v
	}
	rows := micro * copies
	b.x0, b.x, b.target, b.times = make([]float32, micro*d), make([]float32, rows*d), make([]float32, rows*d), make([]float32, rows)
	b.wide = make([]float64, d)
	b.labels, b.keys = make([]int, rows), make([]uint64, rows)
	b.means, b.weights, b.scales = make([]float64, rows), make([]float64, rows), make([]float64, rows)
	for range 3 {
		b.rows = append(b.rows, dev.New(append([]int{rows}, shape...)...))
	}
	b.views = map[int][3]*tensor.Tensor{}
}

// at returns the tensors seen as n rows.
func (b *buffers) at(n int) [3]*tensor.Tensor {
	v, ok := b.views[n]
	if !ok {
		for i, t := range b.rows {
			v[i] = t.Batch(0, n)
		}
		b.views[n] = v
	}
	return v
}

// Step does one step and tells about it. If the loss or the gradient is not
// finite, the weights stay as they were and the error says what to do; they stay
// too if the context that Watch was given ends, whose error Step then returns.
func (t *Trainer) Step() (Stats, error) {
	r := &t.Recipe.Train
	s := Stats{Rate: r.Rate.At(t.Opt.Step)}
	t.Net.Params().ZeroGrad()
	first := uint64(t.Opt.Step) * uint64(r.Batch)
	for lo := 0; lo < r.Batch; lo += t.micro() {
		n := min(t.micro(), r.Batch-lo)
		s.Loss += t.part(first+uint64(lo), n)
		if err := t.ws.Err(); err != nil {
			return s, fmt.Errorf("step %d: %w", t.Opt.Step+1, err)
		}
	}
	if math.IsNaN(s.Loss) || math.IsInf(s.Loss, 0) {
		return s, fmt.Errorf("step %d: the loss is not finite; lower the learning rate (-lr), clip the gradient (-clip) or set -clamp-a", t.Opt.Step+1)
	}
	var err error
	if s.Norm, err = t.Opt.Update(s.Rate, r.Clip); err != nil {
		return s, err
	}
	for _, e := range t.EMA {
		e.Update(t.Opt.Step - 1)
	}
	return s, nil
}

// Watch makes a step under way end soon after ctx does, between two operations
// of the network, as if it had not begun.
func (t *Trainer) Watch(ctx context.Context) { t.ws.Watch(ctx) }

// part adds the gradients of samples first … first+n−1 of the whole training
// and returns their share of the loss.
func (t *Trainer) part(first uint64, n int) float64 {
	b, r := &t.buf, &t.Recipe.Train
	copies := t.noiser.Copies()
	rows := n * copies
	d := len(b.x0) / t.micro()
	for i := range n {
		t.sample(b.x0[i*d:(i+1)*d], i, n, first+uint64(i))
	}
	t.noiser.Noise(b.x[:rows*d], b.target[:rows*d], b.times[:rows], b.x0[:n*d], first)
	v := b.at(rows)
	x, target, grad := v[0], v[1], v[2]
	t.dev.Upload(x, b.x[:rows*d])
	t.dev.Upload(target, b.target[:rows*d])
	t.ws.SetDropout(r.Seed, b.keys[:rows])
	var labels []int
	if t.Net.Classes() > 0 {
		labels = b.labels[:rows]
	}
	pred := t.Net.Forward(t.ws, x, b.times[:rows], labels)
	kind, p := r.Loss.Elementwise()
	t.dev.Loss(b.means[:rows], pred, target, kind, p)
	loss := r.Loss.Reduce(b.weights[:rows], b.means[:rows], r.Batch)
	t.Net.Magnitudes(b.scales[:rows], b.x[:rows*d])
	for i, s := range b.scales[:rows] {
		b.weights[i] /= s
	}
	t.dev.LossBackward(grad, pred, target, kind, p, b.weights[:rows])
	t.Net.Backward(t.ws, grad)
	return loss
}

// sample reads one sample of the set into x0 and sets the labels and dropout
// keys of its copies, rows i, i+n, i+2n, ….
func (t *Trainer) sample(x0 []float32, i, n int, number uint64) {
	r := &t.Recipe
	flip := r.Data.Flip && bits(r.Train.Seed, tagFlip, number)&1 == 1
	at := t.order.at(number)
	label := t.set.Get(x0, at, flip)
	if s := r.Data.Scaling; s != nil {
		t.set.Float64(t.buf.wide, at)
		s.Apply(x0, t.buf.wide)
	}
	if unit(bits(r.Train.Seed, tagDrop, number)) < r.Train.LabelDrop {
		label = -1
	}
	for c := range t.noiser.Copies() {
		t.buf.labels[i+c*n] = label
		t.buf.keys[i+c*n] = bits(uint64(c), tagMask, number)
	}
}
