package nn

import (
	"sync"
	"sync/atomic"

	"heavytail/tensor"
)

// A forward pass without gradients needs the values of a sample only until the
// network's end. So it need not take a batch operation by operation: it cuts the
// batch into pieces of few samples, whose activations stay in a second-level
// cache, and every thread takes whole pieces, computes them alone and waits for
// nobody. The bits do not depend on the cut, as no sample's do on its batch. For training
// see lanes_train.go.

// A lane is where one piece at a time is computed.
type lane struct {
	dev     tensor.Device  // that computes here beside other lanes; nil: there are none
	arena   *tensor.Tensor // [1, size]
	buffers [3][]float32   // what the host computes in
	runs    []*run         // by number of samples; nil: not used yet
}

// A piece is the samples lo…hi−1 of a batch.
type piece struct {
	lo, hi     int
	x, y, also *tensor.Tensor
	dy, dx     *tensor.Tensor // in training; dx nil: not wanted
}

// A cut is a batch of n samples in pieces, which so many lanes share.
type cut struct {
	lanes  int
	pieces []piece
	x      *tensor.Tensor // that the pieces are views of
	y      *tensor.Tensor
	also   *tensor.Tensor // nil: none
	dy, dx *tensor.Tensor // in training, likewise
}

// leastLane is how many multiply-adds repay a lane, about 60 µs: what waking a
// goroutine may take. It is a variable so that tests can cut small networks.
var leastLane = 1 << 22

// leastPiece is the smallest number of samples worth a piece for the caches' sake:
// each reads and transforms all weights again.
const leastPiece = 4

// leastMicro is the smallest number of samples for a thread in training, where each pass
// reads and transforms all weights again and adds to all gradients.
const leastMicro = 8

// share chooses the lanes for batches of up to batch samples and how many samples
// a lane holds, those whose largest operation works in twice the cache: part of
// it is what an operation wrote long ago. BenchmarkForward measures it.
func (g *graph) share(batch int) {
	g.lanes, g.piece = 1, batch
	d, ok := g.dev.(tensor.Threaded)
	if !ok {
		return
	}
	threads, cache := d.Threads()
	g.lanes = g.lanesFor(batch, threads)
	g.piece = 1 + (batch-1)/g.lanes
	if !g.train { // a lane in training holds all of its samples until they have gone back
		g.piece = min(g.piece, max(leastPiece, 2*cache/max(4*g.reach(), 1)))
	}
}

// Micro returns how many samples of a batch training should take at a time, of h×w
// pixels (0, 0: the configured size): as many for each thread as stay in its cache,
// at least 8. The gradients of the parts add up to those of the batch, bit for
// bit. It returns an error if the network cannot take that size.
func (n *Net) Micro(batch, h, w int) (int, error) {
	d, ok := n.dev.(tensor.Threaded)
	if !ok {
		return batch, nil
	}
	g := &graph{dev: n.dev}
	h, w = n.size(h, w)
	if err := n.model.record(g, h, w); err != nil {
		return 0, err
	}
	threads, cache := d.Threads()
	most := max(1, threads*max(leastMicro, 2*cache/max(4*g.reach(), 1)))
	parts := 1 + (batch-1)/most
	return (batch + parts - 1) / parts, nil
}

// lanesFor returns how many lanes, at most most, a batch of n samples repays.
func (g *graph) lanesFor(n, most int) int {
	work := float64(n) * g.macs
	if g.train {
		work *= 3
	}
	if g.train && !g.input { // where only the input's gradient is wanted no lane waits
		most = min(most, g.followers())
	}
	pay := max(work/float64(leastLane), 1)
	return int(min(pay, float64(min(n, most))))
}

// reach returns the float32 of one sample that the largest operation reads and
// writes.
func (g *graph) reach() int {
	most, sum, now := 0, 0, -1
	seen := map[*storage]bool{}
	for _, u := range g.uses {
		if u.time != now {
			clear(seen)
			sum, now = 0, u.time
		}
		if !seen[u.st] {
			seen[u.st] = true
			sum += u.st.rows * u.st.cols
			most = max(most, sum)
		}
	}
	return most
}

// whole reports whether every batch up to batch samples is one piece.
func (g *graph) whole(batch int) bool { return g.lanes == 1 && g.piece == batch }

// newLane takes the memory of a lane.
func (ws *Workspace) newLane() *lane {
	l := &lane{arena: ws.net.dev.New(1, ws.g.size), runs: make([]*run, ws.g.piece+1)}
	if ws.g.lanes > 1 {
		l.dev = ws.dev.(tensor.Threaded).Lane()
	}
	for i := range l.buffers {
		l.buffers[i] = make([]float32, ws.g.piece*ws.g.buffers[i])
	}
	return l
}

// cut returns how n samples are cut, made at first use; nil: not at all.
func (ws *Workspace) cut(n int) *cut {
	if ws.g.whole(ws.batch) {
		return nil
	}
	c, ok := ws.cuts[n]
	if !ok {
		c = ws.newCut(n)
		ws.cuts[n] = c
	}
	return c
}

