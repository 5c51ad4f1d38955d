package recipe

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// A recipe without conditions has the JSON that it had before there were any.
func TestNoConditionsLeaveNoTrace(t *testing.T) {
	r := fitted(t, "toy", 2)
	require.NotContains(t, string(r.JSON()), "given")
	require.NotContains(t, string(r.JSON()), "conditions")
	require.Zero(t, r.Data.Given.Len())
	require.Nil(t, r.Data.Given.Names())
	require.Nil(t, r.Data.Given.Clone())
}

func TestGiven(t *testing.T) {
	r, err := Preset("toy")
	require.NoError(t, err)
	g := &Given{Select: []string{"vol", "3"}, Columns: []string{"vol", "rate"}, Scaling: &Scaling{Kind: Robust, Center: []float64{0.5, 0}, Scale: []float64{0.25, 1e-300}}}
	r.Data = Data{Spec: "csv:x", Samples: 9, Shape: []int{1}, Given: g}
	require.NoError(t, r.Fit())
	r.Train.Rate.Total = r.Train.Steps
	require.Equal(t, 2, r.Network.MLP.Conditions)
	back, err := Parse(r.JSON())
	require.NoError(t, err)
	require.Equal(t, r.Data.Given, back.Data.Given)
	require.Equal(t, []string{"vol", "rate"}, g.Names())

	var z [4]float32
	g.ToNetwork(z[:], []float64{1, 0, 0.25, 1e-290})
	require.InDelta(t, math.Asinh(2), z[0], 1e-6)
	require.Zero(t, z[1])
	require.InDelta(t, -math.Asinh(1), z[2], 1e-6)
	require.InDelta(t, math.Log(2)+10*math.Log(10), z[3], 1e-4)
	(&Given{Select: []string{"a"}}).ToNetwork(z[:1], []float64{-3})
	require.InDelta(t, -math.Asinh(3), z[0], 1e-6)

	c := r.Clone()
	c.Data.Given.Scaling.Scale[0], c.Data.Given.Select[0], c.Data.Given.Columns[0] = 7, "x", "x"
	require.Equal(t, 0.25, g.Scaling.Scale[0])
	require.Equal(t, "vol", g.Names()[0])

	for want, spoil := range map[string]func(r *Recipe){
		"0 conditions; want 1 to 4096":             func(r *Recipe) { r.Data.Given.Select = nil },
		"2 conditions with 1 names":                func(r *Recipe) { r.Data.Given.Columns = []string{"a"} },
		"conditions: scaling with 1 centers":       func(r *Recipe) { r.Data.Given.Scaling.Center = []float64{1} },
		`condition "rate" is constant`:             func(r *Recipe) { r.Data.Given.Scaling.Scale[1] = 0 },
		"conditions: scaling: the scale of column": func(r *Recipe) { r.Data.Given.Scaling.Scale[1] = math.Inf(1) },
		"a network with 1 conditions":              func(r *Recipe) { r.Network.MLP.Conditions = 1 },
		"conditions is -1":                         func(r *Recipe) { r.Network.MLP.Conditions = -1 },
	} {
		c := r.Clone()
		spoil(&c)
		require.ErrorContains(t, c.Validate(), want)
	}
}
