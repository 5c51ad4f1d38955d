package simd

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// TestSums judges the sums by float64: the error of n float32 additions per
// lane is at most (n/16 + 5)·2⁻²⁴ of the sum of magnitudes.
func TestSums(t *testing.T) {
	ref := map[[2]int][]float64{}
	numtest.EachLevel(t, func(t *testing.T) {
		for _, n := range append(numtest.Lengths(67), 3*SumBlock+5) {
			for mode := range 2 {
				r := numtest.NewRand(uint64(n))
				a, b := r.Fill(numtest.Guarded(t, n, mode == 0), 1), r.Fill(numtest.Guarded(t, n, mode == 0), 1)
				s, d, q, as, ad, top := 0.0, 0.0, 0.0, 0.0, 0.0, math.Inf(-1)
				for i, v := range a {
					x, y := float64(v), float64(b[i])
					s, d, q = s+x, d+x*y, q+x*x
					as, ad = as+math.Abs(x), ad+math.Abs(x*y)
					top = math.Max(top, x)
				}
				eps := float64(min(n, SumBlock)/16+5) * 0x1p-24
				got := []float64{Sum(a), Dot(a, b), SumSq(a), float64(Max(a))}
				require.InDelta(t, s, got[0], eps*as, n)
				require.InDelta(t, d, got[1], eps*ad, n)
				require.InDelta(t, q, got[2], eps*q, n)
				require.Equal(t, top, got[3])
				key := [2]int{n, mode}
				if ref[key] == nil {
					ref[key] = got
				}
				require.Equal(t, ref[key], got, "the levels differ at n = %d", n)
			}
		}
	})
}

// Each element counts once, whatever its lane: 2^i is found in the sum.
func TestSumLanes(t *testing.T) {
	numtest.EachLevel(t, func(t *testing.T) {
		for n := 1; n <= 50; n++ {
			for at := range n {
				x := make([]float32, n)
				x[at] = 3
				require.Equal(t, 3.0, Sum(x))
				require.Equal(t, 9.0, Dot(x, x))
				require.Equal(t, float32(3), Max(x))
				s, q := []float32{0}, []float32{0}
				RowSums(s, q, Strip{x, n}, n, []float32{1})
				require.Equal(t, []float32{float32(2 - (n - 1)), float32(4 + (n - 1))}, append(s, q...))
				x[at] = float32(math.NaN())
				require.True(t, math.IsNaN(Sum(x)) && math.IsNaN(Dot(x, x)))
				if n > 1 {
					require.Equal(t, float32(0), Max(x), "NaN is passed over")
				}
			}
		}
	})
}

func TestMaxOfNothing(t *testing.T) {
	numtest.EachLevel(t, func(t *testing.T) {
		require.True(t, math.IsInf(float64(Max(nil)), -1))
		require.Zero(t, Sum(nil))
		neg := []float32{-3, -1, -2}
		require.Equal(t, float32(-1), Max(neg))
	})
}
