package diffusion

import (
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/ref64"
	"heavytail/tensor"
)

func TestInputWeights(t *testing.T) {
	x := []float32{0, 0, 1, 1, 3, -4, 1e20, 0}
	w := make([]float64, 4)
	Loss{Kind: Weighted}.InputWeights(w, x)
	require.InDeltaSlice(t, []float64{1, 1. / 2, 1 / 13.5}, w[:3], 1e-15)
	require.InEpsilon(t, 2e-40, w[3], 1e-6, "beyond float32 but not beyond its weight")
	Loss{Kind: Squared}.InputWeights(w, x)
	require.Equal(t, []float64{1, 1, 1, 1}, w)
	require.Zero(t, testing.AllocsPerRun(10, func() { Loss{Kind: Weighted}.InputWeights(w, x) }))
	require.Panics(t, func() { Loss{Kind: Weighted}.InputWeights(w, x[:7]) })
	require.NoError(t, Loss{Kind: Weighted, Outer: 5, Median: true}.Validate())
	require.Error(t, Loss{Kind: Weighted, P: 2}.Validate())
}

// For inputs of two sizes with three noises each, the gradient of the weighted
// square is 0 at the mean of each size's noises, whatever the weights; that of
// the root is not.
func TestWeightedLossLearnsTheMean(t *testing.T) {
	x := []float32{0.5, 0.5, 0.5, 40, 40, 40}
	noise := []float32{0, 1, 8, -3, 4, 20}
	mean := []float32{3, 3, 3, 7, 7, 7}
	slopes := func(l Loss) (small, large float64) {
		dev := tensor.Device(ref64.New())
		pred, target, grad := dev.New(6, 1), dev.New(6, 1), dev.New(6, 1)
		dev.Upload(pred, mean)
		dev.Upload(target, noise)
		m, slope, w := make([]float64, 6), make([]float64, 6), make([]float64, 6)
		kind, p := l.Elementwise()
		dev.Loss(m, pred, target, kind, p)
		l.InputWeights(w, x)
		for i, v := range w {
			m[i] *= v
		}
		l.Reduce(slope, m, 6)
		for i, v := range w {
			slope[i] *= v
		}
		dev.LossBackward(grad, pred, target, kind, p, slope)
		g := ref64.Values(grad)
		require.NotZero(t, g[0])
		return g[0] + g[1] + g[2], g[3] + g[4] + g[5]
	}
	small, large := slopes(Loss{Kind: Weighted})
	require.InDelta(t, 0, small, 1e-15)
	require.InDelta(t, 0, large, 1e-15)
	small, large = slopes(Loss{Kind: Root})
	require.Greater(t, min(max(small, -small), max(large, -large)), 0.01)
}