// newCut cuts n samples into pieces of about equal size, as many for every lane.
// Which lane takes a piece is seen when it has nothing else to do; who finds no
// piece left helps those that have one.
func (ws *Workspace) newCut(n int) *cut {
	lanes, pieces := ws.g.pieces(n)
	if pieces == 1 {
		return nil
	}
	c := &cut{lanes: lanes, y: ws.out.Batch(0, n)}
	if ws.also != nil {
		c.also = ws.also.Batch(0, n)
	}
	if ws.dx != nil {
		c.dx = ws.dx.Batch(0, n)
	}
	for i := range pieces {
		p := piece{lo: n * i / pieces, hi: n * (i + 1) / pieces}
		p.y = c.y.Batch(p.lo, p.hi)
		if c.also != nil {
			p.also = c.also.Batch(p.lo, p.hi)
		}
		if c.dx != nil {
			p.dx = c.dx.Batch(p.lo, p.hi)
		}
		c.pieces = append(c.pieces, p)
	}
	return c
}

// pieces returns into how many pieces of about equal size n samples are cut, and for how
// many lanes.
func (g *graph) pieces(n int) (lanes, pieces int) {
	lanes = g.lanesFor(n, g.lanes)
	if g.train { // one piece each
		lanes = max(lanes, 1+(n-1)/g.piece)
	}
	return lanes, min(n, lanes*(1+(n-1)/(lanes*g.piece)))
}

// trouble is what an operation in a lane panicked with: on the goroutine of another lane
// than the caller's nobody could recover it.
type trouble struct {
	mu    sync.Mutex
	value any
}

// catch keeps the first panic of the lane that defers it.
func (t *trouble) catch() {
	if v := recover(); v != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.value == nil {
			t.value = v
		}
	}
}

// raise panics on the caller's goroutine with what a lane panicked with, once all have
// ended.
func (t *trouble) raise() {
	if v := t.value; v != nil {
		t.value = nil
		panic(v)
	}
}

// crew is a pass over a batch that its lanes share.
type crew struct {
	trouble
	ws     *Workspace
	cut    *cut
	next   atomic.Int64 // piece
	t      []float32
	labels []int
	extra  Extra
}

// forward computes a batch in pieces.
func (ws *Workspace) forward(c *cut, x *tensor.Tensor, t []float32, labels []int, e Extra) {
	if c.x != x {
		c.x = x
		for i := range c.pieces {
			p := &c.pieces[i]
			p.x = x.Batch(p.lo, p.hi)
		}
	}
	w := &ws.crew
	w.ws, w.cut, w.t, w.labels, w.extra = ws, c, t, labels, e
	w.next.Store(0)
	if c.lanes == 1 {
		w.Do(0)
		return
	}
	ws.dev.(tensor.Threaded).Each(c.lanes, w)
	w.raise()
}

// Do computes pieces in one lane until none is left.
func (w *crew) Do(number int) {
	ws, l := w.ws, w.ws.lanes[number]
	if w.cut.lanes > 1 {
		defer w.catch()
	}
	if ws.train { // what it computed is where Backward of the same piece looks for it
		w.piece(l, number)
		return
	}
	for {
		i := int(w.next.Add(1)) - 1
		if i >= len(w.cut.pieces) || ws.stop.Now() {
			return
		}
		w.piece(l, i)
	}
}

// piece computes piece i in lane l.
func (w *crew) piece(l *lane, i int) {
	ws, p := w.ws, &w.cut.pieces[i]
	r := ws.run(l, p.hi-p.lo)
	if w.cut.lanes == 1 {
		r.dev = ws.dev
	} else {
		r.dev = l.dev
	}
	r.set(p.x, w.t[p.lo:p.hi], part(w.labels, p), w.extra.part(p.lo, p.hi, ws.g.cond, ws.g.aug), part(ws.dropped(), p))
	r.forward()
	r.dev.Copy(p.y, r.at(ws.g.out))
	if p.also != nil {
		r.dev.Copy(p.also, r.at(ws.g.also))
	}
}

// part returns the values of p's samples; nil for nil.
func part[T any](v []T, p *piece) []T {
	if v == nil {
		return nil
	}
	return v[p.lo:p.hi]
}

// set gives r what the next pass computes.
func (r *run) set(x *tensor.Tensor, t []float32, labels []int, e Extra, keys []uint64) {
	r.tensors[r.ws.g.in.id], r.t, r.labels, r.extra, r.seed, r.keys = x, t, labels, e, r.ws.seed, keys
}

// run returns the views of lane l for n samples, made at first use.
func (ws *Workspace) run(l *lane, n int) *run {
	if r := l.runs[n]; r != nil {
		return r
	}
	r := &run{ws: ws, lane: l, dev: ws.dev, n: n, tensors: make([]*tensor.Tensor, len(ws.g.values))}
	for _, v := range ws.g.values {
		if v.st == nil {
			continue
		}
		root, col := v.st.root()
		if !root.used {
			continue
		}
		t := l.arena.Columns(root.off, root.off+n*root.rows*root.cols)
		if v.st != root {
			t = t.Reshape(n*root.rows, root.cols).Columns(col, col+v.st.cols)
		}
		r.tensors[v.id] = t.Reshape(append([]int{n}, v.shape...)...)
	}
	l.runs[n] = r
	return r
}
