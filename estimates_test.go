package heavytail

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
	"heavytail/internal/numtest"
	"heavytail/nn"
)

// With Estimates, Step sees the start, then estimates of the data, then the
// sample, whatever the method; the samples have the bytes that they have without,
// in any batches and on several devices, and the estimates too. With Clip the estimates lie in the range
// of images where the states do not, and known elements are those of the image.
func TestStepSeesEstimates(t *testing.T) {
	net := network(t)
	ids := []uint64{7, 8, 9}
	for _, kind := range kinds {
		r := of(t, kind)
		for _, method := range methodsOf(r) {
			name := kind + " " + method
			m := modelOf(net, r)
			film := func(o Options) (frames map[int][]float32, samples []float32) {
				frames = map[int][]float32{}
				o.Step = func(first, left int, x []float32) error {
					if frames[left] == nil {
						frames[left] = slices.Repeat([]float32{float32(math.NaN())}, 2*len(ids)) // equal to nothing
					}
					copy(frames[left][2*first:], x)
					return nil
				}
				return frames, drawOn(t, m, ids, o)
			}
			o := Options{Method: method, Steps: 8, Batch: 3, Clip: On}
			states, want := film(o)
			o.Estimates = true
			seen, got := film(o)
			numtest.SameBits(t, want, got, name)
			moves := modelOf(net, r).Moves(o)
			require.Len(t, seen, moves+1, name)
			require.Equal(t, states[moves], seen[moves], name)
			require.Equal(t, want, seen[0], name)
			for left := moves - 1; left > 0; left-- {
				require.NotEqual(t, states[left], seen[left], "%s with %d steps left", name, left)
				for _, v := range seen[left] {
					// LIM's clamp rounds ε̂ to float32, which x̂_0 shows 1/γ times
					// larger: |x|·2^-24/γ, γ being above 0.01 after one step of 8.
					require.LessOrEqual(t, math.Abs(float64(v)), 1+1e-4, "%s with %d steps left", name, left)
				}
			}
			o.Batch = 2
			other, _ := film(o)
			require.Equal(t, seen, other, "%s: other batches", name)
			m.more = []*nn.Net{network(t)}
			other, _ = film(o)
			require.Equal(t, seen, other, "%s: on two devices", name)
			m.more = nil

			o.Edit = &diffusion.Edit{Image: []float32{0.5, -0.25}, Known: []bool{false, true}}
			kept, _ := film(o)
			require.Equal(t, float32(-0.25), kept[moves-1][1], name)
			require.NotEqual(t, float32(0.5), kept[moves-1][0], name)
		}
	}
}
