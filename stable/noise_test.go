package stable

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// TestNoiseIsMultiplierTimesNormal: ε = √A·G with the A and G that the stream
// gives, in both forms, with the clamps where they are asked for.
func TestNoiseIsMultiplierTimesNormal(t *testing.T) {
	s := Key{Seed: 3, Sample: 5, Step: 9}
	const n = 700
	g, a, eps := make([]float32, n), make([]float32, n), make([]float32, n)
	s.Normal(g, 0)
	numtest.EachLevel(t, func(t *testing.T) {
		for _, c := range []Noise{
			{Alpha: 1.5, Isotropic: true}, {Alpha: 1.5}, {Alpha: 2, Isotropic: true}, {Alpha: 2},
			{Alpha: 1.2, Isotropic: true, ClampA: 1, ClampEps: 0.5}, {Alpha: 1.2, ClampA: 3, ClampEps: 2},
			{Alpha: 2, ClampA: 1, ClampEps: 1},
		} {
			c.Fill(eps, s)
			c.Multipliers(a, s, 0)
			for i := range eps {
				root := math.Sqrt(float64(a[i]))
				if c.Isotropic {
					root = math.Sqrt(c.A(s))
				}
				want := root * float64(g[i])
				if c.ClampEps > 0 {
					want = max(min(want, c.ClampEps), -c.ClampEps)
				}
				require.InDelta(t, want, eps[i], 2e-6*(1+math.Abs(want)), "%+v element %d", c, i)
				if c.ClampA > 0 && c.Alpha < 2 {
					require.LessOrEqual(t, float64(a[i]), c.ClampA*(1+1e-6))
				}
			}
		}
	})
	require.Equal(t, 2.0, Noise{Alpha: 2, ClampA: 1}.A(s))
	require.Equal(t, 1.0, Noise{Alpha: 1.01, ClampA: 1}.A(Key{Seed: 1, Step: 2}))
}

// TestNoiseLaw: the characteristic function of each coordinate is exp(−|u|^α).
func TestNoiseLaw(t *testing.T) {
	n := count(t) / 8
	x := make([]float32, n)
	for _, alpha := range []float64{1.2, 1.7, 2} {
		for _, iso := range []bool{true, false} {
			c := Noise{Alpha: alpha, Isotropic: iso}
			for i := 0; i < n; i += 2 { // fresh A every second element
				c.Fill(x[i:i+2], Key{Seed: 8, Sample: uint64(i)})
			}
			for _, u := range []float64{0.5, 1} {
				for first := range 2 {
					y := make([]float64, n/2)
					for i := range y {
						y[i] = math.Cos(u * float64(x[2*i+first]))
					}
					zTest(t, "cf", y, math.Exp(-math.Pow(u, alpha)))
				}
				// Rotation invariance: (x+y)/√2 has the same law if isotropic;
				// independent coordinates add in the α-norm.
				r := math.Sqrt2
				if !iso {
					r = math.Pow(2, 1/alpha)
				}
				y := make([]float64, n/2)
				for i := range y {
					y[i] = math.Cos(u * float64(x[2*i]+x[2*i+1]) / r)
				}
				zTest(t, "rotated", y, math.Exp(-math.Pow(u, alpha)))
			}
		}
	}
}
