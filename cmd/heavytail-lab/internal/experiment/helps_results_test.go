package experiment

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHelpsResults holds the candidates that are judged to the committed rows of the
// tuning, the page's tables to the rows, and the rows to what the page says.
func TestHelpsResults(t *testing.T) {
	r := committed(t, "helps", helpsColumns)
	h := newHelpsResults(r, helpsMethods(2), helpsCopulas, helpsDimensions, helpsIndices)
	for _, m := range h.methods {
		for _, index := range h.indices {
			chosen := helpsTuned(m.name, index)
			for k := range m.candidates {
				v := h.tuned(m.name, k, index)
				require.False(t, math.IsNaN(v), "%s %v c%d", m.name, index, k)
				require.LessOrEqual(t, h.tuned(m.name, chosen, index), v, "%s %v", m.name, index)
			}
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "results", "helps.md"))
	require.NoError(t, err)
	for _, s := range reportHelps(r, h.methods, h.copulas, h.dimensions, h.indices).Sections {
		page, err := replaceSection(string(text), s)
		require.NoError(t, err)
		require.Equal(t, string(text), page, s.Name)
	}
	// What the page says of heavy data: t-EDM is ahead of EDM, over laws.
	heavy := h.logs(helpsPair{"t-EDM", "EDM"}, h.groups()[1], helpsEvaluations[0], "error")
	var means []float64
	for _, c := range heavy {
		means = append(means, Summarise(c).Mean)
	}
	require.GreaterOrEqual(t, len(means), 12)
	require.Less(t, Summarise(means).Mean, 0.0)
	require.Less(t, pairedT(Summarise(means)), 0.05)
	// and of the scaling: at index 1.5 Gaussian noise fails with the robust one
	for _, m := range []string{"EDM", "flow"} {
		require.Greater(t, min(h.tuned(m, 0, 1.5), h.tuned(m, 1, 1.5)), 2*h.tuned(m, helpsTuned(m, 1.5), 1.5), m)
	}
}
