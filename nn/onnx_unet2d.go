package nn

import (
	"math"

	"heavytail/internal/dmath"
	"heavytail/internal/onnx"
	"heavytail/tensor"
)

// The methods in this file write what only the U-Net of diffusers does.

// centred writes 2x − 1.
func (e *exporter) centred(y *value) {
	e.set(y, e.op("Sub", e.op("Mul", "x", e.floats([]float32{2})), e.floats([]float32{1})))
}

// overTime writes x/t.
func (e *exporter) overTime(y, x *value) {
	e.set(y, e.op("Div", e.at(x), e.op("Unsqueeze", "t", e.ints(1, 2, 3))))
}

// logWaves writes the sines and cosines of 2π·W·ln t.
func (e *exporter) logWaves(y *value, w []float32) {
	f := make([]float64, len(w))
	for j, v := range w {
		f[j] = 2 * math.Pi * float64(v)
	}
	e.set(y, e.join(e.wavesOf(e.op("Log", e.time(true)), f)))
}

// timeRow writes the row of the table for the nearest time.
func (e *exporter) timeRow(y *value, table *Param) {
	t := e.op("Min", e.op("Max", e.op("Round", "t"), e.floats([]float32{0})), e.floats([]float32{float32(table.Shape[0] - 1)}))
	e.set(y, e.op("Gather", e.param(table, table.Shape...), e.cast(t, onnx.Int64)))
}

// someClass returns the class, 0 for none, and an index that is an error for one that
// the network does not have.
func (e *exporter) someClass() string {
	return e.once("some class", func() string {
		all := make([]int, e.net.Classes()+1)
		for i := range all {
			all[i] = max(i-1, 0)
		}
		return e.op("Gather", e.ints(all...), e.class())
	})
}

// classWaves writes the embedding of the class's number as of a time.
func (e *exporter) classWaves(y *value, d int, opt tensor.TimeOpt) {
	sin, cos := e.wavesOf(e.cast(e.op("Unsqueeze", e.someClass(), e.ints(1)), onnx.Double), timeFrequencies(d, opt))
	if opt.SinFirst {
		sin, cos = cos, sin
	}
	e.set(y, e.join(cos, sin))
}

// hasClass writes x for samples with a class and zeros for the others.
func (e *exporter) hasClass(y, x *value) {
	has := e.cast(e.op("Min", e.class(), e.ints(1)), onnx.Float)
	e.set(y, e.op("Mul", e.at(x), e.op("Unsqueeze", has, e.ints(1))))
}

// timeFrequencies returns the angles for every unit of the time of a device's
// TimestepEmbedding.
func timeFrequencies(d int, opt tensor.TimeOpt) []float64 {
	const log1e4 = 9.210340371976184
	f := make([]float64, d/2)
	for k := range f {
		f[k] = float64(opt.Scale) * dmath.Exp(-log1e4*float64(k)/float64(len(f)-opt.Shift))
	}
	return f
}
