package conv

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// A term is one product of a convolution: pixel out of y, pixel in of x, a tap, or
// forwards with Up the number of a sum of taps.
type term struct{ outY, outX, inY, inX, mat int }

// terms counts those of a pass forwards, or of the gradient at x.
func terms(s Shape) map[term]int {
	m := map[term]int{}
	for _, p := range s.Parts() {
		for i := range p.H * p.W {
			y, x := i/p.W, i%p.W
			wy, wx := y*p.Step+p.Y, x*p.Step+p.X
			for _, u := range p.Taps {
				ry, rx := y*u.Mul+u.Y, x*u.Mul+u.X
				switch {
				case ry < 0 || ry >= p.ReadH || rx < 0 || rx >= p.ReadW:
				case s.Back:
					s.outputs(m, term{ry, rx, wy, wx, u.Mat})
				default:
					m[term{wy, wx, ry, rx, u.Mat}]++
				}
			}
		}
	}
	return m
}

// outputs counts a term that reads what gradients read: with Up a sum of outputs.
func (s Shape) outputs(m map[term]int, t term) {
	if !s.Up {
		m[t]++
		return
	}
	for i := range 4 {
		u := t
		u.outY, u.outX = t.outY-1+i/2, t.outX-1+i%2
		if u.outY >= 0 && u.outY < s.Out(s.H) && u.outX >= 0 && u.outX < s.Out(s.W) {
			m[u]++
		}
	}
}

// Both gradients have the terms of the convolution, each once: what the definition says,
// output (y, x) sees pixel (stride·y + ky − pad, …) of the doubled or plain x. Forwards
// those of an upsampled convolution that see one pixel are one, with the sum of the taps.
func TestTerms(t *testing.T) {
	for _, s := range []Shape{
		{K: 3, Stride: 1, H: 5, W: 4}, {K: 3, Stride: 1, H: 1, W: 1}, {K: 3, Stride: 2, H: 5, W: 6}, {K: 3, Stride: 2, H: 2, W: 1},
		{K: 3, Stride: 2, H: 6, W: 5, After: true}, {K: 3, Stride: 2, H: 2, W: 3, After: true},
		{K: 3, Stride: 1, H: 3, W: 2, Up: true}, {K: 3, Stride: 1, H: 1, W: 1, Up: true}, {K: 3, Stride: 1, H: 1, W: 4, Up: true},
		{K: 1, Stride: 1, H: 3, W: 2}, {K: 1, Stride: 2, H: 4, W: 5}, {K: 1, Stride: 1, H: 2, W: 3, Up: true},
	} {
		name := fmt.Sprintf("%+v", s)
		weight, defined, forward := map[term]int{}, map[term]int{}, map[term]int{}
		scale := 1
		if s.Up {
			scale = 2
		}
		for k := range s.K * s.K {
			for i := range s.Out(s.H) * s.Out(s.W) {
				y, x := i/s.Out(s.W), i%s.Out(s.W)
				iy, ix := s.Stride*y+k/s.K-s.Pad(), s.Stride*x+k%s.K-s.Pad()
				if iy >= 0 && iy < scale*s.H && ix >= 0 && ix < scale*s.W {
					defined[term{y, x, iy / scale, ix / scale, k}]++
					forward[term{y, x, iy / scale, ix / scale, s.matrix(k, y, x)}] = 1
				}
			}
			v := s.View(k/s.K, k%s.K)
			for i := range v.Rows * v.Cols {
				y, x := i/v.Cols, i%v.Cols
				oy, ox := v.Step*y+v.OutY, v.Step*x+v.OutX
				require.True(t, oy >= 0 && oy < s.Grad(s.H) && ox >= 0 && ox < s.Grad(s.W), name)
				s.outputs(weight, term{oy, ox, v.Stride*y + v.Y, v.Stride*x + v.X, k})
			}
		}
		back := s
		back.Back = true
		require.Equal(t, forward, terms(s), name)
		require.Equal(t, defined, terms(back), name)
		require.Equal(t, defined, weight, name)
	}
}

// matrix is that of tap k at an output.
func (s Shape) matrix(k, y, x int) int {
	if s.Mats() != 16 {
		return k
	}
	return (y%2*2+x%2)*4 + UpGroup(k/3, y%2)*2 + UpGroup(k%3, x%2)
}
