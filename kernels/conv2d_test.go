package kernels

import (
	"fmt"
	"testing"

	"heavytail/internal/numtest"
	"heavytail/internal/ref64"
	"heavytail/tensor"
)

var convShapes = []ref64.ConvShape{
	{N: 1, H: 7, W: 5, C: 3, O: 33, K: 3, Stride: 1},
	{N: 2, H: 7, W: 5, C: 5, O: 3, K: 3, Stride: 2},
	{N: 1, H: 8, W: 6, C: 33, O: 31, K: 3, Stride: 2},
	{N: 2, H: 3, W: 5, C: 5, O: 17, K: 3, Stride: 1, Up: true},
	{N: 1, H: 1, W: 1, C: 1, O: 1, K: 3, Stride: 1},
	{N: 1, H: 1, W: 1, C: 3, O: 5, K: 3, Stride: 1, Up: true},
	{N: 1, H: 2, W: 1, C: 3, O: 5, K: 3, Stride: 2},
	{N: 2, H: 4, W: 4, C: 33, O: 5, K: 1, Stride: 1},
	{N: 2, H: 5, W: 4, C: 3, O: 33, K: 1, Stride: 2},
	{N: 2, H: 3, W: 2, C: 3, O: 4, K: 1, Stride: 1, Up: true},
	{N: 5, H: 4, W: 4, C: 16, O: 40, K: 3, Stride: 1},
	{N: 1, H: 13, W: 13, C: 1, O: 32, K: 3, Stride: 1},
}

func convName(s ref64.ConvShape) string {
	return fmt.Sprintf("n=%d,%dx%d,c=%d,o=%d,k=%d,s=%d,up=%v", s.N, s.H, s.W, s.C, s.O, s.K, s.Stride, s.Up)
}

func TestConv2D(t *testing.T) {
	for i, s := range convShapes {
		t.Run(convName(s), func(t *testing.T) {
			for _, gap := range []int{0, 7} {
				testConvForward(t, s, gap, uint64(i))
			}
		})
	}
}

func testConvForward(t *testing.T, s ref64.ConvShape, gap int, seed uint64) {
	r := numtest.NewRand(seed)
	ho, wo := s.Out()
	x, w, b := view(r, gap, s.N, s.H, s.W, s.C), view(r, 0, s.K, s.K, s.C, s.O), view(r, 0, s.O)
	y, res := view(r, gap, s.N, ho, wo, s.O), view(r, 2*gap, s.N, ho, wo, s.O)
	opt := tensor.ConvOpt{Stride: s.Stride, Up: s.Up}
	around := frame(y)
	want := make([]float64, y.Len())
	ref64.Conv2D(want, values(x), values(w), values(b), values(res), s)
	got := bitsOf(t, func(c *CPU) []float32 {
		c.Conv2D(y, x, w, b, res, opt)
		near(t, want, y, s.K*s.K*s.C, "y")
		return dense(y)
	})
	numtest.SameBits(t, around, frame(y), "values between the rows of y")
	bitsOf(t, func(c *CPU) []float32 { // in place, one image at a time
		for i := range y.Rows() {
			copy(y.Data()[i*y.Pitch():][:y.Cols()], res.Data()[i*res.Pitch():])
		}
		for n := range s.N {
			c.Conv2D(y.Batch(n, n+1), x.Batch(n, n+1), w, b, y.Batch(n, n+1), opt)
		}
		numtest.SameBits(t, got, dense(y), "image by image")
		return got
	})
}

func TestConv2DBackward(t *testing.T) {
	for i, s := range convShapes {
		t.Run(convName(s), func(t *testing.T) {
			for _, gap := range []int{0, 7} {
				testConvBackward(t, s, gap, uint64(i))
			}
		})
	}
}

func testConvBackward(t *testing.T, s ref64.ConvShape, gap int, seed uint64) {
	r := numtest.NewRand(seed)
	ho, wo := s.Out()
	x, w, dy := view(r, gap, s.N, s.H, s.W, s.C), view(r, 0, s.K, s.K, s.C, s.O), view(r, 2*gap, s.N, ho, wo, s.O)
	dx, dw0, db0 := view(r, gap, s.N, s.H, s.W, s.C), view(r, 0, s.K, s.K, s.C, s.O), view(r, 0, s.O)
	opt := tensor.ConvOpt{Stride: s.Stride, Up: s.Up}
	tw := twin(dx, dw0, db0, dy, x, w)
	ref64.Conv2DBackward(tw[0], tw[1], tw[2], tw[3], tw[4], tw[5], s)
	around := frame(dx)
	got := bitsOf(t, func(c *CPU) []float32 {
		dw, db := c.New(dw0.Shape()...), c.New(s.O)
		copy(dw.Data(), dw0.Data())
		copy(db.Data(), db0.Data())
		c.Conv2DBackward(dx, dw, db, dy, x, w, opt)
		near(t, tw[0], dx, s.K*s.K*s.O*4, "dx")
		near(t, tw[1], dw, dy.Rows(), "dw")
		near(t, tw[2], db, dy.Rows(), "db")
		return append(append(dense(dx), dw.Data()...), db.Data()...)
	})
	numtest.SameBits(t, around, frame(dx), "values between the rows of dx")
	bitsOf(t, func(c *CPU) []float32 { // one image at a time
		dw, db := c.New(dw0.Shape()...), c.New(s.O)
		copy(dw.Data(), dw0.Data())
		copy(db.Data(), db0.Data())
		for n := range s.N {
			c.Conv2DBackward(dx.Batch(n, n+1), dw, db, dy.Batch(n, n+1), x.Batch(n, n+1), w, opt)
		}
		numtest.SameBits(t, got, append(append(dense(dx), dw.Data()...), db.Data()...), "image by image")
		return got
	})
}
