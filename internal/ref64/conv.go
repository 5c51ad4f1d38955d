package ref64

import "heavytail/tensor"

// ConvShape is the geometry of a convolution of x [N,H,W,C] with w [K,K,C,O].
type ConvShape struct {
	N, H, W, C, O, K int
	Stride           int
	Up               bool
	After            bool // padded below and on the right only, by one
}

// Out returns the height and width of the result.
func (s ConvShape) Out() (h, w int) {
	h, w = s.in()
	p := s.pad() + s.K/2 // before and after
	return (h+p-s.K)/s.Stride + 1, (w+p-s.K)/s.Stride + 1
}

// pad returns how many zeros come before a row or column.
func (s ConvShape) pad() int {
	if s.After {
		return 0
	}
	return s.K / 2
}

// in returns the height and width that the kernel slides over.
func (s ConvShape) in() (h, w int) {
	if s.Up {
		return 2 * s.H, 2 * s.W
	}
	return s.H, s.W
}

// pixel returns the index of the input pixel under tap (r, c) of output pixel
// (i, j) of sample n, or −1 in the padding.
func (s ConvShape) pixel(n, i, j, r, c int) int {
	h, w := s.in()
	i, j = i*s.Stride+r-s.pad(), j*s.Stride+c-s.pad()
	if i < 0 || i >= h || j < 0 || j >= w {
		return -1
	}
	if s.Up {
		i, j = i/2, j/2
	}
	return (n*s.H+i)*s.W + j
}

// each calls f for every output pixel and tap that meets the image: out and in
// are pixel indices, tap counts the K·K positions of the kernel.
func (s ConvShape) each(f func(out, in, tap int)) {
	oh, ow := s.Out()
	for n := range s.N {
		for i := range oh {
			for j := range ow {
				for tap := range s.K * s.K {
					if in := s.pixel(n, i, j, tap/s.K, tap%s.K); in >= 0 {
						f((n*oh+i)*ow+j, in, tap)
					}
				}
			}
		}
	}
}

// Conv2D sets y = conv(x, w) + b + res; b and res may be nil.
func Conv2D(y, x, w, b, res []float64, s ConvShape) {
	C, O := s.C, s.O
	for i := range y {
		v := 0.0
		if b != nil {
			v += b[i%O]
		}
		if res != nil {
			v += res[i]
		}
		y[i] = v
	}
	s.each(func(out, in, tap int) {
		for c := range C {
			for o := range O {
				y[out*O+o] += x[in*C+c] * w[(tap*C+c)*O+o]
			}
		}
	})
}

// Conv2DBackward sets dx and adds to dw and db; nil destinations are skipped.
func Conv2DBackward(dx, dw, db, dy, x, w []float64, s ConvShape) {
	C, O := s.C, s.O
	clear(dx)
	if db != nil {
		for i, g := range dy {
			db[i%O] += g
		}
	}
	s.each(func(out, in, tap int) {
		for c := range C {
			for o := range O {
				g := dy[out*O+o]
				if dx != nil {
					dx[in*C+c] += g * w[(tap*C+c)*O+o]
				}
				if dw != nil {
					dw[(tap*C+c)*O+o] += g * x[in*C+c]
				}
			}
		}
	})
}

// Conv2D sets y = conv(x, w) + b + res.
func (Device) Conv2D(y, x, w, b, res *tensor.Tensor, opt tensor.ConvOpt) {
	s := convShape("Conv2D", y, x, w, b, opt)
	check("Conv2D", "res", res, y.Shape()...)
	out := like(y)
	Conv2D(out, Values(x), Values(w), values(b), values(res), s)
	SetValues(y, out)
}

// Conv2DBackward computes the gradients of Conv2D.
func (Device) Conv2DBackward(dx, dw, db, dy, x, w *tensor.Tensor, opt tensor.ConvOpt) {
	s := convShape("Conv2DBackward", dy, x, w, db, opt)
	check("Conv2DBackward", "dx", dx, x.Shape()...)
	check("Conv2DBackward", "dw", dw, w.Shape()...)
	gx, gw, gb := like(dx), values(dw), values(db)
	Conv2DBackward(gx, gw, gb, Values(dy), Values(x), Values(w), s)
	setIf(dx, gx)
	setIf(dw, gw)
	setIf(db, gb)
}

func convShape(op string, y, x, w, b *tensor.Tensor, opt tensor.ConvOpt) ConvShape {
	s := ConvShape{x.Dim(0), x.Dim(1), x.Dim(2), x.Dim(3), w.Cols(), w.Dim(0), max(opt.Stride, 1), opt.Up, opt.After}
	if s.K != 1 && s.K != 3 || s.Stride > 2 || s.After && (s.K != 3 || s.Stride != 2 || min(s.H, s.W) < 2) {
		panic("ref64: " + op + ": want a kernel of 1 or 3 and a stride of 1 or 2, and to pad after only 3 and 2")
	}
	h, wd := s.Out()
	check(op, "w", w, s.K, s.K, s.C, s.O)
	check(op, "b", b, s.O)
	check(op, "y", y, s.N, h, wd, s.O)
	return s
}
