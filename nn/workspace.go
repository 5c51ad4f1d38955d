package nn

import (
	"context"
	"fmt"
	"math"
	"time"

	"heavytail/tensor"
)

// A Workspace holds the activations of up to Batch samples. One goroutine at
// a time may use it.
type Workspace struct {
	net     *Net
	dev     tensor.Device // the network's, or a view of it that stop ends
	batch   int
	train   bool
	g       *graph
	lanes   []*lane
	in      *tensor.Tensor         // input of Predict
	ins     map[int]*tensor.Tensor // the same, by number of samples
	out     *tensor.Tensor         // of all lanes, where there are several or a batch has several pieces
	also    *tensor.Tensor         // the second result likewise
	dx      *tensor.Tensor         // the gradient of the input likewise
	cuts    map[int]*cut           // by number of samples
	crew    crew
	back    backCrew
	last    *run           // of the latest Forward, where it was not cut
	lastCut *cut           // otherwise
	gone    bool           // Backward has overwritten what Forward left
	extra   *tensor.Tensor // second result of the latest Forward
	seed    uint64
	keys    []uint64
	ctx     context.Context // nil: never ends
	stop    tensor.Stop

	observe func(operation int, d time.Duration) // nil: nobody does
}

// maxArena is the largest arena in float32, 64 GiB: a larger one is a mistake
// or a damaged configuration.
const maxArena = 1 << 34

// plan records the network for batch samples of h×w pixels and gives everything
// its place, taking no memory for it.
func (n *Net) plan(batch, h, w int, train, input bool) (*graph, error) {
	if batch < 1 {
		return nil, fmt.Errorf("workspace for %d samples; want at least 1", batch)
	}
	g := &graph{train: train, input: input, dev: n.dev}
	h, w = n.size(h, w)
	if err := n.model.record(g, h, w); err != nil {
		return nil, err
	}
	g.share(batch)
	size, ok := g.finish(g.piece)
	g.size = int(size)
	if ok {
		g.keep(batch)
		g.kept += g.views(batch)
	}
	if _, fits := tensor.Elements(append([]int{batch}, g.in.shape...)...); !ok || !fits || g.bytes(batch) > 4*maxArena {
		return nil, fmt.Errorf("workspace for %d samples of %v would take over %d GiB; use a smaller batch or smaller images", batch, g.in.shape, min(int64(4*maxArena), math.MaxInt)>>30)
	}
	return g, nil
}

// limit returns the bytes that tensors of dev may take.
func limit(dev tensor.Device) int64 {
	if b, ok := dev.(tensor.Bounded); ok {
		return b.Memory()
	}
	return 4 * maxArena
}

// bytes returns what a workspace for batch samples holds: the activations of every
// lane, what the host computes in, Predict's copy of its input and, of batches in
// pieces, the results.
func (g *graph) bytes(batch int) int64 {
	per := 0
	if !g.train {
		per += count(g.in.shape)
	}
	if !g.whole(batch) {
		per += count(g.out.shape)
		if g.also != nil {
			per += count(g.also.shape)
		}
		if g.input {
			per += count(g.in.shape)
		}
	}
	lane := int64(g.size) + int64(g.piece)*int64(g.buffers[0]+g.buffers[1]+g.buffers[2])
	return 4 * (int64(g.lanes)*lane + int64(batch)*int64(per))
}

// NewWorkspace makes a workspace for up to batch samples of h×w pixels (0, 0:
// the configured size; ignored for points). For training it also holds what
// Backward needs. It returns an error if the network cannot take that size, or
// the device has not the memory for it.
func (n *Net) NewWorkspace(batch, h, w int, train bool) (ws *Workspace, err error) {
	return n.newWorkspace(batch, h, w, train, false)
}

// NewInputWorkspace makes a workspace after whose Backward InputGradient has the gradient
// of the input, and which computes no gradients of parameters. Nothing is dropped out. It
// is an error if the network takes conditioning images: there is no gradient by x beside
// them.
func (n *Net) NewInputWorkspace(batch, h, w int) (*Workspace, error) {
	if n.CondChannels() > 0 {
		return nil, fmt.Errorf("a network with conditioning images has no gradient of its input here: use one without")
	}
	return n.newWorkspace(batch, h, w, true, true)
}

// InputGradient returns the gradient of the input x of the latest Forward on ws, after
// Backward with dy of its result: (∂y/∂x)ᵀ·dy, the vector–Jacobian product. It is valid
// until the next call on ws. It panics unless NewInputWorkspace made ws.
func (n *Net) InputGradient(ws *Workspace) *tensor.Tensor {
	if !ws.g.input || ws.net != n || ws.last == nil && ws.lastCut == nil {
		panic("nn: InputGradient: needs a workspace of NewInputWorkspace of this network, after Backward")
	}
	if ws.lastCut != nil {
		return ws.lastCut.dx
	}
	return ws.last.at(ws.g.in.grad)
}

