package nn

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/ref64"
	"heavytail/kernels"
	"heavytail/tensor"
)

// convs records the options of every convolution of a forward pass; direct
// makes all of them take the direct form.
type convs struct {
	tensor.Device
	seen   map[[3]int]int // height, 1 if normalised, kernel: how many
	direct bool
}

func (c convs) Conv2D(y, x, w, b, res *tensor.Tensor, opt tensor.ConvOpt) {
	key := [3]int{x.Dim(1), 0, w.Dim(0)}
	if opt.Normalized {
		key[1] = 1
	}
	c.seen[key]++
	opt.Normalized = opt.Normalized && !c.direct
	c.Device.Conv2D(y, x, w, b, res, opt)
}

// Convolutions of a normalisation's result may take any form; those of the
// image, of sums and of attention's result stay direct.
func TestNormalizedConvolutions(t *testing.T) {
	for name, want := range map[string]map[[3]int]int{
		// two in each of the 3 blocks at 8² and 5 at 4², and the last; the first
		// one, the one that halves and the one that doubles see sums
		"tiny": {{8, 1, 3}: 7, {8, 0, 3}: 2, {8, 0, 1}: 2, {4, 1, 3}: 10, {4, 0, 3}: 1, {4, 1, 1}: 4, {4, 0, 1}: 7},
	} {
		d := convs{Device: kernels.New(1), seen: map[[3]int]int{}}
		net := preset(t, d, name)
		s := net.SampleShape()
		runFixture(t, net, fixtureInput(1, s[2], s[0]*s[1]), []float32{0.5}, false)
		require.Equal(t, want, d.seen)
	}
}

// following records the weights of convolutions and what each fetches.
type following struct {
	tensor.Device
	w, next *[]*tensor.Tensor
}

func (f following) Conv2D(y, x, w, b, res *tensor.Tensor, opt tensor.ConvOpt) {
	if w.Dim(0) == 3 && !opt.Up {
		*f.w, *f.next = append(*f.w, w), append(*f.next, opt.Next)
	}
	f.Device.Conv2D(y, x, w, b, res, opt)
}

// A 3×3 convolution fetches the weight of the next one in the order of the pass.
func TestConvolutionsFetchTheNext(t *testing.T) {
	var w, next []*tensor.Tensor
	net := preset(t, following{kernels.New(1), &w, &next}, "tiny")
	s := net.SampleShape()
	runFixture(t, net, fixtureInput(1, s[2], s[0]*s[1]), []float32{0.5}, false)
	require.Len(t, w, 20-1) // as above, but for the one that doubles
	for i, n := range next[:len(w)-1] {
		require.Same(t, w[i+1], n, "convolution %d", i)
	}
	require.Nil(t, next[len(w)-1])
}

// errorsOf returns the largest and the root mean square of the differences of
// dev's result from ref64's, relative to the deviation of the latter.
func errorsOf(t *testing.T, dev tensor.Device, config string, x []float32, want []float64) (rms, worst float64) {
	net := preset(t, dev, config)
	fixture(net.Params())
	y, _ := runFixture(t, net, x, []float32{0.5}, false)
	mean, square := 0.0, 0.0
	for _, v := range want {
		mean += v / float64(len(want))
		square += v * v / float64(len(want))
	}
	std := math.Sqrt(square - mean*mean)
	for i, v := range y {
		d := math.Abs(float64(v)-want[i]) / std
		rms += d * d / float64(len(y))
		worst = max(worst, d)
	}
	return math.Sqrt(rms), worst
}

// The whole network of MNIST is within 4e-6 of float64 in the root mean square,
// relative to its output's deviation; and if a pixel of the image is a million, its errors are
// no more than those of direct convolutions by the factors that hold for a
// layer, two and three: the first convolution is direct and a normalisation
// comes after it.
func TestWholeNetErrors(t *testing.T) {
	if testing.Short() {
		t.Skip("a forward pass in float64 takes seconds")
	}
	cfg, err := Preset("mnist")
	require.NoError(t, err)
	size := cfg.UNet.ImageSize
	x := fixtureInput(1, 1, size*size)
	for _, outlier := range []bool{false, true} {
		if outlier {
			x[size*size/2+size/3] = 1e6
		}
		ref := preset(t, ref64.New(), "mnist")
		fixture(ref.Params())
		ws, err := ref.NewWorkspace(1, 0, 0, false)
		require.NoError(t, err)
		in := ref.Device().New(1, size, size, 1)
		ref.Device().Upload(in, x)
		want := ref64.Values(ref.Forward(ws, in, []float32{0.5}, nil))
		rms, worst := errorsOf(t, kernels.New(2), "mnist", x, want)
		d := convs{Device: kernels.New(2), seen: map[[3]int]int{}, direct: true}
		rmsDirect, worstDirect := errorsOf(t, d, "mnist", x, want)
		t.Logf("outlier %v: rms %.2g, worst %.2g; direct %.2g, %.2g", outlier, rms, worst, rmsDirect, worstDirect)
		require.LessOrEqual(t, rms, 2*rmsDirect)
		require.LessOrEqual(t, worst, 3*worstDirect)
		if !outlier {
			require.LessOrEqual(t, rms, 4e-6)
		}
	}
}
