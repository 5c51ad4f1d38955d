package diffusion

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// SigmaRange and the checks of samplers compute single levels, not a schedule of a
// million steps, to its bits.
func TestSigmaRangeNeedsNoSchedule(t *testing.T) {
	for _, p := range []DLPM{
		{Alpha: 2, Scale: Preserving, Steps: 1000}, {Alpha: 2, Scale: Preserving, Steps: 2}, {Alpha: 1.7, Scale: Preserving, Steps: 37, Grid: Quadratic},
		{Alpha: 2, Scale: Exploding, Steps: 50}, {Alpha: 1.5, Scale: Exploding, Steps: 9, SigmaMin: 0.01, SigmaMax: 7, Rho: 3, Grid: Quadratic},
	} {
		s, err := p.Schedule(0)
		require.NoError(t, err)
		at := func(t int) float64 { return math.Sqrt2 * s.SigmaBar[t] / s.GammaBar[t] }
		lo, hi, err := p.SigmaRange()
		require.NoError(t, err)
		require.Equal(t, []float64{at(1), at(p.Steps - 1)}, []float64{lo, hi}, "%+v", p)
		p.Steps = maxSteps
		require.LessOrEqual(t, testing.AllocsPerRun(5, func() {
			_, _, _ = p.SigmaRange()
			_ = DLPMSampler{Process: p}.Validate()
			_ = DLIM{Process: p}.Validate()
		}), 2.0)
	}
	_, _, err := DLPM{Alpha: 2, Scale: Preserving, Steps: maxSteps + 1}.SigmaRange()
	require.ErrorContains(t, err, "steps is")
}
