package heavytail_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
)

// pointModel returns a model of points with random weights, and the scaling that
// its recipe has, nil for none.
func pointModel(t *testing.T, s *recipe.Scaling) *heavytail.Model {
	t.Helper()
	r, err := recipe.Preset("toy")
	require.NoError(t, err)
	require.NoError(t, r.Use(recipe.TEDM))
	r.Network.MLP.Units, r.Network.MLP.Blocks = 8, 1
	r.Data = recipe.Data{Spec: "x.csv", Samples: 9, Shape: []int{2}, Scaling: s}
	return randomModel(t, r)
}

// randomModel returns the model of a recipe with random weights.
func randomModel(t *testing.T, r recipe.Recipe) *heavytail.Model {
	t.Helper()
	r.Train.Rate.Total = r.Train.Steps
	require.NoError(t, r.Fit())
	net, err := nn.New(kernels.New(1), r.Network)
	require.NoError(t, err)
	numtest.NewRand(3).Fill(net.Params().Flat.Data(), 0.3)
	net.Params().Touch()
	var b bytes.Buffer
	require.NoError(t, (&nn.State{Net: net, Recipe: r.JSON()}).Write(&b, tensor.F32))
	return open(t, heavytail.Loader{Threads: 1}, b.Bytes())
}

// TestPointsInTheUnitsOfTheData: every way to samples of a scaled model gives
// center + scale·z, z being those of the same model without a scaling, and edits
// take points in those units.
func TestPointsInTheUnitsOfTheData(t *testing.T) {
	plain := pointModel(t, nil)
	m := pointModel(t, &recipe.Scaling{Kind: recipe.Robust, Center: []float64{1e9, -2}, Scale: []float64{0.5, 4}})
	require.False(t, plain.Scaled())
	require.True(t, m.Scaled())
	o := heavytail.Options{N: 5, Steps: 4, Batch: 2}
	z, err := plain.Sample(t.Context(), o)
	require.NoError(t, err)
	var want []float64
	for i, v := range z.Float64() {
		want = append(want, []float64{1e9, -2}[i%2]+[]float64{0.5, 4}[i%2]*v)
	}
	narrow := make([]float32, len(want))
	for i, v := range want {
		narrow[i] = float32(v)
	}
	numtest.SameBits(t, z.Float32(), values(t, plain, o), "the model without a scaling")
	x, err := m.Sample(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, want, x.Float64())
	numtest.SameBits(t, narrow, x.Float32(), "Sample")
	x.Float64()[0] = 7
	require.Equal(t, want, x.Float64(), "a copy")
	var wide []float64
	var stream []float32
	last, last64 := map[int]float32{}, map[int]float64{}
	o.Step = func(first, _ int, x []float32) error { last[first] = x[0]; return nil }
	o.Step64 = func(first, _ int, x []float64) error { last64[first] = x[0]; return nil }
	require.NoError(t, m.Stream64(t.Context(), o, func(_ int, x []float64) error { wide = append(wide, x...); return nil }))
	require.NoError(t, m.Stream(t.Context(), o, func(_ int, x []float32) error { stream = append(stream, x...); return nil }))
	require.Equal(t, want, wide)
	numtest.SameBits(t, narrow, stream, "Stream")
	for _, first := range []int{0, 2, 4} {
		require.Equal(t, narrow[2*first], last[first])
		require.Equal(t, want[2*first], last64[first])
	}

	o = heavytail.Options{N: 3, Edit: &heavytail.Edit{Known: []bool{true, false}}, Image64: []float64{1e9 + 0.1, 0}}
	x, err = m.Sample(t.Context(), o)
	require.NoError(t, err)
	for i := 0; i < 6; i += 2 {
		require.Equal(t, 1e9+0.1, x.Float64()[i])
	}
	_, err = m.Sample(t.Context(), heavytail.Options{Image64: o.Image64})
	require.ErrorContains(t, err, "without an edit")
	_, err = m.Sample(t.Context(), heavytail.Options{Edit: o.Edit, Image64: []float64{1}})
	require.ErrorContains(t, err, "an image of 1 values")
	nan := math.NaN()
	y, err := m.Sample(t.Context(), heavytail.Options{N: 3, Edit: o.Edit, Image64: []float64{o.Image64[0], nan}}) // a missing cell
	require.NoError(t, err)
	require.Equal(t, x.Float64(), y.Float64())
	_, err = m.Sample(t.Context(), heavytail.Options{Edit: o.Edit, Image64: []float64{nan, 0}})
	require.ErrorIs(t, err, &heavytail.OptionError{Field: "Image64"})
	require.ErrorContains(t, err, "element 0 of the image is NaN: give a finite value, or do not mark it as known")
	both := *o.Edit
	both.Image = []float32{0, 0}
	_, err = m.Resolve(heavytail.Options{Edit: &both, Image64: o.Image64})
	require.ErrorIs(t, err, &heavytail.OptionError{Field: "Image64"})
	require.ErrorContains(t, err, "beside Edit.Image")
}
