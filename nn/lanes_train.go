package nn

import (
	"sync"

	"heavytail/tensor"
)

// In training, too, every lane takes samples of its own, through the whole pass forward
// and then back. Going back, operations add to the gradients of parameters, sample after
// sample: before such an operation a lane waits until the lane with the samples before its
// own has done it. So it follows one operation behind, and the sums are those of the
// whole batch, bit for bit.

// followers returns the most lanes that follow each other. Every second one begins an
// operation when the lane before it has done that, and at the end the first ones wait for the
// last: by multiply-adds, for at most a quarter of a pass. (Measured on two threads: 1
// to 3 % of a pass back, where operations that all threads share lose a tenth to a fifth.)
func (g *graph) followers() int {
	most := 0.0
	for _, s := range g.steps {
		most = max(most, s.macs)
	}
	if most == 0 {
		return 1
	}
	return 2 * (1 + int(g.macs/(4*most)))
}

// A turn says how far back a lane has come, to the lane that follows it: what it adds to
// gradients of parameters is added for all steps from at on. A lane that ends early, by a
// stop or a panic, leaves gone there, and those behind it end too: out of order none adds.
type turn struct {
	mu    sync.Mutex
	moved *sync.Cond
	at    int
}

const gone = -1

// set notes that the steps from at on have added.
func (t *turn) set(at int) {
	t.mu.Lock()
	t.at = at
	t.mu.Unlock()
	t.moved.Broadcast()
}

// wait returns once step at has added, or false if it will not.
func (t *turn) wait(at int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.at > at {
		t.moved.Wait()
	}
	return t.at != gone
}

// backCrew is a pass back over a batch that its lanes share.
type backCrew struct {
	trouble
	ws    *Workspace
	cut   *cut
	turns []turn
}

// backward computes the gradients of a batch in pieces.
func (ws *Workspace) backward(c *cut, dy *tensor.Tensor) {
	if c.dy != dy {
		c.dy = dy
		for i := range c.pieces {
			p := &c.pieces[i]
			p.dy = dy.Batch(p.lo, p.hi)
		}
	}
	w := &ws.back
	if w.turns == nil {
		w.turns = make([]turn, ws.g.lanes)
		for i := range w.turns {
			w.turns[i].moved = sync.NewCond(&w.turns[i].mu)
		}
	}
	w.ws, w.cut = ws, c
	for i := range w.turns {
		w.turns[i].at = len(ws.g.steps)
	}
	ws.dev.(tensor.Threaded).Each(c.lanes, w)
	w.raise()
}

// Do computes the gradients of piece number in its lane. Parts begin in ascending order, so
// the lane before it is on its way.
func (w *backCrew) Do(number int) {
	ws, p := w.ws, &w.cut.pieces[number]
	whole := false
	defer func() {
		if !whole {
			w.turns[number].set(gone)
		}
	}()
	defer w.catch()
	r := ws.run(ws.lanes[number], p.hi-p.lo)
	r.tensors[ws.g.outGrad.id] = p.dy
	for i := len(ws.g.steps) - 1; i >= 0; i-- {
		if ws.stop.Now() || ws.g.steps[i].backward != nil && !w.step(number, i, r) {
			return
		}
	}
	whole = true
	if p.dx != nil {
		r.dev.Copy(p.dx, r.at(ws.g.in.grad))
	}
}

// step does step i of the lane number once the lane before has added what it adds to
// gradients of parameters. Of lanes that follow each other one adds these first and the
// other last, so that neither waits where both halves take the same time. It returns false
// if the lane before has ended early.
func (w *backCrew) step(number, i int, r *run) bool {
	s := w.ws.g.steps[i]
	late := number%2 == 1 && s.params != nil
	if late {
		s.input(r)
	}
	if number > 0 && !s.apart && !w.ws.g.input && !w.turns[number-1].wait(i) {
		return false
	}
	if s.params == nil {
		s.backward(r)
	} else {
		s.params(r)
	}
	w.turns[number].set(i)
	if !late && s.params != nil {
		s.input(r)
	}
	return true
}
