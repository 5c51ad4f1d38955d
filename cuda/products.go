package cuda

import (
	"heavytail/cuda/gen"
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
	plain      form = iota // its matrices as they are
	turned                 // their transposes
	upSums                 // the 16 matrices of an upsampled 3×3 convolution
	turnedSums             // their transposes, which tf32 reads forward
	halfPlain              // the first three in bfloat16, which reads transposes backwards only, where nothing is summed
	halfTurned
	halfSums
	winoTaps2 // the points of Winograd's F(2×2): added to it, 2 is F(4×4) and 3 conv.Up
	_
	winoTaps4
	winoTapsUp
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
	if fill(c.at); !d.stopped {
		p.Gen.Store(want)
	}
	return c.at
}

// ordered returns w's matrices, with turn their transposes, of which gradients at x
// are products; of an upsampled 3×3 convolution forward, in its direct form, its 16. A
// copy is in slot.
func (d *Device) ordered(w *tensor.Tensor, slot int, sh conv.Shape, turn bool) uint64 {
	f := orderOf(sh, turn)
	if f == plain {
		return at(w)
	}
	return d.pack(w, slot, f, elements(w, sh), func(dst uint64) { d.order(dst, w, f) })
}

// orderOf is the form of the float32 matrices that a convolution reads.
func orderOf(sh conv.Shape, turn bool) form {
	f := plain
	if sh.Mats() > sh.K*sh.K {
		f = upSums
	}
	if turn {
		f++
	}
	return f
}

// elements is how many the matrices of a convolution have.
func elements(w *tensor.Tensor, sh conv.Shape) int { return w.Len() / (sh.K * sh.K) * sh.Mats() }

// order puts w's matrices to dst.
func (d *Device) order(dst uint64, w *tensor.Tensor, f form) {
	o, from, mats := w.Cols(), at(w), 1
	if w.Rank() == 4 {
		mats = w.Dim(0) * w.Dim(1)
	}
	c := w.Rows() / mats
	if f == upSums || f == turnedSums {
		to := dst
		if f == turnedSums {
			to = d.room(16 * c * o)
		}
		d.stream.UpSums(to, from, c, o)
		from, mats = to, 16
	}
	if f == turned || f == turnedSums {
		d.stream.Transpose(dst, from, mats, c, o)
	}
}

// Linear sets y = x·w + b: x [M,C], w [C,O], b [O] or nil, y [M,O]. Each output is
// one chain of fused multiply-adds over C ascending, then + b. x and y may be column
// views. It panics on other shapes.
func (d *Device) Linear(y, x, w, b *tensor.Tensor) {
	shapes.Linear("Linear", y, x, w, b)
	defer d.begin("Linear", y, x, w, b).end()
	y.Touch()
	d.product(rows(y), rows(x), w, at(b), plan.Image{})
}

// rowShape is a product of rows as a convolution.
var rowShape = conv.Shape{K: 1, Stride: 1, H: 1, W: 1}

// product sets y = x·w + bias + res.
func (d *Device) product(y, x plan.Image, w *tensor.Tensor, bias uint64, res plan.Image) {
	if !d.cores(plan.Pixels(y), plan.Pixels(x), w, bias, plan.Pixels(res), rowShape) {
		d.stream.Product(y, x, at(w), w.Cols(), bias, res, plan.Batch{})
	}
}

// LinearBackward computes dx = dy·wᵀ, dw += xᵀ·dy and db += Σ_rows dy, each nil:
// skipped. The sums over rows are chains in ascending order that continue
// from dw and db. It panics on other shapes.
func (d *Device) LinearBackward(dx, dw, db, dy, x, w *tensor.Tensor) {
	shapes.LinearBackward(dx, dw, db, dy, x, w)
	defer d.begin("LinearBackward", dx, dw, db, dy, x, w).end()
	d.linearBackward(dx, dw, db, dy, x, w)
}

func (d *Device) linearBackward(dx, dw, db, dy, x, w *tensor.Tensor) {
	if dx != nil {
		dx.Touch()
		back := rowShape
		back.Back = true
		if !d.cores(plan.Pixels(rows(dx)), plan.Pixels(rows(dy)), w, 0, plan.Image{}, back) {
			d.stream.Product(rows(dx), rows(dy), d.ordered(w, 1, rowShape, true), w.Rows(), 0, plan.Image{}, plan.Batch{})
		}
	}
	if dw != nil {
		dw.Touch()
		d.weightGradient(at(dw), rows(dy), rows(x), conv.Shape{K: 1, Stride: 1, H: 1, W: x.Rows()}, 0)
	}
	d.sumRows(db, dy)
}

// sumRows adds the rows of dy to db, in the exact mode in ascending order; nil is
// skipped.
func (d *Device) sumRows(db, dy *tensor.Tensor) {
	if db == nil {
		return
	}
	db.Touch()
	x := of(dy)
	if d.opt.Mode != Exact && x.cols > 0 {
		x = d.partSums(x)
	}
	d.columnSums(at(db), db.Len(), x, 1, true)
}

