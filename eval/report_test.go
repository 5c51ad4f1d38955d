package eval

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
)

// The tables tell what was compared, one line for each metric and column.
func TestReportText(t *testing.T) {
	r := Report{Real: Source{Data: "a.csv", Samples: 1}, Generated: Source{Model: "m", Samples: 2, Method: "edm", Steps: 1, Evaluations: 2, Classes: "in turn", Weights: "raw"},
		Scores: Scores{Seed: 7, Xi: 0.9, Q: 0.5, Metrics: []Metric{{"x", "x of 1 samples", 0.25, "0", 20}}, Columns: []Column{{Column: "loss", KS: 0.125, MSLE: Score(math.NaN())}}, Notes: []string{"1 rows"}}}
	var text strings.Builder
	n, err := r.WriteTo(&text)
	require.NoError(t, err)
	require.Equal(t, text.Len(), int(n))
	require.Equal(t, `real       a.csv: 1 sample
generated  m: 2 samples by edm in 1 step, 2 evaluations, seed 7, classes in turn, weights raw

metric         value  best  samples of each
x of 1 sample  0.25   0     20

column  KS     W1  tail KS 0.5  MSLE 0.9  tail error  Q.99 ratio  Q.999 ratio  |1 - kurtosis ratio|  Hill real  Hill gen.
(best)  0      0   0            0         0           1           1            0                                Hill real
loss    0.125  0   0            -         0           0           0            0                     0          0
1 row
`, text.String())
}

// The table of densities has a line for each point, and its mean with its error.
func TestWriteDensities(t *testing.T) {
	m, set := trained(t)
	var b bytes.Buffer
	last := 0
	mean, err := WriteDensities(t.Context(), &b, m, set, heavytail.DensityOptions{Steps: 1}, func(n int) { last = n })
	require.NoError(t, err)
	require.Equal(t, set.Len(), last)
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	require.Len(t, lines, 1+set.Len())
	var sum, square float64
	for i, line := range lines[1:] {
		cells := strings.Split(line, ",")
		require.Equal(t, strconv.Itoa(i), cells[0])
		require.Equal(t, "0", cells[2], "the exact trace")
		v, err := strconv.ParseFloat(cells[1], 64)
		require.NoError(t, err)
		sum, square = sum+v, square+v*v
		require.GreaterOrEqual(t, int64(len(line)+1), LeastDensityLine)
	}
	n := float64(set.Len())
	// the lines have 8 digits
	require.InEpsilon(t, sum/n, mean.Value, 1e-6)
	require.InEpsilon(t, math.Sqrt((square/n-sum/n*sum/n)/n), mean.Error, 1e-4)
	short := bytes.Buffer{}
	_, err = WriteDensities(t.Context(), &short, m, set, heavytail.DensityOptions{Steps: -1}, nil)
	require.Error(t, err)
}
