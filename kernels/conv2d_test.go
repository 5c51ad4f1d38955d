package kernels

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

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
	{N: 1, H: 37, W: 37, C: 48, O: 2, K: 3, Stride: 1}, // more than xBlock values of x
	{N: 5, H: 16, W: 16, C: 65, O: 1, K: 3, Stride: 1}, // more images than a group
	{N: 1, H: 2, W: 3, C: 140, O: 2, K: 3, Stride: 1},  // more channels than a part of dw
	{N: 1, H: 19, W: 37, C: 48, O: 1, K: 3, Stride: 1, Up: true},
}

// slow skips the largest shapes in short mode, which emulators run.
func slow(t *testing.T, s ref64.ConvShape) {
	if testing.Short() && s.N*s.H*s.W*s.C > 1<<14 {
		t.Skip("large")
	}
}

func convName(s ref64.ConvShape) string {
	return fmt.Sprintf("n=%d,%dx%d,c=%d,o=%d,k=%d,s=%d,up=%v", s.N, s.H, s.W, s.C, s.O, s.K, s.Stride, s.Up)
}

func TestConv2D(t *testing.T) {
	for i, s := range convShapes {
		t.Run(convName(s), func(t *testing.T) {
			slow(t, s)
			for _, gap := range []int{0, 7} {
				testConvForward(t, s, gap, uint64(i))
			}
		})
	}
}

// convExtra are the roundings beside those of the chain over taps and channels:
// the bias, the residual, and up to four when taps that see the same pixel of an
// upsampled image are summed first.
const convExtra = 6

// boxExtra are the roundings beside those of the chains of dx and dw: the two additions
// of a box of dy.
const boxExtra = 2

