package kernels

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/internal/conv"
	"heavytail/internal/numtest"
	"heavytail/internal/ref64"
	"heavytail/simd"
	"heavytail/tensor"
)

// BenchmarkWinogradWeight takes the least time of each form of the gradient of a
// weight; the ratios to the direct form are what conv.WinogradWeight rests on.
func BenchmarkWinogradWeight(b *testing.B) {
	for _, s := range []struct{ size, c, o int }{
		{32, 128, 128}, {16, 256, 256}, {16, 512, 256}, {8, 256, 256}, {4, 256, 256}, {32, 32, 32}, {16, 64, 64}, {28, 32, 32}, {14, 64, 64},
		{8, 64, 64}, {7, 64, 64}, {6, 64, 64}, {5, 64, 64}, {32, 128, 3}, {28, 32, 1}, {28, 8, 8},
	} {
		for _, threads := range []int{1, 2} {
			const n = 4
			c := New(threads)
			r := numtest.NewRand(1)
			x, dw, dy := c.New(n, s.size, s.size, s.c), c.New(3, 3, s.c, s.o), c.New(n, s.size, s.size, s.o)
			r.Fill(x.Data(), 1)
			r.Fill(dy.Data(), 1)
			took := [3]time.Duration{1 << 60, 1 << 60, 1 << 60}
			forms := []simd.Wino{0, simd.Wino2, simd.Wino4}
			b.Run(fmt.Sprintf("in=%d/out=%d/size=%d/threads=%d", s.c, s.o, s.size, threads), func(b *testing.B) {
				for range b.N {
					for i, m := range forms {
						start := time.Now()
						if m == 0 {
							c.convWeight(dw, dy, x, tensor.ConvOpt{Stride: 1})
						} else {
							c.winogradWeight(m, dw, dy, x)
						}
						took[i] = min(took[i], time.Since(start))
					}
				}
				b.ReportMetric(float64(took[0].Nanoseconds())/1e3, "direct-us")
				b.ReportMetric(float64(took[0])/float64(took[1]), "F2-times")
				b.ReportMetric(float64(took[0])/float64(took[2]), "F4-times")
			})
		}
	}
}

// Both forms, whatever conv.WinogradWeight would choose, agree with float64, between
// levels, threads and splits of the batch.
func TestWinogradWeight(t *testing.T) {
	for i, s := range []ref64.ConvShape{
		{N: 2, H: 9, W: 7, C: 40, O: 37}, {N: 3, H: 4, W: 5, C: 70, O: 3}, {N: 1, H: 16, W: 16, C: 130, O: 64}, {N: 5, H: 1, W: 1, C: 3, O: 33},
		{N: 2, H: 27, W: 26, C: 7, O: 5}, {N: 1, H: 2, W: 30, C: 65, O: 100},
		{N: 2, H: 40, W: 33, C: 29, O: 33}, // two blocks of tiles of either form
		{N: 5, H: 6, W: 7, C: 5, O: 9},     // images apart on more than one thread
	} {
		s.K, s.Stride = 3, 1
		for _, m := range []simd.Wino{simd.Wino2, simd.Wino4} {
			testWinogradWeight(t, s, m, uint64(i))
		}
	}
}

func testWinogradWeight(t *testing.T, s ref64.ConvShape, m simd.Wino, seed uint64) {
	r := numtest.NewRand(seed)
	x, dy, dw := view(r, 3, s.N, s.H, s.W, s.C), view(r, 5, s.N, s.H, s.W, s.O), view(r, 0, 3, 3, s.C, s.O)
	before := dense(dw)
	want, size := values(dw), magnitudes(values(dw))
	ref64.Conv2DBackward(nil, want, nil, values(dy), values(x), values(dw), s)
	ref64.NewWinograd(int(m)).Abs().Weight(size, magnitudes(values(x)), magnitudes(values(dy)), s, 0)
	got := bitsOf(t, func(c *CPU) []float32 {
		copy(dw.Data(), before)
		c.winogradWeight(m, dw, dy, x)
		return dense(dw)
	})
	// the chain over the tiles of an image, the additions of the images, and twelve
	// roundings of each transform, as in TestWinoBack and TestWinoTaps of package simd
	nearSum(t, want, size, dw, conv.Tiles(s.H, s.W, int(m))+s.N+36, fmt.Sprintf("%+v form %d", s, m))
	bitsOf(t, func(c *CPU) []float32 {
		copy(dw.Data(), before)
		for n := range s.N {
			c.winogradWeight(m, dw, dy.Batch(n, n+1), x.Batch(n, n+1))
		}
		numtest.SameBits(t, got, dense(dw), "image by image")
		return got
	})
}

