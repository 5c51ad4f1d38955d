package experiment

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Student's radius in two dimensions lies beyond r with probability (1 + r²/ν)^{−ν/2},
// a normal one with e^{−r²/2}; on the line the quantiles are those of tables.
func TestPeersWant(t *testing.T) {
	s := 0.5 / math.Sqrt(3)
	for i, p := range peersBeyond {
		require.InEpsilon(t, s*math.Sqrt(3*(math.Pow(p, -2.0/3)-1)), peersWant(peersTargets[1], 2)[i], 1e-4)
		require.InEpsilon(t, 0.5*math.Sqrt(-2*math.Log(p)), peersWant(peersTargets[0], 2)[i], 1e-4)
	}
	for i, want := range []float64{0.76489, 2.35336, 5.84091, 12.92398} { // Student's table, ν = 3
		require.InEpsilon(t, s*want, peersWant(peersTargets[1], 1)[i], 1e-5)
	}
	for i, want := range []float64{0.67449, 1.64485, 2.57583, 3.29053} { // the normal one
		require.InEpsilon(t, 0.5*want, peersWant(peersTargets[0], 1)[i], 1e-5)
	}
}

// Rows of the other packages are divided by the quantiles of the law, and what cannot be
// such a row is an error with its line.
func TestPeersOthers(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, peersFile), []byte("method,setting,run,q50,q90,q99,q999,evaluations\n"+text), 0o644))
	}
	write("A b,student 1 64,3,0.2208,0.6794,3.3724,3.731,127\n")
	jobs, sum, err := peersOthers(dir)
	require.NoError(t, err)
	require.Len(t, sum, 16)
	require.Len(t, jobs, 1)
	require.Equal(t, Key{"A b", "student 1 64", 3}, jobs[0].Keys[0])
	rows, err := jobs[0].Do(context.Background(), nil)
	require.NoError(t, err)
	for i, want := range []float64{1, 1, 2, 1, 127} {
		require.InEpsilon(t, want, rows[0][i], 1e-3)
	}
	for text, want := range map[string]string{
		"A,student 3 64,0,1,1,1,1,1\n":                "line 2: setting",
		"A,gamma 1 64,0,1,1,1,1,1\n":                  "line 2: setting",
		"A,student 1 64,0,1,1,1,1,1\nA,student 1 64,": "line 3: 3 fields, want 8",
	} {
		write(text)
		_, _, err := peersOthers(dir)
		require.ErrorContains(t, err, want)
	}
	_, _, err = peersOthers(t.TempDir())
	require.ErrorContains(t, err, "results/peers.py writes them")
}

// A draw of n numbers has its quantiles where they are counted.
func TestPeersQuantiles(t *testing.T) {
	x := make([]float64, 2*10_000)
	for i := range 10_000 {
		x[2*i] = -0.6 * float64(i+1)
		x[2*i+1] = 0.8 * float64(i+1)
	}
	q := peersQuantiles(x, 2)
	for i, want := range []float64{5000.5, 9000.5, 9900.5, 9990.5} {
		require.InDelta(t, want, q[i], 1e-6)
	}
}
