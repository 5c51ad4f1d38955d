package nn

import (
	"testing"

	"github.com/stretchr/testify/require"

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