// For every size of the networks' layers the chosen form is off by at most twice as
// much as the direct one in the root mean square, and three times at worst: with one
// image, where the direct sum has the fewest roundings, and with several.
func TestWinogradWeightErrors(t *testing.T) {
	const c, o = 48, 40
	sizes := [][2]int{{32, 32}, {28, 28}, {16, 16}, {14, 14}, {13, 16}, {8, 8}, {7, 7}, {6, 6}, {6, 40}, {3, 70}, {4, 4}}
	for _, s := range with(t, sizes, func(c netConv) ([2]int, bool) { return [2]int{c.size, c.size}, c.opt.Normalized }) {
		for _, n := range []int{1, 2, 5} {
			h, w := s[0], s[1]
			x, dy, dev := images(uint64(h*1000+n), n, h, w, c, true), images(uint64(h*1000+n), n, h, w, o, false), New(1)
			form := conv.WinogradWeight(h, w, dev.New(3, 3, c, o), tensor.ConvOpt{Normalized: true})
			if form == 0 {
				continue
			}
			shape := ref64.ConvShape{N: n, H: h, W: w, C: c, O: o, K: 3, Stride: 1}
			dw, dwForm := dev.New(3, 3, c, o), dev.New(3, 3, c, o)
			want := make([]float64, dw.Len())
			ref64.Conv2DBackward(nil, want, nil, values(dy), values(x), values(dw), shape)
			dev.Conv2DBackward(nil, dw, nil, dy, x, dw, tensor.ConvOpt{})
			dev.Conv2DBackward(nil, dwForm, nil, dy, x, dw, tensor.ConvOpt{Normalized: true})
			rms, worst := rootAndWorst(dw, want)
			rmsForm, worstForm := rootAndWorst(dwForm, want)
			t.Logf("%d×%d, %d images: form %d, rms %.2f, worst %.2f of the direct form's", h, w, n, form, rmsForm/rms, worstForm/worst)
			require.LessOrEqual(t, rmsForm, 2*rms, "%d×%d, %d images", h, w, n)
			require.LessOrEqual(t, worstForm, 3*worst, "%d×%d, %d images", h, w, n)
		}
	}
}

// images returns values as layers see them, of square images cut to h×w: behind a
// normalisation and SiLU, or, as gradients are, of either sign.
func images(seed uint64, n, h, w, c int, silu bool) *tensor.Tensor {
	r := numtest.NewRand(seed)
	if silu {
		square, x := normalized(r, n, max(h, w), c), New(1).New(n, h, w, c)
		for i := range n {
			from, to := square.Batch(i, i+1).Data(), x.Batch(i, i+1).Data()
			for y := range h {
				copy(to[y*w*c:(y+1)*w*c], from[y*max(h, w)*c:])
			}
		}
		return x
	}
	return view(r, 0, n, h, w, c)
}

