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
// load a checkpoint next. It returns an error if cfg is not possible.
func New(dev tensor.Device, cfg Config) (*Net, error) {
	cfg = cfg.Clone()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	n := &Net{cfg: cfg, dev: dev}
	n.params, n.model = describe(cfg)
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

// Clone returns a network of the same configuration with a copy of the
// parameters.
func (n *Net) Clone() *Net {
	c, err := New(n.dev, n.cfg)
	if err != nil {
		panic(fmt.Sprintf("nn: Clone: %v", err)) // cfg was valid when n was made
	}
	c.params.CopyFrom(n.params.Flat)
	for i, b := range n.params.Buffers {
		copy(c.params.Buffers[i].Data, b.Data)
	}
	return c
}

// MACs returns the multiply-adds of the layers for one sample, forward, or an
// error if h×w is not possible. For points h and w are ignored; for images 0
// means the configured size.
func (n *Net) MACs(h, w int) (int, error) {
	g := &graph{}
	h, w = n.size(h, w)
	if err := n.model.record(g, h, w); err != nil {
		return 0, err
	}
	return g.macs, nil
}

func (n *Net) size(h, w int) (int, int) {
	if size, _, _, ok := n.cfg.image(); ok && h == 0 && w == 0 {
		return size, size
	}
	return h, w
}

// A Workspace holds the activations of up to Batch samples. One goroutine at
// a time may use it.
type Workspace struct {
	net     *Net
	batch   int
	train   bool
	g       *graph
	arena   *tensor.Tensor // [1, size]
	in      *tensor.Tensor // input of Predict
	runs    []*run         // by number of samples; nil: not used yet
	last    *run           // of the latest Forward
	seed    uint64
	keys    []uint64
	buffers [2][]float32
}

// run is a workspace seen as n samples.
type run struct {
	ws      *Workspace
	dev     tensor.Device
	n       int
	tensors []*tensor.Tensor // by value
	in      *tensor.Tensor
	t       []float32
	labels  []int
	extra   Extra
	seed    uint64
	keys    []uint64
}

// at returns the tensor of v; nil for nil.
func (r *run) at(v *value) *tensor.Tensor {
	if v == nil {
		return nil
	}
	return r.tensors[v.id]
}

// scratch returns host buffer i with n elements.
func (r *run) scratch(i, n int) []float32 {
	b := &r.ws.buffers[i]
	if cap(*b) < n {
		*b = make([]float32, n)
	}
	return (*b)[:n]
}

// maxArena is the largest arena in float32, 64 GiB: a larger one is a mistake
// or a damaged configuration.
const maxArena = 1 << 34

// NewWorkspace makes a workspace for up to batch samples of h×w pixels (0, 0:
// the configured size; ignored for points). For training it also holds what
// Backward needs. It returns an error if the network cannot take that size.
func (n *Net) NewWorkspace(batch, h, w int, train bool) (*Workspace, error) {
	if batch < 1 {
		return nil, fmt.Errorf("workspace for %d samples; want at least 1", batch)
	}
	g := &graph{train: train}
	h, w = n.size(h, w)
	if err := n.model.record(g, h, w); err != nil {
		return nil, err
	}
	size := g.finish(batch)
	if int64(size) > maxArena {
		return nil, fmt.Errorf("workspace for %d samples of %v would take %d GiB; use a smaller batch or smaller images", batch, g.in.shape, size>>28)
	}
	if train {
		n.params.EnableGrad()
	}
	ws := &Workspace{net: n, batch: batch, train: train, g: g, runs: make([]*run, batch+1)}
	ws.arena = n.dev.New(1, size)
	return ws, nil
}

// Batch returns the largest number of samples.
func (ws *Workspace) Batch() int { return ws.batch }

// Bytes returns the size of the activations.
func (ws *Workspace) Bytes() int { return 4 * ws.arena.Len() }

// SetDropout sets what the masks of the next Forward depend on: a seed and
// one key per sample. Networks that drop nothing ignore it.
func (ws *Workspace) SetDropout(seed uint64, keys []uint64) { ws.seed, ws.keys = seed, keys }

// run returns the views of the workspace for n samples, made at first use.
func (ws *Workspace) run(n int) *run {
	if n < 1 || n > ws.batch {
		panic(fmt.Sprintf("nn: %d samples in a workspace for %d", n, ws.batch))
	}
	if r := ws.runs[n]; r != nil {
		return r
	}
	r := &run{ws: ws, dev: ws.net.dev, n: n, tensors: make([]*tensor.Tensor, len(ws.g.values))}
	for _, v := range ws.g.values {
		if v.st == nil {
			continue
		}
		root, col := v.st.root()
		if !root.used {
			continue
		}
		t := ws.arena.Columns(root.off, root.off+n*root.rows*root.cols)
		t = t.Reshape(n*root.rows, root.cols).Columns(col, col+v.st.cols)
		r.tensors[v.id] = t.Reshape(append([]int{n}, v.shape...)...)
	}
	ws.runs[n] = r
	return r
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
// for training and dy has the result's shape.
func (n *Net) Backward(ws *Workspace, dy *tensor.Tensor) {
	r := ws.last
	if !ws.train || r == nil || ws.net != n {
		panic("nn: Backward: needs a training workspace of this network, after Forward")
	}
	if !tensor.SameShape(dy, r.at(ws.g.out)) {
		panic(fmt.Sprintf("nn: Backward: dy %v for an output %v", dy.Shape(), r.at(ws.g.out).Shape()))
	}
	r.tensors[ws.g.outGrad.id] = dy
	for i := len(ws.g.steps) - 1; i >= 0; i-- {
		if b := ws.g.steps[i].backward; b != nil {
			b(r)
		}
	}
}

// Predict computes out = network(x, t) for len(t) samples, any number, in
// parts of at most Batch samples. x and out hold the samples one after the
// other, channels last; out may be x. It panics if the lengths do not fit.
func (n *Net) Predict(ws *Workspace, out, x, t []float32, labels []int) {
	n.PredictWith(ws, out, x, t, labels, Extra{})
}
