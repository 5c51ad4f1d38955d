package heavytail

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
	"heavytail/internal/numtest"
	"heavytail/nn"
	"heavytail/recipe"
)

// scaled gives r a scaling by powers of two, so that all of its arithmetic on the
// values below is exact.
func scaled(r recipe.Recipe) recipe.Recipe {
	r.Data.Scaling = &recipe.Scaling{Kind: recipe.Robust, Center: []float64{1 << 10, -3}, Scale: []float64{0x1p-7, 4}}
	return r
}

// inUnits returns what scaled values stand for.
func inUnits(z []float32) []float64 {
	x := make([]float64, len(z))
	for i := 0; i < len(z); i += 2 {
		x[i], x[i+1] = 1<<10+0x1p-7*float64(z[i]), -3+4*float64(z[i+1])
	}
	return x
}

func f32(x []float64) []float32 {
	y := make([]float32, len(x))
	round(y, x)
	return y
}

func seeded(o Options, seeds []uint64) Options {
	o.Seeds = seeds
	return o
}

func draw64(t *testing.T, net *nn.Net, r recipe.Recipe, seeds []uint64, o Options) []float64 {
	t.Helper()
	var out []float64
	require.NoError(t, modelOf(net, r).Stream64(t.Context(), seeded(o, seeds), func(first int, x []float64) error {
		require.Equal(t, len(out), 2*first)
		out = append(out, x...)
		return nil
	}))
	return out
}

// TestSamplesComeInTheUnitsOfTheData: with a scaling every sampler gives the
// samples it gives without one, in the units of the data, and shows its states in
// them; without one the two forms are the same numbers.
func TestSamplesComeInTheUnitsOfTheData(t *testing.T) {
	net, seeds := network(t), []uint64{5, 6, 7}
	for _, kind := range kinds {
		plain := of(t, kind)
		for _, method := range methodsOf(plain) {
			o := Options{Method: method, Steps: 6, Batch: 2}
			z := draw(t, net, plain, seeds, o)
			numtest.SameBits(t, z, f32(draw64(t, net, plain, seeds, o)), kind+" "+method+" without scaling")
			want := inUnits(z)
			r := scaled(plain)
			require.Equal(t, want, draw64(t, net, r, seeds, o), "%s %s", kind, method)
			numtest.SameBits(t, f32(want), draw(t, net, r, seeds, o), kind+" "+method)
			last, last64 := make([]float32, 6), make([]float64, 6)
			o.Step = func(first, left int, x []float32) error { copy(last[2*first:], x); return nil }
			o.Step64 = func(first, left int, x []float64) error { copy(last64[2*first:], x); return nil }
			draw(t, net, r, seeds, o)
			require.Equal(t, want, last64, "%s %s: states", kind, method)
			numtest.SameBits(t, f32(want), last, kind+" "+method+": states")
		}
	}
}

// bent gives scaled r a transform.
func bent(r recipe.Recipe, kind string) recipe.Recipe {
	r = scaled(r)
	r.Data.Transform = []recipe.Transform{{Kind: kind}, {Kind: recipe.None}}
	if kind == recipe.TTF {
		r.Data.Transform[0].Lower, r.Data.Transform[0].Upper = 0.002, 0.004 // the network's samples go to hundreds
	}
	return r
}

// unbent returns what values of the network stand for in r: first unbent, then
// scaled back.
func unbent(r recipe.Recipe, z []float32) []float64 {
	x := make([]float64, len(z))
	for i := 0; i < len(z); i += 2 {
		x[i], x[i+1] = 1<<10+float64(0x1p-7*r.Data.Transform[0].Unbend(float64(z[i]))), -3+4*float64(z[i+1])
	}
	return x
}

