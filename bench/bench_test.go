package bench

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/cudatest"
	"heavytail/kernels"
)

func cpu(config string) Options {
	return Options{Config: config, Batch: 1, Threads: 1, Count: 3, Device: kernels.New(1)}
}

// Every benchmark of noise on a GPU runs, with a kernel.
func TestNoiseOnADevice(t *testing.T) {
	dev := cudatest.Open(t, cudatest.Config{})
	cases, err := gpuNoiseCases(dev, 4096)
	require.NoError(t, err)
	for _, c := range cases {
		before := dev.Launches()
		r, err := c.Time(t.Context(), Options{Batch: 1, Threads: 1, Count: 1, Device: dev}, 0)
		require.NoError(t, err)
		require.Greater(t, dev.Launches(), before, c.name)
		require.Positive(t, r.Launches, c.name)
		require.Positive(t, r.Rate, c.name)
	}
}

// The cases of every kind can be made, and their names tell them apart.
func TestKinds(t *testing.T) {
	if testing.Short() {
		t.Skip("operands of large products")
	}
	for _, kind := range Kinds() {
		cases, err := Cases(kind, cpu("tiny"))
		require.NoError(t, err, kind)
		names := map[string]bool{}
		for _, c := range cases {
			require.False(t, names[c.name], c.name)
			names[c.name] = true
		}
		require.NotEmpty(t, names, kind)
	}
}

// A result counts what the case does, beside a peak that is known.
func TestTime(t *testing.T) {
	runs := 0
	c := Case{name: "x", flops: 3e6, items: 5, unit: "things", run: func() { runs++ }}
	r, err := c.Time(t.Context(), cpu("tiny"), 1e9)
	require.NoError(t, err)
	require.Equal(t, 4, runs, "one to warm up, three timed")
	require.LessOrEqual(t, r.MinMS, r.MedianMS)
	r = c.result(cpu("tiny"), []float64{7, 3, 5}, 2e9)
	require.Equal(t, [5]float64{5, 3, 0.6, 0.3, 1000}, [5]float64{r.MedianMS, r.MinMS, r.GFlops, r.Fraction, r.Rate})
	require.Contains(t, r.String(), "0.6 GFLOP/s, 30.0 % of 2.0  1000 things/s  [cpu")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Time(ctx, cpu("tiny"), 0)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 4, runs)
}

// What a program may get wrong is an error that names it.
func TestOptionsChecked(t *testing.T) {
	_, err := Cases("unet", Options{Config: "tiny", Batch: 0, Threads: 1, Count: 1, Device: kernels.New(1)})
	require.ErrorContains(t, err, "Batch 0")
	_, err = Cases("unet", Options{Config: "tiny", Batch: 1, Threads: 1, Count: 1})
	require.ErrorContains(t, err, "a Device")
	_, err = Cases("unet", cpu("no"))
	require.ErrorContains(t, err, `no network named "no"`)
	_, err = Cases("unet", cpu("2d"))
	require.ErrorContains(t, err, "2d is not a network for images")
	_, err = Cases("units", cpu("tiny"))
	require.ErrorContains(t, err, `"units" is no kind of benchmark: want one of gemm, conv`)
	two := cpu("tiny")
	two.Threads = 2
	for _, kind := range []string{"noise", "law"} {
		_, err = Cases(kind, two)
		require.ErrorContains(t, err, "2 threads")
	}
	o := cpu("tiny")
	o.Device = cudatest.Open(t, cudatest.Config{})
	_, err = Layers(t.Context(), o, 0, 0)
	require.ErrorContains(t, err, "Layers times the processor")
}

// An earlier run is found by name, network, threads and batch, all of them.
func TestCompare(t *testing.T) {
	r := Result{Name: "a", Config: "tiny", Threads: 2, Batch: 3, MedianMS: 7, Device: "cpu"}
	text, err := json.Marshal(r)
	require.NoError(t, err)
	e, err := ReadEarlier(strings.NewReader(string(text) + "\n" + strings.Replace(string(text), "7", "8", 1)))
	require.NoError(t, err)
	now := r
	now.MedianMS, now.Device = 4, "cuda"
	require.True(t, e.Compare(&now))
	require.Equal(t, 8.0, now.BeforeMS, "the last of two counts")
	require.Contains(t, now.String(), "0.50× of 8.000 ms before on cpu")
	for _, change := range []func(*Result){
		func(r *Result) { r.Name = "b" }, func(r *Result) { r.Config = "mnist" }, func(r *Result) { r.Threads = 1 }, func(r *Result) { r.Batch = 1 },
	} {
		other := r
		change(&other)
		require.False(t, e.Compare(&other))
		require.Zero(t, other.BeforeMS)
	}
}

// Limits are those of the form that a layer takes: of F(4×4) the products of 36 points a
// tile and little more, of the direct form all, of a doubled image 25 a tile or four of nine; of many
// weights what memory delivers; and they add up.
func TestLimits(t *testing.T) {
	o := cpu("cifar10_lt")
	o.Count = 1
	const peak, bandwidth = 2e12, 1e13 // memory bounds nothing
	p, err := Layers(t.Context(), o, peak, bandwidth)
	require.NoError(t, err)
	byName := map[string]Result{}
	sum := 0.0
	for _, r := range p.Rows[:len(p.Rows)-1] {
		byName[r.Name], sum = r, sum+r.LeastMS
	}
	require.InEpsilon(t, sum, p.Rows[len(p.Rows)-1].LeastMS, 1e-9)
	of := func(name string, products float64) float64 {
		r, ok := byName[name]
		require.True(t, ok, name)
		return r.LeastMS / (float64(r.Calls) * products * 2 / peak * 1e3)
	}
	require.InEpsilon(t, 1, of("convolution 3×3 256→256 at 4×4, direct", 9*16*256*256), 1e-9)
	require.InEpsilon(t, 1, of("convolution 3×3 256→256 at 4×4, summed taps", 16*16*256*256), 1e-9)
	// of 9×9 tiles, whose differences are twelve and sums 36 for each channel, those at the
	// border without one or three of five points a side
	require.InEpsilon(t, 1+48.0/(25*256), of("convolution 3×3 256→256 at 16×16, U(4×4)", 41*41*256*256), 1e-9)
	// transforms of 64 tiles of 128 channels are (144 + 130)·128·64, of the taps 54·128²
	require.InEpsilon(t, 1+274.0/(36*128)+54.0/(36*64), of("convolution 3×3 128→128 at 32×32, F(4×4)", 36*64*128*128), 1e-9)
	few, err := Layers(t.Context(), o, peak, 1e9)
	require.NoError(t, err)
	for _, r := range few.Rows {
		if r.Name == "convolution 3×3 256→256 at 4×4, direct" {
			require.InEpsilon(t, float64(r.Calls)*4*9*256*256/1e9*1e3, r.LeastMS, 1e-9)
		}
	}
	o = cpu("tiny")
	small, err := Layers(t.Context(), o, 0, 1e9)
	require.NoError(t, err)
	require.Zero(t, small.Rows[len(small.Rows)-1].LeastMS, "its weights stay in the caches")
	require.Panics(t, func() { small.Roofline() })
}
