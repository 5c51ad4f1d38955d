package train

import (
	"heavytail/nn"
	"heavytail/tensor"
)

// part adds the gradients of samples first … first+n−1 of the whole training
// and returns their share of the loss.
func (t *Trainer) part(first uint64, n int) float64 {
	b, r := &t.buf, &t.Recipe.Train
	copies := t.noiser.Copies()
	rows := n * copies
	d := t.set.Per()
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
	pred := t.Net.ForwardWith(t.ws, x, b.times[:rows], labels, t.extra(0, rows))
	if b.pred != nil {
		return t.partWithSpread(pred, grad, rows)
	}
	kind, p := r.Loss.Elementwise()
	t.dev.Loss(b.means[:rows], pred, target, kind, p)
	loss := t.weigh(rows)
	t.dev.LossBackward(grad, pred, target, kind, p, b.weights[:rows])
	t.Net.Backward(t.ws, grad)
	return loss
}

// partWithSpread is the end of part for a network with a second output. The loss
// that it returns is the estimates', which compares with that of other networks.
func (t *Trainer) partWithSpread(pred, grad *tensor.Tensor, rows int) float64 {
	b, r := &t.buf, &t.Recipe.Train
	n := rows * (len(b.x) / len(b.means))
	t.dev.Download(b.pred[:2*n], pred)
	r.Loss.SpreadLoss(b.slopes[:2*n], b.means[:rows], b.pred[:2*n], b.target[:n], b.x[:n], 1/float64(r.Batch))
	t.dev.Upload(grad, b.slopes[:2*n])
	t.Net.Backward(t.ws, grad)
	return t.weigh(rows)
}

// weigh turns the means of rows, in place, into what the loss combines, sets the
// weights of their gradients and returns their share of the loss. The network
// divides the weights by its magnitudes, which are no part of the loss.
func (t *Trainer) weigh(rows int) float64 {
	b, l := &t.buf, t.Recipe.Train.Loss
	x, means, weights, scales := b.x[:rows*(len(b.x)/len(b.means))], b.means[:rows], b.weights[:rows], b.scales[:rows]
	l.InputWeights(scales, x)
	for i, w := range scales {
		means[i] = float64(w * means[i])
	}
	loss := l.Reduce(weights, means, t.Recipe.Train.Batch)
	for i, w := range scales {
		weights[i] = float64(w * weights[i])
	}
	t.Net.Magnitudes(scales, x)
	for i, s := range scales {
		weights[i] /= s
	}
	return loss
}

// twice reports whether the parts of a batch go through the network twice: where
// a sample has several copies, whose mean or median decides their weights. The
// gradients sum over the rows in one order, copy after copy of the whole batch,
// so that a part holds rows whose other copies are in other parts.
func (t *Trainer) twice() bool {
	return t.noiser.Copies() > 1 && t.micro < t.Recipe.Train.Batch
}

// wholeInParts does what part does for the whole batch at once, with the memory
// of one micro-batch on the device: the first time through gives the losses of
// the rows and so their weights, the second the gradients, with the bits of part.
func (t *Trainer) wholeInParts(first uint64) float64 {
	b, r := &t.buf, &t.Recipe.Train
	d := len(b.x0) / r.Batch
	for i := range r.Batch {
		t.sample(b.x0[i*d:(i+1)*d], i, r.Batch, first+uint64(i))
	}
	t.noiser.Noise(b.x, b.target, b.times, b.x0, first)
	kind, p := r.Loss.Elementwise()
	t.eachPart(func(lo, hi int, pred, target, _ *tensor.Tensor) {
		t.dev.Loss(b.means[lo:hi], pred, target, kind, p)
	})
	loss := t.weigh(len(b.means))
	t.eachPart(func(lo, hi int, pred, target, grad *tensor.Tensor) {
		t.dev.LossBackward(grad, pred, target, kind, p, b.weights[lo:hi])
		t.Net.Backward(t.ws, grad)
	})
	return loss
}

// eachPart predicts all rows, a micro-batch at a time.
func (t *Trainer) eachPart(f func(lo, hi int, pred, target, grad *tensor.Tensor)) {
	b := &t.buf
	rows, d := len(b.means), len(b.x)/len(b.means)
	step := t.micro * t.noiser.Copies()
	for lo := 0; lo < rows && t.ws.Err() == nil; lo += step {
		hi := min(lo+step, rows)
		v := b.at(hi - lo)
		t.dev.Upload(v[0], b.x[lo*d:hi*d])
		t.dev.Upload(v[1], b.target[lo*d:hi*d])
		t.ws.SetDropout(t.Recipe.Train.Seed, b.keys[lo:hi])
		var labels []int
		if t.Net.Classes() > 0 {
			labels = b.labels[lo:hi]
		}
		f(lo, hi, t.Net.ForwardWith(t.ws, v[0], b.times[lo:hi], labels, t.extra(lo, hi)), v[1], v[2])
	}
}

// extra returns the conditions of rows lo…hi−1.
func (t *Trainer) extra(lo, hi int) nn.Extra {
	k := len(t.buf.given)
	if k == 0 {
		return nn.Extra{}
	}
	return nn.Extra{Cond: t.buf.cond[lo*k : hi*k]}
}

// sample reads one sample of the set into x0 and sets the labels, dropout
// keys and conditions of its copies, rows i, i+n, i+2n, ….
func (t *Trainer) sample(x0 []float32, i, n int, number uint64) {
	r := &t.Recipe
	flip := r.Data.Flip && bits(r.Train.Seed, tagFlip, number)&1 == 1
	at := t.order.at(number)
	label := t.set.Get(x0, at, flip)
	if r.Data.Converted() {
		t.set.Float64(t.buf.wide, at)
		r.Data.ToNetwork(x0, t.buf.wide)
	}
	if unit(bits(r.Train.Seed, tagDrop, number)) < r.Train.LabelDrop {
		label = -1
	}
	for c := range t.noiser.Copies() {
		t.buf.labels[i+c*n] = label
		t.buf.keys[i+c*n] = bits(uint64(c), tagMask, number)
	}
	if k := len(t.buf.given); k > 0 {
		t.set.Conditions(t.buf.given, at)
		for c := range t.noiser.Copies() {
			r.Data.Given.ToNetwork(t.buf.cond[(i+c*n)*k:(i+c*n+1)*k], t.buf.given)
		}
	}
}
