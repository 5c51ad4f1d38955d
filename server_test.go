package heavytail_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/fashion"
	"heavytail/internal/isa"
	"heavytail/internal/machine"
	"heavytail/nn"
)

// allocated returns the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func point() nn.Config {
	return nn.Config{MLP: &nn.MLPConfig{Dim: 2, Units: 8, Blocks: 1, TimeEmb: 4, TimeScale: 1000}}
}

// What a request asks for and no memory holds is an error that says what to
// ask for instead, before anything is taken.
func TestRequestsWithoutBounds(t *testing.T) {
	const huge = math.MaxInt / 2
	nothing := func(int, []float32) error { return errors.New("nothing should come") }
	for name, cfg := range map[string]nn.Config{"images": unet(), "points": point()} {
		m := open(t, heavytail.Loader{}, small(t, cfg))
		for _, c := range []struct {
			o      heavytail.Options
			want   string
			images bool
			stream bool // Stream refuses it too
		}{
			{heavytail.Options{N: min(1<<50, huge)}, "samples", false, math.MaxInt > 1<<32},
			{heavytail.Options{N: huge}, "samples", false, math.MaxInt > 1<<32},
			{heavytail.Options{N: min(1<<40, huge)}, "or draw them with Stream", false, false},
			{heavytail.Options{N: min(1<<40, huge), Batch: huge}, "smaller batch", false, true},
			{heavytail.Options{N: min(1<<40, huge), Batch: 1 << 30, Method: "dlpm"}, "smaller batch", false, true},
			{heavytail.Options{Height: 16384, Width: 16384, Batch: 64, N: 64}, "smaller images", true, true},
			{heavytail.Options{Height: huge + 1, Width: 8}, "want 1 to 16384", true, true},
			{heavytail.Options{Height: -8, Width: -8}, "want 1 to 16384", true, true},
		} {
			if c.images && cfg.UNet == nil {
				continue
			}
			require.Less(t, allocated(func() {
				_, err := m.Sample(t.Context(), c.o)
				require.ErrorContains(t, err, c.want, "%s %+v", name, c.o)
				if c.stream {
					require.ErrorContains(t, m.Stream(t.Context(), c.o, nothing), c.want, "%s %+v", name, c.o)
				}
			}), uint64(4<<20), "%s %+v", name, c.o)
		}
	}
}

