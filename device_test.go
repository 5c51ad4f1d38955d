package heavytail_test

import (
	"errors"
	"math"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/cuda/cudatest"
	"heavytail/nn"
	"heavytail/tensor"
)

// A GPU that fails in the middle of sampling is an error of Sample and of Stream that
// says what happened, at whatever call; the process goes on, and the CPU with it.
func TestDeviceFails(t *testing.T) {
	cause := errors.New("CUDA_ERROR_ECC_UNCORRECTABLE")
	file := small(t, point())
	o := heavytail.Options{N: 2, Seed: 5, Steps: 2, Batch: 2}
	want := values(t, open(t, heavytail.Loader{}, file), o)
	for _, stream := range []bool{false, true} {
		left := math.MaxInt
		dev := cudatest.Open(t, cudatest.Config{Fail: func(call string) error {
			if left--; left < 0 {
				return cause
			}
			return nil
		}})
		m := open(t, heavytail.Loader{Device: dev}, file)
		require.Equal(t, want, values(t, m, o))
		left = 20
		var err error
		if stream {
			err = m.Stream(t.Context(), o, func(int, []float32) error { return nil })
		} else {
			_, err = m.Sample(t.Context(), o)
		}
		require.ErrorIs(t, err, cause)
		require.ErrorContains(t, err, "cuda interpreter: ")
		_, err = heavytail.Loader{Device: dev}.Open(file)
		require.ErrorIs(t, err, cause, "a lost GPU stays lost")
	}
	require.Equal(t, want, values(t, open(t, heavytail.Loader{}, file), o))
}

// A batch that the GPU has no room for is refused by the GPU's memory, not by that
// of the process, before anything is taken.
func TestDeviceMemory(t *testing.T) {
	dev := cudatest.Open(t, cudatest.Config{Memory: 8 << 20})
	m := open(t, heavytail.Loader{Device: dev}, small(t, unet()))
	before := dev.Launches()
	_, err := m.Sample(t.Context(), heavytail.Options{N: 400, Batch: 400})
	require.ErrorContains(t, err, "cuda interpreter has 7: ask for a smaller batch")
	require.Equal(t, before, dev.Launches())
}

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

// Several GPUs divide the samples of one call and give the bytes of one; a failure of
// any of them is the call's.
func TestLoaderMore(t *testing.T) {
	cause := errors.New("CUDA_ERROR_ECC_UNCORRECTABLE")
	var lost atomic.Bool
	one := cudatest.Open(t, cudatest.Config{})
	two := cudatest.Open(t, cudatest.Config{Seed: 1, Fail: func(string) error {
		if lost.Load() {
			return cause
		}
		return nil
	}})
	file := small(t, point())
	o := heavytail.Options{N: 5, Seed: 5, Steps: 3}
	want := values(t, open(t, heavytail.Loader{}, file), o)
	m := open(t, heavytail.Loader{Device: one, More: []tensor.Device{two}}, file)
	before, beforeTwo := one.Launches(), two.Launches()
	for _, o.Batch = range []int{1, 2, 32} {
		require.Equal(t, want, values(t, m, o))
	}
	require.Greater(t, one.Launches(), before)
	require.Greater(t, two.Launches(), beforeTwo)
	lost.Store(true)
	_, err := m.Sample(t.Context(), o)
	require.ErrorIs(t, err, cause)
}
