package kernels

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/internal/ref64"
	"heavytail/internal/shapes"
	"heavytail/simd"
	"heavytail/tensor"
)

// The form of a doubled image is off by no more than its sums of four taps, or hardly, for
// pixels that are alike and for such that have nothing to do with each other.
func TestUpFormErrors(t *testing.T) {
	reads := []int{8, 16, 32, 64, 96, 128, 256, 384}
	if testing.Short() {
		reads = []int{8, 32, 128}
	}
	var cases [][3]int
	for _, size := range [][2]int{{16, 16}, {14, 14}, {8, 8}, {7, 7}, {6, 6}, {5, 5}, {1, 49}, {36, 1}} {
		for _, read := range reads {
			cases = append(cases, [3]int{size[0], size[1], read})
		}
	}
	if !testing.Short() {
		cases = with(t, cases, func(c netConv) ([3]int, bool) { return [3]int{c.size, c.size, c.read}, c.opt.Up && c.size > 4 })
	}
	for _, shape := range cases {
		const o = 32
		h, wd, read := shape[0], shape[1], shape[2]
		n := max(1, 4000/(h*wd*o))
		s := ref64.ConvShape{N: n, H: h, W: wd, C: read, O: o, K: 3, Stride: 1, Up: true}
		r := numtest.NewRand(uint64(h*wd*1000 + read))
		side := int(math.Sqrt(float64(h * wd)))
		alike, w, c := normalized(r, n, side, read).Reshape(n, h, wd, read), view(r, 0, 3, 3, read, o), New(1)
		for name, x := range map[string]*tensor.Tensor{"alike": alike, "apart": view(r, 0, n, h, wd, read)} {
			y, want := c.New(n, 2*h, 2*wd, o), make([]float64, n*4*h*wd*o)
			ref64.Conv2D(want, values(x), values(w), nil, nil, s)
			opt := tensor.ConvOpt{Up: true}
			c.direct(y, x, w, nil, nil, shapes.Conv2D(y, x, w, nil, nil, opt))
			rms, worst := rootAndWorst(y, want)
			require.Equal(t, simd.WinoUp, winogradForm(h, wd, read, w, opt))
			c.Conv2D(y, x, w, nil, nil, opt)
			rmsForm, worstForm := rootAndWorst(y, want)
			t.Logf("%d×%d, %d channels, %s: rms %.2f, worst %.2f of that of summed taps", h, wd, read, name, rmsForm/rms, worstForm/worst)
			require.LessOrEqual(t, rmsForm, 2*rms, "%d×%d, %d channels", h, wd, read)
			require.LessOrEqual(t, worstForm, 3*worst, "%d×%d, %d channels", h, wd, read)
		}
	}
}

// A pixel of any size reaches the outputs that see it and no other: these keep their
// bits.
func TestUpFormOutlier(t *testing.T) {
	const h, wd, read, o = 7, 6, 20, 5
	r := numtest.NewRand(1)
	x, w, c := view(r, 0, 1, h, wd, read), view(r, 0, 3, 3, read, o), New(1)
	opt := tensor.ConvOpt{Up: true}
	require.Equal(t, simd.WinoUp, winogradForm(h, wd, read, w, opt))
	y := c.New(1, 2*h, 2*wd, o)
	for _, huge := range []float32{1e6, 1e30} {
		for at := range h * wd {
			c.Conv2D(y, x, w, nil, nil, opt)
			plain := dense(y)
			old := x.Data()[at*read+7]
			x.Data()[at*read+7] = huge
			c.Conv2D(y, x, w, nil, nil, opt)
			x.Data()[at*read+7] = old
			for i, g := range dense(y) {
				row, col := i/o/(2*wd), i/o%(2*wd)
				// the doubled pixels 2·p and 2·p+1 are seen from 2·p−1 to 2·p+2
				sees := func(at, p int) bool { return 2*p-1 <= at && at <= 2*p+2 }
				if sees(row, at/wd) && sees(col, at%wd) {
					require.Greater(t, math.Abs(float64(g)), float64(huge)/1e6)
				} else {
					require.Equal(t, math.Float32bits(plain[i]), math.Float32bits(g), "row %d, column %d does not see pixel %d", row, col, at)
				}
			}
		}
	}
}

// The form agrees with float64, between levels, threads and splits of the batch, whatever
// channels and tiles a part has in work, and touches nothing beside the views.
func TestUpForm(t *testing.T) {
	for i, s := range []ref64.ConvShape{
		{N: 2, H: 9, W: 7, C: 40, O: 37}, {N: 5, H: 2, W: 3, C: 3, O: 33}, {N: 1, H: 1, W: 1, C: 17, O: 1},
		{N: 1, H: 16, W: 15, C: 290, O: 70},         // too many channels to transform at a time
		{N: 3, H: 5, W: 4, C: 600, O: 37},           // and tiles of several images in a block
		{N: 1, H: 33, W: 20, C: winoDeep, O: 7},     // one panel and many blocks
		{N: 2, H: 16, W: 16, C: winoAll, O: 2 * 37}, // several panels
	} {
		s.K, s.Stride, s.Up = 3, 1, true
		r := numtest.NewRand(uint64(i))
		x, w, b := view(r, 3, s.N, s.H, s.W, s.C), view(r, 0, 3, 3, s.C, s.O), view(r, 0, s.O)
		res, y := view(r, 5, s.N, 2*s.H, 2*s.W, s.O), view(r, 7, s.N, 2*s.H, 2*s.W, s.O)
		around := frame(y)
		want := make([]float64, y.Len())
		ref64.Conv2D(want, values(x), values(w), values(b), values(res), s)
		got := bitsOf(t, func(c *CPU) []float32 {
			c.winograd(simd.WinoUp, y, x, upPointPanels(w), b, res, false, nil)
			return dense(y)
		})
		// inputs and taps below one: nine taps and differences of pixels, so a chain of
		// numbers of at most 36, and four of them
		numtest.Within(t, want, got, 200*float64(s.C+8)*0x1p-24, 0, fmt.Sprintf("%+v", s))
		numtest.SameBits(t, around, frame(y), "values between the rows of y")
		bitsOf(t, func(c *CPU) []float32 { // in place, one image at a time
			for i := range y.Rows() {
				copy(y.Data()[i*y.Pitch():][:y.Cols()], res.Data()[i*res.Pitch():])
			}
			for n := range s.N {
				c.winograd(simd.WinoUp, y.Batch(n, n+1), x.Batch(n, n+1), upPointPanels(w), b, y.Batch(n, n+1), false, nil)
			}
			numtest.SameBits(t, got, dense(y), "image by image")
			return got
		})
	}
}
