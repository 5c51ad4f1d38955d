package conv

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// A term is one product of a convolution: pixel out of y, pixel in of x, a matrix.
type term struct{ outY, outX, inY, inX, mat int }

func terms(s Shape) map[term]int {
	m := map[term]int{}
	for _, p := range s.Parts() {
		for i := range p.H * p.W {
			y, x := i/p.W, i%p.W
			wy, wx := y*p.Step+p.Y, x*p.Step+p.X
			for _, u := range p.Taps {
				ry, rx := y*u.Mul+u.Y, x*u.Mul+u.X
				if ry < 0 || ry >= p.ReadH || rx < 0 || rx >= p.ReadW {
					continue
				}
				if s.Back {
					m[term{ry, rx, wy, wx, u.Mat}]++
				} else {
					m[term{wy, wx, ry, rx, u.Mat}]++
				}
			}
		}
	}
	return m
}

// The gradient at x has the terms of the convolution, each once, and the gradient
// of the weight has them tap by tap: of an upsampled convolution, those of the sum
// that the tap is in. Both are what the definition says: output (y, x) sees pixel
// (stride·y + ky − pad, …) of the doubled or plain x.
func TestTerms(t *testing.T) {
	for _, s := range []Shape{
		{K: 3, Stride: 1, H: 5, W: 4}, {K: 3, Stride: 1, H: 1, W: 1}, {K: 3, Stride: 2, H: 5, W: 6}, {K: 3, Stride: 2, H: 2, W: 1},
		{K: 3, Stride: 2, H: 6, W: 5, After: true}, {K: 3, Stride: 2, H: 2, W: 3, After: true},
		{K: 3, Stride: 1, H: 3, W: 2, Up: true}, {K: 3, Stride: 1, H: 1, W: 1, Up: true},
		{K: 1, Stride: 1, H: 3, W: 2}, {K: 1, Stride: 2, H: 4, W: 5}, {K: 1, Stride: 1, H: 2, W: 3, Up: true},
	} {
		name := fmt.Sprintf("%+v", s)
		forward, weight := terms(s), map[term]int{}
		scale, defined := 1, map[term]bool{}
		if s.Up {
			scale = 2
		}
		for k := range s.K * s.K {
			for i := range s.Out(s.H) * s.Out(s.W) {
				y, x := i/s.Out(s.W), i%s.Out(s.W)
				iy, ix := s.Stride*y+k/s.K-s.Pad(), s.Stride*x+k%s.K-s.Pad()
				if iy >= 0 && iy < scale*s.H && ix >= 0 && ix < scale*s.W {
					defined[term{y, x, iy / scale, ix / scale, s.matrix(k, y, x)}] = true
				}
			}
			views, n := s.Views(k/s.K, k%s.K)
			for _, v := range views[:n] {
				for i := range v.Rows * v.Cols {
					y, x := i/v.Cols, i%v.Cols
					oy, ox := v.Step*y+v.OutY, v.Step*x+v.OutX
					weight[term{oy, ox, v.Stride*y + v.Y, v.Stride*x + v.X, s.matrix(k, oy, ox)}]++
				}
			}
		}
		back := s
		back.Back = true
		require.Equal(t, forward, terms(back), name)
		require.Len(t, defined, len(forward), name)
		require.Len(t, weight, len(forward), name)
		for f, n := range forward {
			require.Equal(t, 1, n, name)
			require.True(t, defined[f], "%s: %+v", name, f)
			require.NotZero(t, weight[f], "%s: %+v", name, f)
		}
	}
}

// matrix is that of tap k at an output.
func (s Shape) matrix(k, y, x int) int {
	if s.Mats() != 16 {
		return k
	}
	return (y%2*2+x%2)*4 + UpGroup(k/3, y%2)*2 + UpGroup(k%3, x%2)
}
