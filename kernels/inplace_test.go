package kernels

import (
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/tensor"
)

// A weight packed in its own storage gives the values of one beside which a copy lies,
// forward and back, and comes back as it was; one whose outputs 32 does not divide stays
// as it is.
func TestPackInPlace(t *testing.T) {
	dev := New(2)
	r := numtest.NewRand(5)
	fill := func(shape ...int) *tensor.Tensor {
		x := dev.New(shape...)
		r.Fill(x.Data(), 1)
		return x
	}
	for _, s := range []struct {
		k, in, out int
		opt        tensor.ConvOpt
		own        bool
	}{
		{3, 32, 64, tensor.ConvOpt{Normalized: true}, true},
		{3, 5, 96, tensor.ConvOpt{}, true},
		{3, 32, 64, tensor.ConvOpt{Stride: 2}, true},
		{1, 64, 192, tensor.ConvOpt{}, true},
		{1, 7, 32, tensor.ConvOpt{}, true},
		{3, 32, 48, tensor.ConvOpt{Normalized: true}, false},
		{1, 64, 1, tensor.ConvOpt{}, false},
	} {
		w, b, x, dy := fill(s.k, s.k, s.in, s.out), fill(s.out), fill(2, 9, 8, s.in), (*tensor.Tensor)(nil)
		if s.opt.Stride == 2 {
			dy = fill(2, 5, 4, s.out)
		} else {
			dy = fill(2, 9, 8, s.out)
		}
		before := append([]float32(nil), w.Data()...)
		pass := func() (y, dx []float32) {
			a, d := dev.New(dy.Shape()...), dev.New(x.Shape()...)
			dev.Conv2D(a, x, w, b, nil, s.opt)
			dev.Conv2DBackward(d, nil, nil, dy, x, w, s.opt)
			return a.Data(), d.Data()
		}
		wantY, wantX := pass()
		kept, _ := dev.Kept(9, 8, w, s.opt)
		require.Positive(t, kept)
		w.Pack(1).Gen.Store(0) // the gradient packs anew, from packed values
		dev.Pack(w, w)
		require.Equal(t, s.own, w.Pack(0).Own, "%v", s)
		if s.own {
			kept, _ = dev.Kept(9, 8, w, s.opt)
			require.Zero(t, kept, "no copy beside it")
			if s.out > 32 {
				require.NotEqual(t, before, w.Data())
			}
		}
		gotY, gotX := pass()
		require.Equal(t, wantY, gotY, "%v", s)
		require.Equal(t, wantX, gotX, "%v", s)
		values := make([]float32, w.Len())
		dev.Unpacked(values, w)
		require.Equal(t, before, values)
		dev.Unpack(w, w)
		require.False(t, w.Pack(0).Own)
		require.Equal(t, before, w.Data())
		gotY, gotX = pass()
		require.Equal(t, wantY, gotY, "%v", s)
		require.Equal(t, wantX, gotX, "%v", s)
	}
	dev.Pack()
	dev.Unpack()
}

// A packed weight that is written, or read by a convolution that doubles its image,
// panics: what it would give is nonsense.
func TestPackInPlaceMisuse(t *testing.T) {
	dev := New(1)
	w, b, x := dev.New(3, 3, 32, 32), dev.New(32), dev.New(1, 8, 8, 32)
	dev.Pack(w)
	require.Panics(t, func() { dev.Conv2D(dev.New(1, 16, 16, 32), x, w, b, nil, tensor.ConvOpt{Up: true}) })
	w.Touch()
	require.Panics(t, func() { dev.Conv2D(dev.New(1, 8, 8, 32), x, w, b, nil, tensor.ConvOpt{}) })
	dev.Unpack(w)
	dev.Conv2D(dev.New(1, 8, 8, 32), x, w, b, nil, tensor.ConvOpt{})
}
