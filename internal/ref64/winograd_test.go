package ref64

import (
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// Both forms give the direct convolution and its gradients at x and the weight, on
// sizes that their tiles do not divide.
func TestWinogradIsTheConvolution(t *testing.T) {
	r := numtest.NewRand(1)
	random := func(n int) []float64 { return Float64s(r.Fill(make([]float32, n), 1)) }
	for _, m := range []int{2, 4} {
		for _, s := range []ConvShape{{N: 2, H: 5, W: 9, C: 3, O: 4, K: 3, Stride: 1}, {N: 1, H: 8, W: 1, C: 2, O: 5, K: 3, Stride: 1}} {
			x, w, dy := random(s.N*s.H*s.W*s.C), random(9*s.C*s.O), random(s.N*s.H*s.W*s.O)
			y, want := make([]float64, len(dy)), make([]float64, len(dy))
			Conv2D(want, x, w, nil, nil, s)
			NewWinograd(m).Conv2D(y, x, w, s, 0)
			require.InDeltaSlice(t, want, y, 1e-13)
			dx, want := make([]float64, len(x)), make([]float64, len(x))
			Conv2DBackward(want, nil, nil, dy, x, w, s)
			back := s
			back.C, back.O = s.O, s.C
			NewWinograd(m).Conv2D(dx, dy, Flipped(w, s.C, s.O), back, 0)
			require.InDeltaSlice(t, want, dx, 1e-13)
			dw, want := random(len(w)), make([]float64, len(w))
			copy(want, dw)
			Conv2DBackward(nil, want, nil, dy, x, w, s)
			NewWinograd(m).Weight(dw, x, dy, s, 0)
			require.InDeltaSlice(t, want, dw, 1e-12)
		}
	}
}

// So does that of a doubled image.
func TestUpIsTheConvolution(t *testing.T) {
	r := numtest.NewRand(1)
	random := func(n int) []float64 { return Float64s(r.Fill(make([]float32, n), 1)) }
	for _, s := range []ConvShape{{N: 2, H: 5, W: 8, C: 3, O: 4}, {N: 1, H: 6, W: 1, C: 2, O: 5}, {N: 1, H: 1, W: 2, C: 1, O: 1}} {
		s.K, s.Stride, s.Up = 3, 1, true
		x, w := random(s.N*s.H*s.W*s.C), random(9*s.C*s.O)
		y, want := make([]float64, 4*s.N*s.H*s.W*s.O), make([]float64, 4*s.N*s.H*s.W*s.O)
		Conv2D(want, x, w, nil, nil, s)
		NewUp().Conv2D(y, x, w, s, 0)
		require.InDeltaSlice(t, want, y, 1e-13)
	}
}
