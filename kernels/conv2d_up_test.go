package kernels

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/internal/ref64"
	"heavytail/tensor"
)

// Sums over boxes are those that conv.Shape.Grad defines, of images of any size and
// pitch, at every level and on any number of threads: −0, which can be added to any
// number, stands for what lies outside, and corners keep their sign.
func TestBoxes(t *testing.T) {
	zero := float32(math.Copysign(0, -1))
	for i, s := range [][5]int{{1, 2, 2, 1, 0}, {2, 2, 4, 5, 3}, {3, 6, 2, 33, 0}, {2, 10, 14, 40, 7}, {1, 4, 6, 16, 1}} {
		n, h, w, c := s[0], s[1], s[2], s[3]
		dy := view(numtest.NewRand(uint64(i)), s[4], n, h, w, c)
		for e := range c {
			dy.Data()[e] = zero                          // the first pixel
			dy.Data()[(dy.Rows()-1)*dy.Pitch()+e] = zero // and the last
		}
		dy.Data()[(w+1)%dy.Rows()*dy.Pitch()] = float32(math.NaN())
		dy.Data()[(w-1)*dy.Pitch()] = math.MaxFloat32
		x := dense(dy)
		var want []float32
		for e := range n * (h + 1) * (w + 1) * c {
			at := func(r, s int) float32 {
				if r < 0 || r >= h || s < 0 || s >= w {
					return zero
				}
				return x[((e/c/(w+1)/(h+1)*h+r)*w+s)*c+e%c]
			}
			r, s := e/c/(w+1)%(h+1), e/c%(w+1)
			left, right := at(r-1, s-1)+at(r, s-1), at(r-1, s)+at(r, s)
			want = append(want, left+right)
		}
		got := bitsOf(t, func(dev *CPU) []float32 {
			box := pixels{make([]float32, len(want)), n, h + 1, w + 1, c, c}
			dev.boxes(box, pixelsOf(dy))
			return box.f
		})
		numtest.SameBits(t, want, got, fmt.Sprint(s))
	}
}

// A batch whose sums do not fit into memory at a time has the bits of one whose do.
func TestUpGroups(t *testing.T) {
	r := numtest.NewRand(1)
	x, w, dy := view(r, 3, 5, 3, 4, 6), view(r, 0, 3, 3, 6, 7), view(r, 2, 5, 6, 8, 7)
	defer func(n int) { boxFloats = n }(boxFloats)
	var want []float32
	for _, boxFloats = range []int{1 << 22, 2 * 7 * 9 * 7, 1} {
		c := New(2)
		dx, dw := c.New(x.Shape()...), c.New(w.Shape()...)
		c.Conv2DBackward(dx, dw, nil, dy, x, w, tensor.ConvOpt{Up: true})
		got := append(dense(dx), dw.Data()...)
		if want == nil {
			want = got
		}
		numtest.SameBits(t, want, got, fmt.Sprint(boxFloats))
	}
}

// Beside the gradients of an image that is doubled first, dw of more than one pixel is
// nearer to that in float64: rounding errors of a chain add up to the root of the sum of
// its partial sums' squares, of 4P terms of variance 1 that is 8P², of P boxes 2P² and
// 8P of their own additions. dx is about as near; of one pixel, where they differ most,
// it has in units of O² the 72 of nine taps that see 1, 2, 1, 2, 4, 2, 1, 2 and 1
// gradients, beside the 32 of four chains of four taps: 1.5 times the error.
func TestUpErrors(t *testing.T) {
	for _, s := range [][5]int{{1, 3, 1, 64, 64}, {4, 4, 4, 64, 64}, {2, 7, 7, 48, 40}, {3, 5, 3, 33, 17}, {1, 16, 16, 32, 48}, {5, 8, 8, 32, 32}} {
		n, h, w, c, o := s[0], s[1], s[2], s[3], s[4]
		dev, seed := New(2), uint64(h*100+n)
		x, dy, wt := images(seed, n, h, w, c, true), images(seed+1, n, 2*h, 2*w, o, false), view(numtest.NewRand(seed), 0, 3, 3, c, o)
		dx, dw := dev.New(n, h, w, c), dev.New(3, 3, c, o)
		dev.Conv2DBackward(dx, dw, nil, dy, x, wt, tensor.ConvOpt{Up: true})
		wide, dwPlain, dxPlain := dev.New(n, 2*h, 2*w, c), dev.New(3, 3, c, o), dev.New(n, h, w, c)
		for i := range wide.Rows() {
			copy(wide.Data()[i*c:][:c], x.Data()[(i/(4*h*w)*h*w+i/(4*w)%h*w+i%(2*w)/2)*c:])
		}
		dWide := dev.New(wide.Shape()...)
		dev.Conv2DBackward(dWide, dwPlain, nil, dy, wide, wt, tensor.ConvOpt{})
		for i, v := range dWide.Data() {
			p := i / c
			dxPlain.Data()[(p/(4*h*w)*h*w+p/(4*w)%h*w+p%(2*w)/2)*c+i%c] += v
		}
		wantX, wantW := make([]float64, dx.Len()), make([]float64, dw.Len())
		ref64.Conv2DBackward(wantX, wantW, nil, values(dy), values(x), values(wt), ref64.ConvShape{N: n, H: h, W: w, C: c, O: o, K: 3, Stride: 1, Up: true})
		for _, g := range []struct {
			name       string
			got, plain *tensor.Tensor
			want       []float64
			most       float64
		}{{"dx", dx, dxPlain, wantX, 1.5}, {"dw", dw, dwPlain, wantW, 1}} {
			rms, _ := rootAndWorst(g.got, g.want)
			plain, _ := rootAndWorst(g.plain, g.want)
			t.Logf("%s of %d images %d×%d, %d → %d: %.2f of the error of doubled pixels", g.name, n, h, w, c, o, rms/plain)
			require.LessOrEqual(t, rms, g.most*plain, g.name)
		}
	}
}

// An output whose gradient is large reaches the pixels that it sees and no others: the
// boxes that a pixel reads hold only gradients of outputs that see the pixel.
func TestUpOutlier(t *testing.T) {
	const h, w, c, o = 5, 4, 6, 9
	r := numtest.NewRand(1)
	x, wt, dy := view(r, 0, 1, h, w, c), view(r, 0, 3, 3, c, o), view(r, 0, 1, 2*h, 2*w, o)
	gradient := func() []float32 {
		dev := New(1)
		dx, dw := dev.New(1, h, w, c), dev.New(3, 3, c, o)
		dev.Conv2DBackward(dx, dw, nil, dy, x, wt, tensor.ConvOpt{Up: true})
		return dx.Data()
	}
	plain := gradient()
	for _, at := range [][2]int{{0, 0}, {3, 4}, {2*h - 1, 2*w - 1}} {
		v := &dy.Data()[(at[0]*2*w+at[1])*o+2]
		old := *v
		*v = 1e30
		for i, g := range gradient() {
			y, x := i/c/w, i/c%w
			seen := 2*y <= at[0]+1 && 2*y+1 >= at[0]-1 && 2*x <= at[1]+1 && 2*x+1 >= at[1]-1
			require.Equal(t, !seen, math.Float32bits(plain[i]) == math.Float32bits(g), "output %v, pixel (%d, %d)", at, y, x)
		}
		*v = old
	}
}
