package nn

import (
	"slices"

	"heavytail/tensor"
)

// The methods in this file record one operation each: what it computes going
// forward, and, in training, its gradients going backward.

// inherit makes y constant if x is and only gradients of what depends on the input are
// wanted.
func (g *graph) inherit(y, x *value) { y.constant = g.input && x.constant }

// linear records y = x·w + b. x [C], y [O].
func (g *graph) linear(x *value, l *linear) *value {
	y := g.alloc(l.w.Shape[0])
	g.inherit(y, x)
	g.macs += float64(l.w.n)
	g.products = append(g.products, product{x: x, y: y, weight: l.w})
	s := &step{name: "linear", weight: l.w, forward: func(r *run) { r.dev.Linear(r.at(y), r.at(x), l.w.Tensor, l.bias()) }}
	s.onnx = func(e *exporter) { e.linear(y, x, l) }
	s.record = func() {
		if y.constant {
			return
		}
		dy := y.grad
		g.touch(dy, x)
		dx, done := g.target(x)
		s.backward = func(r *run) {
			r.dev.LinearBackward(r.at(dx), r.grad(l.w), r.grad(l.b), r.at(dy), r.at(x), l.w.Tensor)
			done(r)
		}
		if g.input {
			return
		}
		s.params = func(r *run) { r.dev.LinearBackward(nil, r.grad(l.w), r.grad(l.b), r.at(dy), r.at(x), l.w.Tensor) }
		s.input = func(r *run) {
			if dx != nil {
				r.dev.LinearBackward(r.at(dx), nil, nil, r.at(dy), r.at(x), l.w.Tensor)
			}
			done(r)
		}
	}
	g.add(s, x, y)
	return y
}

// conv records y = conv(x) + res, by fewer products where x is normalised; where over is not nil y takes its storage
// (then over is usually res). x [H,W,C], y [H',W',O].
func (g *graph) conv(x *value, c *conv, res, over *value) *value {
	h, w := x.shape[0], x.shape[1]
	opt := c.opt
	opt.Normalized = x.alike
	p := product{x: x, res: res, h: h, w: w, weight: c.w, opt: opt}
	switch {
	case c.opt.Stride == 2:
		h, w = (h+1)/2, (w+1)/2
	case c.opt.Up:
		h, w = 2*h, 2*w
	}
	var y *value
	if over != nil {
		y = g.over(over)
	} else {
		y = g.alloc(h, w, c.w.Shape[0])
	}
	p.y = y
	g.products = append(g.products, p)
	g.macs += float64(float64(h*w) * float64(c.w.n))
	s := &step{name: "convolution", y: y, weight: c.w, opt: opt}
	s.forward = func(r *run) {
		opt := opt
		if s.next != nil {
			opt.Next = s.next.Tensor
		}
		r.dev.Conv2D(r.at(y), r.at(x), c.w.Tensor, c.b.Tensor, r.at(res), opt)
	}
	if len(c.w.Shape) == 4 && c.w.Shape[2] == 3 && !opt.Up { // others take too little time, or weights in another order
		if g.conv3 != nil {
			g.conv3.next = c.w
		}
		g.conv3 = s
	}
	s.onnx = func(e *exporter) { e.conv(y, x, c, res, opt) }
	s.record = func() { g.convBack(s, y, x, c, res) }
	g.add(s, x, res, y)
	return y
}

// convBack records the pass back of y = conv(x) + res, the step s.
func (g *graph) convBack(s *step, y, x *value, c *conv, res *value) {
	dy, opt := y.grad, s.opt
	g.touch(dy, x)
	dx, done := g.target(x)
	rest := func(*run) {}
	if res != nil {
		rest = g.pass(res, dy)
	}
	s.backward = func(r *run) {
		r.dev.Conv2DBackward(r.at(dx), r.grad(c.w), r.grad(c.b), r.at(dy), r.at(x), c.w.Tensor, opt)
		done(r)
		rest(r)
	}
	if g.input {
		return
	}
	s.params = func(r *run) { r.dev.Conv2DBackward(nil, r.grad(c.w), r.grad(c.b), r.at(dy), r.at(x), c.w.Tensor, opt) }
	s.input = func(r *run) {
		if dx != nil {
			r.dev.Conv2DBackward(r.at(dx), nil, nil, r.at(dy), r.at(x), c.w.Tensor, opt)
		}
		done(r)
		rest(r)
	}
}

