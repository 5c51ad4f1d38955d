package cuda

import (
	"heavytail/internal/shapes"
	"heavytail/tensor"
)

// The methods whose kernels do not exist yet: they check what they are given, and
// panic with a *MissingError. TestMissing lists them.

// without starts a method that has no kernel.
func (d *Device) without(op string, ts ...*tensor.Tensor) {
	defer d.begin(op, ts...).end()
	d.missing("%s", op)
}

func (d *Device) Resample(y, x *tensor.Tensor, opt tensor.ResampleOpt) {
	shapes.Resample("Resample", y, x, opt)
	d.without("Resample", y, x)
}

func (d *Device) ResampleBackward(dx, dy *tensor.Tensor, opt tensor.ResampleOpt) {
	shapes.Resample("ResampleBackward", dy, dx, opt)
	d.without("ResampleBackward", dx, dy)
}
