package nn

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/tensor"
)

// narrow is a device whose threads have so little cache that pieces are small.
type narrow struct {
	*kernels.CPU
	cache int
}

func (d narrow) Threads() (n, cache int) { n, _ = d.CPU.Threads(); return n, d.cache }

// cutSmall makes networks of any size worth a lane.
func cutSmall(t *testing.T) {
	least, procs := leastLane, runtime.GOMAXPROCS(8)
	leastLane = 1
	t.Cleanup(func() { leastLane = least; runtime.GOMAXPROCS(procs) })
}

// Without training a batch is computed in pieces by lanes: the bits are those of
// its samples alone, whatever the number of lanes, the pieces and the batch.
func TestLanes(t *testing.T) {
	cutSmall(t)
	const n = 13
	for name, cfg := range smallNets() {
		alone := build(t, kernels.New(1), cfg)
		b := newBatch(alone, n, 3)
		var want []float32
		ws := workspace(t, alone, 1, false)
		for i := range n {
			want = append(want, pass(alone, ws, b.part(i, i+1), false)...)
		}
		per := len(want) / n
		for _, threads := range []int{1, 2, 3, 7, 32} {
			for _, cache := range []int{1, 1 << 30} {
				net := build(t, narrow{kernels.New(threads), cache}, cfg)
				ws := workspace(t, net, n, false)
				require.Len(t, ws.lanes, min(threads, n))
				for _, k := range []int{n, 1, 5, n, 12} {
					what := fmt.Sprintf("%s: %d of %d samples, %d threads, cache %d", name, k, n, threads, cache)
					part := b.part(n-k, n)
					numtest.SameBits(t, want[(n-k)*per:], pass(net, ws, part, false), what)
					out := make([]float32, k*per)
					require.NoError(t, net.PredictWith(ws, out, part.x, part.t, part.labels, part.extra))
					numtest.SameBits(t, want[(n-k)*per:], out, what)
				}
				if threads == 1 && cache == 1 {
					require.Equal(t, leastPiece, ws.g.piece)
					require.Len(t, ws.cut(n).pieces, 4)
				}
			}
		}
	}
}

// Both results of a classifier come from all lanes.
func TestLanesClassifier(t *testing.T) {
	cutSmall(t)
	x, dy := smallClassifier.images(5)
	want := classify(t, newTestClassifier(t, kernels.New(1), smallClassifier), x, dy, 5, false)
	got := classify(t, newTestClassifier(t, narrow{kernels.New(3), 1}, smallClassifier), x, dy, 5, false)
	numtest.SameBits(t, want, got, "scores and features")
}

// A pass in lanes allocates nothing once every lane had a piece of every size.
func TestLanesAllocate(t *testing.T) {
	cutSmall(t)
	net := build(t, narrow{kernels.New(2), 1}, smallNets()["unet"])
	ws, b := workspace(t, net, 13, false), newBatch(net, 13, 1)
	out := make([]float32, len(b.x))
	numtest.NoAllocs(t, func() { require.NoError(t, net.PredictWith(ws, out, b.x, b.t, b.labels, b.extra)) })
}

// halting is a device whose lanes end a context at their operation number at.
type halting struct {
	narrow
	done *int
	end  context.CancelFunc
}

func (h halting) Until(*tensor.Stop) tensor.Device { return h }
func (h halting) Conv2D(y, x, w, b, res *tensor.Tensor, opt tensor.ConvOpt) {
	if *h.done++; *h.done == 12 {
		h.end()
	}
	h.CPU.Conv2D(y, x, w, b, res, opt)
}

// A context ends a batch within an operation of a piece, and the pieces after it.
func TestLanesStop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := 0
	net := build(t, halting{narrow{kernels.New(1), 1}, &done, cancel}, smallNets()["unet"])
	ws, b := workspace(t, net, 13, false), newBatch(net, 13, 1)
	ws.Watch(ctx)
	out := make([]float32, len(b.x))
	require.ErrorIs(t, net.PredictWith(ws, out, b.x, b.t, b.labels, b.extra), context.Canceled)
	require.Equal(t, 12, done)
	require.Len(t, ws.cut(13).pieces, 4)
	ws.Watch(context.Background())
	require.NoError(t, net.PredictWith(ws, out, b.x, b.t, b.labels, b.extra))
}

// Little work is not shared: waking a goroutine takes longer.
func TestLanesFor(t *testing.T) {
	g := &graph{macs: float64(leastLane) / 10}
	for _, c := range [][3]int{{1, 8, 1}, {19, 8, 1}, {20, 8, 2}, {1000, 8, 8}} {
		require.Equal(t, c[2], g.lanesFor(c[0], c[1]))
	}
	g.macs = float64(leastLane)
	require.Equal(t, 3, g.lanesFor(3, 8))
}
