package nn

import (
	"fmt"

	"heavytail/tensor"
)

// A Net is a network with its parameters on one device. Forward only reads
// the parameters, so any number of goroutines may use one Net, each with a
// Workspace of its own.
type Net struct {
	cfg    Config
	dev    tensor.Device
	params *Params
	model  model
}

type model interface {
	// record records the network for images of h×w pixels (points: ignored).
	record(g *graph, h, w int) error
}

// New makes a network whose parameters are all zero; call Params().Init or
// load a checkpoint next. It returns an error if cfg is not possible. It panics if dev is
// nil: kernels.New makes the CPU's.
func New(dev tensor.Device, cfg Config) (n *Net, err error) {
	if dev == nil {
		panic("nn: New without a device: kernels.New makes the CPU's")
	}
	defer tensor.Catch(&err)
	cfg = cfg.Clone()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	n = &Net{cfg: cfg, dev: dev}
	n.params, n.model = describe(cfg)
	if b, most := 4*n.params.total, limit(dev); b > most || n.params.total != int64(n.params.size) {
		return nil, fmt.Errorf("a network of %d MiB, more than there is (%d MiB): use fewer channels, levels or blocks", b>>20, most>>20)
	}
	n.params.alloc(dev)
	return n, nil
}

// describe registers the parameters of cfg without memory for them.
func describe(cfg Config) (*Params, model) {
	p := &Params{}
	if cfg.UNet != nil {
		return p, newUNet(cfg.UNet, p)
	}
	if cfg.Song != nil {
		return p, newSong(cfg.Song, p)
	}
	if cfg.UNet2D != nil {
		return p, newUNet2D(cfg.UNet2D, p)
	}
	if cfg.MLP.Hidden != nil {
		return p, newPlainMLP(cfg.MLP, p)
	}
	return p, newMLP(cfg.MLP, p)
}

// Config returns a copy of the network's description.
func (n *Net) Config() Config { return n.cfg.Clone() }

// Params returns the parameters.
func (n *Net) Params() *Params { return n.params }

// Device returns the device that holds the parameters.
func (n *Net) Device() tensor.Device { return n.dev }

// Classes returns the number of classes that the network is conditioned on.
func (n *Net) Classes() int {
	_, _, classes, _ := n.cfg.image()
	return classes
}

// SampleShape returns the shape of one sample: [H,W,C] (0 0 C if the
// configuration names no image size), or [Dim].
func (n *Net) SampleShape() []int {
	if size, channels, _, ok := n.cfg.image(); ok {
		return []int{size, size, channels}
	}
	return []int{n.cfg.MLP.Dim}
}

// Outputs returns how many values the network makes of a sample of d: d, or twice as
// many with a second output (MLPConfig.Spread), which follows the first.
func (n *Net) Outputs(d int) int {
	if m := n.cfg.MLP; m != nil && m.Spread {
		return 2 * d
	}
	return d
}

// Clone returns a network of the same configuration with a copy of the
// parameters.
func (n *Net) Clone() *Net {
	c, err := New(n.dev, n.cfg)
	if err != nil {
		panic(fmt.Sprintf("nn: Clone: %v", err)) // cfg was valid when n was made
	}
	n.params.values(c.params.Flat)
	c.params.Touch()
	for i, b := range n.params.Buffers {
		copy(c.params.Buffers[i].Data, b.Data)
	}
	return c
}

// MACs returns the multiply-adds of the layers for one sample, forward, or an
// error if h×w is not possible. For points h and w are ignored; for images 0
// means the configured size. It is exact below 2^53.
func (n *Net) MACs(h, w int) (int64, error) {
	g := &graph{}
	h, w = n.size(h, w)
	if err := n.model.record(g, h, w); err != nil {
		return 0, err
	}
	return int64(min(g.macs, 1<<62)), nil
}

func (n *Net) size(h, w int) (int, int) {
	if size, _, _, ok := n.cfg.image(); ok && h == 0 && w == 0 {
		return size, size
	}
	return h, w
}

// Forward returns the network's output for x [n,H,W,C] (points: [n,Dim]) at
// the times t, n ≤ Batch. labels is nil or one class per sample; a negative
// one means no class. The result is valid until the next call on ws, Backward
// included; x must stay unchanged until Backward. It panics if the shapes do not fit.
func (n *Net) Forward(ws *Workspace, x *tensor.Tensor, t []float32, labels []int) *tensor.Tensor {
	return n.ForwardWith(ws, x, t, labels, Extra{})
}

// Backward adds to the gradients of all parameters those of the latest
// Forward on ws, given the gradient dy of its result. It panics unless ws is
// for training, dy has the result's shape and it is the first since that Forward, of
// which it overwrites what it needs. See Watch for how to end it early.
func (n *Net) Backward(ws *Workspace, dy *tensor.Tensor) {
	r, c := ws.last, ws.lastCut
	if !ws.train || r == nil && c == nil || ws.net != n {
		panic("nn: Backward: needs a training workspace of this network, after Forward")
	}
	if ws.gone {
		panic("nn: Backward: the second one after a Forward, whose activations the first one overwrote")
	}
	var y *tensor.Tensor
	if c != nil {
		y = c.y
	}
	if r != nil {
		y = r.at(ws.g.out)
	}
	if !tensor.SameShape(dy, y) {
		panic(fmt.Sprintf("nn: Backward: dy %v for an output %v", dy.Shape(), y.Shape()))
	}
	ws.gone = true
	if c != nil {
		ws.backward(c, dy)
		return
	}
	r.tensors[ws.g.outGrad.id] = dy
	for i := len(ws.g.steps) - 1; i >= 0 && !ws.stop.Now(); i-- {
		if b := ws.g.steps[i].backward; b != nil {
			b(r)
		}
	}
}

// Predict computes out = network(x, t) for len(t) samples, any number, in
// parts of at most Batch samples. x and out hold the samples one after the
// other, channels last; out may be x. It panics if the lengths do not fit. The
// error, with which out is worthless, is that of a context that ended, see Watch,
// or a tensor.Failure of the device.
func (n *Net) Predict(ws *Workspace, out, x, t []float32, labels []int) error {
	return n.PredictWith(ws, out, x, t, labels, Extra{})
}
