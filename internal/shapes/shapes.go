// Package shapes holds what every device asks of the operands of tensor.Device's
// methods: its functions panic, with the shapes in the text, where they do not fit.
// op is the name of the method.
package shapes

import (
	"fmt"
	"math"

	"heavytail/tensor"
)

// of returns t's shape, nil for nil.
func of(t *tensor.Tensor) []int {
	if t == nil {
		return nil
	}
	return t.Shape()
}

// Match panics unless a and b have the same shape.
func Match(op string, a, b *tensor.Tensor) {
	if !tensor.SameShape(a, b) {
		panic(fmt.Sprintf("tensor: %s: shapes %v and %v differ", op, a.Shape(), b.Shape()))
	}
}

// Flat panics unless t is dense and has n elements.
func Flat(op string, t *tensor.Tensor, n int) {
	if !t.Dense() || t.Len() != n {
		panic(fmt.Sprintf("tensor: %s: shape %v (pitch %d): want %d dense elements", op, t.Shape(), t.Pitch(), n))
	}
}

// Len panics unless t has n elements.
func Len(op string, t *tensor.Tensor, n int) {
	if t.Len() != n {
		panic(fmt.Sprintf("tensor: %s: %d values for shape %v", op, n, t.Shape()))
	}
}

// Linear panics unless y [M,O] = x [M,C]·w [C,O] + b [O] or nil fits.
func Linear(op string, y, x, w, b *tensor.Tensor) {
	if x.Cols() != w.Rows() || y.Cols() != w.Cols() || y.Rows() != x.Rows() || !w.Dense() ||
		b != nil && b.Len() != w.Cols() {
		panic(fmt.Sprintf("tensor: %s: y %v, x %v, w %v, b %v", op, y.Shape(), x.Shape(), w.Shape(), of(b)))
	}
}

// LinearBackward panics unless the gradients fit x and w; dx, dw and db may be nil.
func LinearBackward(dx, dw, db, dy, x, w *tensor.Tensor) {
	Linear("LinearBackward", dy, x, w, db)
	if dx != nil && (dx.Rows() != x.Rows() || dx.Cols() != x.Cols()) || !weightGradient(dw, w) {
		panic(fmt.Sprintf("tensor: LinearBackward: dx %v, dw %v for x %v, w %v", of(dx), of(dw), x.Shape(), w.Shape()))
	}
}

// weightGradient reports whether dw is nil or can be the gradient of w.
func weightGradient(dw, w *tensor.Tensor) bool {
	return dw == nil || tensor.SameShape(dw, w) && dw.Dense()
}

// Conv2D panics unless the operands of a convolution fit; it returns opt with
// Stride set.
func Conv2D(y, x, w, b, res *tensor.Tensor, opt tensor.ConvOpt) tensor.ConvOpt {
	opt = conv("Conv2D", y, x, w, b, opt)
	if res != nil && !tensor.SameShape(res, y) {
		panic(fmt.Sprintf("tensor: Conv2D: res %v for y %v", res.Shape(), y.Shape()))
	}
	return opt
}

// Conv2DBackward panics unless the gradients fit; dx, dw and db may be nil. It returns
// opt with Stride set.
func Conv2DBackward(dx, dw, db, dy, x, w *tensor.Tensor, opt tensor.ConvOpt) tensor.ConvOpt {
	opt = conv("Conv2DBackward", dy, x, w, db, opt)
	if dx != nil && !tensor.SameShape(dx, x) || !weightGradient(dw, w) {
		panic(fmt.Sprintf("tensor: Conv2DBackward: dx %v, dw %v for x %v, w %v", of(dx), of(dw), x.Shape(), w.Shape()))
	}
	return opt
}

func conv(op string, y, x, w, b *tensor.Tensor, opt tensor.ConvOpt) tensor.ConvOpt {
	if opt.Stride == 0 {
		opt.Stride = 1
	}
	ok := x.Rank() == 4 && y.Rank() == 4 && w.Rank() == 4 && w.Dense() &&
		(opt.Stride == 1 || opt.Stride == 2 && !opt.Up) &&
		(!opt.After || opt.Stride == 2 && w.Dim(0) == 3 && x.Dim(1) > 1 && x.Dim(2) > 1)
	if ok {
		k := w.Dim(0)
		ok = (k == 1 || k == 3) && w.Dim(1) == k && w.Dim(2) == x.Cols() && w.Dim(3) == y.Cols() &&
			y.Dim(0) == x.Dim(0) && y.Dim(1) == ConvOut(x.Dim(1), opt) && y.Dim(2) == ConvOut(x.Dim(2), opt) &&
			(b == nil || b.Len() == w.Cols()) && near(x) && near(y)
	}
	if !ok {
		panic(fmt.Sprintf("tensor: %s: y %v, x %v, w %v, b %v, stride %d, up %v, after %v",
			op, y.Shape(), x.Shape(), w.Shape(), of(b), opt.Stride, opt.Up, opt.After))
	}
	return opt
}

// ConvOut returns one side of a convolution's result for n pixels of x.
func ConvOut(n int, opt tensor.ConvOpt) int {
	switch {
	case opt.Up:
		return 2 * n
	case opt.After:
		return n / 2
	}
	return (n-1)/max(opt.Stride, 1) + 1
}

// near reports whether the offsets within an image fit 32 bits.
func near(t *tensor.Tensor) bool { return t.Dim(1)*t.Dim(2)*t.Pitch() <= math.MaxInt32 }

// Resample panics unless y [N,H',W',C] is what opt makes of x [N,H,W,C].
func Resample(op string, y, x *tensor.Tensor, opt tensor.ResampleOpt) {
	n := len(opt.Taps)
	ok := x.Rank() == 4 && y.Rank() == 4 && y.Dim(0) == x.Dim(0) && y.Cols() == x.Cols() &&
		n >= 1 && n <= tensor.MaxTaps && opt.Pad >= 0 && opt.Stride >= 0 && opt.Stride <= 2 && !(opt.Up && opt.Stride == 2) &&
		y.Dim(1) == opt.Out(x.Dim(1)) && y.Dim(2) == opt.Out(x.Dim(2))
	if !ok {
		panic(fmt.Sprintf("tensor: %s: y %v, x %v, %d taps, stride %d, up %v, pad %d",
			op, y.Shape(), x.Shape(), n, opt.Stride, opt.Up, opt.Pad))
	}
}
