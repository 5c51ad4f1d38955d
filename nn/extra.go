package nn

import (
	"fmt"
	"slices"

	"heavytail/tensor"
)

// An Extra is what else a network may be conditioned on, of all samples one
// after the other. A nil field means zeros.
type Extra struct {
	// Cond holds images of the configuration's CondChannels, of the height and
	// width of x, channels last: they enter the network as more channels of its
	// input, not scaled with the noise level as x is. Of a network for points it holds
	// the values of its Conditions.
	Cond []float32
	// Augment holds the configuration's AugmentDim values, which tell a
	// SongUNet in training how a sample was altered; zeros mean not at all.
	Augment []float32
}

// part returns the samples lo…hi−1 of e, of cond and aug values each.
func (e Extra) part(lo, hi, cond, aug int) Extra {
	if e.Cond != nil {
		e.Cond = e.Cond[lo*cond : hi*cond]
	}
	if e.Augment != nil {
		e.Augment = e.Augment[lo*aug : hi*aug]
	}
	return e
}

// Conditions returns how many values of Extra.Cond a network for points is
// conditioned on; 0: none.
func (n *Net) Conditions() int {
	if n.cfg.MLP != nil {
		return n.cfg.MLP.Conditions
	}
	return 0
}

// CondChannels returns the channels of the conditioning images that the
// network takes; 0: none.
func (n *Net) CondChannels() int {
	switch {
	case n.cfg.UNet != nil:
		return n.cfg.UNet.CondChannels
	case n.cfg.Song != nil:
		return n.cfg.Song.CondChannels
	}
	return 0
}

// checkExtra panics unless e fits samples of ws.
func (ws *Workspace) checkExtra(op string, e Extra, samples int) {
	if e.Cond != nil && len(e.Cond) != samples*ws.g.cond || e.Augment != nil && len(e.Augment) != samples*ws.g.aug {
		panic(fmt.Sprintf("nn: %s: %d values of conditions, %d of augmentation for %d samples; want %d and %d per sample, or nil",
			op, len(e.Cond), len(e.Augment), samples, ws.g.cond, ws.g.aug))
	}
}

// ForwardWith is Forward with e for the same samples; it panics also if the
// lengths in e do not fit.
func (n *Net) ForwardWith(ws *Workspace, x *tensor.Tensor, t []float32, labels []int, e Extra) *tensor.Tensor {
	samples := x.Dim(0)
	if samples < 1 || samples > ws.batch {
		panic(fmt.Sprintf("nn: %d samples in a workspace for %d", samples, ws.batch))
	}
	if !slices.Equal(x.Shape()[1:], ws.g.in.shape) || len(t) != samples || (labels != nil && len(labels) != samples) || ws.net != n {
		panic(fmt.Sprintf("nn: Forward: x %v, %d times, %d labels; want samples of %v", x.Shape(), len(t), len(labels), ws.g.in.shape))
	}
	for _, l := range labels {
		if l >= n.Classes() {
			panic(fmt.Sprintf("nn: Forward: class %d of a network with %d", l, n.Classes()))
		}
	}
	ws.checkExtra("Forward", e, samples)
	if ws.g.masks > 0 && len(ws.keys) != samples {
		panic(fmt.Sprintf("nn: Forward: %d keys of dropout for %d samples; call SetDropout with one for each", len(ws.keys), samples))
	}
	ws.gone = false
	if c := ws.cut(samples); c != nil {
		ws.forward(c, x, t, labels, e)
		ws.last, ws.lastCut, ws.extra = nil, c, c.also
		return c.y
	}
	r := ws.run(ws.lanes[0], samples)
	r.dev = ws.dev
	r.set(x, t, labels, e, ws.dropped())
	r.forward()
	ws.last, ws.lastCut, ws.extra = r, nil, r.at(ws.g.also)
	return r.at(ws.g.out)
}

// PredictWith is Predict with e for the same samples; it panics also if the
// lengths in e do not fit.
func (n *Net) PredictWith(ws *Workspace, out, x, t []float32, labels []int, e Extra) (err error) {
	defer tensor.Catch(&err)
	per := count(ws.g.in.shape)
	perOut := count(ws.g.out.shape)
	if len(x) != per*len(t) || len(out) != perOut*len(t) {
		panic(fmt.Sprintf("nn: Predict: %d values in, %d out, for %d samples of %v", len(x), len(out), len(t), ws.g.in.shape))
	}
	ws.checkExtra("Predict", e, len(t))
	for lo := 0; lo < len(t); lo += ws.batch {
		hi := min(lo+ws.batch, len(t))
		in := ws.input(hi - lo)
		n.dev.Upload(in, x[lo*per:hi*per])
		var l []int
		if labels != nil {
			l = labels[lo:hi]
		}
		y := n.ForwardWith(ws, in, t[lo:hi], l, e.part(lo, hi, ws.g.cond, ws.g.aug))
		if err := ws.Err(); err != nil {
			return err
		}
		n.dev.Download(out[lo*perOut:hi*perOut], y)
	}
	return nil
}
