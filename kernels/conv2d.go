package kernels

import (
	"heavytail/internal/conv"
	"heavytail/internal/shapes"
	"heavytail/simd"
	"heavytail/tensor"
)

// Conv2D sets y = conv(x, w) + b + res: x [N,H,W,C], w [k,k,C,O] with k 1 or 3 and
// padding k/2 (opt.After: below and on the right only), b [O] or nil, res nil or of y's
// shape (may be y). opt.Up doubles H and W first, opt.Stride is 1 or 2. Each output is
// one chain of fused multiply-adds over (tap, channel) ascending, pixels outside the
// image being zero, then + b, then + res. With opt.Up and k = 3 the taps that fall on
// the same source pixel are one term: their weights are added first, in ascending order;
// or it takes the form of simd.WinoUp, of fewer products.
// With opt.Normalized a 3×3 convolution of stride 1 may take Winograd's form F(2×2) or
// F(4×4). Which internal/conv chooses by the shapes; sums of these three are chains over
// channels ascending for every point of a tile. It panics on other shapes.
func (c *CPU) Conv2D(y, x, w, b, res *tensor.Tensor, opt tensor.ConvOpt) {
	opt = shapes.Conv2D(y, x, w, b, res, opt)
	defer y.Touch()
	if w.Dim(0) == 1 && opt.Stride == 1 && !opt.Up {
		c.linear(y, x, w, b, res)
		return
	}
	if y.Len() == 0 {
		return
	}
	if m := winogradForm(x.Dim(1), x.Dim(2), x.Cols(), w, opt); m != 0 {
		taps := forwardPanels
		if m == simd.WinoUp {
			taps = upPointPanels
		}
		c.winograd(m, y, x, taps(w), b, res, false, firstPanel(opt.Next))
		return
	}
	c.direct(y, x, w, b, res, opt)
}

// direct is Conv2D in the direct form.
func (c *CPU) direct(y, x, w, b, res *tensor.Tensor, opt tensor.ConvOpt) {
	key := convKey{Shape: conv.Of(x, w, opt), read: x.Cols(), aPitch: x.Pitch(), cPitch: y.Pitch()}
	j := convPool.Get()
	if res != nil {
		key.rPitch = res.Pitch()
		j.res, j.rImg = res.Data(), res.Dim(1)*res.Dim(2)*res.Pitch()
	}
	j.tab = tableFor(key)
	j.a, j.aImg = x.Data(), x.Dim(1)*x.Dim(2)*x.Pitch()
	j.c, j.cImg = y.Data(), y.Dim(1)*y.Dim(2)*y.Pitch()
	j.bias, j.beyond = dataOf(b), firstPanel(opt.Next)
	j.n, j.k, j.cols, j.stop = x.Dim(0), x.Cols(), y.Cols(), c.stop
	if opt.Up && w.Dim(0) == 3 {
		j.b = upPanels(w)
	} else {
		j.b = forwardPanels(w)
	}
	j.run(c.width())
}

// Conv2DBackward computes dx, dw += and db += (each nil: skipped) from dy, the
// gradient of y = conv(x, w) + b. dx is one chain per element over (tap, output channel)
// ascending, or of Winograd's form, chosen by the shapes as in Conv2D. dw and db
// continue their chains over (image, pixel) ascending. With opt.Up the chains of dx and
// dw read in place of dy its sums over boxes of 2×2 pixels, which simd/doc.go defines,
// and those of dw go over the pixels of x. Where opt.Normalized lets
// internal/conv choose Winograd's form of dw by the shapes, its sums are chains over the
// tiles of one image, and dw adds the taps of image after image ascending.
func (c *CPU) Conv2DBackward(dx, dw, db, dy, x, w *tensor.Tensor, opt tensor.ConvOpt) {
	opt = shapes.Conv2DBackward(dx, dw, db, dy, x, w, opt)
	switch {
	case w.Dim(0) == 1 && opt.Stride == 1 && !opt.Up:
		c.linearBackward(dx, dw, db, dy, x, w)
		return
	case opt.Up:
		c.upBackward(dx, dw, dy, x, w, opt)
	default:
		if dx != nil {
			c.convInput(dx, dy, w, opt)
		}
		if dw != nil {
			c.convWeight(dw, dy, x, opt)
		}
	}
	c.sumRows(db, dy)
}

// convInput computes dx from dy: a convolution again, with other tables.
func (c *CPU) convInput(dx, dy, w *tensor.Tensor, opt tensor.ConvOpt) {
	defer dx.Touch()
	if dx.Len() == 0 {
		return
	}
	if m := winogradForm(dx.Dim(1), dx.Dim(2), dy.Cols(), w, opt); m != 0 {
		c.winograd(m, dx, dy, backwardPanels(w), nil, nil, true, nil)
		return
	}
	c.directInput(pixelsOf(dx), pixelsOf(dy), w, opt)
}

// directInput is the direct form of convInput; dy has conv.Shape.Grad's size.
func (c *CPU) directInput(dx, dy pixels, w *tensor.Tensor, opt tensor.ConvOpt) {
	j := convPool.Get()
	key := convKey{Shape: dx.shape(w.Dim(0), opt), read: dy.c, aPitch: dy.pitch, cPitch: dx.pitch}
	key.Back = true
	j.tab = tableFor(key)
	j.a, j.aImg = dy.f, dy.image()
	j.c, j.cImg = dx.f, dx.image()
	j.n, j.k, j.cols, j.stop = dx.n, dy.c, dx.c, c.stop
	j.b = backwardPanels(w)
	j.run(c.width())
}

// upPanels returns the summed taps of an upsampled 3×3 convolution, packed for a pass
// forward.
func upPanels(w *tensor.Tensor) []float32 {
	return packed(w, 0, panels(w.Cols())*simd.TileCols*16*w.Dim(2), fillUpForward)
}

func fillUpForward(dst []float32, w *tensor.Tensor) {
	s := upSums(w)
	packPanels(dst, s.f, 16*w.Dim(2), w.Cols(), w.Cols())
	s.free()
}

// upSums returns the 16 matrices of an upsampled 3×3 convolution: number
// ((py·2+px)·2+ty)·2+tx is the sum of the taps that see source pixel (ty, tx)
// of the two by two that an output of parity (py, px) sees.
func upSums(w *tensor.Tensor) *scratch {
	size := w.Dim(2) * w.Cols()
	s := getScratch(16*size, 0)
	clear(s.f[:16*size])
	for par := range 4 {
		for i := range 9 {
			ty, tx := conv.UpGroup(i/3, par/2), conv.UpGroup(i%3, par%2)
			dst := s.f[(par*4+ty*2+tx)*size:][:size]
			for e, v := range w.Data()[i*size:][:size] {
				dst[e] += v
			}
		}
	}
	return s
}
