package cuda

import (
	"heavytail/cuda/plan"
	"heavytail/internal/conv"
	"heavytail/internal/shapes"
	"heavytail/tensor"
)

// rows is t as a matrix of a plan, image as images; nil is none.
func rows(t *tensor.Tensor) plan.Image {
	if t == nil {
		return plan.Image{}
	}
	return plan.Rows(at(t), t.Rows(), t.Cols(), t.Pitch())
}

func image(t *tensor.Tensor) plan.Image {
	if t == nil {
		return plan.Image{}
	}
	return plan.Image{At: at(t), N: t.Dim(0), H: t.Dim(1), W: t.Dim(2), C: t.Cols(), Pitch: t.Pitch()}
}

// A form is the order in which a copy of a weight lies.
type form int

const (
	turned     form = iota // the transposes of its matrices
	upSums                 // the 16 matrices of an upsampled 3×3 convolution
	turnedSums             // their transposes
	winoTaps2              // the points of Winograd's F(2×2): added to it, 2 is F(4×4)
	_
	winoTaps4
	winoBack2 // the same for gradients at x
	_
	winoBack4
)

// A packed is a copy of a weight on the GPU.
type packed struct {
	*buffer
	form form
}

// pack returns the copy of w in slot, n float32 long, that fill makes; it is made
// again when w changed or when another form of the same weight was made last.
func (d *Device) pack(w *tensor.Tensor, slot int, f form, n int, fill func(dst uint64)) uint64 {
	p := w.Pack(slot)
	p.Mu.Lock()
	defer p.Mu.Unlock()
	c, _ := p.Handle.(*packed)
	want := w.Gen() + 1
	if c != nil && c.form == f && p.Gen.Load() == want {
		return c.at
	}
	p.Gen.Store(0)
	if c == nil || c.form != f {
		c = &packed{d.buffer(n), f}
		p.Handle = c
	}
	fill(c.at)
	p.Gen.Store(want)
	return c.at
}

// transposed returns the transposes of w's matrices, of which gradients at x are
// products.
func (d *Device) transposed(w *tensor.Tensor) uint64 {
	taps := 1
	if w.Rank() == 4 {
		taps = w.Dim(0) * w.Dim(1)
	}
	return d.pack(w, 1, turned, w.Len(), func(dst uint64) {
		d.stream.Transpose(dst, at(w), taps, w.Rows()/taps, w.Cols())
	})
}

// Linear sets y = x·w + b: x [M,C], w [C,O], b [O] or nil, y [M,O]. Each output is
// one chain of fused multiply-adds over C ascending, then + b. x and y may be column
// views. It panics on other shapes.
func (d *Device) Linear(y, x, w, b *tensor.Tensor) {
	shapes.Linear("Linear", y, x, w, b)
	defer d.begin("Linear", y, x, w, b).end()
	y.Touch()
	d.stream.Product(rows(y), rows(x), at(w), w.Cols(), at(b), plan.Image{}, plan.Batch{})
}

// LinearBackward computes dx = dy·wᵀ (nil: skipped), dw += xᵀ·dy and db += Σ_rows dy
// (nil: skipped). The sums over rows are chains in ascending order that continue
// from dw and db. It panics on other shapes.
func (d *Device) LinearBackward(dx, dw, db, dy, x, w *tensor.Tensor) {
	shapes.LinearBackward(dx, dw, db, dy, x, w)
	defer d.begin("LinearBackward", dx, dw, db, dy, x, w).end()
	d.linearBackward(dx, dw, db, dy, x, w)
}

func (d *Device) linearBackward(dx, dw, db, dy, x, w *tensor.Tensor) {
	if dx != nil {
		dx.Touch()
		d.stream.Product(rows(dx), rows(dy), d.transposed(w), w.Rows(), 0, plan.Image{}, plan.Batch{})
	}
	dw.Touch()
	d.stream.WeightGradient(at(dw), rows(dy), rows(x), conv.Shape{K: 1, Stride: 1, H: 1, W: x.Rows()})
	d.sumRows(db, dy)
}

// sumRows adds the rows of dy to db in ascending order; nil is skipped.
func (d *Device) sumRows(db, dy *tensor.Tensor) {
	if db != nil {
		db.Touch()
		d.columnSums(at(db), db.Len(), of(dy), 1, true)
	}
}

// columnSums sets row i of a matrix at dst to the sum of the rows of sample i of x,
// in ascending order, or with acc adds it.
func (d *Device) columnSums(dst uint64, pitch int, x matrix, samples int, acc bool) {
	if samples == 0 || x.cols == 0 {
		return
	}
	d.launch("column_sums", "column_sums", grid(up(x.cols, 32), samples, 1), 0,
		ptr(dst), num(pitch), ptr(x.at), num(x.pitch), num(x.rows/samples), num(x.cols), flag(acc))
}

