package cuda_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda"
	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/tensor"
)

// Gradients of an upsampled convolution, whose sums over boxes go by groups of images,
// have the bits of a batch at once: in the exact mode those of the CPU, and in every mode
// of integers, of whose sums no order loses a bit.
func TestUpGroups(t *testing.T) {
	const c, boxes = 32, 5 * 7 * 32 * 4 // bytes of the sums of one image
	opt := tensor.ConvOpt{Up: true}
	for _, m := range []cuda.Mode{cuda.Exact, cuda.BF16, cuda.TF32} {
		fill := integers
		if m == cuda.Exact {
			fill = func(n int, seed uint64) []float32 { return numtest.NewRand(seed).Fill(make([]float32, n), 1) }
		}
		run := func(dev tensor.Device) []float32 {
			mk := func(seed uint64, shape ...int) *tensor.Tensor { return upload(dev, fill(count(shape), seed), shape...) }
			x, w, dy := mk(1, 3, 2, 3, c), mk(2, 3, 3, c, c), mk(3, 3, 4, 6, c)
			dx, dw, db := dev.New(3, 2, 3, c), mk(4, 3, 3, c, c), mk(5, c)
			dev.Conv2DBackward(dx, dw, db, dy, x, w, opt)
			odd, other := mk(6, 3, 2, 3, c+1).Columns(0, c), mk(7, 3, 3, c, c) // which tensor cores take for dx only
			dev.Conv2DBackward(dx, other, nil, dy, odd, w, opt)
			return append(append(append(down(dx), down(dw)...), down(db)...), down(other)...)
		}
		want := run(kernels.New(1))
		for _, cache := range []int{2 * boxes, 1} {
			d := openFast(t, m, int64(cache))
			d.SetCache(cache)
			numtest.SameBits(t, want, run(d), m.String())
		}
	}
}

// What an upsampled convolution keeps of its weight, and takes while it runs, is what it
// says beforehand: in its form the points of the tiles, of fewer pixels or channels the
// sums of the taps.
func TestUpKeeps(t *testing.T) {
	for _, s := range []struct{ h, w, c, mats int }{{8, 6, 16, 25}, {3, 2, 16, 16}, {8, 6, 4, 16}} {
		d, err := cuda.New(&noDriver{}, cuda.Options{Segment: 512}) // every piece of memory is its own segment
		require.NoError(t, err)
		opt := tensor.ConvOpt{Up: true}
		x, w, y := d.New(3, s.h, s.w, s.c), d.New(3, 3, s.c, 32), d.New(3, 2*s.h, 2*s.w, 32)
		kept, table := d.Kept(s.h, s.w, w, opt)
		require.EqualValues(t, 4*s.mats*s.c*32, kept)
		require.Zero(t, table)
		before := d.Held()
		d.Conv2D(y, x, w, nil, nil, opt)
		need := kept + d.ConvBuffer(3, s.h, s.w, w, opt)
		require.InDelta(t, need, d.Held()-before, 2*512, "%+v", s)
	}
}

// Sums over boxes take no more than the cache of any batch, and what else a group takes
// the next one has.
func TestUpMemory(t *testing.T) {
	for _, m := range []cuda.Mode{cuda.Exact, cuda.BF16, cuda.TF32} {
		held := func(batch int) int64 {
			d, err := cuda.New(&noDriver{}, cuda.Options{Mode: m, Segment: 512}) // every piece of memory is its own segment
			require.NoError(t, err)
			d.SetCache(1 << 20)
			dx, x, w, dy := d.New(batch, 16, 16, 64), d.New(batch, 16, 16, 64), d.New(3, 3, 64, 64), d.New(batch, 32, 32, 64)
			before := d.Held()
			d.Conv2DBackward(dx, d.New(3, 3, 64, 64), nil, dy, x, w, tensor.ConvOpt{Up: true})
			return d.Held() - before
		}
		require.Equal(t, held(3), held(30), m.String())
	}
}
