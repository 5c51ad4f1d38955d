package heavytail_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/data"
	"heavytail/diffusion"
	"heavytail/fashion"
	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
)

// small returns the file of a small conditional U-Net with random weights and
// no recipe beyond its network.
func small(t testing.TB, cfg nn.Config) []byte {
	t.Helper()
	net, err := nn.New(kernels.New(1), cfg)
	require.NoError(t, err)
	flat := net.Params().Flat.Data()
	numtest.NewRand(3).Fill(flat, 0.2)
	net.Params().Touch()
	var b bytes.Buffer
	require.NoError(t, (&nn.State{Net: net}).Write(&b, tensor.F16))
	return b.Bytes()
}

func unet() nn.Config {
	return nn.Config{UNet: &nn.UNetConfig{InChannels: 1, OutChannels: 1, ModelChannels: 8, ChannelMult: []int{1, 2}, NumResBlocks: 1,
		AttentionDS: []int{2}, NumHeads: 2, NumClasses: 3, TimeScale: 1000, ImageSize: 8}}
}

func open(t testing.TB, l heavytail.Loader, file []byte) *heavytail.Model {
	t.Helper()
	m, err := l.Open(file)
	require.NoError(t, err)
	return m
}

func values(t *testing.T, m *heavytail.Model, o heavytail.Options) []float32 {
	t.Helper()
	s, err := m.Sample(context.Background(), o)
	require.NoError(t, err)
	return s.Float32()
}

// One seed, one result: at every level, on any number of threads, in any
// batches, whatever other seeds are drawn with it.
func TestSampleBits(t *testing.T) {
	file := small(t, unet())
	for _, o := range []heavytail.Options{
		{N: 7, Seed: 5, Steps: 5}, {N: 7, Seed: 5, Steps: 5, Method: "dlpm"}, {N: 7, Seed: 5, Steps: 5, Settings: heavytail.Settings{ClampA: 3}, ConsistentStart: heavytail.Off}, {N: 7, Seed: 5, Steps: 4, Guidance: 2, Edit: half(64), Method: "dlpm"}, {N: 7, Seed: 5, Steps: 4, Settings: heavytail.Settings{Eta: 0.7}, Clip: heavytail.Off, Classes: []int{1, heavytail.Unconditional}},
	} {
		want := values(t, open(t, heavytail.Loader{Threads: 1}, file), o)
		require.Len(t, want, 7*64)
		numtest.EachLevel(t, func(t *testing.T) {
			for i, threads := range []int{1, 2, 3, 7} {
				o := o
				o.Batch = []int{1, 2, 3, 64}[i]
				numtest.SameBits(t, want, values(t, open(t, heavytail.Loader{Threads: threads}, file), o), "split")
			}
		})
		for lo := range 7 { // as machines that share the samples do
			some := o
			some.First, some.Count, some.Batch = lo, min(1+lo%3, 7-lo), 2
			first := lo
			got := values(t, open(t, heavytail.Loader{}, file), some)
			numtest.SameBits(t, want[lo*64:(lo+some.Count)*64], got, "a part")
			require.NoError(t, open(t, heavytail.Loader{}, file).Stream(t.Context(), some, func(at int, x []float32) error {
				require.Equal(t, first, at)
				first += len(x) / 64
				return nil
			}))
		}
		rest := o
		rest.First = 5
		numtest.SameBits(t, want[5*64:], values(t, open(t, heavytail.Loader{}, file), rest), "the rest")
		one := o
		one.N, one.Seeds = 0, []uint64{9, 7}
		one.Classes = nil
		if o.Classes == nil {
			got := values(t, open(t, heavytail.Loader{}, file), one)
			numtest.SameBits(t, want[4*64:5*64], got[:64], "seed 9 alone")
			numtest.SameBits(t, want[2*64:3*64], got[64:], "seed 7 alone")
		}
	}
}

// half is an edit that keeps every second value of an image of n.
func half(n int) *heavytail.Edit {
	e := &heavytail.Edit{Image: make([]float32, n), Known: make([]bool, n), Resample: 2, Strength: 0.9}
	for j := range n {
		e.Image[j], e.Known[j] = float32(j%5)/4, j%2 == 0
	}
	return e
}