func flag(b bool) arg {
	if b {
		return u32(1)
	}
	return u32(0)
}

// SumPixels sets row n of dv [N,C] to the sum of the pixels of sample n of dy
// [N,H,W,C], added in ascending order. Both may be column views. It panics on other
// shapes.
func (d *Device) SumPixels(dv, dy *tensor.Tensor) {
	shapes.Channels("SumPixels", dy, dv)
	defer d.begin("SumPixels", dv, dy).end()
	dv.Touch()
	d.columnSums(at(dv), dv.Pitch(), of(dy), dy.Dim(0), false)
}

// isProduct reports whether a convolution is a product of rows.
func isProduct(w *tensor.Tensor, opt tensor.ConvOpt) bool {
	return w.Dim(0) == 1 && opt.Stride == 1 && !opt.Up
}

// Conv2D sets y = conv(x, w) + b + res as kernels.CPU.Conv2D defines it. It panics on
// shapes that do not fit.
func (d *Device) Conv2D(y, x, w, b, res *tensor.Tensor, opt tensor.ConvOpt) {
	opt = shapes.Conv2D(y, x, w, b, res, opt)
	defer d.begin("Conv2D", y, x, w, b, res).end()
	y.Touch()
	if isProduct(w, opt) {
		d.stream.Product(rows(y), rows(x), at(w), w.Cols(), at(b), rows(res), plan.Batch{})
		return
	}
	if m := conv.Winograd(y.Dim(1), y.Dim(2), x.Cols(), w, opt); m != 0 {
		u := d.pack(w, 0, winoTaps2+form(m-2), points(m)*w.Dim(2)*w.Cols(), func(dst uint64) {
			d.stream.WinogradTaps(m, dst, at(w), w.Dim(2), w.Cols(), false)
		})
		d.winograd(m, image(y), image(x), u, at(b), image(res))
		return
	}
	sh := conv.Of(x, w, opt)
	weight := at(w)
	if opt.Up && w.Dim(0) == 3 {
		weight = d.pack(w, 0, upSums, 16*w.Dim(2)*w.Cols(), func(dst uint64) { d.stream.UpSums(dst, at(w), w.Dim(2), w.Cols()) })
	}
	d.stream.Conv(image(y), image(x), weight, at(b), image(res), sh)
}

// Conv2DBackward computes dx (nil: skipped), dw += and db += (nil: skipped) from dy,
// as kernels.CPU.Conv2DBackward defines them. It panics on shapes that do not fit.
func (d *Device) Conv2DBackward(dx, dw, db, dy, x, w *tensor.Tensor, opt tensor.ConvOpt) {
	opt = shapes.Conv2DBackward(dx, dw, db, dy, x, w, opt)
	defer d.begin("Conv2DBackward", dx, dw, db, dy, x, w).end()
	if isProduct(w, opt) {
		d.linearBackward(dx, dw, db, dy, x, w)
		return
	}
	if dx != nil {
		dx.Touch()
		d.convInput(dx, dy, w, opt)
	}
	dw.Touch()
	d.stream.WeightGradient(at(dw), image(dy), image(x), conv.Of(x, w, opt))
	d.sumRows(db, dy)
}

// winograd sets y to the convolution of x by the transformed taps u, + bias + res.
func (d *Device) winograd(m int, y, x plan.Image, u, bias uint64, res plan.Image) {
	if y.N > 0 {
		d.stream.Winograd(m, y, x, u, bias, res, d.room(d.stream.WinogradRoom(m, y, x)))
	}
}

// points is how many points a tile of form m has.
func points(m int) int { return (m + 2) * (m + 2) }

// convInput computes dx from dy.
func (d *Device) convInput(dx, dy, w *tensor.Tensor, opt tensor.ConvOpt) {
	if m := conv.Winograd(dx.Dim(1), dx.Dim(2), dy.Cols(), w, opt); m != 0 {
		c, o := w.Dim(2), w.Cols()
		u := d.pack(w, 1, winoBack2+form(m-2), points(m)*c*o, func(dst uint64) {
			t := d.room(9 * c * o)
			d.stream.Transpose(t, at(w), 9, c, o)
			d.stream.WinogradTaps(m, dst, t, o, c, true)
		})
		d.winograd(m, image(dx), image(dy), u, 0, plan.Image{})
		return
	}
	sh := conv.Of(dx, w, opt)
	sh.Back = true
	var weight uint64
	if c, o := w.Dim(2), w.Cols(); opt.Up && w.Dim(0) == 3 {
		weight = d.pack(w, 1, turnedSums, 16*c*o, func(dst uint64) {
			sums := d.room(16 * c * o)
			d.stream.UpSums(sums, at(w), c, o)
			d.stream.Transpose(dst, sums, 16, c, o)
		})
	} else {
		weight = d.transposed(w)
	}
	d.stream.Conv(image(dx), image(dy), weight, 0, plan.Image{}, sh)
}
