package experiment

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion/rare"
	"heavytail/internal/numtest"
	"heavytail/stable"
)

func TestTrainedQuick(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	dir := t.TempDir()
	require.NoError(t, runner(t, dir, 2).Do(context.Background(), trainedExperiment, Options{Quick: true, Seed: 1}))
	numtest.Elements(t, text(t, dir, "out", "trained.svg"))
}

// Values that are the law's have its quantiles, those that are twice as large have the
// error ln 2, and a tail that is fitted to the law's values says its probabilities.
func TestTrainedRow(t *testing.T) {
	law := stable.StudentT{Nu: 3, Scale: 0.5 / math.Sqrt(3)}
	quantile := trainedTargets[0].quantiles(1)
	const n = 20000
	values, twice := make([]float64, n), make([]float64, n)
	for i := range values {
		values[i] = law.SurvivalQuantile((float64(n-i) - 0.5) / n / 2)
		twice[i] = 2 * values[i]
	}
	row := trainedRow(values, quantile)
	require.Less(t, row[0], 1e-4)
	for i, v := range trainedRow(twice, quantile) {
		if i == 0 {
			require.InDelta(t, math.Ln2, v, 1e-4)
		} else {
			require.InDelta(t, 2, v, 1e-2)
		}
	}
	// The fitted tail is wrong by its bias alone here, which its interval of 95 % is wider than.
	e, err := rare.Tail(values, quantile(1e-4))
	require.NoError(t, err)
	require.True(t, e.Lo <= 1e-4 && 1e-4 <= e.Hi, "%+v", e)
	require.Equal(t, e.P/1e-4, fitted(values, quantile(1e-4), 1e-4))
	require.True(t, math.IsNaN(upperQuantile(values, 1e-5)))
}

// In eight dimensions the quantiles are those of the norm: of t, d·F(d, ν) has the
// square of the radius over that of the scale.
func TestTrainedQuantiles(t *testing.T) {
	g := trainedTargets[0]
	r := g.quantiles(8)(0.01) / g.scale
	// P(F_{8,3} > 27.49) = 0.01, from tables of F, rounded to a hundredth; the radius is
	// found between places that lie radiusStep apart in its logarithm
	require.InDelta(t, 27.49, r*r/8, 0.005+27.49*radiusStep*radiusStep)
}
