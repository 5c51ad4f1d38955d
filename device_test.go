package heavytail_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/cuda/cudatest"
	"heavytail/nn"
)

// Models on a GPU, here the interpreter of its kernels, give the samples of the CPU
// to the byte. Two may share one.
func TestLoaderDevice(t *testing.T) {
	dev := cudatest.Open(t, cudatest.Config{})
	points, err := nn.Preset("2d")
	require.NoError(t, err)
	for _, cfg := range []nn.Config{unet(), points} {
		file := small(t, cfg)
		var want []float32
		for _, l := range []heavytail.Loader{{Threads: 1}, {Device: dev}} {
			got := values(t, open(t, l, file), heavytail.Options{N: 3, Seed: 5, Steps: 2, Batch: 2})
			if want == nil {
				want = got
			}
			require.Equal(t, want, got)
		}
	}
	require.Greater(t, dev.Launches(), 50)
}
