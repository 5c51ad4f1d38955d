package cuda_test

import (
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/cuda"
	"heavytail/cuda/cudatest"
	"heavytail/kernels"
	"heavytail/tensor"
)

// failure runs f and returns the Failure that it panics with, or nil.
func failure(f func()) (err error) {
	defer tensor.Catch(&err)
	f()
	return nil
}

// A tensor of another device is a mistake that says so, and locks nothing.
func TestForeignTensor(t *testing.T) {
	a, b := cudatest.Open(t, cudatest.Config{}), cudatest.Open(t, cudatest.Config{})
	x := a.New(3)
	for _, other := range []*tensor.Tensor{b.New(3), kernels.New(1).New(3)} {
		require.PanicsWithValue(t, "cuda: Copy: a tensor of shape [3] that is not of cuda interpreter", func() { a.Copy(x, other) })
	}
	a.Copy(x, x)
}

// Without the build tag there is no GPU, and the error says how to get one.
func TestOpenWithout(t *testing.T) {
	if _, err := cuda.Devices(); err == nil {
		t.Skip("this machine has a GPU")
	}
	_, err := cuda.Open(0)
	require.Error(t, err)
	require.Regexp(t, "-tags cuda|driver|GPU", err.Error())
}

func TestOldGPU(t *testing.T) {
	_, err := cuda.New(cudatest.New(cudatest.Config{Old: true}), cuda.Options{})
	require.ErrorContains(t, err, "capability 7.0; 8.0 is the least")
}

// The memory of tensors that nobody can reach comes back, before there is too
// little of it and for certain then.
func TestMemoryComesBack(t *testing.T) {
	d := cudatest.Open(t, cudatest.Config{Memory: 4 << 20})
	for range 40 { // 40 MiB in all
		x := d.New(1 << 18)
		d.Fill(x, 1)
	}
	require.NoError(t, d.Err())
}

// What does not fit is an error that names sizes and the remedy; the device goes on.
func TestMemoryEnds(t *testing.T) {
	d := cudatest.Open(t, cudatest.Config{Memory: 4 << 20})
	x := d.New(1 << 18)
	d.Fill(x, 2)
	err := failure(func() { d.New(1 << 20) })
	require.ErrorIs(t, err, cuda.ErrMemory)
	require.Regexp(t, `^cuda interpreter: New: .* 4 MiB asked for, \d of 3 MiB are in use: use a smaller batch`, err.Error())
	require.NoError(t, d.Err())
	y := make([]float32, x.Len())
	d.Download(y, x)
	require.EqualValues(t, 2, y[len(y)-1])
	runtime.KeepAlive(x)
}

// A kernel that fails ends the device: every later method says the same, nothing
// more is asked of the driver, and other devices go on.
func TestLost(t *testing.T) {
	lost := errors.New("CUDA_ERROR_LAUNCH_FAILED")
	fail := false
	drv := cudatest.New(cudatest.Config{Fail: func(call string) error {
		if fail && call == "Launch" {
			return lost
		}
		return nil
	}})
	d, err := cuda.New(drv, cuda.Options{})
	require.NoError(t, err)
	x := d.New(2, 4)
	d.SiLU(x, x)
	fail = true
	first := failure(func() { d.SiLU(x, x) })
	require.ErrorIs(t, first, lost)
	require.ErrorContains(t, first, "SiLU: at kernel silu_4 on a grid of 1×1×1, or before it: CUDA_ERROR_LAUNCH_FAILED; nothing on this GPU can be used any more")
	fail = false
	for _, f := range []func(){func() { d.New(1) }, func() { d.Fill(x, 1) }, func() { d.Download(make([]float32, 8), x) }} {
		require.Same(t, first, failure(f))
	}
	require.Same(t, first, d.Err())
	require.Same(t, first, d.Sync())
	require.NoError(t, d.Close())
	require.NoError(t, drv.Misuse)
	cpu := kernels.New(1)
	y := cpu.New(2, 4)
	cpu.SiLU(y, y)
}

// A module that the driver does not compile is an error with its log; the rest goes on.
func TestNotCompiled(t *testing.T) {
	d := cudatest.Open(t, cudatest.Config{Fail: func(call string) error {
		if call == "Load" {
			return errors.New("ptxas: line 7: no such instruction")
		}
		return nil
	}})
	x := d.New(2, 4)
	err := failure(func() { d.SiLU(x, x) })
	require.ErrorContains(t, err, "SiLU: the driver does not compile module silu: ptxas: line 7")
	d.Fill(x, 3)
	y := make([]float32, 8)
	d.Download(y, x)
	require.EqualValues(t, 3, y[0])
}

// A closed device says so.
func TestClosed(t *testing.T) {
	d := cudatest.Open(t, cudatest.Config{})
	x := d.New(3)
	require.NoError(t, d.Close())
	require.NoError(t, d.Close())
	require.ErrorContains(t, failure(func() { d.Fill(x, 1) }), "closed")
}

// Any number of goroutines may use a device.
func TestConcurrentUse(t *testing.T) {
	d := cudatest.Open(t, cudatest.Config{})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 20 {
				x := d.New(3, 5)
				d.Upload(x.Columns(1, 4), []float32{1, 2, 3, 4, 5, 6, 7, 8, 9})
				d.Add(x, x, x)
				y := make([]float32, 15)
				d.Download(y, x)
				if y[13] != 18 || y[14] != 0 {
					t.Errorf("goroutine %d, round %d: %v", g, i, y)
				}
				if i%5 == 0 {
					runtime.GC()
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	wg.Wait()
}

// Time runs what it times once, and returns its failure.
func TestTime(t *testing.T) {
	d := cudatest.Open(t, cudatest.Config{})
	x, runs := d.New(1000), 0
	s, err := d.Time(func() { runs++; d.Fill(x, 2) })
	require.NoError(t, err)
	require.Equal(t, 1, runs)
	require.GreaterOrEqual(t, s, 0.0)
	lost := errors.New("lost")
	broken := cudatest.Open(t, cudatest.Config{Fail: func(call string) error {
		if call == "Launch" {
			return lost
		}
		return nil
	}})
	x = broken.New(1000)
	_, err = broken.Time(func() { broken.SiLU(x, x) })
	require.ErrorIs(t, err, lost)
	_, err = broken.Time(func() {})
	require.ErrorIs(t, err, lost)
}
