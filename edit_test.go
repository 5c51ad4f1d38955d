package heavytail

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
)

// classes returns a small network for images of three classes, with random
// weights, and a recipe of the kind for it.
func classes(t *testing.T, kind string) (*nn.Net, recipe.Recipe) {
	t.Helper()
	net, err := nn.New(kernels.New(1), nn.Config{UNet: &nn.UNetConfig{InChannels: 1, OutChannels: 1, ModelChannels: 4, ChannelMult: []int{1, 1},
		NumResBlocks: 1, NumHeads: 1, NumClasses: 3, TimeScale: 1000, ImageSize: 4}})
	require.NoError(t, err)
	numtest.NewRand(5).Fill(net.Params().Flat.Data(), 0.3)
	net.Params().Touch()
	r := of(t, kind)
	r.Network, r.Train.LabelDrop, r.Data.Shape = net.Config(), 0.1, []int{4, 4, 1}
	return net, r
}

// Guidance with w = 1 has the bytes of none; without a class it changes
// nothing; otherwise it does, for every kind, in any batches.
func TestGuidance(t *testing.T) {
	ids := []uint64{3, 4, 5, 6}
	for _, kind := range kinds {
		net, r := classes(t, kind)
		o := Options{Steps: 5, Batch: 4, Clip: Off}
		plain := draw(t, net, r, ids, o)
		o.Guidance = 1
		numtest.SameBits(t, plain, draw(t, net, r, ids, o), kind+": w = 1")
		o.Guidance = 2.5
		guided := draw(t, net, r, ids, o)
		require.NotEqual(t, plain, guided, kind)
		o.Batch = 3
		numtest.SameBits(t, guided, draw(t, net, r, ids, o), kind+": other batches")
		o.Classes = []int{Unconditional}
		free := draw(t, net, r, ids, o)
		o.Guidance = 0
		numtest.SameBits(t, free, draw(t, net, r, ids, o), kind+": without a class")
		require.NotEqual(t, plain, free, kind)

		o.Classes, o.Guidance = nil, 1e-7
		for j, v := range draw(t, net, r, ids, o) {
			require.InDelta(t, free[j], v, 1e-3*(1+math.Abs(float64(free[j]))), "%s: towards the estimate without a class", kind)
		}
	}
	net, r := classes(t, recipe.EDM)
	for want, o := range map[string]Options{
		"guidance -1": {Guidance: -1}, "guidance NaN": {Guidance: math.NaN()}, "guidance 1000": {Guidance: 1000},
	} {
		require.ErrorContains(t, modelOf(net, r).stream(t.Context(), ids, o, nil), want)
	}
	require.ErrorContains(t, modelOf(network(t), of(t, recipe.EDM)).stream(t.Context(), ids, Options{Guidance: 2}, nil), "without classes")
	r.Train.Steps, r.Train.LabelDrop = 10, 0
	require.ErrorContains(t, modelOf(net, r).stream(t.Context(), ids, Options{Guidance: 2}, nil), "train one with setting label-drop 0.1")
}

// An edit for all samples and one for each reach every method, in any batches;
// Step sees as many states as steps are made.
func TestEdits(t *testing.T) {
	net := network(t)
	ids := []uint64{7, 8, 9}
	for _, kind := range kinds {
		r := of(t, kind)
		for _, method := range methodsOf(r) {
			o := Options{Method: method, Steps: 11, Batch: 3}
			plain := draw(t, net, r, ids, o)
			o.Edit = &diffusion.Edit{Image: []float32{0.5, -0.25}, Strength: 1}
			numtest.SameBits(t, plain, draw(t, net, r, ids, o), method+": strength 1")
			o.Edit = &diffusion.Edit{Image: []float32{0.5, -0.25, 1, 2, 3, 4}, Strength: 0.3, Known: []bool{false, true, false, false, true, false}}
			want := draw(t, net, r, ids, o)
			require.Equal(t, []float32{-0.25, 3}, []float32{want[1], want[4]}, method)
			calls, bound := 0, o
			bound.Step = func(_, left int, _ []float32) error {
				require.Equal(t, modelOf(net, r).Moves(o)-calls, left, method)
				calls++
				return nil
			}
			numtest.SameBits(t, want, draw(t, net, r, ids, bound), method)
			require.Less(t, modelOf(net, r).Moves(o), 5)
			require.Equal(t, modelOf(net, r).Moves(o)+1, calls, method)
			o.Batch = 2
			numtest.SameBits(t, want, draw(t, net, r, ids, o), method+": other batches")
		}
	}
	for want, e := range map[string]*diffusion.Edit{
		"strength is 2": {Image: make([]float32, 2), Strength: 2}, "image of 3 values": {Image: make([]float32, 3)},
		"1 elements marked": {Image: make([]float32, 2), Known: make([]bool, 1)},
	} {
		err := modelOf(net, of(t, recipe.DLPM)).stream(t.Context(), ids, Options{Batch: 3, Edit: e}, nil)
		require.ErrorContains(t, err, want)
	}
	o := Options{Batch: 3, Method: "dpm", Edit: &diffusion.Edit{Image: make([]float32, 2), Known: make([]bool, 2), Resample: 2}}
	_, err := modelOf(net, of(t, recipe.EDM)).Resolve(o)
	require.ErrorContains(t, err, "cannot go back")
}
