package heavytail

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// Samples of several devices have the bytes of one, for every kind of process, in any
// batches, in their order, with the states of each step once.
func TestSeveralDevices(t *testing.T) {
	net := network(t)
	seeds := []uint64{5, 6, 7, 8, 9, 2, 3}
	for _, kind := range kinds {
		r := of(t, kind)
		o := Options{Steps: 4, Batch: 7}
		want := draw(t, net, r, seeds, o)
		for devices := 2; devices <= 3; devices++ {
			for _, batch := range []int{1, 2, 100} {
				m := modelOf(net, r)
				o.Batch = batch
				for range devices - 1 {
					m.more = append(m.more, network(t))
				}
				seen, inside, values := map[[2]int]bool{}, atomic.Int32{}, 0
				o.Step = func(first, left int, x []float32) error {
					require.Equal(t, int32(1), inside.Add(1), "one at a time")
					require.False(t, seen[[2]int{first, left}])
					seen[[2]int{first, left}] = true
					if values += len(x); left == 0 {
						numtest.SameBits(t, want[2*first:][:len(x)], x, "the last states")
					}
					time.Sleep(100 * time.Microsecond) // so that another comes in, if it can
					inside.Add(-1)
					return nil
				}
				numtest.SameBits(t, want, drawOn(t, m, seeds, o), kind)
				require.Equal(t, 2*len(seeds)*(modelOf(net, r).Moves(o)+1), values)
			}
		}
	}
}

// Several devices take part where there are samples for them, whatever the batch.
func TestDevicesTakePart(t *testing.T) {
	firsts := map[int]bool{}
	o := Options{Steps: 2, Batch: 32, Step: func(first, _ int, _ []float32) error {
		firsts[first] = true
		return nil
	}}
	drawOn(t, modelOf(network(t), of(t, "edm"), network(t)), []uint64{1, 2, 3}, o)
	require.Equal(t, map[int]bool{0: true, 2: true}, firsts)
}

// An error on one device ends all of them and is what Stream returns; a panic is the
// caller's.
func TestDeviceFails(t *testing.T) {
	broken := network(t)
	for i := range broken.Params().Flat.Data() {
		broken.Params().Flat.Data()[i] = float32(math.NaN())
	}
	broken.Params().Touch()
	emitted := 0
	err := modelOf(network(t), of(t, "edm"), broken).stream(t.Context(), []uint64{1, 2, 3, 4}, Options{Batch: 1}, func(int, []float32) error { emitted++; return nil })
	require.ErrorContains(t, err, "finite")
	require.Zero(t, emitted)

	stop := errors.New("stop")
	m := modelOf(network(t), of(t, "edm"), network(t))
	o := Options{Batch: 1, Step: func(first, left int, _ []float32) error {
		if first == 1 {
			return stop
		}
		return nil
	}}
	require.ErrorIs(t, m.stream(t.Context(), []uint64{1, 2}, o, nil), stop)
	o.Step = func(int, int, []float32) error { panic("mine") }
	require.PanicsWithValue(t, "mine", func() { _ = m.stream(t.Context(), []uint64{1, 2}, o, nil) })
	ctx, cancel := context.WithCancel(t.Context())
	o.Step = func(int, int, []float32) error { cancel(); return nil }
	require.ErrorIs(t, m.stream(ctx, []uint64{1, 2}, o, nil), context.Canceled)
}
