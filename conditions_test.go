package heavytail

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
)

// Points beyond those that are computed at a time have the density given their own
// conditions, too.
func TestDensityOfManyConditions(t *testing.T) {
	net, err := nn.New(kernels.New(1), nn.Config{MLP: &nn.MLPConfig{Dim: 2, Units: 8, Blocks: 1, TimeEmb: 4, TimeScale: 100, Conditions: 1}})
	require.NoError(t, err)
	numtest.NewRand(3).Fill(net.Params().Flat.Data(), 0.3)
	net.Params().Touch()
	r := of(t, recipe.EDM)
	r.Data.Given = &recipe.Given{Select: []string{"c"}}
	const n = densityBatch/2 + 3
	s := diffusion.Density{Steps: 1}
	given := make([]float64, n)
	given[0], given[n-2] = 5, -3
	x := slices.Repeat([]float64{1, 2}, n)
	all, err := modelOf(net, r).logDensity(context.Background(), s, -1, given, x)
	require.NoError(t, err)
	for _, i := range []int{0, 1, n - 3, n - 2, n - 1} {
		one, err := modelOf(net, r).logDensity(context.Background(), s, -1, given[i:i+1], x[:2])
		require.NoError(t, err)
		require.Equal(t, one[0], all[i], i)
	}
	require.NotEqual(t, all[n-1], all[n-2])
	require.NotEqual(t, all[0], all[1])
}