// What an edit keeps is kept; images of another size have that shape.
func TestEditsAndSizes(t *testing.T) {
	m := open(t, heavytail.Loader{}, small(t, unet()))
	e := half(64)
	for i, v := range values(t, m, heavytail.Options{N: 2, Steps: 4, Edit: e}) {
		if j := i % 64; e.Known[j] {
			require.Equal(t, e.Image[j], v)
		}
	}
	require.Equal(t, 4, m.Moves(heavytail.Options{Steps: 4}))
	require.Equal(t, 2, m.Moves(heavytail.Options{Steps: 4, Edit: &heavytail.Edit{Image: e.Image, Strength: 0.5}}))
	s, err := m.Sample(context.Background(), heavytail.Options{N: 2, Steps: 3, Height: 6, Width: 10})
	require.NoError(t, err)
	require.Equal(t, []int{2, 6, 10, 1}, s.Shape())
	require.Equal(t, 10, s.Image(1).Bounds().Dx())
	_, err = m.Sample(context.Background(), heavytail.Options{Height: 7, Width: 7})
	require.ErrorContains(t, err, "multiples of 2")
	_, err = m.Sample(context.Background(), heavytail.Options{Height: 8})
	require.ErrorContains(t, err, "8×0 pixels")
}

func TestGoroutinesShareOneModel(t *testing.T) {
	m := open(t, heavytail.Loader{Threads: 2}, small(t, unet()))
	want := values(t, m, heavytail.Options{N: 3, Steps: 4})
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			s, err := m.Sample(context.Background(), heavytail.Options{N: 3, Steps: 4})
			if err != nil || !bytes.Equal(raw(s.Float32()), raw(want)) {
				t.Errorf("another result beside other goroutines (%v)", err)
			}
		})
	}
	wg.Wait()
}

func raw(x []float32) []byte {
	b, err := tensor.Encode(tensor.F32, x)
	if err != nil {
		panic(err)
	}
	return b
}

func TestContextStopsWithinAStep(t *testing.T) {
	m := open(t, heavytail.Loader{}, small(t, unet()))
	ctx, cancel := context.WithCancel(context.Background())
	calls := 0
	_, err := m.Sample(ctx, heavytail.Options{N: 2, Steps: 50, Step: func(int, int, []float32) error {
		if calls++; calls == 3 {
			cancel()
		}
		return nil
	}})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 3, calls)
	full := errors.New("disk full")
	require.ErrorIs(t, m.Stream(context.Background(), heavytail.Options{Steps: 2}, func(int, []float32) error { return full }), full)
}

func TestOptionsAreChecked(t *testing.T) {
	m := open(t, heavytail.Loader{}, small(t, unet()))
	for want, o := range map[string]heavytail.Options{
		"method \"ddpm\"": {Method: "ddpm"}, "eta": {Method: "dlpm", Settings: heavytail.Settings{Eta: 1}}, "class 3": {Classes: []int{3}},
		"guidance -3": {Guidance: -3}, "guidance 3 of samples without a class": {Guidance: 3, N: 2, Classes: []int{-1, -1, 1}},
		"strength is 7": {Edit: &heavytail.Edit{Image: make([]float32, 64), Strength: 7}},
		"class -2":      {Classes: []int{-2}}, "batch": {Batch: -1}, "sampling steps": {Steps: -1}, "N and Seeds": {N: 2, Seeds: []uint64{1}},
	} {
		_, err := m.Sample(context.Background(), o)
		require.ErrorContains(t, err, want)
	}
}

