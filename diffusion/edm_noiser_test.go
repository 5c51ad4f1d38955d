package diffusion

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLogSigmaIsWhole: a mean of ln σ whose deviation says that the usual pair is
// meant would not be used, so that training refuses it.
func TestLogSigmaIsWhole(t *testing.T) {
	_, err := NewEDMNoiser(EDM{PMean: 0.5}, 1)
	require.ErrorContains(t, err, "set both")
	n, err := NewEDMNoiser(EDM{PMean: 0.5, PStd: 1.2}, 1)
	require.NoError(t, err)
	usual, err := NewEDMNoiser(EDM{}, 1)
	require.NoError(t, err)
	require.InDelta(t, 1.7, math.Log(n.Sigma(3)/usual.Sigma(3)), 1e-12) // 0.5 − (−1.2)
}

// TestLogUniformSigma: ln σ of the samples is even between the levels of sampling, the
// usual and others, within the distance that n values of a law have from it once in a
// million (Dvoretzky, Kiefer, Wolfowitz and Massart), and normal numbers for it are
// refused.
func TestLogUniformSigma(t *testing.T) {
	const count = 2000
	for _, c := range []struct {
		p      EDM
		lo, hi float64
	}{{EDM{LogUniform: true}, 0.002, 80}, {EDM{LogUniform: true, SigmaMin: 0.01, SigmaMax: 3, Nu: Nu{4}}, 0.01, 3}} {
		n, err := NewEDMNoiser(c.p, 1)
		require.NoError(t, err)
		u := make([]float64, count)
		for i := range u {
			u[i] = math.Log(n.Sigma(uint64(i))/c.lo) / math.Log(c.hi/c.lo)
		}
		slices.Sort(u)
		require.GreaterOrEqual(t, u[0], 0.0)
		require.LessOrEqual(t, u[count-1], 1.0)
		for i, v := range u {
			require.InDelta(t, (float64(i)+0.5)/count, v, math.Sqrt(math.Log(2e6)/(2*count)))
		}
		x, target, times, x0 := make([]float32, 6), make([]float32, 6), make([]float32, 3), make([]float32, 6)
		require.Zero(t, testing.AllocsPerRun(10, func() { n.Noise(x, target, times, x0, 5) }))
	}
	_, err := NewEDMNoiser(EDM{LogUniform: true, PMean: 0.5, PStd: 1.2}, 1)
	require.ErrorContains(t, err, "leave them out")
}
