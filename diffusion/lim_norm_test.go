package diffusion

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/stable"
)

// The norm of LIM's noise is held to its bound wherever it is above, just above
// and far above, and noise within the bound stays as it is.
func TestLIMNormClamp(t *testing.T) {
	const bound = 1.5
	norm := func(e []float32) float64 { return math.Hypot(float64(e[0]), float64(e[1])) }
	for _, alpha := range []float64{1.5, 2} {
		p := LIM{Alpha: alpha}
		var within, above, far int
		for i := range 2000 {
			s := stable.Key{Seed: 1, Sample: uint64(i)}
			free, e := make([]float32, 2), make([]float32, 2)
			p.noise(LIMClamps{}).fill(free, s)
			p.noise(LIMClamps{Norm: bound}).fill(e, s)
			what := fmt.Sprintf("α = %v, norm %v", alpha, norm(free))
			switch r := norm(free); {
			case r <= bound:
				within++
				require.Equal(t, free, e, what)
				continue
			case r <= 2*bound:
				above++
			default:
				far++
			}
			// A factor rounded once and products rounded once each: 2⁻²³ of it all.
			require.InEpsilon(t, bound, norm(e), 1.0/(1<<23), what)
			require.InDelta(t, math.Atan2(float64(free[1]), float64(free[0])), math.Atan2(float64(e[1]), float64(e[0])), 1.0/(1<<23), what)
		}
		require.Greater(t, min(within, above, far), 20)
	}
}
