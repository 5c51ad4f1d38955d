package nn

import (
	"math"

	"heavytail/internal/dmath"
	"heavytail/tensor"
)

// resample records the filtering of every channel. x [H,W,C], y [H',W',C].
func (g *graph) resample(x *value, opt tensor.ResampleOpt) *value {
	y := g.alloc(opt.Out(x.shape[0]), opt.Out(x.shape[1]), x.cols())
	y.constant, y.alike = x.constant, x.alike
	s := &step{name: "resampling", forward: func(r *run) { r.dev.Resample(r.at(y), r.at(x), opt) }}
	s.onnx = func(e *exporter) { e.resample(y, x, opt) }
	s.record = func() {
		if x.constant {
			return
		}
		dy := y.grad
		g.touch(dy)
		dx, done := g.target(x)
		s.backward = func(r *run) {
			r.dev.ResampleBackward(r.at(dx), r.at(dy), opt)
			done(r)
		}
	}
	g.add(s, x, y)
	return y
}

// addChannels records x + v, v the same for all pixels, in the storage of x,
// whose value must not be needed again. x [H,W,C], v [C].
func (g *graph) addChannels(x, v *value) *value {
	y := g.over(x)
	s := &step{name: "sum of channels", forward: func(r *run) { r.dev.AddChannels(r.at(y), r.at(x), r.at(v)) }}
	s.onnx = func(e *exporter) { e.addChannels(y, x, v) }
	s.record = func() {
		dy := y.grad
		g.touch(dy)
		dv, done := g.target(v)
		pass := g.pass(x, dy)
		s.backward = func(r *run) {
			if dv != nil {
				r.dev.SumPixels(r.at(dv), r.at(dy))
				done(r)
			}
			pass(r)
		}
	}
	g.add(s, x, v, y)
	return y
}

// times records f·x in the storage of x, whose value must not be needed again.
func (g *graph) times(x *value, f float64) *value {
	if f == 1 {
		return x
	}
	y := g.over(x)
	s := &step{name: "scaling", forward: func(r *run) { r.dev.Scale(r.at(y), float32(f)) }}
	s.onnx = func(e *exporter) { e.times(y, x, f) }
	s.record = func() {
		if y.constant {
			return
		}
		dy := y.grad
		pass := g.pass(x, dy)
		dx := x.grad
		g.touch(dy, dx)
		s.backward = func(r *run) {
			pass(r)
			r.dev.Scale(r.at(dx), float32(f))
		}
	}
	g.add(s, x, y)
	return y
}

// given records d values per sample that the host sets and form writes as nodes; it
// has no gradient.
func (g *graph) given(set func(r *run, y []float32), form func(e *exporter, y *value), d int) *value {
	y := g.alloc(d)
	y.constant = true
	g.buffer(1, d)
	g.add(&step{name: "values by the host", onnx: func(e *exporter) { form(e, y) }, forward: func(r *run) {
		out := r.scratch(1, r.n*d)
		set(r, out)
		r.dev.Upload(r.at(y), out)
	}}, y)
	return y
}

// fromTime records d values that f computes from the time and form writes as nodes.
func (g *graph) fromTime(f func(y []float32, t float32), form func(e *exporter, y *value), d int) *value {
	return g.given(func(r *run, y []float32) {
		for i, t := range r.t {
			f(y[i*d:(i+1)*d], t)
		}
	}, form, d)
}

// oneHot records √k at the sample's class among k, zero elsewhere and for no
// class.
func (g *graph) oneHot(k int) *value {
	root := float32(math.Sqrt(float64(k)))
	return g.given(func(r *run, y []float32) {
		clear(y)
		for i, l := range r.labels {
			if l >= 0 {
				y[i*k+l] = root
			}
		}
	}, func(e *exporter, y *value) { e.oneHot(y, k, root) }, k)
}

// augment records the d values of Extra.Augment.
func (g *graph) augment(d int) *value {
	g.aug = d
	return g.given(func(r *run, y []float32) {
		if copy(y, r.extra.Augment) == 0 {
			clear(y)
		}
	}, func(e *exporter, y *value) { e.set(y, e.floats(make([]float32, d), 1, d)) }, d)
}

// image records the input of a network for images of h×w pixels: x of c
// channels, divided by its magnitude with ln s beside it if magnitude is set,
// and cond channels of Extra.Cond.
func (g *graph) image(h, w, c, cond int, magnitude bool) *value {
	g.in = g.place(nil, []int{h, w, c})
	g.in.constant = !g.input
	x := g.in
	if magnitude {
		x = g.host(scaled(c), scaledBack(c), func(e *exporter, y *value) { e.scaled(y, g.in) }, h, w, c+1)
		c++
	}
	if cond == 0 {
		return x
	}
	g.cond = h * w * cond
	y := g.alloc(h, w, c+cond)
	y.constant = true
	left, right := g.columns(y, 0, c), g.columns(y, c, c+cond)
	s := &step{name: "conditioning images", forward: func(r *run) {
		r.dev.Copy(r.at(left), r.at(x))
		if r.extra.Cond == nil {
			r.dev.Fill(r.at(right), 0)
			return
		}
		r.dev.Upload(r.at(right), r.extra.Cond)
	}}
	s.onnx = func(e *exporter) { e.set(y, e.join(e.at(x), "cond")) }
	g.add(s, x, y)
	return y
}

// frequency returns the angle of entry j of the embedding for every unit of the
// scaled time: 10000^(−j/(K/2−1)), or 2π·freqs_j.
func (s *song) frequency(j int) float64 {
	if s.freqs != nil {
		return 2 * math.Pi * float64(s.freqs.Data[j])
	}
	const log1e4 = 9.210340371976184
	return dmath.Exp(-log1e4 * float64(j) / float64(max(1, s.cfg.noise()/2-1)))
}

// waves sets y to the embedding of the time, sines first. The angle is formed in
// float64.
func (s *song) waves(y []float32, t float32) {
	half := s.cfg.noise() / 2
	st := s.cfg.TimeScale * float64(t)
	for j := range half {
		a := float64(st * s.frequency(j))
		y[j], y[half+j] = float32(dmath.Sin(a)), float32(dmath.Cos(a))
	}
}
