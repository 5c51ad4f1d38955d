package kernels

import (
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/nn"
	"heavytail/tensor"
)

// A netConv is a convolution of 3×3 taps and stride 1 of a network: the pixels and
// channels that it reads, the channels that it gives, and its options.
type netConv struct {
	size, read, write int
	opt               tensor.ConvOpt
}

// netConvs returns those of every network that has a name, each once, so that no shape
// of theirs is left out where errors are judged.
func netConvs(t *testing.T) []netConv {
	t.Helper()
	convs, err := namedConvs()
	require.NoError(t, err)
	require.Greater(t, len(convs), 30)
	return convs
}

var namedConvs = sync.OnceValues(func() ([]netConv, error) {
	seen := map[netConv]bool{}
	for _, name := range nn.Presets() {
		cfg, err := nn.Preset(name)
		if err != nil {
			return nil, err
		}
		net, err := nn.New(New(1), cfg)
		if err != nil {
			return nil, err
		}
		ws, err := net.NewWorkspace(1, 0, 0, false)
		if err != nil {
			return nil, err
		}
		for _, o := range ws.Operations() {
			if o.Name == "convolution" && o.Weight.Tensor.Dim(0) == 3 && o.Opt.Stride != 2 {
				seen[netConv{o.In[0], o.In[2], o.Out[2], tensor.ConvOpt{Up: o.Opt.Up, Normalized: o.Opt.Normalized}}] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b netConv) int {
		return slices.Compare([]int{b.size, a.read, a.write}, []int{a.size, b.read, b.write})
	}), nil
})

// with returns list and what the networks' convolutions add to it, each once; f says
// what one adds, and ok whether it does.
func with[T comparable](t *testing.T, list []T, f func(c netConv) (add T, ok bool)) []T {
	t.Helper()
	for _, c := range netConvs(t) {
		if v, ok := f(c); ok && !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}
