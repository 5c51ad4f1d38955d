package simd

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

// fewCase returns products of n tiles and k channels over guarded memory.
func fewCase(t *testing.T, n, k int, fill func([]float32), front bool) *WinoFew {
	w := &WinoFew{N: n, K: k, Pitch: k + 5*(n%2), WStep: k*TileCols + 16*(k%3), Flip: k%2 == 0, Acc: (n+k)%3 > 0}
	w.M = numtest.Guarded(t, n*36*TileCols, front)
	w.V = numtest.Guarded(t, (n*36-1)*w.Pitch+k, front)
	w.W = numtest.Guarded(t, 8*w.WStep+k*TileCols, front)
	for _, x := range [][]float32{w.M, w.V, w.W} {
		fill(x)
	}
	if k%4 == 1 {
		w.Next = w.W
	}
	return w
}

// wrong compares the products with exact transforms and sums.
func (w *WinoFew) wrong(run func(*WinoFew)) error {
	_, g, _ := winoMats(Wino4)
	const side, p = 6, 36
	want, size := make([]float64, w.N*p*TileCols), make([]float64, w.N*p*TileCols)
	if w.Acc {
		for i, v := range w.M {
			want[i], size[i] = float64(v), math.Abs(float64(v))
		}
	}
	for k := range w.K {
		for j := range TileCols {
			u, abs := sandwich(g, func(r, s int) float64 {
				tap := 3*r + s
				if w.Flip {
					tap = 8 - tap
				}
				return float64(w.W[tap*w.WStep+k*TileCols+j])
			})
			for i := range w.N * p {
				v := float64(w.V[i*w.Pitch+k])
				want[i*TileCols+j] += v * u[i%p/side][i%p%side]
				size[i*TileCols+j] += math.Abs(v) * abs[i%p/side][i%p%side]
			}
		}
	}
	run(w)
	for i, v := range want {
		// a rounding for each term of the chain beside those of the transform
		if d, most := math.Abs(float64(w.M[i])-v), float64(winoUnits+w.K+1)*0x1p-24*size[i]; !(d <= most) {
			return fmt.Errorf("tile %d, point %d, column %d: got %v, want %v, off by %g of %g", i/TileCols/p, i/TileCols%p, i%TileCols, w.M[i], v, d, most)
		}
	}
	return nil
}

func TestWinoFew(t *testing.T) {
	for n := 1; n <= WinoFewTiles; n++ {
		for _, k := range []int{1, 2, 3, 4, 5, 7, 8, 11, 32} {
			name := fmt.Sprintf("%d tiles, %d channels", n, k)
			var first, wild []float32
			for _, l := range isa.Available() {
				restore := isa.Force(l)
				r := numtest.NewRand(uint64(8*k + n))
				w := fewCase(t, n, k, func(x []float32) { r.Fill(x, 1) }, k%2 == 0)
				require.NoError(t, w.wrong((*WinoFew).Run), "%s at %v", name, l)
				v := fewCase(t, n, k, func(x []float32) { r.Wild(x, k%4 == 0) }, k%2 == 1)
				v.Run()
				restore()
				if first == nil {
					first, wild = slices.Clone(w.M), slices.Clone(v.M)
				}
				numtest.SameBits(t, first, w.M, fmt.Sprintf("%s at %v", name, l))
				numtest.SameBits(t, wild, v.M, fmt.Sprintf("%s at %v, wild", name, l))
			}
		}
	}
	w := fewCase(t, 2, 4, func(x []float32) { numtest.NewRand(1).Fill(x, 1) }, true)
	require.Error(t, w.wrong(func(w *WinoFew) { w.Flip = !w.Flip; w.Run() }), "taps in the other order")
	w = fewCase(t, 4, 4, func(x []float32) { numtest.NewRand(1).Fill(x, 1) }, true)
	require.Error(t, w.wrong(func(w *WinoFew) { w.N--; w.Run() }), "a tile is missing")
}
