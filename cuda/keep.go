package cuda

import (
	"slices"

	"heavytail/cuda/gen"
	"heavytail/cuda/plan"
	"heavytail/internal/conv"
	"heavytail/internal/shapes"
	"heavytail/tensor"
)

// Kept returns the size of the copy of w that a forward pass reads: of an upsampled
// convolution the sums of its taps, of Winograd's form the points of its tiles.
// Others read w itself, and tables of taps are parameters of kernels.
func (d *Device) Kept(h, wd int, w *tensor.Tensor, opt tensor.ConvOpt) (copy, table int64) {
	if w.Rank() != 4 || w.Dim(0) != 3 {
		return 0, 0
	}
	matrix := 4 * int64(w.Dim(2)) * int64(w.Cols())
	opt.Stride = max(opt.Stride, 1)
	if opt.Up {
		return 16 * matrix, 0
	}
	if m := conv.Winograd(h, wd, w.Dim(2), w, opt); m != 0 {
		return int64(points(m)) * matrix, 0
	}
	return 0, 0
}

// ConvBuffer returns what a convolution of n images of h×wd pixels takes while it
// runs: the transformed pixels and products of Winograd's form.
func (d *Device) ConvBuffer(n, h, wd int, w *tensor.Tensor, opt tensor.ConvOpt) int64 {
	opt.Stride = max(opt.Stride, 1)
	if w.Rank() != 4 || n == 0 {
		return 0
	}
	m := conv.Winograd(h, wd, w.Dim(2), w, opt)
	if m == 0 {
		return 0
	}
	ho, wo := shapes.ConvOut(h, opt), shapes.ConvOut(wd, opt)
	d.mu.Lock()
	defer d.mu.Unlock()
	return 4 * int64(d.stream.WinogradRoom(m, plan.Image{N: n, H: ho, W: wo, C: w.Cols()}, plan.Image{N: n, H: h, W: wd, C: w.Dim(2)}))
}

// AttentionBuffer returns about what attention over t tokens takes while it runs,
// where its scores do not fit into shared memory.
func (d *Device) AttentionBuffer(t, size int) int64 {
	if slices.Contains(gen.AttentionHeads, size) && gen.AttentionShared(size, t) <= d.info.Shared {
		return 0
	}
	return scoreBytes
}
