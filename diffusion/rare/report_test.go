package rare

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A report has a line for each way, with an estimate or why there is none.
func TestReportText(t *testing.T) {
	r := Report{Event: "x0 > 1", Method: "edm", Steps: 1}
	for _, f := range []Finding{{By: "sampling", Estimate: Count([]float64{0, 1, 2, 3}, 2.5)}, {By: "sampling", Estimate: Count(make([]float64, 9), 1)}, {By: "tail", Err: errors.New("no tail")}} {
		r.Estimates = append(r.Estimates, f.Line(10))
	}
	var text strings.Builder
	n, err := r.WriteTo(&text)
	require.NoError(t, err)
	require.Equal(t, text.Len(), int(n))
	lines := strings.Split(text.String(), "\n")
	require.Equal(t, "x0 > 1, by edm with 1 step", lines[0])
	require.Contains(t, lines[1], "sampling  probability 0.25 (")
	require.Contains(t, lines[1], "return period 0.4 (")
	require.Contains(t, lines[1], "effective samples 1 of 4; too few effective samples to rely on")
	require.NotContains(t, lines[1], "variance")
	require.Contains(t, lines[2], "return period unbounded (")
	require.Equal(t, "tail      none: no tail", lines[3])
}
