package stable

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// The characteristic function has closed forms at odd ν, tends to that of the
// normal law, and is a mixture of its characteristic functions.
func TestStudentTCF(t *testing.T) {
	closed := map[float64]func(x float64) float64{ // of x = √ν|t|
		1: func(x float64) float64 { return math.Exp(-x) },
		3: func(x float64) float64 { return (1 + x) * math.Exp(-x) },
		5: func(x float64) float64 { return (1 + x + x*x/3) * math.Exp(-x) },
		7: func(x float64) float64 { return (1 + x + 0.4*x*x + x*x*x/15) * math.Exp(-x) },
	}
	for nu, f := range closed {
		for _, u := range []float64{1e-200, 1e-9, 1e-3, 0.1, 0.7, 1, 3, 10, 40, 200} {
			want, got := f(math.Sqrt(nu)*u), StudentT{Nu: nu, Scale: 1}.CF(u)
			require.InEpsilon(t, want, real(got), 2e-13*max(1, u), "ν = %v, t = %v", nu, u)
			require.Zero(t, imag(got))
		}
	}
	for _, u := range []float64{0.01, 0.5, 1, 2, 5} {
		got := math.Log(real(StudentT{Nu: 1e6, Scale: 1}.CF(u)))
		require.InDelta(t, math.Exp(-u*u/2), math.Exp(got), 1e-5)
	}
	for _, nu := range []float64{0.3, 0.8, 2, 4.5, 30} {
		s := StudentT{Nu: nu, Scale: 2, Loc: 0.5}
		for _, u := range []float64{0.3, 1.1, 2} {
			got, phi := s.CF(u), s.CF(-u)
			require.Equal(t, [2]float64{real(got), -imag(got)}, [2]float64{real(phi), imag(phi)})
			// E exp(−t²/2κ) over κ = 2g/ν, g of the gamma law, in s = ln g.
			sum, a := 0.0, nu/2
			lg, _ := math.Lgamma(a)
			for k := -6000; k <= 1000; k++ {
				g := math.Exp(float64(k) / 50)
				sum += math.Exp(-nu*(2*u)*(2*u)/(4*g)+a*float64(k)/50-g-lg) / 50
			}
			require.InEpsilon(t, sum, math.Hypot(real(got), imag(got)), 1e-12, "ν = %v, t = %v", nu, u)
			require.InDelta(t, 0.5*u, math.Atan2(imag(got), real(got)), 1e-12)
		}
	}
	require.True(t, math.IsNaN(real(StudentT{Nu: 3, Scale: 1}.CF(math.NaN()))))
	require.Zero(t, StudentT{Nu: 3, Scale: 1}.CF(1e305))
	require.Equal(t, complex(1, 0), StudentT{Nu: 3, Scale: 1}.CF(0))
	for _, u := range []float64{1e-300, 1e-150, 1e-5} { // |t|^0.01 is far from 0 still
		v := real(StudentT{Nu: 0.01, Scale: 1}.CF(u))
		require.True(t, v > 0.1 && v < 1, "%v", v)
	}
}
