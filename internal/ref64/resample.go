package ref64

import (
	"fmt"

	"heavytail/tensor"
)

// ResampleShape is the geometry of a resampling of x [N,H,W,C].
type ResampleShape struct {
	N, H, W, C int
	Taps       []float64
	Stride     int
	Up         bool
	Pad        int
}

// Out returns the height and width of the result.
func (s ResampleShape) Out() (h, w int) { return s.side(s.H), s.side(s.W) }

func (s ResampleShape) side(n int) int {
	if s.Up {
		return 2*n - 2 + len(s.Taps) - 2*s.Pad
	}
	return (n+2*s.Pad-len(s.Taps))/s.Stride + 1
}

// weight returns the factor of pixel i of the input in pixel o of the result.
func (s ResampleShape) weight(o, i int) float64 {
	k := i - s.Stride*o + s.Pad
	if s.Up {
		k = o + s.Pad - 2*i
	}
	if k < 0 || k >= len(s.Taps) {
		return 0
	}
	return s.Taps[k]
}

// each calls f for every pair of pixels with the factor between them.
func (s ResampleShape) each(f func(out, in int, weight float64)) {
	oh, ow := s.Out()
	for n := range s.N {
		for o := range oh * ow {
			for i := range s.H * s.W {
				if w := s.weight(o/ow, i/s.W) * s.weight(o%ow, i%s.W); w != 0 {
					f(n*oh*ow+o, n*s.H*s.W+i, w)
				}
			}
		}
	}
}

// Resample sets y.
func Resample(y, x []float64, s ResampleShape) {
	clear(y)
	s.each(func(out, in int, w float64) {
		for c := range s.C {
			y[out*s.C+c] += w * x[in*s.C+c]
		}
	})
}

// ResampleBackward sets dx.
func ResampleBackward(dx, dy []float64, s ResampleShape) {
	clear(dx)
	s.each(func(out, in int, w float64) {
		for c := range s.C {
			dx[in*s.C+c] += w * dy[out*s.C+c]
		}
	})
}

// Resample sets y.
func (Device) Resample(y, x *tensor.Tensor, opt tensor.ResampleOpt) {
	out := like(y)
	Resample(out, Values(x), resampleShape("Resample", y, x, opt))
	SetValues(y, out)
}

// ResampleBackward sets dx.
func (Device) ResampleBackward(dx, dy *tensor.Tensor, opt tensor.ResampleOpt) {
	out := like(dx)
	ResampleBackward(out, Values(dy), resampleShape("ResampleBackward", dy, dx, opt))
	SetValues(dx, out)
}

func resampleShape(op string, y, x *tensor.Tensor, opt tensor.ResampleOpt) ResampleShape {
	s := ResampleShape{x.Dim(0), x.Dim(1), x.Dim(2), x.Dim(3), Float64s(opt.Taps), max(opt.Stride, 1), opt.Up, opt.Pad}
	if n := len(s.Taps); n < 1 || n > tensor.MaxTaps || s.Stride > 2 || s.Up && s.Stride == 2 {
		panic(fmt.Sprintf("ref64: %s: %d taps, stride %d, up %v", op, n, s.Stride, s.Up))
	}
	h, w := s.Out()
	check(op, "y", y, s.N, h, w, s.C)
	return s
}

// AddChannels adds v [N,C] to every pixel.
func (Device) AddChannels(y, x, v *tensor.Tensor) {
	check("AddChannels", "v", v, x.Dim(0), x.Cols())
	check("AddChannels", "y", y, x.Shape()...)
	out, w := Values(x), Values(v)
	per := x.Len() / x.Dim(0)
	for i := range out {
		out[i] += w[i/per*x.Cols()+i%x.Cols()]
	}
	SetValues(y, out)
}

// SumPixels sums the pixels of each sample.
func (Device) SumPixels(dv, dy *tensor.Tensor) {
	check("SumPixels", "dv", dv, dy.Dim(0), dy.Cols())
	out := like(dv)
	per := dy.Len() / dy.Dim(0)
	for i, g := range Values(dy) {
		out[i/per*dy.Cols()+i%dy.Cols()] += g
	}
	SetValues(dv, out)
}
