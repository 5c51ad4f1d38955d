package kernels

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/internal/conv"
	"heavytail/internal/numtest"
	"heavytail/internal/ref64"
	"heavytail/simd"
	"heavytail/tensor"
)

// BenchmarkWinograd takes the least time of each form of a convolution; the
// ratios to the direct form are what the choice rests on.
func BenchmarkWinograd(b *testing.B) {
	for _, s := range []struct{ size, c, o int }{
		{32, 128, 128}, {16, 256, 256}, {16, 512, 256}, {8, 256, 256}, {4, 256, 256}, {32, 32, 32}, {16, 64, 64}, {28, 32, 32}, {14, 64, 64}, {7, 64, 64}, {32, 128, 3},
	} {
		for _, n := range []int{1, 4} {
			c := New(1)
			r := numtest.NewRand(1)
			x, w, bias, y := c.New(n, s.size, s.size, s.c), c.New(3, 3, s.c, s.o), c.New(s.o), c.New(n, s.size, s.size, s.o)
			r.Fill(x.Data(), 1)
			r.Fill(w.Data(), 1)
			took := [3]time.Duration{1 << 60, 1 << 60, 1 << 60}
			forms := []simd.Wino{0, simd.Wino2, simd.Wino4}
			b.Run(fmt.Sprintf("in=%d/out=%d/size=%d/batch=%d", s.c, s.o, s.size, n), func(b *testing.B) {
				for range b.N {
					for i, m := range forms {
						start := time.Now()
						if m == 0 {
							c.Conv2D(y, x, w, bias, nil, tensor.ConvOpt{})
						} else {
							c.winograd(m, y, x, forwardPanels(w), bias, nil, false, nil)
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

// The forms of images as they are, whatever winogradForm would choose, agree with float64, between
// levels, threads and splits of the batch, and touch nothing beside the views.
func TestWinograd(t *testing.T) {
	own := winoK
	defer func() { winoK = own }()
	for i, s := range []ref64.ConvShape{
		{N: 2, H: 9, W: 7, C: 40, O: 37}, {N: 3, H: 4, W: 5, C: 70, O: 3}, {N: 1, H: 16, W: 16, C: 130, O: 64}, {N: 5, H: 1, W: 1, C: 3, O: 33},
		{N: 2, H: 27, W: 26, C: 7, O: 5}, {N: 1, H: 2, W: 30, C: 65, O: 100},
		{N: 2, H: 16, W: 15, C: 64, O: 40},      // two panels, rows of points by pairs
		{N: 1, H: 17, W: 32, C: winoAll, O: 37}, // all of them
		{N: 1, H: 31, W: 32, C: winoDeep, O: 7}, // blocks of one panel that share taps
		{N: 2, H: 6, W: 5, C: 256 + 44, O: 33},  // two blocks of channels
		{N: 1, H: 15, W: 14, C: 290, O: 37},     // too many to transform at a time
		{N: 1, H: 8, W: 7, C: 600, O: 37},       // and tiles so few that few goes on with sums
	} {
		s.K, s.Stride = 3, 1
		for _, m := range []simd.Wino{simd.Wino2, simd.Wino4} {
			for _, flip := range []bool{false, true} {
				testWinograd(t, s, m, flip, uint64(i))
			}
			for _, cache := range []int{1 << 18, 700 << 10, 1 << 22} { // of other processors
				if winoK = deepTaps(cache); winoK != own && s.C > 64 && !testing.Short() {
					testWinograd(t, s, m, true, uint64(i))
				}
				winoK = own
			}
		}
	}
}

func testWinograd(t *testing.T, s ref64.ConvShape, m simd.Wino, flip bool, seed uint64) {
	r := numtest.NewRand(seed)
	x, w, b := view(r, 3, s.N, s.H, s.W, s.C), view(r, 0, 3, 3, s.C, s.O), view(r, 0, s.O)
	res, y := view(r, 5, s.N, s.H, s.W, s.O), view(r, 7, s.N, s.H, s.W, s.O)
	around := frame(y)
	taps, v := forwardPanels(w), w
	if flip {
		v = New(1).New(3, 3, s.C, s.O)
		for k := range 9 {
			copy(v.Data()[k*s.C*s.O:][:s.C*s.O], w.Data()[(8-k)*s.C*s.O:])
		}
	}
	want := make([]float64, y.Len())
	ref64.Conv2D(want, values(x), values(v), values(b), values(res), s)
	got := bitsOf(t, func(c *CPU) []float32 {
		c.winograd(m, y, x, taps, b, res, flip, nil)
		return dense(y)
	})
	// inputs below one: a transformed sum is off by no more than a hundred
	// times what the chain of its channels is
	numtest.Within(t, want, got, 100*float64(s.C+8)*0x1p-24, 0, fmt.Sprintf("%+v form %d", s, m))
	numtest.SameBits(t, around, frame(y), "values between the rows of y")
	bitsOf(t, func(c *CPU) []float32 { // in place, one image at a time
		for i := range y.Rows() {
			copy(y.Data()[i*y.Pitch():][:y.Cols()], res.Data()[i*res.Pitch():])
		}
		for n := range s.N {
			c.winograd(m, y.Batch(n, n+1), x.Batch(n, n+1), taps, b, y.Batch(n, n+1), flip, nil)
		}
		numtest.SameBits(t, got, dense(y), "image by image")
		return got
	})
}

// What a pixel of a million does: outputs of tiles that do not read it keep
// their bits. In the others the error of an output that does not see it grows
// to its rounding, and no further: the million's share of the transforms
// cancels but for half a unit of each operation on it.
func TestWinogradOutlier(t *testing.T) {
	const size, read, o = 12, 48, 20
	s := ref64.ConvShape{N: 1, H: size, W: size, C: read, O: o, K: 3, Stride: 1}
	r := numtest.NewRand(1)
	x, w, c := normalized(r, 1, size, read), view(r, 0, 3, 3, read, o), New(1)
	opt := tensor.ConvOpt{Normalized: true}
	form := winogradForm(size, size, read, w, opt)
	require.Equal(t, simd.Wino4, form)
	y := c.New(1, size, size, o)
	c.Conv2D(y, x, w, nil, nil, opt)
	plain := dense(y)
	const py, px, channel, huge = 4, 8, 7, 1e6
	x.Data()[(py*size+px)*read+channel] = huge
	want := make([]float64, y.Len())
	ref64.Conv2D(want, values(x), values(w), nil, nil, s)
	bound := make([]float64, y.Len()) // of the magnitudes that the form adds up
	abs := func(v []float64) (out []float64) {
		for _, e := range v {
			out = append(out, math.Abs(e))
		}
		return out
	}
	ref64.NewWinograd(int(form)).Abs().Conv2D(bound, abs(values(x)), abs(values(w)), s, 0)
	c.Conv2D(y, x, w, nil, nil, opt)
	reached := 0
	for i, g := range dense(y) {
		row, col := i/o/size, i/o%size
		// a tile of outputs from 4·t reads the pixels 4·t−1 to 4·t+4
		reads := func(at, p int) bool { return at/4*4-1 <= p && p <= at/4*4+4 }
		if !reads(row, py) || !reads(col, px) {
			require.Equal(t, math.Float32bits(plain[i]), math.Float32bits(g), "row %d, column %d reads nothing of it", row, col)
			continue
		}
		reached++
		require.InDelta(t, want[i], g, bound[i]*(read+24)*0x1p-24, "row %d, column %d", row, col)
		if abs(want)[i] < huge/1e3 { // not seen: less than a ten-thousandth of the million
			require.InDelta(t, want[i], g, huge*1e-5, "row %d, column %d", row, col)
		}
	}
	require.Equal(t, 4*16*o, reached) // four tiles overlap there
}

// The form follows from one sample's shape and the options.
func TestWinogradForm(t *testing.T) {
	c := New(1)
	for _, s := range []struct {
		h, w, read int
		want       simd.Wino
	}{
		{32, 32, 128, 4}, {28, 28, 32, 4}, {16, 16, 256, 4}, {14, 14, 64, 4}, {8, 8, 256, 4}, {7, 7, 64, 4}, {6, 6, 64, 2}, {4, 4, 256, 0},
		{3, 3, 256, 0}, {1, 40, 64, 0}, {32, 32, 31, 2}, {32, 32, 8, 2}, {32, 32, 7, 0}, {13, 17, 35, 4}, {8, 8, 32, 2},
	} {
		w := c.New(3, 3, s.read, 2)
		form := func(opt tensor.ConvOpt) simd.Wino { return winogradForm(s.h, s.w, s.read, w, opt) }
		require.Equal(t, s.want, form(tensor.ConvOpt{Normalized: true}), "%+v", s)
		for _, opt := range []tensor.ConvOpt{{}, {Normalized: true, Stride: 2}} {
			require.Zero(t, form(opt), "%+v", opt)
		}
		w = c.New(1, 1, s.read, 2)
		require.Zero(t, form(tensor.ConvOpt{Normalized: true}))
		require.Zero(t, form(tensor.ConvOpt{Up: true}))
	}
	for _, s := range []struct {
		h, w, read int
		want       simd.Wino
	}{
		{16, 16, 64, 5}, {14, 14, 64, 5}, {8, 8, 64, 5}, {7, 7, 96, 5}, {5, 5, 8, 5}, {5, 5, 7, 0}, {4, 4, 256, 0}, {3, 3, 256, 0}, {1, 1, 64, 0},
		{1, 40, 64, 5}, {2, 40, 64, 5}, {7, 12, 96, 5},
	} {
		w := c.New(3, 3, s.read, 2)
		for _, normalized := range []bool{true, false} {
			require.Equal(t, s.want, winogradForm(s.h, s.w, s.read, w, tensor.ConvOpt{Up: true, Normalized: normalized}), "%+v", s)
		}
	}
}

func TestWinogradAllocates(t *testing.T) {
	c := New(2)
	opt := tensor.ConvOpt{Normalized: true}
	x, w, db, y := c.New(2, 9, 9, 40), c.New(3, 3, 40, 36), c.New(36), c.New(2, 9, 9, 36)
	dx, dw := c.New(2, 9, 9, 40), c.New(3, 3, 40, 36)
	numtest.NoAllocs(t, func() {
		w.Touch()
		c.Conv2D(y, x, w, db, y, opt)
		c.Conv2DBackward(dx, dw, db, y, x, w, opt)
	})
	big := c.New(2, 18, 18, 36)
	numtest.NoAllocs(t, func() { c.Conv2D(big, x, w, db, nil, tensor.ConvOpt{Up: true}) })
	c.Conv2D(c.New(0, 9, 9, 36), c.New(0, 9, 9, 40), w, db, nil, opt)
	c.Conv2DBackward(c.New(0, 9, 9, 40), dw, db, c.New(0, 9, 9, 36), c.New(0, 9, 9, 40), w, opt)
}

// No part of a pass takes more than ConvBuffer says, on however many threads, and one
// takes as much.
func TestConvBuffer(t *testing.T) {
	for _, s := range [][2]int{{32, 128}, {28, 192}, {16, 512}, {14, 290}, {16, 384}, {8, 600}, {7, 64}, {6, 64}, {9, 1000}} {
		for _, cols := range []int{3, 40, 512} {
			size, read := s[0], s[1]
			w := New(1).New(3, 3, read, cols)
			for i := range 12 {
				n, opt := []int{1, 2, 3, 5, 8, 31}[i/2], tensor.ConvOpt{Normalized: true, Up: i%2 > 0}
				form := winogradForm(size, size, read, w, opt)
				require.NotZero(t, form)
				least := int64(0)
				if opt.Up { // the sums of taps before they are packed
					least = scratchBytes(conv.UpMats*w.Len()/9 + 15*upBlock)
				}
				for most, worst := 1, least; most <= 6; most++ {
					j := winoJob{form: form, k: read, cols: cols, n: n, tab: &winoTable{tiles: conv.Tiles(size, size, int(form))}}
					j.split(most)
					for i := range j.tileParts * j.colParts {
						t0, t1, p0, p1 := j.part(i)
						_, room, _ := j.rooms(t1-t0, p1-p0)
						worst = max(worst, scratchBytes(j.scratch(room, p1-p0)))
					}
					require.Equal(t, worst, New(most).ConvBuffer(n, size, size, w, opt), "%d images of %d², %d → %d, %d threads", n, size, read, cols, most)
				}
			}
		}
	}
	w, opt := New(1).New(3, 3, 192, 512), tensor.ConvOpt{Normalized: true}
	require.EqualValues(t, 8<<20+4*leastTable, New(2).ConvBuffer(2, 28, 28, w, opt)) // of half of 98 tiles each
	require.EqualValues(t, 8<<20+4*leastTable, New(1).ConvBuffer(1, 28, 28, w, opt))
	w = New(1).New(3, 3, 40, 0) // computes nothing
	require.Equal(t, scratchBytes(0), New(2).ConvBuffer(2, 28, 28, w, opt))
}

// Kept counts the tables of every form as they are.
func TestKeptTables(t *testing.T) {
	for _, opt := range []tensor.ConvOpt{{Normalized: true}, {Up: true}} {
		for _, s := range [][2]int{{7, 9}, {16, 15}, {28, 28}} {
			w := New(1).New(3, 3, 64, 40)
			form := winogradForm(s[0], s[1], 64, w, opt)
			require.NotZero(t, form)
			_, table := New(1).Kept(s[0], s[1], w, opt)
			require.Equal(t, buildWinoTable(winoKey{form: form, h: s[0], w: s[1], aPitch: 64, cPitch: 40}).bytes(), table, "%v of %v", form, s)
		}
	}
}

// What a convolution fetches for the next one changes nothing, and packs nothing.
func TestConvNext(t *testing.T) {
	for _, size := range []int{4, 7, 8, 16, 32} {
		r := numtest.NewRand(uint64(size))
		x, w, b, y := view(r, 0, 1, size, size, 64), view(r, 0, 3, 3, 64, 40), view(r, 0, 40), view(r, 3, 1, size, size, 40)
		opt := tensor.ConvOpt{Normalized: size != 7} // else in its direct form
		want := bitsOf(t, func(c *CPU) []float32 {
			c.Conv2D(y, x, w, b, nil, opt)
			return dense(y)
		})
		for _, next := range []*tensor.Tensor{view(r, 0, 3, 3, 64, 64), view(r, 0, 3, 3, 5, 3), view(r, 0, 3, 3, 200, 7), view(r, 0, 64, 40)} {
			opt.Next = next
			require.Nil(t, firstPanel(next))
			got := bitsOf(t, func(c *CPU) []float32 {
				c.Conv2D(y, x, w, b, nil, opt)
				return dense(y)
			})
			numtest.SameBits(t, want, got, "not packed")
			require.Nil(t, firstPanel(next))
			all := forwardPanels(next)
			require.Len(t, firstPanel(next), len(all)/panels(next.Cols()))
			got = bitsOf(t, func(c *CPU) []float32 {
				c.Conv2D(y, x, w, b, nil, opt)
				return dense(y)
			})
			numtest.SameBits(t, want, got, "packed")
			numtest.NoAllocs(t, func() { New(1).Conv2D(y, x, w, b, nil, opt) })
			next.Touch()
			require.Nil(t, firstPanel(next), "of other values")
		}
	}
}
