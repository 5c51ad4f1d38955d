package nn

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"heavytail/tensor"
)

// A ClassifierConfig describes a small convolutional classifier of images. Its
// JSON is part of its file.
type ClassifierConfig struct {
	Size     int     `json:"size"`     // images are Size×Size
	Channels int     `json:"channels"` // of an image
	Width    int     `json:"width"`    // channels of the first layer
	Features int     `json:"features"` // values of the last hidden layer
	Classes  int     `json:"classes"`
	Dropout  float64 `json:"dropout,omitempty"` // of the features, in training
}

// Validate returns an error that names the first impossible value.
func (c ClassifierConfig) Validate() error {
	for _, v := range []struct {
		name        string
		v, min, max int
	}{
		{"size", c.Size, 9, 1 << 10}, // smaller ones leave one pixel, which GroupNorm may turn into 0
		{"channels", c.Channels, 1, 1 << 10}, {"width", c.Width, 1, 1 << 10},
		{"features", c.Features, 1, 1 << 14}, {"classes", c.Classes, 1, 1 << 14},
	} {
		if v.v < v.min || v.v > v.max {
			return fmt.Errorf("classifier: %s %d; want %d to %d", v.name, v.v, v.min, v.max)
		}
	}
	for _, k := range []int{c.Width, 2 * c.Width, 4 * c.Width} {
		if k%groups(k) != 0 {
			return fmt.Errorf("classifier: width %d makes a layer of %d channels; counts above 32 must be multiples of 32 (the groups of the normalisation)", c.Width, k)
		}
	}
	if !(c.Dropout >= 0 && c.Dropout < 1) {
		return fmt.Errorf("classifier: dropout %v; want 0 or more and below 1", c.Dropout)
	}
	return nil
}

// A Classifier maps images to features and these to a score (logit) for each
// class: a 3×3 convolution to Width channels and three of stride 2 that double
// the channels, the last but one time, each followed by GroupNorm and SiLU;
// then a linear layer with SiLU, whose values are the features, and a linear
// layer. Any number of goroutines may use one, each with its own workspace.
type Classifier struct {
	cfg ClassifierConfig
	net *Net
}

type classifier struct {
	cfg      ClassifierConfig
	convs    []*conv
	norms    []*norm
	fc, head *linear
}

// NewClassifier makes a classifier whose parameters are all zero; call
// Params().Init next. It returns an error if cfg is not possible.
func NewClassifier(dev tensor.Device, cfg ClassifierConfig) (c *Classifier, err error) {
	defer tensor.Catch(&err)
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	p := &Params{}
	m := newClassifier(cfg, p)
	p.alloc(dev)
	return &Classifier{cfg, &Net{dev: dev, params: p, model: m}}, nil
}

func newClassifier(cfg ClassifierConfig, p *Params) *classifier {
	m := &classifier{cfg: cfg}
	in, size, w := cfg.Channels, cfg.Size, cfg.Width
	for i, out := range []int{w, 2 * w, 4 * w, 4 * w} {
		opt := tensor.ConvOpt{}
		if i > 0 {
			opt.Stride = 2
			size = (size + 1) / 2
		}
		m.convs = append(m.convs, p.conv(fmt.Sprintf("conv.%d", i), in, out, 3, uniform, opt))
		m.norms = append(m.norms, p.norm(fmt.Sprintf("norm.%d", i), out))
		in = out
	}
	m.fc = p.linear("features", size*size*in, cfg.Features)
	m.head = p.linear("classes", cfg.Features, cfg.Classes)
	return m
}

// record records the network for images of the configured size.
func (m *classifier) record(g *graph, _, _ int) error {
	g.in = g.place(nil, []int{m.cfg.Size, m.cfg.Size, m.cfg.Channels})
	g.in.constant = true
	x := g.in
	for i, c := range m.convs {
		x = g.groupNorm(g.conv(x, c, nil, nil), m.norms[i], nil, true)
	}
	x = g.silu(g.linear(g.flatten(x), m.fc))
	if g.train && m.cfg.Dropout > 0 {
		x = g.dropout(x, m.cfg.Dropout)
	}
	g.out, g.also = g.linear(x, m.head), x
	return nil
}

// flatten records x as one row.
func (g *graph) flatten(x *value) *value {
	y := g.over(x, count(x.shape))
	s := &step{name: "flatten"}
	s.record = func() { s.backward = g.pass(x, g.over(y.grad, x.shape...)) }
	g.add(s, x, y)
	return y
}

