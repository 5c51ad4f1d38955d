package nn

import (
	"math"

	"heavytail/tensor"
)

// copied records a copy of x in a place of its own. x, y [H,W,C].
func (g *graph) copied(x *value) *value {
	y := g.alloc(x.shape...)
	y.alike = x.alike
	s := &step{name: "copy", forward: func(r *run) { r.dev.Copy(r.at(y), r.at(x)) }}
	s.onnx = func(e *exporter) { e.set(y, e.at(x)) }
	s.record = func() {
		dy := y.grad
		g.touch(dy)
		s.backward = g.pass(x, dy)
	}
	g.add(s, x, y)
	return y
}

// rows records f_i·x_i of every sample i: set gives the factors, form writes them as
// nodes. They have no gradient.
func (g *graph) rows(name string, x *value, set func(r *run, f []float32), form func(e *exporter, y, x *value)) *value {
	y := g.alloc(x.shape...)
	g.inherit(y, x)
	g.buffer(1, 1)
	apply := func(dst, src *value) func(r *run) {
		return func(r *run) {
			f := r.scratch(1, r.n)
			set(r, f)
			r.dev.ScaleSamples(r.at(dst), r.at(src), f)
		}
	}
	s := &step{name: name, forward: apply(y, x), onnx: func(e *exporter) { form(e, y, x) }}
	s.record = func() {
		if y.constant {
			return
		}
		dy := y.grad
		g.touch(dy)
		dx, done := g.target(x)
		back := apply(dx, dy)
		s.backward = func(r *run) {
			back(r)
			done(r)
		}
	}
	g.add(s, x, y)
	return y
}

// timeRow records rows of a table of times 0, 1, …: of every sample that of the nearest.
func (g *graph) timeRow(table *Param) *value {
	k, c := table.Shape[0], table.Shape[1]
	y := g.alloc(c)
	y.constant = g.input
	ids := func(r *run) []int {
		r.ids = r.ids[:0]
		for i := range r.n {
			r.ids = append(r.ids, int(min(max(math.RoundToEven(float64(r.t[i])), 0), float64(k-1))))
		}
		return r.ids
	}
	s := &step{name: "row of a table", forward: func(r *run) {
		r.dev.Fill(r.at(y), 0)
		r.dev.Embedding(r.at(y), table.Tensor, ids(r))
	}}
	s.onnx = func(e *exporter) { e.timeRow(y, table) }
	s.record = func() {
		if y.constant {
			return
		}
		dy := y.grad
		g.touch(dy)
		s.backward = func(r *run) { r.dev.EmbeddingBackward(r.grad(table), r.at(dy), ids(r)) }
	}
	g.add(s, y)
	return y
}

// classWaves records the embedding of the class's number as of a time, of 0 where
// there is none.
func (g *graph) classWaves(d int, opt tensor.TimeOpt) *value {
	y := g.alloc(d)
	y.constant = true
	g.buffer(1, 1)
	s := &step{name: "embedding of the class", forward: func(r *run) {
		t := r.scratch(1, r.n)
		for i := range t {
			t[i] = float32(max(r.label(i), 0))
		}
		r.dev.TimestepEmbedding(r.at(y), t, opt)
	}}
	s.onnx = func(e *exporter) { e.classWaves(y, d, opt) }
	g.add(s, y)
	return y
}