// What an output whose gradient is a million does: a tap that sees it has its product
// with the pixel below it, as in the direct form; a tap that does not, because its
// pixel lies outside the image, is off by the million's rounding and no further: its
// share of the transforms cancels but for half a unit of each operation on it.
// Gradients of other channels keep their bits.
func TestWinogradWeightOutlier(t *testing.T) {
	const size, c, o, channel, huge = 16, 24, 20, 7, 1e6
	s := ref64.ConvShape{N: 1, H: size, W: size, C: c, O: o, K: 3, Stride: 1}
	opt := tensor.ConvOpt{Normalized: true}
	x, dy, dev := images(1, 1, size, size, c, true), images(2, 1, size, size, o, false), New(1)
	w := dev.New(3, 3, c, o)
	require.Equal(t, 4, conv.WinogradWeight(size, size, w, opt))
	gradient := func(opt tensor.ConvOpt) (*tensor.Tensor, []float64) {
		dw, want := dev.New(3, 3, c, o), make([]float64, 9*c*o)
		dev.Conv2DBackward(nil, dw, nil, dy, x, w, opt)
		ref64.Conv2DBackward(nil, want, nil, values(dy), values(x), values(w), s)
		return dw, want
	}
	plain, _ := gradient(opt)
	dy.Data()[8*o+channel] = huge // row 0, column 8: taps of row 0 see nothing of it
	dw, want := gradient(opt)
	bound := make([]float64, len(want))
	ref64.NewWinograd(4).Abs().Weight(bound, magnitudes(values(x)), magnitudes(values(dy)), s, 0)
	unseen := 0.0
	for i, g := range dw.Data() {
		if i%o != channel {
			require.Equal(t, math.Float32bits(plain.Data()[i]), math.Float32bits(g), "element %d", i)
			continue
		}
		require.InDelta(t, want[i], g, bound[i]*(16+37)*0x1p-24, "element %d", i) // tiles, transforms and one addition
		if i < 3*c*o {
			unseen = max(unseen, math.Abs(float64(g)-want[i]))
		}
	}
	t.Logf("taps that see nothing of it are off by %.2g at most", unseen)
}

// The form follows from one sample's shape and the options.
func TestWinogradWeightForm(t *testing.T) {
	c := New(1)
	for _, s := range []struct{ h, w, read, want int }{
		{32, 32, 128, 4}, {28, 28, 32, 4}, {16, 16, 256, 4}, {14, 14, 64, 4}, {13, 15, 64, 2}, {8, 8, 256, 2}, {7, 7, 64, 2}, {6, 6, 64, 2},
		{5, 5, 64, 0}, {4, 4, 256, 0}, {1, 400, 64, 0}, {28, 28, 8, 4}, {28, 28, 7, 0},
	} {
		w := c.New(3, 3, s.read, 2)
		form := func(opt tensor.ConvOpt) int { return conv.WinogradWeight(s.h, s.w, w, opt) }
		require.Equal(t, s.want, form(tensor.ConvOpt{Normalized: true}), "%+v", s)
		for _, opt := range []tensor.ConvOpt{{}, {Normalized: true, Stride: 2}, {Normalized: true, Stride: 1, Up: true}} {
			require.Zero(t, form(opt), "%+v", opt)
		}
		w = c.New(1, 1, s.read, 2)
		require.Zero(t, form(tensor.ConvOpt{Normalized: true}))
	}
}

// Parts are as many as threads, and the largest is no larger than it must be: three
// panels on two threads are cut by their channels. Many threads take images apart
// where there are few channels.
func TestWinogradWeightSplit(t *testing.T) {
	for _, s := range []struct{ n, c, o, threads, rows, cols, round int }{
		{33, 32, 32, 1, 1, 1, 0}, {33, 32, 32, 2, 2, 1, 0}, {33, 64, 96, 2, 2, 1, 0}, {33, 256, 256, 2, 5, 2, 0}, {1, 32, 64, 3, 3, 1, 0},
		{33, 128, 128, 8, 4, 2, 0}, {33, 32, 32, 12, 1, 1, 33}, {33, 64, 64, 24, 1, 1, 24}, {33, 512, 512, 64, 16, 4, 0},
	} {
		j := winoWeightJob{form: simd.Wino4, tab: &winoTable{tiles: 64}, n: s.n, c: s.c, o: s.o}
		j.apart(s.threads, j.split(s.threads))
		require.Equal(t, []int{s.rows, s.cols, s.round}, []int{j.rowParts, j.colParts, j.round}, "%+v", s)
	}
}

// Products that underflow below zero leave a gradient of −0 what it is, whether
// images are apart or not.
func TestWinogradWeightMinusZero(t *testing.T) {
	x, dy, dev := New(1).New(5, 6, 7, 9), New(1).New(5, 6, 7, 9), New(1)
	dev.Fill(x, 0x1p-100)
	dev.Fill(dy, -0x1p-100)
	got := bitsOf(t, func(c *CPU) []float32 {
		dw := c.New(3, 3, 9, 9)
		c.Fill(dw, float32(math.Copysign(0, -1)))
		c.winogradWeight(simd.Wino2, dw, dy, x)
		return dense(dw)
	})
	require.True(t, slices.ContainsFunc(got, func(v float32) bool { return math.Float32bits(v) == 1<<31 }))
}
