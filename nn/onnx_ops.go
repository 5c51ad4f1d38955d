package nn

import (
	"math"

	"heavytail/internal/onnx"
	"heavytail/tensor"
)

// The methods in this file write one operation each. Images are [N,C,H,W] here, rows
// [N,C].

func (e *exporter) linear(y, x *value, l *linear) {
	in := []string{e.at(x), e.param(l.w, l.w.Shape...)}
	if l.b != nil {
		in = append(in, e.param(l.b, l.b.Shape...))
	}
	e.set(y, e.with("Gemm", attr("transB", 1), in...))
}

func (e *exporter) conv(y, x *value, c *conv, res *value, opt tensor.ConvOpt) {
	in, s := e.at(x), c.w.Shape
	if opt.Up {
		repeat := []onnx.Attr{{Name: "coordinate_transformation_mode", Value: "asymmetric"}, {Name: "mode", Value: "nearest"}, {Name: "nearest_mode", Value: "floor"}}
		in = e.with("Resize", repeat, in, "", e.floats([]float32{1, 1, 2, 2}, 4))
	}
	k := c.w.ours()[0]
	pad := []int{k / 2, k / 2, k / 2, k / 2}
	if opt.After {
		pad = []int{0, 0, 1, 1}
	}
	stride := max(opt.Stride, 1)
	for len(s) < 4 { // PyTorch's Conv1d and Linear
		s = append(s[:len(s):len(s)], 1)
	}
	out := e.with("Conv", []onnx.Attr{{Name: "kernel_shape", Value: []int{k, k}}, {Name: "pads", Value: pad}, {Name: "strides", Value: []int{stride, stride}}},
		in, e.param(c.w, s...), e.param(c.b, s[0]))
	if res != nil {
		out = e.op("Add", out, e.at(res))
	}
	e.set(y, out)
}

// activated applies SiLU if silu is set.
func (e *exporter) activated(x string, silu bool) string {
	if silu {
		x = e.op("Mul", x, e.op("Sigmoid", x))
	}
	return x
}

// groupNorm writes the normalisation as that of G rows, which InstanceNormalization
// is: GroupNormalization came with opset 18 and changed with 21.
func (e *exporter) groupNorm(y, x *value, n *norm, ss *value, silu bool) {
	h, w, c := x.shape[0], x.shape[1], x.cols()
	ones := make([]float32, n.groups)
	for i := range ones {
		ones[i] = 1
	}
	v := e.op("Reshape", e.at(x), e.ints(0, n.groups, -1))
	v = e.with("InstanceNormalization", attr("epsilon", n.eps), v, e.floats(ones, n.groups), e.floats(make([]float32, n.groups), n.groups))
	v = e.op("Reshape", v, e.ints(0, c, h, w))
	v = e.op("Add", e.op("Mul", v, e.param(n.w, c, 1, 1)), e.param(n.b, c, 1, 1))
	if ss != nil {
		scale, shift := e.fresh("split"), e.fresh("split")
		e.add("Split", []string{scale, shift}, attr("axis", 1), e.pixels(e.at(ss)))
		v = e.op("Add", e.op("Mul", v, e.op("Add", scale, e.floats([]float32{1}))), shift)
	}
	e.set(y, e.activated(v, silu))
}

// pixels makes of a row what is the same for all pixels.
func (e *exporter) pixels(row string) string { return e.op("Unsqueeze", row, e.ints(2, 3)) }

func (e *exporter) layerNorm(y, x *value, n *norm, silu bool) {
	v := e.with("LayerNormalization", []onnx.Attr{{Name: "axis", Value: -1}, {Name: "epsilon", Value: n.eps}}, e.at(x), e.param(n.w, n.w.Shape...), e.param(n.b, n.b.Shape...))
	e.set(y, e.activated(v, silu))
}

func (e *exporter) sum(y, a, b *value) { e.set(y, e.op("Add", e.at(a), e.at(b))) }

func (e *exporter) attention(y, qkv *value, heads int) {
	h, w, c := qkv.shape[0], qkv.shape[1], qkv.cols()/3
	d := c / heads
	q, k, v := e.fresh("split"), e.fresh("split"), e.fresh("split")
	e.add("Split", []string{q, k, v}, attr("axis", 2), e.op("Reshape", e.at(qkv), e.ints(0, heads, 3*d, h*w)))
	turn := func(x string) string { return e.with("Transpose", attr("perm", []int{0, 1, 3, 2}), x) }
	score := e.op("Mul", e.op("MatMul", turn(q), k), e.floats([]float32{float32(1 / math.Sqrt(float64(d)))}))
	p := e.with("Softmax", attr("axis", -1), score)
	e.set(y, e.op("Reshape", e.op("MatMul", v, turn(p)), e.ints(0, c, h, w)))
}