// leastPart is how many rows a part of a sum has at least.
const leastPart = 256

// partSums returns sums of parts of x's rows, so many that two blocks of columns are on
// every processor, in memory that the method has until it ends; or x if it is short.
func (d *Device) partSums(x matrix) matrix {
	parts := min(up(2*d.info.Processors, up(x.cols, 32)), x.rows/leastPart)
	if parts < 2 {
		return x
	}
	each := up(x.rows, parts)
	whole := matrix{x.at, x.rows / each * each, x.cols, x.pitch}
	last := matrix{x.at + 4*uint64(whole.rows)*uint64(x.pitch), x.rows - whole.rows, x.cols, x.pitch}
	sums := d.matrix(up(x.rows, each), x.cols)
	d.columnSums(sums.at, sums.pitch, whole, whole.rows/each, false)
	if last.rows > 0 {
		d.columnSums(sums.at+4*uint64(sums.rows-1)*uint64(sums.pitch), sums.pitch, last, 1, false)
	}
	return sums
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
		d.product(rows(y), rows(x), w, at(b), rows(res))
		return
	}
	sh := conv.Of(x, w, opt)
	if d.cores(image(y), image(x), w, at(b), image(res), sh) {
		return
	}
	if m := conv.Winograd(x.Dim(1), x.Dim(2), x.Cols(), w, opt); m != 0 {
		u := d.pack(w, 0, winoTaps2+form(m-2), gen.Winograd(m).Points()*w.Dim(2)*w.Cols(), func(dst uint64) {
			d.stream.WinogradTaps(m, dst, at(w), w.Dim(2), w.Cols(), false)
		})
		d.winograd(m, image(y), image(x), u, at(b), image(res))
		return
	}
	d.stream.Conv(image(y), image(x), d.ordered(w, 0, sh, false), at(b), image(res), sh)
}

// Conv2DBackward computes dx, dw += and db += (each nil: skipped) from dy,
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
	}
	if dw != nil {
		dw.Touch()
	}
	if g := image(dy); opt.Up && dy.Len() > 0 && (dx != nil || dw != nil) {
		d.upGradients(image(dx), dw, g, image(x), w, opt)
	} else {
		d.convGradients(image(dx), dw, g, image(x), w, opt)
	}
	d.sumRows(db, dy)
}

// upGradients is convGradients of a convolution that doubles x, whose gradients read the
// sums of dy over boxes: those of a group of images at a time, which stay in the cache.
func (d *Device) upGradients(dx plan.Image, dw *tensor.Tensor, dy, x plan.Image, w *tensor.Tensor, opt tensor.ConvOpt) {
	each := d.stream.BoxImages(dy)
	sums := d.room(plan.BoxesOf(dy.Part(0, each)).Elements())
	for n := 0; n < dy.N; n += each {
		had := len(d.scratch)
		d.convGradients(dx.Part(n, each), dw, d.stream.Boxes(sums, dy.Part(n, each)), x.Part(n, each), w, opt)
		d.giveBack(had)
	}
}

// convGradients computes dx (none: skipped) and dw += (nil: skipped) from dy, or with opt.Up from the
// sums of its boxes.
func (d *Device) convGradients(dx plan.Image, dw *tensor.Tensor, dy, x plan.Image, w *tensor.Tensor, opt tensor.ConvOpt) {
	sh := conv.Shape{Up: opt.Up, After: opt.After, K: w.Dim(0), Stride: opt.Stride, H: x.H, W: x.W}
	if dx.At != 0 {
		d.convInput(dx, dy, w, sh, opt)
	}
	if dw != nil {
		d.weightGradient(at(dw), dy, x, sh, conv.WinogradWeight(x.H, x.W, w, opt))
	}
}

// winograd sets y to the convolution of x by the transformed taps u, + bias + res.
func (d *Device) winograd(m int, y, x plan.Image, u, bias uint64, res plan.Image) {
	if y.N > 0 {
		d.stream.Winograd(m, y, x, u, bias, res, d.room(d.stream.WinogradRoom(m, y, x)))
	}
}

// convInput is the part of convGradients that computes dx.
func (d *Device) convInput(dx, dy plan.Image, w *tensor.Tensor, sh conv.Shape, opt tensor.ConvOpt) {
	sh.Back = true
	if d.cores(dx, dy, w, 0, plan.Image{}, sh) {
		return
	}
	if m := conv.Winograd(dx.H, dx.W, dy.C, w, opt); m != 0 && m != conv.Up {
		c, o := w.Dim(2), w.Cols()
		u := d.pack(w, 1, winoBack2+form(m-2), gen.Winograd(m).Points()*c*o, func(dst uint64) {
			t := d.room(9 * c * o)
			d.stream.Transpose(t, at(w), 9, c, o)
			d.stream.WinogradTaps(m, dst, t, o, c, true)
		})
		d.winograd(m, dx, dy, u, 0, plan.Image{})
		return
	}
	d.stream.Conv(dx, dy, d.ordered(w, 1, sh, true), 0, plan.Image{}, sh)
}
