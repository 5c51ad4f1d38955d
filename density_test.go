package heavytail

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
	"heavytail/recipe"
	"heavytail/stable"
)

// A way from the noise that the sampler draws is the sampler: for every method without
// noise in its steps, of every process.
func TestWayIsTheSampler(t *testing.T) {
	net := network(t)
	for _, kind := range kinds {
		r := of(t, kind)
		for _, method := range methodsOf(r) {
			o := Options{Method: method, Batch: 2, Steps: 5}
			w, err := modelOf(net, r).Way(o)
			if m, _ := find(method); m.start == nil {
				require.ErrorContains(t, err, method)
				continue
			}
			require.NoError(t, err, "%s %s", kind, method)
			seeds := []uint64{3, 4, 5}
			o.ConsistentStart = Off
			want := draw(t, net, r, seeds, o)
			x := make([]float64, 2*len(seeds))
			for i, s := range seeds {
				w.Noise.Draw(x[2*i:2*i+2], stable.Key{Seed: s, Step: math.MaxUint32})
			}
			require.NoError(t, w.Map(context.Background(), x))
			near := func(want []float32, x []float64) {
				for j := range x { // the scale rounds before or after the mixing variable
					require.InDelta(t, float64(want[j]), x[j], 1e-4*(1+math.Abs(x[j])), "%s %s, value %d", kind, method, j)
				}
			}
			near(want, x)
			w.Close()
			if m, _ := find(method); m.has("Grid") { // whose start is at another level
				o.Grid = diffusion.Quadratic
				w, err := modelOf(net, r).Way(Options{Method: method, Batch: 2, Steps: 5, Settings: o.Settings})
				require.NoError(t, err)
				for i, s := range seeds {
					w.Noise.Draw(x[2*i:2*i+2], stable.Key{Seed: s, Step: math.MaxUint32})
				}
				require.NoError(t, w.Map(context.Background(), x))
				other := draw(t, net, r, seeds, o)
				require.NotEqual(t, want, other)
				near(other, x)
				w.Close()
			}
		}
	}
}

// The log-density of a sample x = Φ(n) of a network is that of n less the logarithm of
// the Jacobian of Φ, by differences; and a scaling and transforms of the data add their
// volume.
func TestDensityIsThatOfTheSampler(t *testing.T) {
	net := network(t)
	transforms := map[string][]recipe.Transform{ // of processes whose samples here are not huge
		recipe.EDM: {{Kind: recipe.SoftLog}, {Kind: recipe.TTF, Lower: 0.3, Upper: 0.5}}, recipe.TFlow: {{Kind: recipe.Asinh}, {Kind: recipe.None}},
	}
	for _, kind := range kinds {
		r := of(t, kind)
		r.Data.Scaling = &recipe.Scaling{Kind: recipe.Robust, Center: []float64{5, -3}, Scale: []float64{0.5, 20}}
		r.Data.Transform = transforms[kind]
		method := defaultMethod(r)
		if kind == recipe.DLPM || kind == "ddpm" {
			method = "dlim2"
		}
		steps := 200
		w, err := modelOf(net, r).Way(Options{Method: method, Batch: 8, Steps: steps})
		require.NoError(t, err)
		const h = 0.02
		n := []float64{0.4, -0.9}
		x := []float64{n[0], n[1], n[0] + h, n[1], n[0] - h, n[1], n[0], n[1] + h, n[0], n[1] - h}
		require.NoError(t, w.Map(context.Background(), x))
		w.Close()
		slope := func(column, value int) float64 { return (x[2+4*column+value] - x[4+4*column+value]) / (2 * h) }
		det := slope(0, 0)*slope(1, 1) - slope(0, 1)*slope(1, 0)
		want := w.Noise.LogDensity(n) - math.Log(math.Abs(det))
		got, err := modelOf(net, r).logDensity(context.Background(), diffusion.Density{Steps: 2 * steps}, -1, nil, x[:2])
		require.NoError(t, err)
		// float32 states in the differences, 1e-6/h, their h², and both ODEs' errors
		require.InDelta(t, want, got[0].Value, 0.02, kind)
		exact, err := modelOf(net, r).logDensity(context.Background(), diffusion.Density{Steps: 20}, -1, nil, x[:2])
		require.NoError(t, err)
		rough, err := modelOf(net, r).logDensity(context.Background(), diffusion.Density{Steps: 20, Probes: 64}, -1, nil, x[:2])
		require.NoError(t, err)
		require.InDelta(t, exact[0].Value, rough[0].Value, 4*rough[0].Error, kind)
		require.Positive(t, rough[0].Error)
	}
	r := of(t, recipe.TEDM)
	r.Data.Scaling = &recipe.Scaling{Kind: recipe.Robust, Center: []float64{5, -3}, Scale: []float64{0.5, 0}}
	_, err := modelOf(net, r).logDensity(context.Background(), diffusion.Density{}, -1, nil, []float64{5, -3})
	require.ErrorContains(t, err, "column 1")
}