// groupNorm records y = act(norm(x)·(1+scale) + shift), ss = [scale, shift] or
// nil. x, y [H,W,C].
func (g *graph) groupNorm(x *value, n *norm, ss *value, silu bool) *value {
	c := x.cols()
	y, stats := g.alloc(x.shape...), g.alloc(2*c)
	y.alike = true
	opt := tensor.NormOpt{Groups: n.groups, Eps: n.eps, SiLU: silu}
	s := &step{name: "group norm", y: y, forward: func(r *run) {
		r.dev.GroupNorm(r.at(y), r.at(x), n.w.Tensor, n.b.Tensor, r.at(ss), r.at(stats), opt)
	}}
	s.onnx = func(e *exporter) { e.groupNorm(y, x, n, ss, silu) }
	s.record = func() {
		dy := y.grad
		g.touch(dy, x, ss, stats)
		dx, add := g.into(x)
		var dss *value
		if ss != nil {
			if dss, _ = g.into(ss); dss == nil { // the device computes it all the same
				dss = g.alloc(ss.shape...)
				g.touch(dss)
			}
		}
		opt := opt
		opt.AddDX = add
		s.backward = func(r *run) {
			r.dev.GroupNormBackward(r.at(dx), r.grad(n.w), r.grad(n.b), r.at(dss), r.at(dy), r.at(x), n.w.Tensor, n.b.Tensor, r.at(ss), r.at(stats), opt)
		}
	}
	g.add(s, x, ss, y, stats)
	return y
}

// layerNorm records y = act(norm(x)) over the last dimension. x, y [C].
func (g *graph) layerNorm(x *value, n *norm, silu bool) *value {
	y, stats := g.alloc(x.shape...), g.alloc(2)
	opt := tensor.NormOpt{Eps: n.eps, SiLU: silu}
	s := &step{name: "layer norm", y: y, forward: func(r *run) {
		r.dev.LayerNorm(r.at(y), r.at(x), n.w.Tensor, n.b.Tensor, r.at(stats), opt)
	}}
	s.onnx = func(e *exporter) { e.layerNorm(y, x, n, silu) }
	s.record = func() {
		dy := y.grad
		g.touch(dy, x, stats)
		dx, add := g.into(x)
		opt := opt
		opt.AddDX = add
		s.backward = func(r *run) {
			r.dev.LayerNormBackward(r.at(dx), r.grad(n.w), r.grad(n.b), r.at(dy), r.at(x), n.w.Tensor, n.b.Tensor, r.at(stats), opt)
		}
	}
	g.add(s, x, y, stats)
	return y
}

// silu records y = x·sigmoid(x).
func (g *graph) silu(x *value) *value {
	y := g.alloc(x.shape...)
	g.inherit(y, x)
	s := &step{name: "SiLU", apart: true, forward: func(r *run) { r.dev.SiLU(r.at(y), r.at(x)) }}
	s.onnx = func(e *exporter) { e.set(y, e.activated(e.at(x), true)) }
	s.record = func() {
		if y.constant {
			return
		}
		dy := y.grad
		g.touch(dy, x)
		dx, done := g.target(x)
		s.backward = func(r *run) {
			r.dev.SiLUBackward(r.at(dx), r.at(dy), r.at(x))
			done(r)
		}
	}
	g.add(s, x, y)
	return y
}

// sum records a + b in the storage of a, whose value must not be needed again.
func (g *graph) sum(a, b *value) *value {
	y := g.over(a)
	y.constant = a.constant && b.constant
	s := &step{name: "sum", apart: true, forward: func(r *run) { r.dev.Add(r.at(y), r.at(a), r.at(b)) }}
	s.onnx = func(e *exporter) { e.sum(y, a, b) }
	s.record = func() {
		if y.constant {
			return
		}
		dy := y.grad
		g.touch(dy)
		toB := g.accumulate(b, dy)
		toA := g.pass(a, dy)
		s.backward = func(r *run) {
			toB(r)
			toA(r)
		}
	}
	g.add(s, a, b, y)
	return y
}

// attention records softmax(q·kᵀ/√d)·v per head. qkv [H,W,3C], y [H,W,C].
func (g *graph) attention(qkv *value, heads int) *value {
	h, w, c := qkv.shape[0], qkv.shape[1], qkv.cols()/3
	y := g.alloc(h, w, c)
	g.macs += float64(2 * float64(h*w) * float64(h*w) * float64(c))
	g.heads = append(g.heads, [2]int{h * w, c / heads})
	flatY, flatX := g.over(y, h*w, c), g.over(qkv, h*w, 3*c)
	s := &step{name: "attention", apart: true, forward: func(r *run) { r.dev.Attention(r.at(flatY), r.at(flatX), heads) }}
	s.onnx = func(e *exporter) { e.attention(y, qkv, heads) }
	s.record = func() {
		dx, done := g.target(qkv)
		dy := g.over(y.grad, h*w, c)
		flatDX := g.over(dx, h*w, 3*c)
		g.touch(dy, qkv)
		s.backward = func(r *run) {
			r.dev.AttentionBackward(r.at(flatDX), r.at(dy), r.at(flatX), heads)
			done(r)
		}
	}
	g.add(s, qkv, y)
	return y
}

// concat records [a, b] along the channels. Nothing moves: a and b are given
// places inside the result. Neither may be part of another concatenation.
func (g *graph) concat(a, b *value) *value {
	ca, cb := a.cols(), b.cols()
	shape := slices.Clone(a.shape)
	shape[len(shape)-1] = ca + cb
	y := g.alloc(shape...)
	a.st.parent, a.st.col = y.st, 0
	b.st.parent, b.st.col = y.st, ca
	s := &step{name: "concatenation", onnx: func(e *exporter) { e.concat(y, a, b) }}
	s.record = func() {
		toB := g.pass(b, g.columns(y.grad, ca, ca+cb))
		toA := g.pass(a, g.columns(y.grad, 0, ca))
		s.backward = func(r *run) {
			toB(r)
			toA(r)
		}
	}
	g.add(s, a, b, y)
	return y
}

