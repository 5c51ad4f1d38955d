package sample

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/nn"
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
				o.Batch, o.More = batch, nil
				for range devices - 1 {
					o.More = append(o.More, network(t))
				}
				seen, inside, values := map[[2]int]bool{}, atomic.Int32{}, 0
				o.Step = func(first, left int, x []float32) error {
					require.Equal(t, int32(1), inside.Add(1), "one at a time")
					require.False(t, seen[[2]int{first, left}])
					seen[[2]int{first, left}] = true
					if values += len(x); left == 0 {
						numtest.SameBits(t, want[2*first:][:len(x)], x, "the last states")
					}
					inside.Add(-1)
					return nil
				}
				numtest.SameBits(t, want, draw(t, net, r, seeds, o), kind)
				require.Equal(t, 2*len(seeds)*(o.Moves(r)+1), values)
			}
		}
	}
}

// Several devices take part where there are samples for them, whatever the batch.
func TestDevicesTakePart(t *testing.T) {
	firsts := map[int]bool{}
	o := Options{Steps: 2, Batch: 32, More: []*nn.Net{network(t)}, Step: func(first, _ int, _ []float32) error {
		firsts[first] = true
		return nil
	}}
	draw(t, network(t), of(t, "edm"), []uint64{1, 2, 3}, o)
	require.Equal(t, map[int]bool{0: true, 2: true}, firsts)
}

// An error on one device ends all of them and is what Run returns; a panic is the
// caller's.
func TestDeviceFails(t *testing.T) {
	broken := network(t)
	for i := range broken.Params().Flat.Data() {
		broken.Params().Flat.Data()[i] = float32(math.NaN())
	}
	broken.Params().Touch()
	o := Options{Batch: 1, More: []*nn.Net{broken}}
	emitted := 0
	err := Run(t.Context(), network(t), of(t, "edm"), List{1, 2, 3, 4}, o, func(int, []float32) error { emitted++; return nil })
	require.ErrorContains(t, err, "finite")
	require.Zero(t, emitted)

	stop := errors.New("stop")
	o = Options{Batch: 1, More: []*nn.Net{network(t)}, Step: func(first, left int, _ []float32) error {
		if first == 1 {
			return stop
		}
		return nil
	}}
	require.ErrorIs(t, Run(t.Context(), network(t), of(t, "edm"), List{1, 2}, o, nil), stop)
	o.Step = func(int, int, []float32) error { panic("mine") }
	require.PanicsWithValue(t, "mine", func() { _ = Run(t.Context(), network(t), of(t, "edm"), List{1, 2}, o, nil) })
	ctx, cancel := context.WithCancel(t.Context())
	o.Step = func(int, int, []float32) error { cancel(); return nil }
	require.ErrorIs(t, Run(ctx, network(t), of(t, "edm"), List{1, 2}, o, nil), context.Canceled)
}