// TestTransformsAreUndone: with a transform every sampler gives the samples that it
// gives without one, unbent, shows its states so, and takes edits in the units of the
// data, of which known values come back to the last bit.
func TestTransformsAreUndone(t *testing.T) {
	net, seeds, inReach := network(t), []uint64{5, 6, 7}, 0
	for _, kind := range kinds {
		plain := of(t, kind)
		for i, method := range methodsOf(plain) {
			r := bent(plain, recipe.Transforms()[i%3])
			o := Options{Method: method, Steps: 6, Batch: 2}
			z := draw(t, net, plain, seeds, o)
			want := unbent(r, z)
			require.Equal(t, want, draw64(t, net, r, seeds, o), "%s %s", kind, method)
			if narrow := f32(want); slices.Max(narrow) <= math.MaxFloat32 && slices.Min(narrow) >= -math.MaxFloat32 { // else: TestSamplesBeyondFloat32
				numtest.SameBits(t, narrow, draw(t, net, r, seeds, o), kind+" "+method)
				inReach++
			}
			last64 := make([]float64, 6)
			o.Step64 = func(first, left int, x []float64) error { copy(last64[2*first:], x); return nil }
			draw64(t, net, r, seeds, o)
			require.Equal(t, want, last64, "%s %s: states", kind, method)
			o.Step64 = nil

			start := []float32{0.5, -1.25}
			o.Edit = &diffusion.Edit{Image: start, Strength: 0.5}
			want = unbent(r, draw(t, net, plain, seeds, o))
			o.Edit, o.Image64 = &diffusion.Edit{Strength: 0.5}, unbent(r, start)
			require.Equal(t, want, draw64(t, net, r, seeds, o), "%s %s: an edit", kind, method)
			given := []float64{1<<10 + 0.1, 7}
			o.Edit, o.Image64 = &diffusion.Edit{Known: []bool{true, false}}, given
			for j, v := range draw64(t, net, r, seeds, o) {
				if j%2 == 0 {
					require.Equal(t, given[0], v)
				}
			}
		}
	}
	require.Greater(t, inReach, 10)
}

// TestSamplesBeyondFloat64 are an error that names the column and the transform.
func TestSamplesBeyondFloat64(t *testing.T) {
	net, r := network(t), bent(of(t, recipe.EDM), recipe.SoftLog)
	r.Data.Scaling.Scale[0] = 1e308 // what is bent beyond 1.8 is beyond float64
	seeds := []uint64{1, 2, 3, 4, 5, 6, 7, 8}
	err := modelOf(net, r).Stream64(t.Context(), Options{Seeds: seeds, Batch: 1}, func(int, []float64) error { return nil })
	require.ErrorContains(t, err, "column 0 that the transform softlog takes beyond float64")
	r.Data.Scaling.Scale[0] = math.MaxFloat64
	err = modelOf(net, r).Stream(t.Context(), Options{Seeds: seeds, Batch: 8}, func(int, []float32) error { return nil })
	require.ErrorContains(t, err, "column 0 that the transform softlog takes beyond float64")
}

// TestEditsAreInTheUnitsOfTheData: an image to start from, or to keep parts of,
// acts as its scaled values do without a scaling, and what is kept comes back to
// the last bit, of float64 too.
func TestEditsAreInTheUnitsOfTheData(t *testing.T) {
	net, seeds := network(t), []uint64{5, 6, 7}
	z := []float32{0.5, -1.25}
	x := inUnits(z)
	for _, kind := range kinds {
		plain := of(t, kind)
		for _, method := range methodsOf(plain) {
			for _, known := range [][]bool{nil, {true, false}} {
				e := diffusion.Edit{Image: z, Strength: 0.5, Known: known}
				o := Options{Method: method, Steps: 6, Batch: 2, Edit: &e}
				want := inUnits(draw(t, net, plain, seeds, o))
				o.Edit = &diffusion.Edit{Image: f32(x), Strength: 0.5, Known: known}
				require.Equal(t, want, draw64(t, net, scaled(plain), seeds, o), "%s %s", kind, method)
				o.Edit, o.Image64 = &diffusion.Edit{Strength: 0.5, Known: known}, x
				require.Equal(t, want, draw64(t, net, scaled(plain), seeds, o), "%s %s in float64", kind, method)
			}
		}
	}
	given := []float64{1<<10 + 0.1, 7} // 0.1 is no multiple of any of these scales
	o := Options{Batch: 2, Edit: &diffusion.Edit{Known: []bool{true, false}}, Image64: given}
	for i, v := range draw64(t, net, scaled(of(t, recipe.TEDM)), seeds, o) {
		if i%2 == 0 {
			require.Equal(t, given[0], v)
		}
	}
	o.Edit = nil
	_, err := modelOf(net, of(t, recipe.EDM)).Resolve(o)
	require.ErrorContains(t, err, "without an edit")
}

// TestSamplesBeyondFloat32 are an error there, and none in float64.
func TestSamplesBeyondFloat32(t *testing.T) {
	net, r := network(t), scaled(of(t, recipe.EDM))
	r.Data.Scaling.Center[0] = 1e200
	require.Equal(t, 1e200, draw64(t, net, r, []uint64{1}, Options{Batch: 1})[0])
	err := modelOf(net, r).Stream(t.Context(), Options{Seed: 1, Batch: 1}, func(int, []float32) error { return nil })
	require.ErrorContains(t, err, "beyond float32")
}
