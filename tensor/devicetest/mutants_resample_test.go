package devicetest

import (
	"slices"

	"heavytail/internal/ref64"
	"heavytail/tensor"
)

func (b broken) Resample(y, x *tensor.Tensor, opt tensor.ResampleOpt) {
	switch b.mutant {
	case "resample: order of taps":
		opt.Taps = reversed(opt.Taps)
	case "resample: 11 bits":
		x = rounded(x, 11)
	case "resample: no corner":
		defer edit(y, func(v []float64) { clear(v[:y.Cols()]) })
	}
	b.Device.Resample(y, x, opt)
}

func (b broken) ResampleBackward(dx, dy *tensor.Tensor, opt tensor.ResampleOpt) {
	if b.is("resample: gradient of order") {
		opt.Taps = reversed(opt.Taps)
	}
	before := rounded(dx, 53)
	b.Device.ResampleBackward(dx, dy, opt)
	if b.is("resample: gradient added") {
		b.Add(dx, dx, before)
	}
}

func reversed(x []float32) []float32 {
	x = slices.Clone(x)
	slices.Reverse(x)
	return x
}

func (b broken) AddChannels(y, x, v *tensor.Tensor) {
	if b.is("channels: first row for all") && v.Dim(0) > 1 {
		v = rounded(v, 53)
		for i := range v.Dim(0) {
			b.Copy(v.Batch(i, i+1), v.Batch(0, 1))
		}
	}
	b.Device.AddChannels(y, x, v)
	if b.is("channels: view") && y.Offset() > 0 {
		y.Handle().([]float64)[y.Offset()+y.Cols()] = 0
	}
}

func (b broken) SumPixels(dv, dy *tensor.Tensor) {
	before := rounded(dv, 53)
	b.Device.SumPixels(dv, dy)
	switch b.mutant {
	case "channels: sum added":
		b.Add(dv, dv, before)
	case "channels: no last pixel":
		last := ref64.Values(dy)[dy.Len()-dy.Cols():]
		edit(dv, func(x []float64) {
			for i, v := range last {
				x[len(x)-len(last)+i] -= v
			}
		})
	case "channels: swallows NaN":
		edit(dv, func(x []float64) {
			for i := range x {
				if x[i] != x[i] {
					x[i] = 0
				}
			}
		})
	}
}
