package nn

import (
	"context"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/kernels"
	"heavytail/tensor"
)

// allocated returns the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Memory is what a workspace holds, for every network, size and batch.
func TestMemory(t *testing.T) {
	for name, cfg := range smallNets() {
		net := build(t, kernels.New(1), cfg)
		for _, n := range []int{1, 3, 8} {
			for _, size := range [][2]int{{0, 0}, {8, 16}} {
				for _, train := range []bool{false, true} {
					want, params, err := net.Memory(n, size[0], size[1], train)
					require.NoError(t, err, name)
					require.Greater(t, params, 4*int64(net.Params().Count()), name)
					ws, err := net.NewWorkspace(n, size[0], size[1], train)
					require.NoError(t, err, name)
					require.Equal(t, ws.Bytes(), want, "%s, %d samples of %v, training %v", name, n, size, train)
					for range 2 { // use makes no other buffers
						if size[0] == 0 {
							pass(net, ws, newBatch(net, n, 1), train)
						}
						require.Equal(t, want, ws.Bytes(), name)
					}
				}
			}
		}
	}
	net := preset(t, kernels.New(1), "mnist")
	var want int64
	require.Less(t, allocated(func() {
		var err error
		want, _, err = net.Memory(512, 0, 0, false)
		require.NoError(t, err)
	}), uint64(1<<20))
	require.Greater(t, want, int64(8<<20))
	require.Less(t, want, int64(1<<28), "of all samples at once")
}

// A workspace that no memory holds is an error, before anything is taken.
func TestWorkspaceLimits(t *testing.T) {
	for name, cfg := range smallNets() {
		net := build(t, kernels.New(1), cfg)
		for _, c := range []struct {
			batch, h, w int
			points      bool
		}{{math.MaxInt, 0, 0, true}, {math.MaxInt / 64, 0, 0, true}, {0, 0, 0, true}, {-1, 0, 0, true}, {math.MaxInt / 1024, 16384, 16384, false},
			{256, 16384, 16384, false}, {1, math.MaxInt, math.MaxInt - 7, false}, {1, -8, 8, false}} {
			if cfg.MLP != nil && !c.points {
				continue
			}
			var err, planned error
			require.Less(t, allocated(func() {
				_, err = net.NewWorkspace(c.batch, c.h, c.w, false)
				_, _, planned = net.Memory(c.batch, c.h, c.w, false)
			}), uint64(4<<20), name)
			require.Error(t, err, "%s %+v", name, c)
			require.Equal(t, err, planned)
		}
	}
	small := limited{kernels.New(1), 1 << 20}
	cfg := smallNets()["unet"]
	net, err := New(small, cfg)
	require.NoError(t, err)
	_, err = net.NewWorkspace(1000, 0, 0, false)
	require.ErrorContains(t, err, "use a smaller batch or smaller images")
	cfg.UNet.ModelChannels, cfg.UNet.ChannelMult = 1024, []int{1, 16}
	_, err = New(small, cfg)
	require.ErrorContains(t, err, "use fewer channels")
}

// limited is a device with less memory.
type limited struct {
	*kernels.CPU
	bytes int64
}

func (l limited) Memory() int64 { return l.bytes }

// ending is a device that ends a context within the operation number at.
type ending struct {
	*kernels.CPU
	done *int
	at   int
	end  context.CancelFunc
}

func (e ending) Until(*tensor.Stop) tensor.Device { return e }

func (e ending) count() {
	if *e.done++; *e.done == e.at {
		e.end()
	}
}

func (e ending) Linear(y, x, w, b *tensor.Tensor) { e.count(); e.CPU.Linear(y, x, w, b) }
func (e ending) LinearBackward(dx, dw, db, dy, x, w *tensor.Tensor) {
	e.count()
	e.CPU.LinearBackward(dx, dw, db, dy, x, w)
}
func (e ending) Conv2D(y, x, w, b, res *tensor.Tensor, opt tensor.ConvOpt) {
	e.count()
	e.CPU.Conv2D(y, x, w, b, res, opt)
}
func (e ending) Conv2DBackward(dx, dw, db, dy, x, w *tensor.Tensor, opt tensor.ConvOpt) {
	e.count()
	e.CPU.Conv2DBackward(dx, dw, db, dy, x, w, opt)
}

// Watch ends a pass with the operation in which the context ends, and Err and
// Predict say why; afterwards the workspace works as before.
func TestWatch(t *testing.T) {
	for name, cfg := range smallNets() {
		ctx, cancel := context.WithCancel(t.Context())
		done := 0
		dev := ending{kernels.New(1), &done, 3, cancel}
		net := build(t, dev, cfg)
		ws, b := workspace(t, net, 2, true), newBatch(net, 2, 1)
		ws.Watch(ctx)
		require.NoError(t, ws.Err(), name)
		pass(net, ws, b, true)
		require.Equal(t, 3, done, name)
		require.ErrorIs(t, ws.Err(), context.Canceled, name)
		out := make([]float32, len(b.dy))
		require.ErrorIs(t, net.PredictWith(ws, out, b.x, b.t, b.labels, b.extra), context.Canceled, name)
		require.Equal(t, 3, done, name)

		// While Backward runs.
		ctx, cancel = context.WithCancel(t.Context())
		done = 0
		dev.at, dev.end = 1<<30, cancel
		ws.Watch(context.Background())
		pass(net, ws, b, false)
		forward := done
		net = build(t, ending{kernels.New(1), &done, 2*forward + 2, cancel}, cfg)
		ws = workspace(t, net, 2, true)
		ws.Watch(ctx)
		pass(net, ws, b, true)
		require.Equal(t, 2*forward+2, done, name)
		require.ErrorIs(t, ws.Err(), context.Canceled, name)

		ws.Watch(context.Background())
		require.NoError(t, ws.Err(), name)
		require.NoError(t, net.PredictWith(ws, out, b.x, b.t, b.labels, b.extra), name)
	}
}
