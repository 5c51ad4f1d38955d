package stable

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/simd"
)

// Wide vectors come from tiles and a transpose, narrow ones from sums of planes: both are
// the same numbers, of zeros in M, of sums that cancel and of parts of a group too.
func TestWidePlanes(t *testing.T) {
	r := numtest.NewRand(7)
	for _, d := range []int{12, 13, 16, 23, 24, 40} {
		for _, m := range []int{1, d, d + 5} {
			mix, loc := make([]float32, d*m), make([]float64, d)
			for i := range d {
				if i == 3 {
					continue // a coordinate that is constant
				}
				for k := range m {
					if k <= i || k%7 == 2 && d != 24 { // at 24 triangular
						mix[i*m+k] = float32(r.Float64() - 0.5)
					}
				}
				if i%2 == 0 {
					loc[i] = 3
				}
			}
			p := newPlanes(m, d, mix, loc)
			for _, n := range []int{1, 31, 100, planeRows} {
				z := r.Fill(make([]float32, m*planeRows), 1)
				y := make([]float32, (d+1)*planeRows)
				p.combine(y, z, n)
				for i := range d {
					want := make([]float32, n)
					for k, v := range mix[i*m : (i+1)*m] {
						simd.Axpy(want, v, z[k*planeRows:][:n])
					}
					require.Equal(t, want, y[i*planeRows:][:n], "d %d, m %d, n %d, row %d", d, m, n, i)
				}
				for j := range n { // sums that cancel, with δ and without
					y[j] = -3
					y[planeRows+j] = float32(math.Copysign(0, float64(j%3)-1))
				}
				want, got := make([]float32, n*d), make([]float32, n*d)
				p.scatter(want, y, n, 5)
				p.transpose(got, y, make([]float32, n), n, 5)
				require.Equal(t, want, got, "d %d, m %d, n %d", d, m, n)
				require.NotContains(t, got[:2], float32(0))
			}
		}
	}
}