// Stream has the memory of one batch, however many samples are asked for.
func TestStreamOfABillion(t *testing.T) {
	m := open(t, heavytail.Loader{}, small(t, point()))
	enough := errors.New("enough")
	var got []float32
	require.Less(t, allocated(func() {
		err := m.Stream(t.Context(), heavytail.Options{N: 1e9, Seed: 1 << 40, Batch: 4, Steps: 3}, func(first int, x []float32) error {
			if got = append(got, x...); first >= 8 {
				return enough
			}
			return nil
		})
		require.ErrorIs(t, err, enough)
	}), uint64(1<<20))
	require.Equal(t, values(t, m, heavytail.Options{Seeds: []uint64{1<<40 + 10, 1<<40 + 11}, Steps: 3}), got[20:])
	o, err := m.Resolve(heavytail.Options{N: 1e9, Seed: 7})
	require.NoError(t, err)
	require.EqualValues(t, 7+999_999_999, o.SeedOf(o.N-1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = m.Sample(ctx, heavytail.Options{N: 1e6})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, m.Stream(ctx, heavytail.Options{N: 1e9}, func(int, []float32) error { return nil }), context.Canceled)
	none, err := m.Sample(t.Context(), heavytail.Options{Seeds: []uint64{}})
	require.NoError(t, err)
	require.Zero(t, none.Len())
}

// Memory says, without taking it, what sampling takes, to a twentieth or so: the rest
// is the list of the network's operations.
func TestMemoryIsWhatSamplingTakes(t *testing.T) {
	wide := unet()
	wide.UNet.ModelChannels, wide.UNet.ImageSize = 32, 32
	points := point()
	points.MLP.Units, points.MLP.Blocks = 256, 4
	song := nn.Config{Song: &nn.SongConfig{InChannels: 3, OutChannels: 3, ModelChannels: 32, ChannelMult: []int{1, 2}, NumBlocks: 1, NumHeads: 1,
		EmbMult: 4, NoiseMult: 1, ImageSize: 16, AttentionRes: []int{8}, Embedding: "positional", Encoder: "standard", Filter: []int{1, 1}, SkipScale: 1, TimeScale: 1}}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer func(was func() int) { isa.Cache = was }(isa.Cache)
	caches := []int{isa.Cache()}
	if !testing.Short() {
		caches = []int{1 << 18, 1 << 19, 1 << 20, 1 << 22} // which decide how a batch is cut
	}
	for _, cache := range caches {
		isa.Cache = func() int { return cache }
		memoryIsTaken(t, map[string][]byte{"unet": small(t, wide), "points": small(t, points), "song": small(t, song), "built-in": fashion.File()})
	}
	m, err := fashion.Model()
	require.NoError(t, err)
	require.Less(t, allocated(func() {
		n, err := m.Memory(512)
		require.NoError(t, err)
		require.Greater(t, n, int64(1<<24))
	}), uint64(1<<20))
	_, err = m.Memory(0)
	require.ErrorContains(t, err, "batch 0")
	_, err = m.Memory(math.MaxInt)
	require.ErrorContains(t, err, "smaller batch")
}

// memoryIsTaken compares Memory with what lives while the models sample.
func memoryIsTaken(t *testing.T, files map[string][]byte) {
	enough := errors.New("enough")
	for name, file := range files {
		for _, batch := range []int{1, 32} {
			if batch == 1 && name == "points" {
				continue // a few hundred kilobytes, which a stack or two change
			}
			var live runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&live)
			before := live.HeapAlloc
			m := open(t, heavytail.Loader{Threads: 1}, file)
			want, err := m.Memory(batch)
			require.NoError(t, err)
			calls := 0
			_, err = m.Sample(t.Context(), heavytail.Options{N: batch, Batch: batch, Step: func(first, left int, x []float32) error {
				if calls++; calls == 4 {
					runtime.GC() // what is left of opening the file goes, and, the second time, the pools
					runtime.GC()
					runtime.ReadMemStats(&live)
				}
				if calls == 4 {
					return enough
				}
				return nil
			}})
			require.ErrorIs(t, err, enough)
			t.Logf("%s, batch %d: Memory %d, live %d", name, batch, want, live.HeapAlloc-before)
			require.InEpsilon(t, float64(want), float64(live.HeapAlloc-before), 0.06, "%s, batch %d, cache of %d KiB", name, batch, isa.Cache()>>10)
			runtime.KeepAlive(m)
		}
	}
}

// Mistakes of the program panic with the function and the remedy.
func TestMistakesPanicWithWords(t *testing.T) {
	m := open(t, heavytail.Loader{}, small(t, point()))
	emit := func(int, []float32) error { return nil }
	emit64 := func(int, []float64) error { return nil }
	var zero heavytail.Model
	var nilModel *heavytail.Model
	var noContext context.Context
	ctx := t.Context()
	for want, f := range map[string]func(){
		"Sample with a nil context":                         func() { _, _ = m.Sample(noContext, heavytail.Options{}) },
		"Stream with a nil context":                         func() { _ = m.Stream(noContext, heavytail.Options{}, emit) },
		"Steps with a nil context":                          func() { m.Steps(noContext, heavytail.Options{}) },
		"Stream64 with a nil context":                       func() { _ = m.Stream64(noContext, heavytail.Options{}, emit64) },
		"Stream without a function that takes the samples":  func() { _ = m.Stream(ctx, heavytail.Options{}, nil) },
		"Stream64 without a function that takes the sample": func() { _ = m.Stream64(ctx, heavytail.Options{}, nil) },
	} {
		require.Contains(t, panicText(f), "heavytail: "+want)
	}
	for _, m := range []*heavytail.Model{&zero, nilModel} {
		for want, f := range map[string]func(){
			"Resolve of": func() { _, _ = m.Sample(ctx, heavytail.Options{}) }, "Resolve": func() { _ = m.Stream(ctx, heavytail.Options{}, emit) },
			"Resolve of a": func() { _ = m.Stream64(ctx, heavytail.Options{}, emit64) }, "Recipe": func() { m.Recipe() }, "Shape": func() { m.Shape() },
			"Classes": func() { m.Classes() }, "Scaled": func() { m.Scaled() }, "Shape of": func() { m.SampleShape(heavytail.Options{}) },
			"Methods": func() { m.Methods() }, "Moves": func() { m.Moves(heavytail.Options{}) }, "Evaluations": func() { m.Evaluations(heavytail.Options{}) }, "Parameters": func() { m.Parameters() },
			"MACs": func() { _, _ = m.MACs() }, "Memory": func() { _, _ = m.Memory(1) }, "Resolve of a Model": func() { _, _ = m.Resolve(heavytail.Options{}) },
			"Denoiser": func() { _, _ = m.Denoiser(heavytail.Options{}) }, "Steps of": func() { m.Steps(ctx, heavytail.Options{}) },
		} {
			text := panicText(f)
			require.Contains(t, text, "heavytail: "+want)
			require.Contains(t, text, "make it with Open")
		}
	}
}

