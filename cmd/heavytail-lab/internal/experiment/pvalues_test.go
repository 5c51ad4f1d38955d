package experiment

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Runs are paired by their numbers, not by their places, and what is not finite has no
// part.
func TestPairs(t *testing.T) {
	r := &Results{columns: []string{"x"}, rows: map[Key][]float64{}}
	for k, v := range map[Key]float64{{"A", "1", 0}: 3, {"A", "1", 2}: 2, {"A", "1", 3}: 1, {"A", "1", 4}: 5, {"B", "2", 0}: 3, {"B", "2", 1}: 7, {"B", "2", 2}: 1, {"B", "2", 3}: 1, {"B", "2", 4}: math.Inf(1)} {
		r.keys, r.rows[k] = append(r.keys, k), []float64{v}
	}
	require.ElementsMatch(t, []float64{0, math.Ln2, 0}, r.pairs("A", "1", "B", "2", "x"))
	require.Empty(t, r.pairs("A", "1", "C", "2", "x"))
	require.Equal(t, []float64{0, math.Ln2, 0}, logsOf(r.byRun("A", "1", "x"), r.byRun("B", "2", "x")), "run 1 of A is missing")
	require.Equal(t, " (0.24)", pairedCell([]float64{1, 2, 0, 4, -1}))
	require.Equal(t, "0.24", pairedP([]float64{1, 2, 0, 4, -1}))
	for _, none := range [][]float64{nil, {1, 2}, {0, 0, 0}} {
		require.Empty(t, pairedCell(none))
		require.Equal(t, "–", pairedP(none))
	}
	a := Summarise([]float64{1, 2, 3, 4})
	require.Equal(t, " (0.023)", welchCell(a, Summarise([]float64{2, 4, 7, 9, 10, 11})))
	require.Empty(t, welchCell(a, Summarise([]float64{2})))
}
