package cuda_test

import (
	"errors"
	"math"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/cuda"
	"heavytail/cuda/cudatest"
	"heavytail/internal/numtest"
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

// The memory of tensors that nobody can reach comes back where there is too little of
// it. Nobody else collects: a collection that comes by chance would hide a device that
// never looks.
func TestMemoryComesBack(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
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

// A weight that convolutions of several forms read in turn has a copy for each, and
// new ones when it changes.
func TestForms(t *testing.T) {
	run := func(dev tensor.Device) (out []float32) {
		r := numtest.NewRand(4)
		mk := func(shape ...int) *tensor.Tensor {
			return upload(dev, r.Fill(make([]float32, count(shape)), 1), shape...)
		}
		w := mk(3, 3, 16, 16)
		for range 2 {
			for _, c := range []struct {
				h, w, out int
				opt       tensor.ConvOpt
			}{
				{6, 8, 1, tensor.ConvOpt{Normalized: true}},           // F(2×2)
				{3, 2, 2, tensor.ConvOpt{Up: true, Normalized: true}}, // direct: sums of its taps
				{6, 5, 2, tensor.ConvOpt{Up: true}},                   // its form forward
				{4, 4, 1, tensor.ConvOpt{}},                           // direct: no copy forward, one backward
				{6, 8, 1, tensor.ConvOpt{Normalized: true}},
			} {
				x, y, dw := mk(1, c.h, c.w, 16), dev.New(1, c.h*c.out, c.w*c.out, 16), dev.New(3, 3, 16, 16)
				dev.Conv2D(y, x, w, nil, nil, c.opt)
				dx := dev.New(1, c.h, c.w, 16)
				dev.Conv2DBackward(dx, dw, nil, y, x, w, c.opt)
				out = append(append(out, down(y)...), down(dx)...)
			}
			dev.Scale(w, 0.7)
		}
		return out
	}
	numtest.SameBits(t, run(kernels.New(1)), run(cudatest.Open(t, cudatest.Config{})), "outputs and gradients")
}

// A method's tensors live until its last kernel is under way, also if the program
// has no other use for them and memory is looked for meanwhile.
func TestHeld(t *testing.T) {
	x, w := numtest.NewRand(1).Fill(make([]float32, 8*8*16), 1), numtest.NewRand(2).Fill(make([]float32, 9*16*16), 1)
	opt := tensor.ConvOpt{Normalized: true}
	run := func(dev tensor.Device, now func()) []float32 {
		y := dev.New(1, 8, 8, 16)
		a, b := upload(dev, x, 1, 8, 8, 16), upload(dev, w, 3, 3, 16, 16)
		now()
		dev.Conv2D(y, a, b, nil, nil, opt) // the last use of a and b
		return down(y)
	}
	want := run(kernels.New(1), func() {})
	for range 5 {
		calls := math.MinInt
		d, err := cuda.New(cudatest.New(cudatest.Config{Fail: func(call string) error {
			if call != "Alloc" {
				return nil
			}
			if calls++; calls == 2 || calls == 3 { // the first is the copy of the weight, then both tries for the room
				return cuda.ErrMemory
			}
			return nil
		}}), cuda.Options{Segment: 512})
		require.NoError(t, err)
		numtest.SameBits(t, want, run(d, func() { calls = 0 }), "with memory looked for")
		require.Greater(t, calls, 3)
		require.NoError(t, d.Close())
	}
}