// Impossible options are told from faults, with the field and its value, in texts
// that begin with this package's name and have no other's.
func TestOptionErrors(t *testing.T) {
	images, points := open(t, heavytail.Loader{}, small(t, unet())), open(t, heavytail.Loader{}, small(t, nn.Config{MLP: &nn.MLPConfig{Dim: 2, Units: 8, Blocks: 1, TimeEmb: 4}}))
	image := make([]float32, 64)
	for _, c := range []struct {
		m     *heavytail.Model
		o     heavytail.Options
		field string
		value any
	}{
		{images, heavytail.Options{N: -2}, "N", -2},
		{images, heavytail.Options{N: 2, Seeds: []uint64{1}}, "N", 2},
		{images, heavytail.Options{N: 3, First: 3}, "First", 3}, {images, heavytail.Options{N: 3, First: 2, Count: 2}, "First", 2}, {images, heavytail.Options{N: 3, First: -1}, "First", -1}, {images, heavytail.Options{N: 3, Count: -1}, "First", 0},
		{images, heavytail.Options{Classes: []int{0, 3}}, "Classes", 3},
		{images, heavytail.Options{Guidance: -1}, "Guidance", -1.0},
		{images, heavytail.Options{Method: "edm"}, "Method", "edm"},
		{images, heavytail.Options{Method: "none"}, "Method", "none"},
		{images, heavytail.Options{Steps: -1}, "Steps", -1},
		{images, heavytail.Options{Method: "dlim2", Steps: 1 << 20}, "Steps", 1 << 20},
		{images, heavytail.Options{Settings: heavytail.Settings{Eta: 2}}, "Eta", 2.0},
		{images, heavytail.Options{Settings: heavytail.Settings{SigmaMax: 9}}, "SigmaMax", 9.0},
		{images, heavytail.Options{Batch: -1}, "Batch", -1},
		{images, heavytail.Options{Clip: 3}, "Clip", heavytail.Switch(3)},
		{images, heavytail.Options{ConsistentStart: -1}, "ConsistentStart", heavytail.Switch(-1)},
		{images, heavytail.Options{Edit: &heavytail.Edit{Image: image, Strength: 7}}, "Edit.Strength", 7.0},
		{images, heavytail.Options{Edit: &heavytail.Edit{Image: image, Resample: 1001}}, "Edit.Resample", 1001},
		{images, heavytail.Options{Edit: &heavytail.Edit{Image: image[:9]}}, "Edit.Image", 9},
		{images, heavytail.Options{Batch: 1, Height: 1 << 14, Width: 1 << 14}, "Height", 1 << 14},
		{images, heavytail.Options{Height: 7, Width: 7}, "Height", 7},
		{points, heavytail.Options{Clip: heavytail.On}, "Clip", heavytail.On},
		{points, heavytail.Options{Height: 8, Width: 8}, "Height", 8},
		{points, heavytail.Options{N: math.MaxInt}, "N", math.MaxInt},
	} {
		_, err := c.m.Sample(t.Context(), c.o)
		var bad *heavytail.OptionError
		require.ErrorAs(t, err, &bad, "%+v", c.o)
		require.Equal(t, c.field, bad.Field)
		require.Equal(t, c.value, bad.Value)
		require.NotEmpty(t, bad.Want)
		require.ErrorIs(t, err, &heavytail.OptionError{Field: c.field})
		require.NotErrorIs(t, err, &heavytail.OptionError{Field: "Other"})
		text, ours := strings.CutPrefix(err.Error(), "heavytail: ")
		require.True(t, ours, err)
		for _, name := range []string{"heavytail: ", "diffusion: ", "sample: ", "nn: "} {
			require.NotContains(t, text, name)
		}
	}
	_, err := images.Memory(0)
	require.ErrorIs(t, err, &heavytail.OptionError{Field: "Batch"})

	for _, l := range []heavytail.Loader{{Threads: -1}, {Threads: 1<<12 + 1}, {Threads: math.MaxInt}, {Alpha: 9}} {
		_, err := l.Open(small(t, unet()))
		require.ErrorIs(t, err, &heavytail.OptionError{}, "%+v", l)
		require.Regexp(t, "^heavytail: (process: alpha|Loader.Threads) is", err)
	}
	path := filepath.Join(t.TempDir(), "m")
	require.NoError(t, os.WriteFile(path, []byte("no model at all"), 0o644))
	for _, name := range []string{path, path + "2"} {
		_, err = heavytail.OpenFile(name)
		require.ErrorContains(t, err, "heavytail: ")
		require.ErrorContains(t, err, name+": ")
		require.NotErrorIs(t, err, &heavytail.OptionError{})
		require.Equal(t, name != path, errors.Is(err, os.ErrNotExist))
	}

	ctx, cancel := context.WithCancel(t.Context())
	mine := errors.New("diskful")
	for want, o := range map[error]heavytail.Options{
		context.Canceled: {Step: func(int, int, []float32) error { cancel(); return nil }},
		mine:             {Step: func(int, int, []float32) error { return mine }},
	} {
		c := t.Context()
		if want == context.Canceled {
			c = ctx
		}
		_, err := images.Sample(c, o)
		require.ErrorIs(t, err, want)
		require.NotErrorIs(t, err, &heavytail.OptionError{})
		require.NotContains(t, err.Error(), "diffusion: ")
	}
}

func TestFilesWithoutARecipe(t *testing.T) {
	file := small(t, nn.Config{MLP: &nn.MLPConfig{Dim: 2, Units: 8, Blocks: 1, TimeEmb: 4}})
	path := filepath.Join(t.TempDir(), "m")
	require.NoError(t, os.WriteFile(path, file, 0o644))
	m, err := heavytail.Loader{Alpha: 1.5}.OpenFile(path)
	require.NoError(t, err)
	require.Equal(t, 1.5, m.Recipe().Process.Alpha)
	require.Equal(t, []int{2}, m.Shape())
	require.Len(t, values(t, m, heavytail.Options{N: 3, Steps: 3}), 6)
	_, err = heavytail.Loader{Alpha: 3}.OpenFile(path)
	require.ErrorContains(t, err, "alpha")
	m, err = heavytail.OpenFile(path)
	require.NoError(t, err)
	require.Equal(t, diffusion.Default(1.8, 1000), m.Recipe().Process)
	_, err = heavytail.OpenFile(path + "x")
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = heavytail.Open(file[:100])
	require.Error(t, err)
}

