// Package ref64 is the judge of the devices: every operation of tensor.Device
// in float64, each a straight loop from its definition, with no speed, no
// blocking and no shared code with what it judges. Its own backward passes are
// tested by central differences.
//
// The plain functions on dense slices serve as twins in the tests of other
// packages; Device wraps them. It is for tests only.
package ref64

import (
	"fmt"

	"heavytail/tensor"
)

// Device is a tensor.Device that computes in float64. Its tensors hold their
// values behind Handle; Values and SetValues reach them without rounding.
type Device struct{}

var _ tensor.Device = Device{}

// New returns the device.
func New() Device { return Device{} }

// Name returns "float64 reference".
func (Device) Name() string { return "float64 reference" }

// New returns a zeroed tensor.
func (d Device) New(shape ...int) *tensor.Tensor {
	n := 1
	for _, s := range shape {
		n *= s
	}
	return tensor.NewHandle(d, make([]float64, n), shape...)
}

// Upload sets dst to src.
func (Device) Upload(dst *tensor.Tensor, src []float32) { SetValues(dst, Float64s(src)) }

// Download rounds src to float32.
func (Device) Download(dst []float32, src *tensor.Tensor) {
	x := Values(src)
	sameLen("Download", len(x), len(dst))
	for i, v := range x {
		dst[i] = float32(v)
	}
}

// Values returns a dense copy of t's values, row-major.
func Values(t *tensor.Tensor) []float64 {
	a := t.Handle().([]float64)
	out := make([]float64, 0, t.Len())
	for r := range t.Rows() {
		at := t.Offset() + r*t.Pitch()
		out = append(out, a[at:at+t.Cols()]...)
	}
	return out
}

// SetValues sets t to x, row-major.
func SetValues(t *tensor.Tensor, x []float64) {
	sameLen("SetValues", t.Len(), len(x))
	a := t.Handle().([]float64)
	for r := range t.Rows() {
		copy(a[t.Offset()+r*t.Pitch():], x[r*t.Cols():(r+1)*t.Cols()])
	}
	t.Touch()
}

// Float64s returns x in float64.
func Float64s(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// values returns nil for a nil tensor, else Values.
func values(t *tensor.Tensor) []float64 {
	if t == nil {
		return nil
	}
	return Values(t)
}

// setIf sets t to x unless t is nil.
func setIf(t *tensor.Tensor, x []float64) {
	if t != nil {
		SetValues(t, x)
	}
}

// like returns zeros for every element of t, or nil for nil.
func like(t *tensor.Tensor) []float64 {
	if t == nil {
		return nil
	}
	return make([]float64, t.Len())
}

func sameLen(op string, want, got int) {
	if want != got {
		panic(fmt.Sprintf("ref64: %s: %d values for %d elements", op, got, want))
	}
}

// check panics unless t has the given shape. A nil t passes.
func check(op, name string, t *tensor.Tensor, shape ...int) {
	if t == nil {
		return
	}
	ok := t.Rank() == len(shape)
	for i := 0; ok && i < len(shape); i++ {
		ok = t.Dim(i) == shape[i]
	}
	if !ok {
		panic(fmt.Sprintf("ref64: %s: %s has shape %v, want %v", op, name, t.Shape(), shape))
	}
}

// Fill sets every element of t to v.
func (Device) Fill(t *tensor.Tensor, v float32) {
	x := make([]float64, t.Len())
	for i := range x {
		x[i] = float64(v)
	}
	SetValues(t, x)
}

// Copy sets dst = src.
func (Device) Copy(dst, src *tensor.Tensor) {
	check("Copy", "dst", dst, src.Shape()...)
	SetValues(dst, Values(src))
}

// Add sets dst = a + b.
func (Device) Add(dst, a, b *tensor.Tensor) {
	check("Add", "b", b, a.Shape()...)
	check("Add", "dst", dst, a.Shape()...)
	x := Values(a)
	for i, v := range Values(b) {
		x[i] += v
	}
	SetValues(dst, x)
}

// SumSq returns Σ x².
func (Device) SumSq(x *tensor.Tensor) float64 {
	s := 0.0
	for _, v := range Values(x) {
		s += v * v
	}
	return s
}

// Scale sets x = s·x.
func (Device) Scale(x *tensor.Tensor, s float32) {
	v := Values(x)
	for i := range v {
		v[i] *= float64(s)
	}
	SetValues(x, v)
}

// ScaleSamples sets sample i of y to s[i] times sample i of x.
func (Device) ScaleSamples(y, x *tensor.Tensor, s []float32) {
	v := Values(x)
	per := len(v) / max(1, len(s))
	for i := range v {
		v[i] *= float64(s[i/per])
	}
	SetValues(y, v)
}