func (e *exporter) concat(y, a, b *value) { e.set(y, e.join(e.at(a), e.at(b))) }

// join puts a and b side by side along the channels.
func (e *exporter) join(a, b string) string { return e.with("Concat", attr("axis", 1), a, b) }

// resample writes the filter of every channel as a convolution of groups of one
// channel, or the transpose of one.
func (e *exporter) resample(y, x *value, opt tensor.ResampleOpt) {
	c, n := x.cols(), len(opt.Taps)
	var f []float32
	for range c {
		for _, u := range opt.Taps {
			for _, v := range opt.Taps {
				f = append(f, u*v)
			}
		}
	}
	op, stride := "Conv", max(opt.Stride, 1)
	if opt.Up {
		op, stride = "ConvTranspose", 2
	}
	e.set(y, e.with(op, []onnx.Attr{{Name: "group", Value: c}, {Name: "kernel_shape", Value: []int{n, n}},
		{Name: "pads", Value: []int{opt.Pad, opt.Pad, opt.Pad, opt.Pad}}, {Name: "strides", Value: []int{stride, stride}}},
		e.at(x), e.floats(f, c, 1, n, n)))
}

func (e *exporter) addChannels(y, x, v *value) { e.set(y, e.op("Add", e.at(x), e.pixels(e.at(v)))) }

func (e *exporter) times(y, x *value, f float64) {
	e.set(y, e.op("Mul", e.at(x), e.floats([]float32{float32(f)})))
}

// time returns t as a column, in float64 if wide.
func (e *exporter) time(wide bool) string {
	t := e.once("time", func() string { return e.op("Unsqueeze", "t", e.ints(1)) })
	if wide {
		t = e.once("wide time", func() string { return e.cast(t, onnx.Double) })
	}
	return t
}

// waves returns the sines and cosines of t·f. The angles are reduced to one period in
// float64, as ours: at 1000 a float32 has an error of 3e−5.
func (e *exporter) waves(f []float64) (sin, cos string) { return e.wavesOf(e.time(true), f) }

// wavesOf is waves of another column in float64.
func (e *exporter) wavesOf(t string, f []float64) (sin, cos string) {
	a := e.op("Mul", t, e.doubles(f, 1, len(f)))
	turns := e.op("Round", e.op("Mul", a, e.doubles([]float64{1 / (2 * math.Pi)})))
	a = e.cast(e.op("Sub", a, e.op("Mul", turns, e.doubles([]float64{2 * math.Pi}))), onnx.Float)
	return e.op("Sin", a), e.op("Cos", a)
}

// timestep writes the sines and cosines of the time at the frequencies of a device's
// TimestepEmbedding.
func (e *exporter) timestep(y *value, d int, opt tensor.TimeOpt) {
	sin, cos := e.waves(timeFrequencies(d, opt))
	if opt.SinFirst {
		sin, cos = cos, sin
	}
	e.set(y, e.join(cos, sin))
}

// songWaves writes the embedding of the time of s.
func (e *exporter) songWaves(y *value, s *song) {
	f := make([]float64, s.cfg.noise()/2)
	for j := range f {
		f[j] = s.cfg.TimeScale * s.frequency(j)
	}
	e.set(y, e.join(e.waves(f)))
}

// class returns the classes plus one, 0 for none: indices of tables whose row 0 is
// none's, so that a class that the network does not have is an error and not the last.
func (e *exporter) class() string {
	return e.once("class", func() string { return e.op("Add", e.op("Max", "class", e.ints(-1)), e.ints(1)) })
}

func (e *exporter) embed(y, x *value, table *Param) {
	k, n := table.Shape[0], table.Shape[1]
	rows := e.stored(table.Name, []int{k + 1, n}, func() []float32 {
		return append(make([]float32, n), e.net.params.Get(e.net.params.Flat, table)...)
	})
	e.set(y, e.op("Add", e.at(x), e.op("Gather", rows, e.class())))
}

// oneHot compares the class, from a table so that one out of range is an error, with
// all classes.
func (e *exporter) oneHot(y *value, k int, root float32) {
	all := make([]int, k+1)
	for i := range all {
		all[i] = i
	}
	own := e.op("Unsqueeze", e.op("Gather", e.ints(all...), e.class()), e.ints(1))
	hot := e.cast(e.op("Equal", own, e.ints(all[1:]...)), onnx.Float)
	e.set(y, e.op("Mul", hot, e.floats([]float32{root})))
}