// Once it runs, a sampling step allocates nothing.
func TestStepsDoNotAllocate(t *testing.T) {
	m := open(t, heavytail.Loader{Threads: 2}, small(t, unet()))
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties the pools
	for _, method := range []string{"dlim", "dlpm"} {
		var stats runtime.MemStats
		var counts []uint64
		counts = make([]uint64, 0, 64)
		_, err := m.Sample(context.Background(), heavytail.Options{N: 4, Method: method, Steps: 30, Step: func(int, int, []float32) error {
			runtime.ReadMemStats(&stats)
			counts = append(counts, stats.Mallocs)
			return nil
		}})
		require.NoError(t, err)
		// The first step makes views of the workspace and starts workers; the
		// runtime's own goroutines may allocate in some of the others. What a
		// step itself allocates would show in every one.
		free := 0
		for i := 3; i < len(counts); i++ {
			if counts[i] == counts[i-1] {
				free++
			}
		}
		require.Greater(t, free, len(counts)/2, "%s: %v", method, counts)
	}
}

// What a model hands out is a copy: changing it changes no model, least of all
// the built-in one, which is one for all.
func TestModelsHandOutCopies(t *testing.T) {
	m, err := fashion.Model()
	require.NoError(t, err)
	for range 2 {
		require.Empty(t, numtest.Shared(m.Recipe(), m.Recipe()))
		require.Equal(t, []int{28, 28, 1}, m.Recipe().Data.Shape)
		r := m.Recipe()
		require.NotNil(t, r.Network.UNet)
		r.Data.Shape[0], r.Network.UNet.ImageSize, r.Train.EMA[0] = 64, 1, 0
		m.Shape()[0], m.Methods()[0] = 64, "none"
		m.SampleShape(heavytail.Options{})[0] = 64
		clear(fashion.File())
		require.Equal(t, "dlpm", m.Methods()[0])
		require.Equal(t, []int{28, 28, 1}, m.Shape())
		require.NotZero(t, m.Recipe().Train.EMA[0])
	}
	_, err = heavytail.Open(fashion.File())
	require.NoError(t, err)
}

// Step sees estimates of the images where asked, within their range, and the
// samples are the same.
func TestEstimates(t *testing.T) {
	m := open(t, heavytail.Loader{}, small(t, unet()))
	beyond := func(estimates bool) (count int) {
		o := heavytail.Options{N: 2, Seed: 5, Steps: 6, Estimates: estimates}
		moves := m.Moves(o)
		o.Step = func(_, left int, x []float32) error {
			for _, v := range x {
				if left < moves && (v < -1 || v > 1) {
					count++
				}
			}
			return nil
		}
		want := values(t, m, heavytail.Options{N: 2, Seed: 5, Steps: 6})
		require.Equal(t, want, values(t, m, o))
		return count
	}
	require.NotZero(t, beyond(false), "the states are noisy")
	require.Zero(t, beyond(true))
}

// ImagesOf makes pictures of values, and data.FromImage values of pictures.
func TestConversionsBothWays(t *testing.T) {
	m := modelOf(t, recipe.DLPM, "fashion")
	drawn, err := m.Sample(t.Context(), heavytail.Options{N: 2, Steps: 3})
	require.NoError(t, err)
	again := heavytail.ImagesOf(m.Shape(), drawn.Float32())
	require.Equal(t, drawn.Shape(), again.Shape())
	require.Equal(t, drawn.Grid(0), again.Grid(0))
	require.Equal(t, drawn.Float64(), again.Float64())
	x, err := data.FromImage(again.Image(1), m.Shape())
	require.NoError(t, err)
	require.Equal(t, again.Image(1), heavytail.ImagesOf(m.Shape(), x).Image(0))
	for i, v := range x {
		require.InDelta(t, v, drawn.Float32()[64+i], 1.0/255, "half a level of 256, or the next") // levels are 2/255 apart
	}
	require.Zero(t, heavytail.ImagesOf([]int{2}, nil).Len())
	for _, shape := range [][]int{nil, {}, {3}, {0}, {-2, -1}, {math.MaxInt, math.MaxInt}} {
		require.Contains(t, panicText(func() { heavytail.ImagesOf(shape, make([]float32, 4)) }), "heavytail: ImagesOf: 4 values are no samples of shape")
	}
}