func panicText(f func()) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	f()
	return ""
}

// A context that ends within an evaluation ends it: one step at this size takes
// seconds, most of them in attention over 16384 pixels.
func TestContextStopsWithinAnEvaluation(t *testing.T) {
	cfg := unet()
	cfg.UNet.AttentionDS = []int{1, 2}
	m := open(t, heavytail.Loader{Threads: 1}, small(t, cfg))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var ended time.Time
	o := heavytail.Options{N: 1, Steps: 3, Height: 256, Width: 256, Step: func(_, left int, _ []float32) error {
		time.AfterFunc(50*time.Millisecond, func() { ended = time.Now(); cancel() })
		return nil
	}}
	_, err := m.Sample(ctx, o)
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(ended), time.Second, "a whole evaluation takes ten")
	// The error is the context's, a deadline's too, and the model works on.
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	o.Step = nil
	_, err = m.Sample(ctx, o)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = m.Sample(t.Context(), heavytail.Options{N: 1, Steps: 3})
	require.NoError(t, err)
}

// Requests that each fit the memory and together do not: the one that comes later is
// an error that says so, takes nothing, and works when the first has ended, however
// that ended.
func TestRequestsTogether(t *testing.T) {
	m := open(t, heavytail.Loader{Threads: 1}, small(t, unet()))
	o := heavytail.Options{N: 256, Batch: 256, Steps: 2} // much more than the weights
	need, err := m.Memory(256)
	require.NoError(t, err)
	whole := machine.Memory
	defer func() { machine.Memory = whole }()
	machine.Memory = func() int64 { return need * 10 / 9 * 3 / 2 } // Sample leaves a tenth
	nothing := func(int, []float32) error { return nil }
	stop := errors.New("stop")
	for _, end := range []error{nil, stop} {
		first, calls := o, 0
		first.Step = func(int, int, []float32) error {
			if calls++; calls > 1 {
				return end
			}
			require.Less(t, allocated(func() {
				_, err := m.Sample(t.Context(), o)
				require.ErrorContains(t, err, "runs in progress hold")
				require.NotErrorIs(t, err, &heavytail.OptionError{}, "it may be asked for again")
				require.ErrorContains(t, m.Stream(t.Context(), o, nothing), "wait for them, or ask for a smaller batch")
			}), uint64(1<<20))
			few := o
			few.N = 2
			require.NoError(t, m.Stream(t.Context(), few, nothing), "what is left")
			return nil
		}
		_, err = m.Sample(t.Context(), first)
		require.ErrorIs(t, err, end)
		require.Greater(t, calls, 1)
		_, err = m.Sample(t.Context(), o)
		require.NoError(t, err)
	}
}

// A context ends a sampling of the most steps while their levels are computed.
func TestContextStopsTheSchedule(t *testing.T) {
	for kind, methods := range map[string][]string{"dlpm": {"dlpm", "dlim"}, "edm": {"edm", "dpm"}, "tedm": {"tedm-ancestral", "tedm-sde"}} {
		m := modelOf(t, kind, "toy")
		for _, method := range methods {
			began := false
			o := heavytail.Options{Method: method, Steps: 1<<20 - 1, Step: func(int, int, []float32) error { began = true; return nil }}
			err := m.Stream(&lateContext{t.Context(), 40}, o, func(int, []float32) error { return nil })
			require.ErrorIs(t, err, context.Canceled, method)
			require.False(t, began, method)
		}
	}
}

// A lateContext ends when it has been asked so many times.
type lateContext struct {
	context.Context
	calls int
}

func (c *lateContext) Err() error {
	if c.calls--; c.calls > 0 {
		return nil
	}
	return context.Canceled
}
