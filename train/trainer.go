// Package train fits networks to data. A training run is a function of its
// recipe and data: which samples a step takes, their mirrorings, classes,
// times and noise depend on (seed, step, index) alone, so a run that was
// killed and resumed ends with the same bytes as one that was not.
package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"heavytail/data"
	"heavytail/diffusion"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
)

// A Trainer holds the state of one run.
type Trainer struct {
	Recipe recipe.Recipe // what the run is to make
	Net    *nn.Net       // the network in training
	Opt    *nn.AdamW     // its optimiser
	EMA    []*nn.EMA     // the moving averages of its weights

	dev    tensor.Device
	set    *data.Set
	micro  int // samples that pass through the network at a time
	order  shuffle
	noiser diffusion.Examples
	ws     *nn.Workspace
	buf    buffers
	tally  tally
}

// buffers hold one micro-batch of b samples in rows = copies·b rows, the whole
// batch if its parts go through the network twice.
type buffers struct {
	x0, x, target, times []float32
	wide                 []float64        // a sample before it is scaled
	given                []float64        // its conditions
	cond                 []float32        // of the rows, as the network sees them; nil: none
	rows                 []*tensor.Tensor // input, target, gradient of the prediction; per size of micro-batch below
	labels               []int
	keys                 []uint64
	means, weights       []float64
	scales               []float64 // of the rows: diffusion.Loss.InputWeights, then nn.Net.Magnitudes
	all, allWeights      []float64 // of the batch, where its parts are this package's choice
	views                map[int][3]*tensor.Tensor

	pred, slopes []float32 // predictions and their gradient, of a network with a second output; nil: none
}

// Stats tell about one step.
type Stats struct {
	Loss float64 // mean over the batch
	Norm float64 // of the gradient, before clipping
	Rate float64 // learning rate
}

