package experiment

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/recipe"
	"heavytail/tails"
)

// The best of the sweep is judged by runs that did not choose it: here each method
// is best by luck in one run, and the regret is against the other, not the mean of
// the smallest errors.
func TestRegretIsOfOtherRuns(t *testing.T) {
	methods := []realMethod{{family: tEDM, value: 3}, {family: tEDM, value: 5}}
	set := realSet{name: "x"}
	r := &Results{columns: choiceColumns, rows: map[Key][]float64{}}
	add := func(method, setting string, run int, v float64) {
		k := Key{method, setting, run}
		r.keys = append(r.keys, k)
		r.rows[k] = []float64{v, 0, 0, 0, 0, 0}
	}
	for run, v := range []float64{1, 4} {
		add(tEDM, setting("x", 3), run, v)
		add(tEDM, setting("x", 5), run, 4/v)
		add(adviceMethod, "x -", run, 2)
	}
	c := choiceResults{r, []realSet{set}, methods}
	logs := c.regrets(set)
	require.InDeltaSlice(t, []float64{math.Log(2.0 / 4), math.Log(2.0 / 4)}, logs, 1e-12)
	require.InDeltaSlice(t, []float64{math.Log(2), math.Log(0.5)}, c.against(set, methods[0]), 1e-12)
	require.InDeltaSlice(t, []float64{math.Log(0.5)}, c.perSet(c.regrets, func(realSet) bool { return true }), 1e-12)
}

// The t-test of a mean of 0: of 1, 2, 3 it is t = √12 with 2 degrees of freedom,
// p = 1 − t/√(2+t²).
func TestPairedT(t *testing.T) {
	require.InDelta(t, 1-math.Sqrt(12.0/14), pairedT(Summarise([]float64{1, 2, 3})), 1e-12)
	require.True(t, math.IsNaN(pairedT(Summarise([]float64{1}))))
}

// Noise that tail advises becomes the method with its α or ν.
func TestMethodOfNoise(t *testing.T) {
	for noise, want := range map[tails.Noise]realMethod{
		{Kind: recipe.EDM}: {family: tEDM, value: math.Inf(1)}, {Kind: recipe.TEDM, Nu: 2.9}: {family: tEDM, value: 2.9},
		{Kind: recipe.DLPM, Alpha: 1.43}: {family: dlpm, value: 1.43}, {Kind: recipe.Flow, Transform: recipe.SoftLog}: {family: logFlow, value: math.Inf(1), compress: true},
	} {
		m, err := methodOfNoise(noise, 20)
		require.NoError(t, err)
		require.Equal(t, want.family, m.family)
		require.Equal(t, want.value, m.value)
		require.Equal(t, want.compress, m.compress)
		var r recipe.Recipe
		m.use(&r)
		switch {
		case want.family == dlpm:
			require.Equal(t, want.value, r.Process.Alpha)
		case want.family == logFlow:
			require.Empty(t, r.Flow.Nu)
		case math.IsInf(want.value, 1):
			require.Empty(t, r.EDM.Nu)
		default:
			require.Equal(t, want.value, r.EDM.Nu[0])
		}
	}
	words := []string{adviceWord(tEDM, math.Inf(1)), adviceWord(tEDM, 2.9), adviceWord(dlpm, 1.432), adviceWord(logFlow, math.Inf(1))}
	require.Equal(t, []string{"EDM", "t-EDM 2.9", "DLPM 1.43", logFlow}, words)
	_, err := methodOfNoise(tails.Noise{Kind: recipe.LIM}, 20)
	require.ErrorContains(t, err, "does not know")
}

// Known laws have the quantiles that their names say.
func TestKnownLaws(t *testing.T) {
	for _, l := range knownLaws {
		if math.IsInf(l.index, 1) {
			continue
		}
		// far out |x| is a power: ten times the distance, 10^−index of the probability
		const p = 1e-9
		require.InEpsilon(t, math.Pow(10, 1/l.index), l.quantile(1-p)/l.quantile(1-10*p), 0.02, l.name)
	}
}