// newWorkspace is NewWorkspace, with the gradient of the input if input.
func (n *Net) newWorkspace(batch, h, w int, train, input bool) (ws *Workspace, err error) {
	defer tensor.Catch(&err)
	g, err := n.plan(batch, h, w, train, input)
	if err != nil {
		return nil, err
	}
	if b, most := g.bytes(batch), limit(n.dev); b > most {
		return nil, fmt.Errorf("workspace for %d samples of %v would take %d MiB, more than there is (%d); use a smaller batch or smaller images", batch, g.in.shape, b>>20, most>>20)
	}
	if train && !input {
		n.params.EnableGrad()
	}
	ws = &Workspace{net: n, dev: n.dev, batch: batch, train: train, g: g, cuts: map[int]*cut{}, ins: map[int]*tensor.Tensor{}}
	if s, ok := n.dev.(tensor.Stoppable); ok {
		ws.dev = s.Until(&ws.stop)
	}
	for range g.lanes {
		ws.lanes = append(ws.lanes, ws.newLane())
	}
	full := func(v *value) *tensor.Tensor { return n.dev.New(append([]int{batch}, v.shape...)...) }
	if !train {
		ws.in = full(g.in)
	}
	if !g.whole(batch) {
		ws.out = full(g.out)
		if g.also != nil {
			ws.also = full(g.also)
		}
		if g.input {
			ws.dx = full(g.in)
		}
	}
	return ws, nil
}

// Memory returns, without taking it, how many bytes the network takes: of the
// workspace that NewWorkspace would make (its Bytes), and of the parameters,
// gradients if train, with what the device keeps for forward passes of h×w pixels. What
// it keeps for backward passes is not counted: on a CPU the weights packed once more,
// transposed, and buffers of some MiB for each thread.
// It returns an error if the network cannot take that size or no machine has the
// memory.
func (n *Net) Memory(batch, h, w int, train bool) (workspace, params int64, err error) {
	g, err := n.plan(batch, h, w, train, false)
	if err != nil {
		return 0, 0, err
	}
	flat := 4 * int64(n.params.size)
	if train {
		flat *= 2
	}
	return g.bytes(batch), flat + g.kept, nil
}

// InputMemory is Memory of the workspace that NewInputWorkspace would make, which needs no
// gradients of parameters.
func (n *Net) InputMemory(batch, h, w int) (workspace, params int64, err error) {
	g, err := n.plan(batch, h, w, true, true)
	if err != nil {
		return 0, 0, err
	}
	return g.bytes(batch), 4*int64(n.params.size) + g.kept, nil
}

// Batch returns the largest number of samples.
func (ws *Workspace) Batch() int { return ws.batch }

// Bytes returns the memory that the workspace holds: activations, and the
// input and buffers of the host.
func (ws *Workspace) Bytes() int64 {
	n := 0
	for _, l := range ws.lanes {
		n += l.arena.Len() + len(l.buffers[0]) + len(l.buffers[1]) + len(l.buffers[2])
	}
	if !ws.train {
		n += ws.in.Len()
	}
	for _, t := range []*tensor.Tensor{ws.out, ws.also, ws.dx} {
		if t != nil {
			n += t.Len()
		}
	}
	return 4 * int64(n)
}

// input returns the place for Predict's input of n samples.
func (ws *Workspace) input(n int) *tensor.Tensor {
	if ws.in == nil { // of a training workspace
		ws.in = ws.net.dev.New(append([]int{ws.batch}, ws.g.in.shape...)...)
	}
	in := ws.ins[n]
	if in == nil {
		in = ws.in.Batch(0, n)
		ws.ins[n] = in
	}
	return in
}

// Watch makes Forward, Backward and Predict on ws end soon after ctx: between
// two operations and, where the device can, inside long ones. Err then says why,
// and what they returned is worthless. With context.Background(), as at first, they
// run to their end.
func (ws *Workspace) Watch(ctx context.Context) {
	ws.ctx = ctx
	ws.stop.Set(nil)
	if ctx != nil {
		ws.stop.Set(ctx.Done())
	}
}

// Err returns nil, or the error of the context that Watch was given once that
// has ended.
func (ws *Workspace) Err() error {
	if ws.ctx == nil {
		return nil
	}
	return ws.ctx.Err()
}

// SetDropout sets what the masks of the next Forward depend on: a seed and
// one key per sample. Forward panics on another number of keys, but networks that drop
// nothing ignore them.
func (ws *Workspace) SetDropout(seed uint64, keys []uint64) { ws.seed, ws.keys = seed, keys }

// dropped returns the keys of the samples, nil where nothing is dropped: then there may
// be any number of them.
func (ws *Workspace) dropped() []uint64 {
	if ws.g.masks == 0 {
		return nil
	}
	return ws.keys
}

// run is a lane of a workspace seen as n samples.
type run struct {
	ws      *Workspace
	lane    *lane
	dev     tensor.Device
	n       int
	tensors []*tensor.Tensor // by value
	t       []float32
	labels  []int
	extra   Extra
	seed    uint64
	keys    []uint64
	ids     []int // rows of a table
}

// at returns the tensor of v; nil for nil.
func (r *run) at(v *value) *tensor.Tensor {
	if v == nil {
		return nil
	}
	return r.tensors[v.id]
}

// grad returns the gradient of p, nil where none is wanted or p is nil.
func (r *run) grad(p *Param) *tensor.Tensor {
	if p == nil || r.ws.g.input {
		return nil
	}
	return p.Grad
}

// scratch returns n elements of host buffer i, of which graph.buffer knows.
func (r *run) scratch(i, n int) []float32 { return r.lane.buffers[i][:n] }
