package kernels

import (
	"testing"

	"heavytail/internal/numtest"
	"heavytail/internal/ref64"
	"heavytail/simd"
)

func TestWinogradWeight(t *testing.T) {
	for i, s := range []ref64.ConvShape{
		{N: 2, H: 9, W: 7, C: 40, O: 37}, {N: 3, H: 4, W: 5, C: 70, O: 3}, {N: 1, H: 16, W: 16, C: 130, O: 64}, {N: 5, H: 1, W: 1, C: 3, O: 33},
		{N: 2, H: 27, W: 26, C: 7, O: 5}, {N: 1, H: 2, W: 30, C: 65, O: 100}, {N: 2, H: 40, W: 37, C: 29, O: 33},
	} {
		s.K, s.Stride = 3, 1
		for _, m := range []simd.Wino{simd.Wino2, simd.Wino4} {
			r := numtest.NewRand(uint64(i))
			x, dy := view(r, 3, s.N, s.H, s.W, s.C), view(r, 5, s.N, s.H, s.W, s.O)
			dw0 := view(r, 0, 3, 3, s.C, s.O)
			want, size := values(dw0), magnitudes(values(dw0))
			ref64.Conv2DBackward(nil, want, nil, values(dy), values(x), values(dw0), s)
			ref64.Conv2DBackward(nil, size, nil, magnitudes(values(dy)), magnitudes(values(x)), values(dw0), s)
			got := bitsOf(t, func(c *CPU) []float32 {
				dw := c.New(3, 3, s.C, s.O)
				copy(dw.Data(), dw0.Data())
				c.winogradWeight(m, dw, dy, x)
				return dense(dw)
			})
			for i, g := range got {
				d := float64(g) - want[i]
				if d < 0 {
					d = -d
				}
				if d > 1e-5*size[i] {
					t.Fatalf("%+v form %d: %d: %v %v", s, m, i, g, want[i])
				}
			}
		}
	}
}