func testConvForward(t *testing.T, s ref64.ConvShape, gap int, seed uint64) {
	r := numtest.NewRand(seed)
	ho, wo := s.Out()
	x, w, b := view(r, gap, s.N, s.H, s.W, s.C), view(r, 0, s.K, s.K, s.C, s.O), view(r, 0, s.O)
	y, res := view(r, gap, s.N, ho, wo, s.O), view(r, 2*gap, s.N, ho, wo, s.O)
	opt := tensor.ConvOpt{Stride: s.Stride, Up: s.Up}
	around := frame(y)
	want := make([]float64, y.Len())
	ref64.Conv2D(want, values(x), values(w), values(b), values(res), s)
	size := make([]float64, y.Len())
	ref64.Conv2D(size, magnitudes(values(x)), magnitudes(values(w)), magnitudes(values(b)), magnitudes(values(res)), s)
	got := bitsOf(t, func(c *CPU) []float32 {
		c.Conv2D(y, x, w, b, res, opt)
		nearSum(t, want, size, y, s.K*s.K*s.C+convExtra, "y")
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
			slow(t, s)
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
	var size [][]float64
	for _, v := range twin(dx, dw0, db0, dy, x, w) {
		size = append(size, magnitudes(v))
	}
	ref64.Conv2DBackward(size[0], size[1], size[2], size[3], size[4], size[5], s)
	around := frame(dx)
	got := bitsOf(t, func(c *CPU) []float32 {
		dw, db := c.New(dw0.Shape()...), c.New(s.O)
		copy(dw.Data(), dw0.Data())
		copy(db.Data(), db0.Data())
		c.Conv2DBackward(dx, dw, db, dy, x, w, opt)
		nearSum(t, tw[0], size[0], dx, s.K*s.K*s.O+boxExtra, "dx")
		nearSum(t, tw[1], size[1], dw, min(x.Rows(), dy.Rows())+boxExtra, "dw")
		nearSum(t, tw[2], size[2], db, dy.Rows()+convExtra, "db")
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

// ⟨conv(x, w), y⟩ = ⟨x, convᵀ(y, w)⟩ = ⟨w, dw(x, y)⟩: forward, input and weight
// gradients are one trilinear form.
func TestConv2DAdjoint(t *testing.T) {
	for i, s := range convShapes {
		r := numtest.NewRand(uint64(i))
		ho, wo := s.Out()
		x, w, y := view(r, 5, s.N, s.H, s.W, s.C), view(r, 0, s.K, s.K, s.C, s.O), view(r, 1, s.N, ho, wo, s.O)
		c := New(2)
		opt := tensor.ConvOpt{Stride: s.Stride, Up: s.Up}
		cx, dx, dw := view(r, 2, s.N, ho, wo, s.O), view(r, 3, s.N, s.H, s.W, s.C), c.New(s.K, s.K, s.C, s.O)
		c.Conv2D(cx, x, w, nil, nil, opt)
		c.Conv2DBackward(dx, dw, nil, y, x, w, opt)
		form := dot(values(cx), values(y))
		tol := 1e-5 * math.Sqrt(float64(y.Len()*s.C*s.K*s.K))
		require.InDelta(t, form, dot(values(x), values(dx)), tol, convName(s))
		require.InDelta(t, form, dot(values(w), values(dw)), tol, convName(s))
	}
}

// A weight that changes must be packed again, also between forms.
func TestConv2DRepacks(t *testing.T) {
	r := numtest.NewRand(1)
	c := New(1)
	x, w := view(r, 0, 1, 4, 4, 3), view(r, 0, 3, 3, 3, 5)
	y, up := c.New(1, 4, 4, 5), c.New(1, 8, 8, 5)
	for range 3 {
		r.Fill(w.Data(), 1)
		w.Touch()
		fresh := c.New(3, 3, 3, 5)
		copy(fresh.Data(), w.Data())
		for _, o := range []struct {
			y   *tensor.Tensor
			opt tensor.ConvOpt
		}{{y, tensor.ConvOpt{}}, {up, tensor.ConvOpt{Up: true}}} {
			want := c.New(o.y.Shape()...)
			c.Conv2D(o.y, x, w, nil, nil, o.opt)
			c.Conv2D(want, x, fresh, nil, nil, o.opt)
			numtest.SameBits(t, want.Data(), o.y.Data(), "repacked")
		}
	}
}

func TestConv2DAllocates(t *testing.T) {
	r := numtest.NewRand(1)
	for _, opt := range []tensor.ConvOpt{{}, {Stride: 2}, {Up: true}} {
		s := ref64.ConvShape{N: 2, H: 6, W: 6, C: 12, O: 20, K: 3, Stride: max(1, opt.Stride), Up: opt.Up}
		ho, wo := s.Out()
		x, w, dy := view(r, 0, s.N, s.H, s.W, s.C), view(r, 0, 3, 3, s.C, s.O), view(r, 0, s.N, ho, wo, s.O)
		c := New(2)
		y, dx, dw, db := c.New(dy.Shape()...), c.New(x.Shape()...), c.New(w.Shape()...), c.New(s.O)
		numtest.NoAllocs(t, func() {
			c.Conv2D(y, x, w, db, y, opt)
			c.Conv2DBackward(dx, dw, db, dy, x, w, opt)
		})
		numtest.NoAllocs(t, func() { // a training step packs again
			w.Touch()
			c.Conv2D(y, x, w, db, y, opt)
			c.Conv2DBackward(dx, dw, db, dy, x, w, opt)
		})
	}
}

// An empty batch computes nothing and changes no gradient; sums over no channels are zero,
// in every form.
func TestConv2DEmpty(t *testing.T) {
	c := New(2)
	for _, k := range []int{1, 3} {
		for _, opt := range []tensor.ConvOpt{{}, {Normalized: true}, {Stride: 2}, {Stride: 2, After: true}, {Up: true}} {
			if opt.After && k == 1 {
				continue
			}
			for _, n := range [][3]int{{0, 3, 5}, {2, 0, 5}, {2, 3, 0}, {0, 0, 0}} {
				testConvEmpty(t, c, ref64.ConvShape{N: n[0], C: n[1], O: n[2], H: 8, W: 8, K: k, Stride: max(1, opt.Stride), Up: opt.Up}, opt)
			}
		}
	}
	c.Linear(c.New(0, 2), c.New(0, 3), c.New(3, 2), nil)
	c.Attention(c.New(2, 0, 6), c.New(2, 0, 18), 2)
	c.AttentionBackward(c.New(0, 4, 18), c.New(0, 4, 6), c.New(0, 4, 18), 2)
}

func testConvEmpty(t *testing.T, c *CPU, s ref64.ConvShape, opt tensor.ConvOpt) {
	full := func(v float32, shape ...int) *tensor.Tensor {
		x := c.New(shape...)
		c.Fill(x, v)
		return x
	}
	same := func(x *tensor.Tensor, v float32) {
		for _, got := range x.Data() {
			require.Equal(t, v, got, "%s, normalized %v", convName(s), opt.Normalized)
		}
	}
	ho := 8 / s.Stride
	if s.Up {
		ho = 16
	}
	x, w, b := full(2, s.N, 8, 8, s.C), full(3, s.K, s.K, s.C, s.O), full(5, s.O)
	y, dx, dw, db := full(7, s.N, ho, ho, s.O), full(7, s.N, 8, 8, s.C), full(7, s.K, s.K, s.C, s.O), full(7, s.O)
	dy := full(1, s.N, ho, ho, s.O)
	c.Conv2D(y, x, w, b, dy, opt)
	same(y, 5+1)
	c.Conv2DBackward(dx, dw, db, dy, x, w, opt)
	same(dx, 0)
	same(dw, 7)
	same(db, float32(7+s.N*ho*ho))
}

func TestConv2DPanics(t *testing.T) {
	c := New(1)
	x, w, y := c.New(1, 4, 4, 3), c.New(3, 3, 3, 5), c.New(1, 4, 4, 5)
	c.Conv2D(y, x, w, nil, nil, tensor.ConvOpt{})
	for _, f := range []func(){
		func() { c.Conv2D(y, x, w, nil, nil, tensor.ConvOpt{Stride: 2}) },
		func() { c.Conv2D(y, x, w, nil, nil, tensor.ConvOpt{Up: true, Stride: 2}) },
		func() { c.Conv2D(y, x, w, c.New(3), nil, tensor.ConvOpt{}) },
		func() { c.Conv2D(y, x, w, nil, x, tensor.ConvOpt{}) },
		func() { c.Conv2D(y, x, c.New(2, 2, 3, 5), nil, nil, tensor.ConvOpt{}) },
		func() { c.Conv2DBackward(y, w, nil, y, x, w, tensor.ConvOpt{}) },
		func() { c.Linear(c.New(2, 3), c.New(2, 4), c.New(3, 3), nil) },
		func() { c.LinearBackward(nil, c.New(3, 4), nil, c.New(2, 3), c.New(2, 4), c.New(4, 3)) },
		func() { c.Attention(c.New(1, 2, 6), c.New(1, 2, 18), 4) },
		func() { c.AttentionBackward(c.New(1, 2, 6), c.New(1, 2, 6), c.New(1, 2, 18), 2) },
	} {
		require.Panics(t, f)
	}
}

// FuzzConv2D judges any small shape by the twin, forward and backward, at
// every level.
func FuzzConv2D(f *testing.F) {
	f.Add(uint64(1), uint32(0x12345678))
	f.Add(uint64(2), uint32(0x9abcdef0))
	f.Fuzz(func(t *testing.T, seed uint64, form uint32) {
		take := func(n uint32) int { v := form % n; form /= n; return int(v) }
		s := ref64.ConvShape{K: 1 + 2*take(2), Stride: 1 + take(2), Up: take(2) == 1, N: 1 + take(3),
			H: 1 + take(9), W: 1 + take(9), C: 1 + take(40), O: 1 + take(40)}
		if s.Up {
			s.Stride = 1
		}
		testConvForward(t, s, take(9), seed)
		testConvBackward(t, s, take(9), seed)
	})
}

// A convolution on a device that was told to stop computes nothing more, in
// every form and pass.
func TestConvStops(t *testing.T) {
	var stop tensor.Stop
	done := make(chan struct{})
	close(done)
	dev := New(1).Until(&stop)
	for _, opt := range []tensor.ConvOpt{{}, {Normalized: true}, {Stride: 2}, {Up: true}} {
		in, out := 16, 16
		switch {
		case opt.Up:
			out = 32
		case opt.Stride == 2:
			out = 8
		}
		x, y, w, dw := dev.New(2, in, in, 32), dev.New(2, out, out, 32), dev.New(3, 3, 32, 32), dev.New(3, 3, 32, 32)
		all := []*tensor.Tensor{x, y, w, dw}
		for _, ended := range []bool{true, false} {
			for _, v := range all {
				dev.Fill(v, 7)
			}
			stop.Set(nil)
			if ended {
				stop.Set(done)
			}
			dev.Conv2D(y, x, w, nil, nil, opt)
			dev.Conv2DBackward(x, dw, nil, y, x, w, opt)
			for i, v := range []*tensor.Tensor{x, y, dw} {
				same := !slices.ContainsFunc(v.Data(), func(got float32) bool { return got != 7 })
				require.Equal(t, ended, same, "%+v: output %d", opt, i)
			}
		}
	}
}