// Config returns the description.
func (c *Classifier) Config() ClassifierConfig { return c.cfg }

// Params returns the parameters.
func (c *Classifier) Params() *Params { return c.net.params }

// A ClassifierWorkspace holds the activations of up to a number of images. One
// goroutine at a time may use it.
type ClassifierWorkspace struct {
	ws    *Workspace
	times []float32 // the network has no time: zeros
}

// NewWorkspace makes a workspace for up to batch images, with what Backward
// needs if train.
func (c *Classifier) NewWorkspace(batch int, train bool) (*ClassifierWorkspace, error) {
	ws, err := c.net.NewWorkspace(batch, c.cfg.Size, c.cfg.Size, train)
	if err != nil {
		return nil, err
	}
	return &ClassifierWorkspace{ws, make([]float32, batch)}, nil
}

// SetDropout sets what the masks of the next Forward depend on: a seed and one
// key per image.
func (ws *ClassifierWorkspace) SetDropout(seed uint64, keys []uint64) { ws.ws.SetDropout(seed, keys) }

// Forward returns the scores [n, Classes] and the features [n, Features] of the
// images x [n,H,W,C], valid until the next call on ws; x must stay unchanged
// until Backward. It panics if the shapes do not fit.
func (c *Classifier) Forward(ws *ClassifierWorkspace, x *tensor.Tensor) (scores, features *tensor.Tensor) {
	scores = c.net.Forward(ws.ws, x, ws.times[:min(x.Dim(0), len(ws.times))], nil)
	return scores, ws.ws.extra
}

// Backward adds to the gradients of all parameters those of the latest Forward
// on ws, given the gradient dy of the scores.
func (c *Classifier) Backward(ws *ClassifierWorkspace, dy *tensor.Tensor) { c.net.Backward(ws.ws, dy) }

// classifierKey is the metadata entry with the configuration.
const classifierKey = "heavytail.classifier"

// Write writes the weights as safetensors in type d, the configuration and the
// entries of meta as metadata. The same weights give the same bytes.
func (c *Classifier) Write(w io.Writer, d tensor.DType, meta map[string]string) error {
	text, err := json.Marshal(c.cfg)
	if err != nil {
		return fmt.Errorf("classifier: %w", err)
	}
	all := map[string]string{classifierKey: string(text)}
	for k, v := range meta {
		all[k] = v
	}
	var items []tensor.Item
	for _, q := range c.net.params.List {
		items = append(items, c.net.params.item("", c.net.params.Flat, q, d))
	}
	return tensor.WriteSafetensors(w, all, items)
}

// OpenClassifier reads a file of size bytes that Write made. It returns the
// metadata too.
func OpenClassifier(dev tensor.Device, r io.ReaderAt, size int64) (c *Classifier, meta map[string]string, err error) {
	defer tensor.Catch(&err)
	f, err := tensor.OpenSafetensors(r, size)
	if err != nil {
		return nil, nil, fmt.Errorf("classifier: %w", err)
	}
	var cfg ClassifierConfig
	text, ok := f.Metadata[classifierKey]
	if !ok {
		return nil, nil, fmt.Errorf("classifier: the file holds none (no entry %s)", classifierKey)
	}
	if err := json.Unmarshal([]byte(text), &cfg); err != nil {
		return nil, nil, fmt.Errorf("classifier: metadata %s: %w", classifierKey, err)
	}
	if err := cfg.Validate(); err != nil {
		return nil, nil, err
	}
	shapes := &Params{}
	newClassifier(cfg, shapes)
	for _, q := range shapes.List { // before memory is taken
		if e := f.Find(q.Name); e == nil || !slices.Equal(e.Shape, q.Shape) {
			return nil, nil, fmt.Errorf("classifier: no tensor %s of shape %v; the file is of another network", q.Name, q.Shape)
		}
	}
	c, err = NewClassifier(dev, cfg)
	if err != nil {
		return nil, nil, err
	}
	for _, q := range c.net.params.List {
		x, err := f.Float32s(f.Find(q.Name))
		if err != nil {
			return nil, nil, fmt.Errorf("classifier: %s: %w", q.Name, err)
		}
		if len(x) != q.n {
			return nil, nil, fmt.Errorf("classifier: %s has %d values, want %d", q.Name, len(x), q.n)
		}
		c.net.params.Set(c.net.params.Flat, q, x)
	}
	return c, f.Metadata, nil
}