// dropout records x·mask/(1−p) in the storage of x, whose value must not be
// needed again. Layers count in the order of recording, so each has its own
// masks.
func (g *graph) dropout(x *value, p float64) *value {
	g.masks++
	layer := g.masks
	y := g.over(x)
	y.alike = x.alike
	s := &step{name: "dropout", apart: true, forward: func(r *run) {
		r.dev.Dropout(r.at(y), r.at(x), float32(p), mix(r.seed^uint64(layer)), r.keys)
	}}
	s.record = func() {
		dy := y.grad
		pass := g.pass(x, dy)
		dx := x.grad
		g.touch(dy, dx)
		s.backward = func(r *run) {
			pass(r)
			r.dev.Dropout(r.at(dx), r.at(dx), float32(p), mix(r.seed^uint64(layer)), r.keys)
		}
	}
	g.add(s, x, y)
	return y
}

// timestep records the sines and cosines of scale·t, d values.
func (g *graph) timestep(d int, scale float64) *value {
	return g.timesteps(d, tensor.TimeOpt{Scale: float32(scale)})
}

// timesteps is timestep in another form.
func (g *graph) timesteps(d int, opt tensor.TimeOpt) *value {
	y := g.alloc(d)
	y.constant = true
	s := &step{name: "embedding of the time", forward: func(r *run) { r.dev.TimestepEmbedding(r.at(y), r.t, opt) }}
	s.onnx = func(e *exporter) { e.timestep(y, d, opt) }
	g.add(s, y)
	return y
}

// time records t itself as a column.
func (g *graph) time() *value {
	y := g.alloc(1)
	y.constant = true
	g.add(&step{name: "time", forward: func(r *run) { r.dev.Upload(r.at(y), r.t) }, onnx: func(e *exporter) { e.set(y, e.time(false)) }}, y)
	return y
}

// conditions records the n values of Extra.Cond, of one row a sample.
func (g *graph) conditions(n int) *value {
	g.cond = n
	y := g.alloc(n)
	y.constant = true
	g.add(&step{name: "conditions", forward: func(r *run) {
		if r.extra.Cond == nil {
			r.dev.Fill(r.at(y), 0)
			return
		}
		r.dev.Upload(r.at(y), r.extra.Cond)
	}, onnx: func(e *exporter) { e.set(y, "cond") }}, y)
	return y
}

// embed records x + table[label] in the storage of x, whose value must not be
// needed again. Without labels it adds nothing.
func (g *graph) embed(x *value, table *Param) *value {
	y := g.over(x)
	g.inherit(y, x)
	s := &step{name: "embedding of the class", forward: func(r *run) {
		if r.labels != nil {
			r.dev.Embedding(r.at(y), table.Tensor, r.labels)
		}
	}}
	s.onnx = func(e *exporter) { e.embed(y, x, table) }
	s.record = func() {
		if y.constant {
			return
		}
		dy := y.grad
		g.touch(dy)
		pass := g.pass(x, dy)
		s.backward = func(r *run) {
			if r.labels != nil && !g.input {
				r.dev.EmbeddingBackward(r.grad(table), r.at(dy), r.labels)
			}
			pass(r)
		}
	}
	g.add(s, x, y)
	return y
}

// host records a function of the input and the times that the host computes:
// f fills y, of the given shape, per sample from x and t; back, for the gradient of
// the input, sets x to the vector–Jacobian product of dy; form writes f as nodes.
func (g *graph) host(f func(y, x []float32, t float32), back func(x, dy []float32, t float32), form func(e *exporter, y *value), shape ...int) *value {
	y := g.alloc(shape...)
	y.constant = g.in.constant
	c, d := count(g.in.shape), count(shape)
	g.buffer(0, c)
	g.buffer(1, d)
	s := &step{name: "input by the host", onnx: func(e *exporter) { form(e, y) }, forward: func(r *run) {
		x, out := r.scratch(0, r.n*c), r.scratch(1, r.n*d)
		r.dev.Download(x, r.at(g.in))
		for i := range r.n {
			f(out[i*d:(i+1)*d], x[i*c:(i+1)*c], r.t[i])
		}
		r.dev.Upload(r.at(y), out)
	}}
	s.record = func() {
		if g.in.constant {
			return
		}
		dy := y.grad
		g.touch(dy)
		dx, done := g.target(g.in)
		s.backward = func(r *run) {
			x, out := r.scratch(0, r.n*c), r.scratch(1, r.n*d)
			r.dev.Download(x, r.at(g.in))
			r.dev.Download(out, r.at(dy))
			for i := range r.n {
				back(x[i*c:(i+1)*c], out[i*d:(i+1)*d], r.t[i])
			}
			r.dev.Upload(r.at(dx), x)
			done(r)
		}
	}
	g.add(s, g.in, y)
	return y
}
