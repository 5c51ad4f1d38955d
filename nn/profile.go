package nn

import (
	"slices"
	"time"

	"heavytail/tensor"
)

// An Operation is one step of a network's forward pass, for those who measure it.
type Operation struct {
	Name    string         // "convolution", "group norm", …
	In, Out []int          // shapes of a sample
	Weight  *Param         // of products; nil: none
	Opt     tensor.ConvOpt // of convolutions
	MACs    int64          // multiply-adds of a sample, of the direct form
}

// Operations returns what Forward on ws does, in order.
func (ws *Workspace) Operations() []Operation {
	var out []Operation
	for _, s := range ws.g.steps {
		out = append(out, Operation{s.name, slices.Clone(s.x.shape), slices.Clone(s.y.shape), s.weight, s.opt, int64(min(s.macs, 1<<62))})
	}
	return out
}

// Lanes returns how many threads compute samples of their own in a batch of n; 1:
// all compute all samples together.
func (ws *Workspace) Lanes(n int) int {
	if c := ws.cut(n); c != nil {
		return c.lanes
	}
	return 1
}

// Observe makes Forward and Predict call f after each operation with its number in
// Operations and how long it took for some of the samples. Lanes call it at the same
// time. nil: no longer.
func (ws *Workspace) Observe(f func(operation int, d time.Duration)) { ws.observe = f }

// forward walks the list.
func (r *run) forward() {
	observe := r.ws.observe
	for i, s := range r.ws.g.steps {
		if r.ws.stop.Now() {
			return
		}
		if s.forward == nil {
			continue
		}
		if observe == nil {
			s.forward(r)
			continue
		}
		start := time.Now()
		s.forward(r)
		observe(i, time.Since(start))
	}
}
