package tails

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The text has the table, the notes and the suggestion with its reasons, a line each.
func TestReportText(t *testing.T) {
	index := 1.5
	r := Report{Data: "x.csv", Samples: 1, Columns: []Column{{Name: "loss", Values: 9, Notes: []string{"1 rows left out"}}},
		Suggestion: Suggestion{Train: []string{"-process dlpm -alpha 1.5", "-process tedm -nu 3"}, Transform: "softlog", Why: "heavy; very", Index: &index}}
	var text strings.Builder
	n, err := r.WriteTo(&text)
	require.NoError(t, err)
	require.Equal(t, text.Len(), int(n))
	require.True(t, strings.HasPrefix(text.String(), "x.csv: 1 sample\n\ncolumn "), text.String())
	for _, want := range []string{": 1 row left out\n", "\nsuggestion: train -process dlpm -alpha 1.5\n        or: train -process tedm -nu 3\n        or: train -process flow -transform softlog\n  heavy\n  very\n  training scales", "on 7 other sets"} {
		require.Contains(t, text.String(), want)
	}
	require.Equal(t, "heavy; very", r.Suggestion.Why, "the report is as it was")
	r.Images, text = true, strings.Builder{}
	_, err = r.WriteTo(&text)
	require.NoError(t, err)
	require.Contains(t, text.String(), "\nchannel ")
	require.NotContains(t, text.String(), "training scales")
}
