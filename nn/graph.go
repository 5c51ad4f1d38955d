package nn

import (
	"cmp"
	"math"
	"slices"
	"unsafe"

	"heavytail/tensor"
)

// A network is recorded once per workspace as a list of operations on
// values of fixed size; running it forward or backward walks the list. While
// recording, nothing is computed and no memory is taken: when the list is
// complete, every value gets a place in one arena such that values that live
// at the same time do not overlap.

// A storage is the place of one or more values: rows×cols float32 per sample.
type storage struct {
	rows, cols  int
	parent      *storage // not nil: a range of columns of parent, from column col on
	col         int
	birth, last int // times of the first and last use, of roots
	off         int // first float32 in the arena, of roots
	used        bool
}

// root returns the storage that s is part of, and s's first column in it.
func (s *storage) root() (*storage, int) {
	col := 0
	for s.parent != nil {
		col += s.col
		s = s.parent
	}
	return s, col
}

// A value is what an operation reads or writes: per sample an array of shape.
type value struct {
	id       int
	st       *storage
	shape    []int
	constant bool   // needs no gradient
	alike    bool   // its pixels are of one magnitude: a normalisation made it
	grad     *value // gradient so far, while the backward pass is recorded
}

func (v *value) cols() int { return v.shape[len(v.shape)-1] }

// A step is one recorded operation.
type step struct {
	name     string
	x, y     *value // the first that it reads, and what it makes, for Operations
	weight   *Param // nil: none
	next     *Param // the weight of the next 3×3 convolution, or nil
	opt      tensor.ConvOpt
	macs     float64 // multiply-adds of a sample
	forward  func(r *run)
	record   func()            // records the backward pass; called in reverse order
	onnx     func(e *exporter) // writes it as nodes; nil: it has no such form
	backward func(r *run)
	params   func(r *run) // the part of backward that adds to gradients of parameters, and
	input    func(r *run) // the rest of it, in either order; nil: not divided
	apart    bool         // backward adds to no gradient of a parameter
}

// graph is a network recorded for one image size.
type graph struct {
	train    bool
	input    bool // Backward gives the gradient of the input, and none of parameters
	steps    []*step
	values   []*value
	uses     []use
	now      int     // time of the step that is being recorded
	macs     float64 // multiply-adds of one sample, forward
	counted  float64 // of macs, those of the steps so far
	size     int     // of a lane's arena, in float32
	lanes    int     // of a workspace
	piece    int     // samples that a lane holds
	buffers  [3]int  // values per sample that the host computes in
	dev      tensor.Device
	products []product
	conv3    *step    // the last 3×3 convolution
	heads    [][2]int // tokens and size of the heads of every attention
	kept     int64    // bytes that dev keeps beside tensors
	masks    int      // dropout layers recorded so far
	cond     int      // values of Extra.Cond per sample
	aug      int      // and of Extra.Augment
	in       *value
	out      *value
	outGrad  *value
	also     *value // a second result, without gradient; nil: none
}

type use struct {
	st   *storage
	time int
}

func (g *graph) place(st *storage, shape []int) *value {
	v := &value{id: len(g.values), st: st, shape: shape}
	g.values = append(g.values, v)
	return v
}

// alloc returns a new value with its own storage.
func (g *graph) alloc(shape ...int) *value {
	last := len(shape) - 1
	return g.place(&storage{rows: count(shape[:last]), cols: shape[last]}, shape)
}

// over returns a new value in the storage of v, perhaps of another shape.
func (g *graph) over(v *value, shape ...int) *value {
	if len(shape) == 0 {
		shape = v.shape
	}
	w := g.place(v.st, shape)
	w.constant = v.constant
	return w
}

// touch notes that the step being recorded uses the values.
func (g *graph) touch(vs ...*value) {
	for _, v := range vs {
		if v != nil && v.st != nil {
			g.uses = append(g.uses, use{v.st, g.now})
		}
	}
}

// add appends a step that uses the values vs in the forward pass.
func (g *graph) add(s *step, vs ...*value) {
	g.touch(vs...)
	s.x = vs[0]
	if s.y == nil {
		s.y = vs[len(vs)-1]
	}
	s.macs, g.counted = g.macs-g.counted, g.macs
	g.steps = append(g.steps, s)
	g.now++
}

// A product is what a device keeps memory for: a linear layer, h and w 0, or a
// convolution of h×w pixels.
type product struct {
	x, y, res *value
	h, w      int
	weight    *Param
	opt       tensor.ConvOpt
}

// A tableKey is what convolutions share tables by.
type tableKey struct {
	opt       tensor.ConvOpt
	h, w      int
	k, in     int
	x, y, res int // distances of pixels
}

// keep adds up what the device keeps beside tensors for the recorded operations,
// once these have their places: packed weights and tables, and for every thread a
// buffer of each size that pieces of the batch take, which may differ by a sample.
func (g *graph) keep(batch int) {
	if d, ok := g.dev.(tensor.Keeper); ok {
		tables := map[tableKey]bool{}
		for _, p := range g.products {
			p.opt.Next = nil // what it fetches makes no table of its own
			weight, table := d.Kept(p.h, p.w, p.weight.Tensor, p.opt)
			g.kept += weight
			s := p.weight.Tensor.Shape()
			key := tableKey{p.opt, p.h, p.w, s[0], s[len(s)-2], p.x.pitch(), p.y.pitch(), p.res.pitch()}
			if !tables[key] {
				tables[key] = true
				g.kept += table
			}
		}
	}
	d, ok := g.dev.(tensor.Borrower)
	if !ok {
		return
	}
	sizes := map[int64]bool{}
	_, pieces := g.pieces(batch)
	for _, p := range g.products {
		for _, n := range [...]int{batch / pieces, (batch + pieces - 1) / pieces} {
			sizes[d.ConvBuffer(n, p.h, p.w, p.weight.Tensor, p.opt)] = true
		}
	}
	for _, a := range g.heads {
		sizes[d.AttentionBuffer(a[0], a[1])] = true
	}
	threads := int64(1)
	if d, ok := g.dev.(tensor.Threaded); ok {
		n, _ := d.Threads()
		threads = int64(n)
	}
	for size := range sizes {
		g.kept += threads * size
	}
}

