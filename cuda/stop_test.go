package cuda_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda"
	"heavytail/cuda/cudatest"
	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/tensor"
)

// stopAt returns a device over the interpreter whose launch number *at, from 1, calls
// end; *launched counts them.
func stopAt(t *testing.T, m cuda.Mode, at, launched *int, end func()) *cuda.Device {
	return cudatest.Open(t, cudatest.Config{Mode: m, Fail: func(call string) error {
		if call == "Launch" {
			if *launched++; *launched == *at {
				end()
			}
		}
		return nil
	}})
}

// An operation that is told to stop launches nothing more, at whatever launch it is;
// what it keeps of weights is not taken for whole: the next one computes what it
// always did.
func TestStops(t *testing.T) {
	t.Parallel()
	const n, c = 2, 32
	opt := tensor.ConvOpt{Stride: 1}
	up := tensor.ConvOpt{Stride: 1, Up: true}
	for _, m := range []cuda.Mode{cuda.Exact, cuda.BF16} {
		for name, op := range map[string]func(d tensor.Device, y, x, y2, w, w1 *tensor.Tensor){
			"convolution": func(d tensor.Device, y, x, _, w, _ *tensor.Tensor) { d.Conv2D(y, x, w, nil, nil, opt) },
			"upsampled":   func(d tensor.Device, _, x, y2, w, _ *tensor.Tensor) { d.Conv2D(y2, x, w, nil, nil, up) },
			"back": func(d tensor.Device, y, x, y2, w, _ *tensor.Tensor) {
				d.Conv2DBackward(y, d.New(3, 3, c, c), nil, y2, x, w, up)
			},
			"linear": func(d tensor.Device, y, x, _, _, w1 *tensor.Tensor) { d.LinearBackward(y, d.New(c, c), nil, x, x, w1) },
			"loss": func(d tensor.Device, y, x, _, _, _ *tensor.Tensor) {
				d.Loss(make([]float64, n), y, x, tensor.Squared, 2)
			},
			"sum": func(d tensor.Device, _, x, _, _, _ *tensor.Tensor) { d.SumSq(x) },
		} {
			var stop tensor.Stop
			done, at, launched := make(chan struct{}), 0, 0
			d := stopAt(t, m, &at, &launched, func() { close(done) })
			r := numtest.NewRand(3)
			fill := func(shape ...int) *tensor.Tensor {
				return upload(d, r.Fill(make([]float32, count(shape)), 1), shape...)
			}
			x, y, y2, w, w1 := fill(n, 4, 4, c), fill(n, 4, 4, c), fill(n, 8, 8, c), fill(3, 3, c, c), fill(c, c)
			twice := func() []float32 {
				op(d, y, x, y2, w, w1)
				return append(down(y), down(y2)...)
			}
			launched = 0
			want := twice()
			all := launched
			view := d.Until(&stop)
			for at = 1; at < all; at++ {
				again := upload(d, down(w), 3, 3, c, c) // of which there are no copies yet
				w, w1 = again, upload(d, down(w1), c, c)
				done, launched = make(chan struct{}), 0
				stop.Set(done)
				op(view, y, x, y2, w, w1)
				require.Equal(t, at, launched, "%s: launches", name)
				op(view, y, x, y2, w, w1)
				require.Equal(t, at, launched, "%s: launches after it stopped", name)
				launched = all // of which no number is at
				numtest.SameBits(t, want, twice(), name)
			}
			require.Positive(t, all, name)
		}
	}
}

// A network whose context ends in the middle launches nothing more and says why; then
// it gives what it always did.
func TestNetworkStops(t *testing.T) {
	t.Parallel()
	at, launched := 25, 0
	ctx, cancel := context.WithCancel(t.Context())
	d := stopAt(t, cuda.Exact, &at, &launched, cancel)
	predict := func(ctx context.Context, dev tensor.Device) ([]float32, error) {
		net, err := nn.New(dev, nets["points"])
		require.NoError(t, err)
		net.Params().Init(1)
		ws, err := net.NewWorkspace(2, 0, 0, false)
		require.NoError(t, err)
		ws.Watch(ctx)
		launched = 0
		out := make([]float32, 6)
		return out, net.Predict(ws, out, []float32{1, 2, 3, 4, 5, 6}, []float32{0.3, 0.4}, nil)
	}
	_, err := predict(ctx, d)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, at, launched)
	want, err := predict(t.Context(), kernels.New(1))
	require.NoError(t, err)
	at = 0
	got, err := predict(t.Context(), d)
	require.NoError(t, err)
	numtest.SameBits(t, want, got, "afterwards")
}
