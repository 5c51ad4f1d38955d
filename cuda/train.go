package cuda

import (
	"heavytail/internal/shapes"
	"heavytail/kernels"
	"heavytail/tensor"
)

// host computes what is small and read from Go's memory anyway.
var host = kernels.New(1)

// TimestepEmbedding sets row i of y [N,D] as tensor.Device says. It is N·D values in
// float64, made on the host and uploaded. It panics if D is odd, len(t) ≠ N or the
// shift is not 0 or less than D/2.
func (d *Device) TimestepEmbedding(y *tensor.Tensor, t []float32, opt tensor.TimeOpt) {
	shapes.Timestep(y, len(t), opt)
	defer d.begin("TimestepEmbedding", y).end()
	y.Touch()
	if y.Len() == 0 {
		return
	}
	if d.times == nil || d.times.Rows() != y.Rows() || d.times.Cols() != y.Cols() {
		d.times = host.New(y.Rows(), y.Cols())
	}
	host.TimestepEmbedding(d.times, t, opt)
	to := of(y)
	if !y.Dense() {
		to = d.matrix(y.Rows(), y.Cols())
	}
	d.check(d.drv.ToDevice(to.at, raw(d.times.Data())))
	if !y.Dense() {
		d.points(pointCopy, of(y), []matrix{to})
	}
}

// Lerp sets dst = fma(mu, dst, (1−mu)·src), 1−mu computed in float64. It panics
// unless both are dense and of equal length.
func (d *Device) Lerp(dst, src *tensor.Tensor, mu float64) {
	shapes.Flat("Lerp", dst, dst.Len())
	shapes.Flat("Lerp", src, dst.Len())
	defer d.begin("Lerp", dst, src).end()
	dst.Touch()
	d.points(pointLerp, of(dst), []matrix{of(dst), of(src)}, f32(float32(mu)), f32(float32(1-mu)))
}
