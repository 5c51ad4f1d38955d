package nn

import (
	"math"

	"heavytail/internal/onnx"
)

// The methods in this file write what the host computes of the input, in float64 as
// it does: |x|² of heavy-tailed noise may overflow a float32.

// wide returns the input in float64.
func (e *exporter) wide() string {
	return e.once("wide input", func() string { return e.cast("x", onnx.Double) })
}

// number returns a constant of float64.
func (e *exporter) number(v float64) string { return e.doubles([]float64{v}) }

// norm2 returns |x|² of every sample of so many dimensions, these kept at size 1.
func (e *exporter) norm2(dims int) string {
	return e.once("norm", func() string {
		axes := make([]int, dims)
		for i := range axes {
			axes[i] = i + 1
		}
		return e.with("ReduceSumSquare", attr("axes", axes), e.wide())
	})
}

// magnitude returns s of magnitude.go, [N,1,1,1], in float64.
func (e *exporter) magnitude(in *value) string {
	return e.once("magnitude", func() string {
		mean := e.op("Div", e.norm2(len(in.shape)), e.number(float64(count(in.shape))))
		return e.op("Sqrt", e.op("Add", mean, e.number(1)))
	})
}

// scaled writes [x/s, ln s].
func (e *exporter) scaled(y, in *value) {
	s, h, w := e.magnitude(in), in.shape[0], in.shape[1]
	x := e.op("Mul", "x", e.cast(e.op("Div", e.number(1), s), onnx.Float))
	l := e.op("Add", e.cast(e.op("Log", s), onnx.Float), e.floats(make([]float32, h*w), 1, 1, h, w))
	e.set(y, e.join(x, l))
}

// rescale writes s·x.
func (e *exporter) rescale(y, x, in *value) {
	e.set(y, e.op("Mul", e.at(x), e.cast(e.magnitude(in), onnx.Float)))
}

// radius returns |x| of a point, [N,1], in float64.
func (e *exporter) radius() string {
	return e.once("radius", func() string { return e.op("Sqrt", e.norm2(1)) })
}

// features writes x·asinh(r)/r and ½·log(1+r²). Below 1e−4, asinh(r)/r is as at 1e−4,
// which is 1 to float32 precision.
func (e *exporter) features(y *value) {
	one := e.number(1)
	log1 := func(r string) string { return e.op("Add", one, e.op("Mul", r, r)) }
	r := e.op("Max", e.radius(), e.number(1e-4))
	f := e.op("Div", e.op("Log", e.op("Add", r, e.op("Sqrt", log1(r)))), r)
	x := e.cast(e.op("Mul", f, e.wide()), onnx.Float)
	half := e.op("Mul", e.number(0.5), e.op("Log", log1(e.radius())))
	e.set(y, e.join(x, e.cast(half, onnx.Float)))
}

// tail writes φ_k(t)·x·max(0, 1 − ρ/r): with s = t within the knots, φ_k is 1/s times
// the smaller of the lines that rise from the knot before and fall to the one after,
// if that is above 0.
func (e *exporter) tail(y *value, dim int, rho float64) {
	s := e.op("Min", e.op("Max", e.time(true), e.number(1.0/(1<<(knots-1)))), e.number(1))
	// Knot k is at 2^(k+1−knots). The first has no line before it and the last none
	// after: these are constants of 1.
	var up, up0, down, down0 [knots]float64
	for k := range knots {
		at := math.Ldexp(1, k+1-knots)
		up[k], up0[k] = 2/at, -1
		down[k], down0[k] = -1/at, 2
		if k == 0 {
			up[k], up0[k] = 0, 1
		}
		if k == knots-1 {
			down[k], down0[k] = 0, 1
		}
	}
	row := func(v [knots]float64) string { return e.doubles(v[:], 1, knots) }
	line := func(slope, from [knots]float64) string {
		return e.op("Add", e.op("Mul", s, row(slope)), row(from))
	}
	hat := e.op("Max", e.op("Min", line(up, up0), line(down, down0)), e.number(0))
	far := e.op("Sub", e.number(1), e.op("Div", e.number(rho), e.op("Max", e.radius(), e.number(rho))))
	hat = e.op("Mul", e.op("Div", hat, s), far)
	outer := e.op("Mul", e.op("Unsqueeze", hat, e.ints(2)), e.op("Unsqueeze", e.wide(), e.ints(1)))
	e.set(y, e.cast(e.op("Reshape", outer, e.ints(0, knots*dim)), onnx.Float))
}

// withTime writes [x, t].
func (e *exporter) withTime(y *value) { e.set(y, e.join("x", e.time(false))) }
