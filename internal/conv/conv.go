// Package conv says which pixels the terms of a convolution are, for every
// device: the bits of a convolution follow from these lists and their order.
package conv

import (
	"heavytail/internal/shapes"
	"heavytail/tensor"
)

// A Shape is the geometry of a pass over one image: y from x, or, with Back, dx
// from dy, of which Up reads sums: see Grad. K is the side of the taps, 1 or 3, Stride
// 1 or 2; H and W are those of x, before Up doubles them. After pads below and on the
// right only.
type Shape struct {
	Back, Up, After bool
	K, Stride       int
	H, W            int
}

// A Part is a set of the pixels written that see the same taps: all of them, or
// those of one parity of row and column. ReadH and ReadW are the size of the image
// that is read.
type Part struct {
	Lattice
	Taps         []Tap
	ReadH, ReadW int
}

// A Tap is one term seen from a pixel (y, x) of a lattice: matrix number Mat of
// the weight, pixel (y·Mul + Y, x·Mul + X) of the image read, zero outside of it.
// All taps of a part have the same Mul.
type Tap struct{ Mat, Y, X, Mul int }

// A Lattice is the set of pixels (y·Step + Y, x·Step + X), y < H, x < W.
type Lattice struct{ H, W, Step, Y, X int }

// Of returns the geometry of a convolution of x by w, whose opt has Stride set.
func Of(x, w *tensor.Tensor, opt tensor.ConvOpt) Shape {
	return Shape{Up: opt.Up, After: opt.After, K: w.Dim(0), Stride: opt.Stride, H: x.Dim(1), W: x.Dim(2)}
}

// Out returns the height or width of y for n pixels of x.
func (s Shape) Out(n int) int {
	return shapes.ConvOut(n, tensor.ConvOpt{Up: s.Up, After: s.After, Stride: s.Stride})
}

// Pad is how many rows and columns of zeros come before the image.
func (s Shape) Pad() int {
	if s.After {
		return 0
	}
	return s.K / 2
}

// Grad is the height or width of what gradients read for n pixels of x: of dy, or with
// Up of its sums over boxes of 2×2 pixels, 2n+1. Element (r, s) of those is
// (dy[r−1,s−1] + dy[r,s−1]) + (dy[r−1,s] + dy[r,s]), where what lies outside dy is left
// out. Doubled, a pixel of x is four that are alike, and the outputs that see these four
// through one tap are such a box. So both gradients take one product for a pixel of x
// and a tap; sums over dy itself take four of them for dw, and for dx 16/9 with the
// taps added first.
func (s Shape) Grad(n int) int {
	if s.Up {
		return 2*n + 1
	}
	return s.Out(n)
}

// Mats returns the number of matrices of the weight: one for each tap, or, for an
// upsampled 3×3 convolution forward, the 16 sums of UpGroup.
func (s Shape) Mats() int {
	if s.Up && s.K == 3 && !s.Back {
		return 16
	}
	return s.K * s.K
}

// Parts lists the parts. Each of their pixels sums over the taps in order, for
// each tap over the channels ascending. Backwards the matrices are transposed.
func (s Shape) Parts() (parts []Part) {
	switch {
	case s.Up && s.Back:
		var taps []Tap
		for i := range s.K * s.K {
			taps = append(taps, Tap{i, s.box(i / s.K), s.box(i % s.K), 2})
		}
		return []Part{{Lattice{s.H, s.W, 1, 0, 0}, taps, s.Grad(s.H), s.Grad(s.W)}}
	case s.Up:
		for par := range 4 {
			parts = append(parts, Part{Lattice{s.H, s.W, 2, par / 2, par % 2}, upTaps(s.K, par), s.H, s.W})
		}
	case s.Back:
		n := s.Stride
		for par := range n * n {
			py, px := par/n, par%n
			l := Lattice{(s.H - py + n - 1) / n, (s.W - px + n - 1) / n, n, py, px}
			parts = append(parts, Part{l, tapsBack(s.K, n, py+s.Pad(), px+s.Pad()), s.Out(s.H), s.Out(s.W)})
		}
	default:
		var taps []Tap
		for i := range s.K * s.K {
			taps = append(taps, Tap{i, i/s.K - s.Pad(), i%s.K - s.Pad(), s.Stride})
		}
		parts = append(parts, Part{Lattice{s.Out(s.H), s.Out(s.W), 1, 0, 0}, taps, s.H, s.W})
	}
	return parts
}

// tapsBack lists the taps through which a pixel that lies at (s·y+py, s·x+px)
// of the padded x reaches an output: (ky, kx) with s·y + py − ky divisible by s.
func tapsBack(k, s, py, px int) (taps []Tap) {
	for i := range k * k {
		oy, ox := py-i/k, px-i%k
		if oy%s == 0 && ox%s == 0 {
			taps = append(taps, Tap{i, oy / s, ox / s, 1})
		}
	}
	return taps
}

// upTaps lists the source pixels that outputs (2y+py, 2x+px) of an upsampled
// convolution see: with k = 3 two per axis, see UpGroup.
func upTaps(k, par int) (taps []Tap) {
	if k == 1 {
		return []Tap{{0, 0, 0, 1}}
	}
	for i := range 4 {
		taps = append(taps, Tap{par*4 + i, i/2 - 1 + par/2, i%2 - 1 + par%2, 1})
	}
	return taps
}

// box is the row of Grad that pixels in row 0 of x see through row k of the taps; those
// in row i see row 2i + box(k). Columns are alike.
func (s Shape) box(k int) int { return s.Pad() + 1 - k }

// UpGroup returns which of the two source pixels that outputs of parity p see
// along one axis tap k of an upsampled 3×3 convolution falls on: the first if
// 2i+p+k−1 lies in the doubled pixels of i−1+p. Matrix ((py·2+px)·2+ty)·2+tx is
// the sum, from 0 and in ascending order, of the taps that fall on (ty, tx).
func UpGroup(k, p int) int {
	if k+p >= 1+2*p {
		return 1
	}
	return 0
}

// A View is the rectangle of outputs through which a tap of the weight sees
// pixels inside of x, for the gradient of the weight: output (Step·i+OutY,
// Step·l+OutX) sees (Stride·i+Y, Stride·l+X), i < Rows, l < Cols. Either count may
// be 0, and then the places mean nothing. With Up outputs are those of Grad.
type View struct {
	Rows, Cols       int
	Y, X, Stride     int
	OutY, OutX, Step int
}

// View is that of tap (ky, kx), in whose order the gradient of the weight adds its
// terms: rows, then columns.
func (s Shape) View(ky, kx int) View {
	if s.Up {
		return View{Rows: s.H, Cols: s.W, Stride: 1, OutY: s.box(ky), OutX: s.box(kx), Step: 2}
	}
	sy, sx := ky-s.Pad(), kx-s.Pad()
	i0, i1 := valid(s.Out(s.H), s.H, s.Stride, sy)
	l0, l1 := valid(s.Out(s.W), s.W, s.Stride, sx)
	return View{
		Rows: max(0, i1-i0), Cols: max(0, l1-l0),
		Y: s.Stride*i0 + sy, X: s.Stride*l0 + sx, Stride: s.Stride,
		OutY: i0, OutX: l0, Step: 1,
	}
}

// valid returns the range of i in 0…n−1 with 0 ≤ stride·i + shift < size.
func valid(n, size, stride, shift int) (lo, hi int) {
	if shift < 0 {
		lo = (-shift + stride - 1) / stride
	}
	if size > shift {
		hi = (size-shift-1)/stride + 1
	}
	return lo, min(n, hi)
}
