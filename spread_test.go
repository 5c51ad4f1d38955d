package heavytail

import (
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
)

// Samples of a network with a second output depend on their seeds alone, by every
// method, and those that use the variance are others than without; its density is
// that of its first output.
func TestSecondOutputSamples(t *testing.T) {
	c := nn.MLPConfig{Dim: 2, Units: 8, Blocks: 1, TimeEmb: 4, TimeScale: 100, Spread: true}
	net, err := nn.New(kernels.New(1), nn.Config{MLP: &c})
	require.NoError(t, err)
	numtest.NewRand(3).Fill(net.Params().Flat.Data(), 0.3)
	net.Params().Touch()
	c.Spread = false
	alone, err := nn.New(kernels.New(1), nn.Config{MLP: &c})
	require.NoError(t, err)
	for _, q := range alone.Params().List {
		p := alone.Params()
		p.Set(p.Flat, q, net.Params().Get(net.Params().Flat, net.Params().Find(q.Name)))
	}
	seeds := []uint64{5, 6, 7, 8, 9}
	for _, kind := range []string{recipe.DLPM, recipe.TEDM} {
		r := of(t, kind)
		r.Network = nn.Config{MLP: &c}
		without := r.Clone()
		r.Network = net.Config()
		if kind == recipe.DLPM {
			r.Train.Loss = diffusion.Loss{Kind: diffusion.Weighted}
		}
		require.NoError(t, r.Network.Validate())
		for _, method := range methodsOf(r) {
			o := Options{Method: method, Steps: 6, Batch: 5}
			want := draw(t, net, r, seeds, o)
			o.Batch = 2
			require.Equal(t, want, draw(t, net, r, seeds, o), method)
			if method == "dlpm-posterior" {
				require.NotContains(t, methodsOf(without), method)
				continue
			}
			plain := draw(t, alone, without, seeds, o)
			uses := method == "tedm-ancestral" || method == "tedm-sde"
			if uses {
				require.NotEqual(t, plain, want, method)
			} else {
				require.Equal(t, plain, want, method)
			}
		}
	}
}
