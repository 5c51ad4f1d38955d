package train

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// Short logs are drawn line by line, long ones as means of equal groups of lines
// over the same steps.
func TestCurve(t *testing.T) {
	step, loss := curve(csvHeader + "5,2,1,1,1,1\n10,1,1,1,1,1\ndamaged\n15,NaN,1,1,1,1\n20,0.5,1,1,1,1\n")
	require.Equal(t, []float64{5, 10, 20}, step)
	require.Equal(t, []float64{2, 1, 0.5}, loss)
	step, loss = curve(csvHeader)
	require.Empty(t, step)
	require.Empty(t, loss)
	var long strings.Builder
	long.WriteString(csvHeader)
	for i := range 1999 { // in groups of 4, the last of 3
		fmt.Fprintf(&long, "%d,%d,0,0,0,0\n", 10*(i+1), i%4)
	}
	step, loss = curve(long.String())
	require.Len(t, step, 500)
	require.Equal(t, []float64{40, 80}, step[:2])
	require.Equal(t, 19990.0, step[499])
	require.Equal(t, []float64{1.5, 1.5}, loss[:2])
	require.Equal(t, 1.0, loss[499])
}

// The curve is beside log.csv, also of a run that was stopped and resumed.
func TestCurveIsDrawn(t *testing.T) {
	r, set := toyRun(t, 20)
	whole, parts := t.TempDir(), t.TempDir()
	require.NoError(t, do(t, whole, start(t, 1, r, set), 0))
	require.Error(t, do(t, parts, start(t, 1, r, set), 8))
	tr := start(t, 1, r, set)
	require.NoError(t, tr.Restore(filepath.Join(parts, ModelFile)))
	require.NoError(t, do(t, parts, tr, 0))
	want, err := os.ReadFile(filepath.Join(whole, curveFile))
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(parts, curveFile))
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
	require.Equal(t, 4, strings.Count(string(got), "L")+1, "a curve through four lines of the log")
	require.Positive(t, numtest.Elements(t, string(got))["path"])
}
