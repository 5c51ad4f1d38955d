package cuda

import (
	"heavytail/internal/shapes"
	"heavytail/tensor"
)

// Resample filters every channel of x along both sides as kernels.CPU.Resample
// defines it. It panics on shapes that do not fit.
func (d *Device) Resample(y, x *tensor.Tensor, opt tensor.ResampleOpt) {
	shapes.Resample("Resample", y, x, opt)
	defer d.begin("Resample", y, x).end()
	d.resample(y, x, opt, opt.Up)
}

// ResampleBackward sets dx to the transpose of Resample applied to dy. It panics on
// shapes that do not fit.
func (d *Device) ResampleBackward(dx, dy *tensor.Tensor, opt tensor.ResampleOpt) {
	shapes.Resample("ResampleBackward", dy, dx, opt)
	defer d.begin("ResampleBackward", dx, dy).end()
	d.resample(dx, dy, opt, !opt.Up)
}

func (d *Device) resample(dst, src *tensor.Tensor, opt tensor.ResampleOpt, spread bool) {
	dst.Touch()
	if dst.Len() == 0 {
		return
	}
	if dst.Len() > mostGroups {
		d.missing("so large a tensor in one piece (%v)", dst.Shape())
	}
	entry := "resample_gather"
	if spread {
		entry = "resample_spread"
	}
	var f [tensor.MaxTaps]float32
	n := copy(f[:], opt.Taps)
	d.launch("resample", entry, grid(up(dst.Len(), pointThreads), 1, 1), 0, ptr(at(dst)), ptr(at(src)), num(dst.Len()), num(dst.Cols()),
		num(src.Dim(1)), num(src.Dim(2)), num(dst.Dim(1)), num(dst.Dim(2)), num(dst.Pitch()), num(src.Pitch()),
		flag(opt.Up || opt.Stride == 2), num(opt.Pad), num(n), f32(f[0]), f32(f[1]), f32(f[2]), f32(f[3]))
}
