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
	s.record = func() {
		dy := y.grad
		g.touch(dy)
		dv, done := g.target(v)
		pass := g.pass(x, dy)
		s.backward = func(r *run) {
			r.dev.SumPixels(r.at(dv), r.at(dy))
			done(r)
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
	s.record = func() {
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

// given records d values per sample that the host sets; it has no gradient.
func (g *graph) given(set func(r *run, y []float32), d int) *value {
	y := g.alloc(d)
	y.constant = true
	g.buffer(1, d)
	g.add(&step{name: "values by the host", forward: func(r *run) {
		out := r.scratch(1, r.n*d)
		set(r, out)
		r.dev.Upload(r.at(y), out)
	}}, y)
	return y
}

// fromTime records d values that f computes from the time.
func (g *graph) fromTime(f func(y []float32, t float32), d int) *value {
	return g.given(func(r *run, y []float32) {
		for i, t := range r.t {
			f(y[i*d:(i+1)*d], t)
		}
	}, d)
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
	}, k)
}

// augment records the d values of Extra.Augment.
func (g *graph) augment(d int) *value {
	g.aug = d
	return g.given(func(r *run, y []float32) {
		if copy(y, r.extra.Augment) == 0 {
			clear(y)
		}
	}, d)
}

// image records the input of a network for images of h×w pixels: x of c
// channels, divided by its magnitude with ln s beside it if magnitude is set,
// and cond channels of Extra.Cond.
func (g *graph) image(h, w, c, cond int, magnitude bool) *value {
	g.in = g.place(nil, []int{h, w, c})
	g.in.constant = true
	x := g.in
	if magnitude {
		x = g.host(scaled(c), h, w, c+1)
		c++
	}
	if cond == 0 {
		return x
	}
	g.cond = h * w * cond
	y := g.alloc(h, w, c+cond)
	y.constant = true
	left, right := g.columns(y, 0, c), g.columns(y, c, c+cond)
	g.add(&step{name: "conditioning images", forward: func(r *run) {
		r.dev.Copy(r.at(left), r.at(x))
		if r.extra.Cond == nil {
			r.dev.Fill(r.at(right), 0)
			return
		}
		r.dev.Upload(r.at(right), r.extra.Cond)
	}}, x, y)
	return y
}

// waves returns the embedding of the time, sines first: at the angles s·t·f_j
// with f_j = 10000^(−j/(K/2−1)), or at 2π·s·t·freqs_j. The angle is formed in
// float64.
func (s *song) waves() func(y []float32, t float32) {
	half := s.cfg.noise() / 2
	freq := func(j int) float64 {
		const log1e4 = 9.210340371976184
		return dmath.Exp(-log1e4 * float64(j) / float64(max(1, half-1)))
	}
	if s.freqs != nil {
		freq = func(j int) float64 { return 2 * math.Pi * float64(s.freqs.Data[j]) }
	}
	return func(y []float32, t float32) {
		st := s.cfg.TimeScale * float64(t)
		for j := range half {
			a := float64(st * freq(j))
			y[j], y[half+j] = float32(dmath.Sin(a)), float32(dmath.Cos(a))
		}
	}
}
