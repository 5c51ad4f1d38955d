package cuda

import (
	"slices"

	"heavytail/cuda/gen"
	"heavytail/cuda/plan"
	"heavytail/internal/conv"
	"heavytail/internal/shapes"
	"heavytail/tensor"
)

// Kept returns the size of the copy of w that a forward pass reads: of Winograd's form the
// points of its tiles, of an upsampled convolution in its direct form 16 sums of its taps.
// Others read w itself, and tables of taps are parameters of kernels. Tensor cores
// read a copy of every weight.
func (d *Device) Kept(h, wd int, w *tensor.Tensor, opt tensor.ConvOpt) (copy, table int64) {
	if sh := shapeOf(w, opt); d.opt.Mode.takes(w.Dim(w.Rank()-2), w.Cols()) {
		return d.operand(elements(w, sh)), 0
	}
	if w.Rank() != 4 || w.Dim(0) != 3 {
		return 0, 0
	}
	matrix := 4 * int64(w.Dim(2)) * int64(w.Cols())
	opt.Stride = max(opt.Stride, 1)
	if m := conv.Winograd(h, wd, w.Dim(2), w, opt); m != 0 {
		return int64(gen.Winograd(m).Points()) * matrix, 0
	}
	if opt.Up {
		return 16 * matrix, 0
	}
	return 0, 0
}

// shapeOf is what of a convolution, or a product, says which matrices it reads.
func shapeOf(w *tensor.Tensor, opt tensor.ConvOpt) conv.Shape {
	if w.Rank() != 4 {
		return rowShape
	}
	return conv.Shape{K: w.Dim(0), Up: opt.Up}
}

// operand is the memory of so many elements that tensor cores read.
func (d *Device) operand(n int) int64 {
	if d.opt.Mode == BF16 {
		return 2 * int64(n)
	}
	return 4 * int64(n)
}

// ConvBuffer returns what a convolution of n images of h×wd pixels takes while it
// runs: the transformed pixels and products of Winograd's form; for tensor cores the
// pixels in bfloat16, and the weight in float32 while its copy is made.
func (d *Device) ConvBuffer(n, h, wd int, w *tensor.Tensor, opt tensor.ConvOpt) int64 {
	opt.Stride = max(opt.Stride, 1)
	if c := w.Dim(w.Rank() - 2); d.opt.Mode.takes(c, w.Cols()) {
		var b int64
		if d.opt.Mode == BF16 {
			b = d.operand(n * max(h*wd, 1) * c)
		}
		if sh := shapeOf(w, opt); orderOf(sh, false) == upSums {
			b += 4 * int64(elements(w, sh))
		}
		return b
	}
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