// New prepares a run of r on set: the network starts from r's seed. It returns
// an error if the recipe and the data do not fit, or dev, nil for the CPU, gives other bits
// than the recipe says. It panics if set is nil.
func New(dev tensor.Device, set *data.Set, r recipe.Recipe) (t *Trainer, err error) {
	defer tensor.Catch(&err)
	if set == nil {
		panic("train: New without a set")
	}
	if dev == nil {
		dev = kernels.New(0)
	}
	if err := suits(dev, set, r); err != nil {
		return nil, err
	}
	t = &Trainer{Recipe: r, dev: dev, set: set, order: newShuffle(r.Train.Seed, set.Len())}
	if t.Net, err = nn.New(dev, r.Network); err != nil {
		return nil, err
	}
	if err := fits(t.Net, r); err != nil {
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
	if t.micro, err = t.atATime(h, w); err != nil {
		return nil, err
	}
	if t.ws, err = t.Net.NewWorkspace(t.micro*t.noiser.Copies(), h, w, true); err != nil {
		return nil, err
	}
	t.Opt = nn.NewAdamW(t.Net.Params())
	t.Opt.Beta1, t.Opt.Beta2, t.Opt.Eps, t.Opt.WeightDecay = r.Train.Beta1, r.Train.Beta2, r.Train.Eps, r.Train.WeightDecay
	for _, mu := range r.Train.EMA {
		e := nn.NewEMA(t.Net.Params(), mu)
		e.Warmup = r.Train.EMAWarmup
		t.EMA = append(t.EMA, e)
	}
	held := t.micro
	if t.twice() {
		held = r.Train.Batch
	}
	t.buf.alloc(dev, held, t.micro, t.noiser.Copies(), r.Data.Shape, t.Net.Outputs(set.Per()))
	if k := r.Data.Given.Len(); k > 0 {
		t.buf.given, t.buf.cond = make([]float64, k), make([]float32, k*len(t.buf.keys))
	}
	return t, nil
}

// suits returns an error unless a run of r on set can be made, by dev.
func suits(dev tensor.Device, set *data.Set, r recipe.Recipe) error {
	if err := r.Validate(); err != nil {
		return err
	}
	if !r.Trained() {
		return errNoTrain
	}
	if m := tensor.FastMode(dev); m != r.Train.Mode {
		return fmt.Errorf("the recipe is of a run that is %s, on %s it would be %s: give a device of the recipe's mode", recipe.Arithmetic(r.Train.Mode), dev.Name(), recipe.Arithmetic(m))
	}
	if d := r.Data; !slices.Equal(set.Shape, d.Shape) || set.Len() != d.Samples || set.NumClasses() != d.Classes {
		return fmt.Errorf("the data are %d samples of %v in %d classes, the recipe says %d of %v in %d; give the data that the run was started with",
			set.Len(), set.Shape, set.NumClasses(), d.Samples, d.Shape, d.Classes)
	}
	if err := Reach(set, r.Data); err != nil {
		return err
	}
	if k := r.Data.Given.Len(); len(set.Given) != k {
		return fmt.Errorf("the data have %d conditions, the recipe says %d; give the data that the run was started with", len(set.Given), k)
	}
	return nil
}

// errNoTrain is that of recipes of models that are not recipe.Trained.
var errNoTrain = errors.New("a recipe whose Train is zero: give the settings of the training, such as those of recipe.Preset")

// fits checks that the network takes and gives samples of the data's kind.
func fits(net *nn.Net, r recipe.Recipe) error {
	want := net.SampleShape()
	in, out := want[len(want)-1], want[len(want)-1]
	if u := r.Network.UNet; u != nil {
		out = u.OutChannels
	} else if s := r.Network.Song; s != nil {
		out = s.OutChannels
	} else if u := r.Network.UNet2D; u != nil {
		out = u.OutChannels
	}
	n := len(r.Data.Shape)
	if len(want) != n || in != r.Data.Shape[n-1] || out != in {
		return fmt.Errorf("samples of %v for a network from %d to %d values of %d dimensions; want a network for the data", r.Data.Shape, in, out, len(want))
	}
	return nil
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

// atATime returns the number of samples that pass through the network at a time: the
// recipe's, or as many as stay in the caches. Copies of a sample need the whole batch
// for their weights, or two passes.
func (t *Trainer) atATime(h, w int) (int, error) {
	r := &t.Recipe.Train
	switch {
	case r.Micro > 0:
		return r.Micro, nil
	case t.noiser.Copies() > 1:
		return r.Batch, nil
	}
	n, err := t.Net.Micro(r.Batch, h, w)
	if n < r.Batch {
		t.buf.all, t.buf.allWeights = make([]float64, r.Batch), make([]float64, r.Batch)
	}
	return n, err
}

// Bytes returns the memory of weights, optimiser and activations.
func (t *Trainer) Bytes() int64 {
	return 4*int64(t.Net.Params().Flat.Len())*int64(4+len(t.EMA)) + t.ws.Bytes()
}

// Done returns the number of steps done.
func (t *Trainer) Done() int { return t.Opt.Step }

// alloc makes room for held samples, and on the device for micro of them, of each of
// which the network makes out values: as many as it has, or twice as many.
func (b *buffers) alloc(dev tensor.Device, held, micro, copies int, shape []int, out int) {
	d := 1
	for _, v := range shape {
		d *= v
	}
	rows := held * copies
	b.x0, b.x, b.target, b.times = make([]float32, held*d), make([]float32, rows*d), make([]float32, rows*d), make([]float32, rows)
	b.wide = make([]float64, d)
	b.labels, b.keys = make([]int, rows), make([]uint64, rows)
	b.means, b.weights, b.scales = make([]float64, rows), make([]float64, rows), make([]float64, rows)
	for range 3 {
		b.rows = append(b.rows, dev.New(append([]int{micro * copies}, shape...)...))
	}
	if out != d {
		b.pred, b.slopes = make([]float32, micro*out), make([]float32, micro*out)
		b.rows[2] = dev.New(micro, out)
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
func (t *Trainer) Step() (s Stats, err error) {
	defer tensor.Catch(&err)
	r := &t.Recipe.Train
	s = Stats{Rate: r.Rate.At(t.Opt.Step)}
	t.Net.Params().ZeroGrad()
	first := uint64(t.Opt.Step) * uint64(r.Batch)
	if t.twice() {
		s.Loss = t.wholeInParts(first)
	} else {
		for lo := 0; lo < r.Batch && t.ws.Err() == nil; lo += t.micro {
			n := min(t.micro, r.Batch-lo)
			s.Loss += t.part(first+uint64(lo), n)
			if t.buf.all != nil {
				copy(t.buf.all[lo:], t.buf.means[:n])
			}
		}
		if t.buf.all != nil { // the sum of the whole batch has other last bits than that of parts
			s.Loss = r.Loss.Reduce(t.buf.allWeights, t.buf.all, r.Batch)
		}
	}
	if err := t.ws.Err(); err != nil {
		return s, fmt.Errorf("step %d: %w", t.Opt.Step+1, err)
	}
	if math.IsNaN(s.Loss) || math.IsInf(s.Loss, 0) {
		return s, t.diverged("the loss")
	}
	if s.Norm, err = t.Opt.Update(s.Rate, r.Clip); err != nil {
		return s, t.diverged("the gradient") // its only error
	}
	for _, e := range t.EMA {
		e.Update(t.Opt.Step - 1)
	}
	return s, nil
}

// Watch makes a step under way end soon after ctx does, between two operations
// of the network, as if it had not begun.
func (t *Trainer) Watch(ctx context.Context) { t.ws.Watch(ctx) }
