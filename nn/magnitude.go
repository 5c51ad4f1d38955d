package nn

import (
	"math"

	"heavytail/internal/dmath"
)

// With UNetConfig.Magnitude, or SongConfig.Magnitude, the U-Net computes
//
//	ε̂(x, t) = s·net([x/s, ln s], t),  s = √(1 + mean x²)
//
// per sample, ln s being one more input channel of constant value. As
// published, the network normalises its activations many times and so its
// output is bounded in x: a sample whose heavy-tailed noise is far larger than
// usual keeps most of it. Here the output grows with x.

// magnitude returns s for one sample.
func magnitude(x []float32) float64 {
	r := radius(x)
	return math.Sqrt(1 + float64(r*r)/float64(len(x)))
}

// Magnitudes sets dst[i] to the factor s of sample i of x, whose samples lie
// one after the other: what the network's output is proportional to. It is 1
// for networks without Magnitude. Training divides the weight of
// sample i by it, or else the rare samples with the largest noise would rule
// the gradient: A has no finite variance, and s grows like √A.
func (n *Net) Magnitudes(dst []float64, x []float32) {
	d := len(x) / max(1, len(dst))
	for i := range dst {
		dst[i] = 1
		if n.cfg.magnitude() {
			dst[i] = magnitude(x[i*d : (i+1)*d])
		}
	}
}

// scaled sets y, with channels + 1 values per pixel, to [x/s, ln s].
func scaled(channels int) func(y, x []float32, t float32) {
	return func(y, x []float32, _ float32) {
		s := magnitude(x)
		f, l := float32(1/s), float32(dmath.Log(s))
		for p := 0; p*channels < len(x); p++ {
			row := y[p*(channels+1) : (p+1)*(channels+1)]
			for c := range channels {
				row[c] = f * x[p*channels+c]
			}
			row[channels] = l
		}
	}
}

// scaledBack returns what sets x to the gradient by x of dy·scaled: with v and w the
// parts of dy, v/s + x·(−(x·v)/s + Σw)/(s²·n), as ∂s/∂x = x/(s·n) of n values.
func scaledBack(channels int) func(x, dy []float32, t float32) {
	return func(x, dy []float32, _ float32) {
		s := magnitude(x)
		along := 0.0
		for p := 0; p*channels < len(x); p++ {
			row := dy[p*(channels+1) : (p+1)*(channels+1)]
			along += float64(row[channels]) - dot(x[p*channels:(p+1)*channels], row)/s
		}
		along /= float64(s*s) * float64(len(x))
		for p := 0; p*channels < len(x); p++ {
			for c := range channels {
				j := p*channels + c
				x[j] = float32(float64(dy[p*(channels+1)+c])/s + float64(along*float64(x[j])))
			}
		}
	}
}

// rescale records y = s·x, s of the network's input.
func (g *graph) rescale(x *value) *value {
	y := g.alloc(x.shape...)
	g.buffer(0, count(g.in.shape))
	g.buffer(1, 1)
	apply := func(dst, src *value) func(r *run) {
		return func(r *run) {
			d := count(g.in.shape)
			in, f := r.scratch(0, r.n*d), r.scratch(1, r.n)
			r.dev.Download(in, r.at(g.in))
			for i := range f {
				f[i] = float32(magnitude(in[i*d : (i+1)*d]))
			}
			r.dev.ScaleSamples(r.at(dst), r.at(src), f)
		}
	}
	st := &step{name: "magnitude", forward: apply(y, x)}
	st.onnx = func(e *exporter) { e.rescale(y, x, g.in) }
	st.record = func() {
		dy := y.grad
		g.touch(dy)
		dx, done := g.target(x)
		back, more := apply(dx, dy), g.rescaleInput(x, dy)
		st.backward = func(r *run) {
			more(r)
			back(r)
			done(r)
		}
	}
	g.add(st, g.in, x, y)
	return y
}

// rescaleInput adds to the gradient of the network's input what s·x, with the
// gradient dy, owes to s: (x·dy)·in/(s·n) of n values. x and dy are of the input's shape.
func (g *graph) rescaleInput(x, dy *value) func(r *run) {
	if g.in.constant {
		return func(*run) {}
	}
	g.touch(x)
	part, done := g.target(g.in)
	d := count(g.in.shape)
	g.buffer(1, d)
	g.buffer(2, d)
	return func(r *run) {
		in, v, w := r.scratch(0, r.n*d), r.scratch(1, r.n*d), r.scratch(2, r.n*d)
		r.dev.Download(in, r.at(g.in))
		r.dev.Download(v, r.at(x))
		r.dev.Download(w, r.at(dy))
		for i := range r.n {
			row := in[i*d : (i+1)*d]
			f := dot(v[i*d:(i+1)*d], w[i*d:(i+1)*d]) / (magnitude(row) * float64(d))
			for j := range row {
				row[j] *= float32(f)
			}
		}
		r.dev.Upload(r.at(part), in)
		done(r)
	}
}
