package heavytail

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/recipe"
)

// Rare events of models of jumps are weighed by the law of their noise: Laplace's, of
// variance 1, at λ = 2.
func TestUnitNoiseOfJumps(t *testing.T) {
	law := Options{Method: "edm", Steps: 3}.unitNoise(of(t, recipe.Jump), 1)
	require.InDelta(t, -0.5*math.Log(2)-math.Sqrt2*3, law.LogDensity([]float64{3}), 1e-9)
}