// views returns the bytes of the values' tensors, which every lane has for its
// pieces: in training for one, otherwise of one size or of two that differ by one sample.
func (g *graph) views(batch int) int64 {
	n := int64(g.lanes)
	if !g.train && batch%(g.lanes*g.piece) != 0 {
		n *= 2
	}
	return n * int64(len(g.values)) * int64(unsafe.Sizeof(tensor.Tensor{})+unsafe.Sizeof(&tensor.Tensor{}))
}

// pitch returns the distance of v's pixels in float32; 0 for nil.
func (v *value) pitch() int {
	if v == nil {
		return 0
	}
	if v.st == nil { // given by the caller
		return v.cols()
	}
	root, _ := v.st.root()
	return root.cols
}

// buffer notes that the host computes in n values per sample of buffer i.
func (g *graph) buffer(i, n int) { g.buffers[i] = max(g.buffers[i], n) }

// finish records the backward pass, in training, and lays out the arena for
// batch samples; it returns the arena's size in float32, not ok if that is above
// maxArena.
func (g *graph) finish(batch int) (size int64, ok bool) {
	g.touch(g.out, g.also)
	g.now++
	if g.train {
		g.outGrad = g.place(nil, g.out.shape) // given by the caller of Backward
		g.out.grad = g.outGrad
		for _, s := range slices.Backward(g.steps) {
			if s.record != nil {
				s.record()
			}
			g.now++
		}
		if g.input {
			g.touch(g.in.grad)
		}
	}
	return g.layout(batch)
}

// layout gives every root storage an offset: the largest first, each at the
// lowest place that is free during its life.
func (g *graph) layout(batch int) (total int64, ok bool) {
	var roots []*storage
	for _, u := range g.uses {
		r, _ := u.st.root()
		if !r.used {
			r.used, r.birth, r.last = true, u.time, u.time
			roots = append(roots, r)
			if int64(r.rows) > maxArena/int64(batch)/int64(r.cols) {
				return 0, false // before a product wraps around
			}
		}
		r.birth, r.last = min(r.birth, u.time), max(r.last, u.time)
	}
	const unit = tensor.Align / 4
	size := func(s *storage) int64 {
		return (int64(batch)*int64(s.rows)*int64(s.cols) + unit - 1) / unit * unit
	}
	slices.SortStableFunc(roots, func(a, b *storage) int {
		return cmp.Or(cmp.Compare(size(b), size(a)), cmp.Compare(a.birth, b.birth))
	})
	var placed []*storage // by ascending offset
	for _, s := range roots {
		off := int64(0)
		for _, o := range placed {
			if o.birth <= s.last && s.birth <= o.last {
				if int64(o.off)-off >= size(s) {
					break
				}
				off = max(off, int64(o.off)+size(o))
			}
		}
		s.off = int(off)
		at, _ := slices.BinarySearchFunc(placed, s.off, func(o *storage, off int) int { return cmp.Compare(o.off, off) })
		placed = slices.Insert(placed, at, s)
		if total = max(total, off+size(s)); total > min(maxArena, math.MaxInt/4) {
			return 0, false
		}
	}
	return total, true
}

// into returns the value that receives the gradient of x, nil if none is
// needed, and whether it already holds a part of it.
func (g *graph) into(x *value) (dx *value, add bool) {
	if x.constant {
		return nil, false
	}
	if x.grad == nil {
		x.grad = g.alloc(x.shape...)
		g.touch(x.grad)
		return x.grad, false
	}
	g.touch(x.grad)
	return x.grad, true
}

// target is into for operations that can only overwrite: what it returns may
// be overwritten, and done then adds it to the gradient if need be.
func (g *graph) target(x *value) (dx *value, done func(r *run)) {
	sum, add := g.into(x)
	if !add {
		return sum, func(*run) {}
	}
	part := g.alloc(x.shape...)
	g.touch(part)
	return part, func(r *run) { r.dev.Add(r.at(sum), r.at(sum), r.at(part)) }
}

// pass adds dy, of which this is the last use, to the gradient of x: where x
// has none yet, dy's storage becomes it.
func (g *graph) pass(x, dy *value) func(r *run) {
	if x.constant {
		return func(*run) {}
	}
	if x.grad == nil && dy.st != nil {
		x.grad = dy
		return func(*run) {}
	}
	return g.accumulate(x, dy)
}

// accumulate adds dy to the gradient of x and leaves dy alone.
func (g *graph) accumulate(x, dy *value) func(r *run) {
	dx, add := g.into(x)
	g.touch(dy)
	switch {
	case dx == nil:
		return func(*run) {}
	case add:
		return func(r *run) { r.dev.Add(r.at(dx), r.at(dx), r.at(dy)) }
	}
	return func(r *run) { r.dev.Copy(r.at(dx), r.at(dy)) }
}

// columns returns the columns lo…hi−1 of v.
func (g *graph) columns(v *value, lo, hi int) *value {
	shape := slices.Clone(v.shape)
	shape[len(shape)-1] = hi - lo
	return g.place(&storage{rows: v.st.rows, cols: hi - lo, parent: v.st, col: lo}, shape)
}
