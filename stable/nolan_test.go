package stable

import (
	"compress/gzip"
	"encoding/csv"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestNolanExact holds densities and both tails to values of 18 digits at rows of
// Nolan's table (results/stable_peers.py exact), from the parts of it that are
// right and from those that are not.
func TestNolanExact(t *testing.T) {
	wrong := 0
	for _, r := range readFloats(t, "testdata/nolan.csv") {
		l := Law{Alpha: r[0], Beta: r[1], Scale: 1}
		x, p, f, lower, upper := r[2], r[3], r[5], r[6], r[7]
		// 1e-13 (see Density), and where x is near the end of the support what ζ + x
		// loses of X.
		tol := 2e-13 + 4e-16*math.Abs(l.zeta()/(x+l.zeta()))*math.Abs(1+math.Log(min(lower, upper)))
		require.InEpsilon(t, f, l.Density(x), 3*tol, "%v", r[:3])
		require.InEpsilon(t, lower, l.CDF(x), tol, "%v", r[:3])
		require.InEpsilon(t, upper, l.Survival(x), tol, "%v", r[:3])
		if math.Abs(lower-p) > 0.01*min(p, 1-p) {
			wrong++
		}
	}
	require.Greater(t, wrong, 3, "rows of the table that err by 1 % and more")
}

// readNolan reads the table, gzipped or not.
func readNolan(t *testing.T, path string) (rows [][5]float64) {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		in, err = gzip.NewReader(f)
		require.NoError(t, err)
	}
	c := csv.NewReader(in)
	c.Comment = '#'
	text, err := c.ReadAll()
	require.NoError(t, err)
	for _, line := range text {
		var r [5]float64
		for i, v := range line {
			r[i], err = strconv.ParseFloat(v, 64)
			require.NoError(t, err)
		}
		rows = append(rows, r)
	}
	return rows
}

// TestNolanTable prints our rows of results/stable.md, of the table that
// HEAVYTAIL_NOLAN names: the shares of values within 1e-1 … 1e-8 of it, and how
// much of it agrees with us within what its rounding allows.
func TestNolanTable(t *testing.T) {
	path := os.Getenv("HEAVYTAIL_NOLAN")
	if path == "" {
		t.Skip("HEAVYTAIL_NOLAN names no table")
	}
	rows := readNolan(t, path)
	density, cdf := make([]float64, len(rows)), make([]float64, len(rows))
	start := time.Now()
	for i, r := range rows {
		density[i] = Law{Alpha: r[0], Beta: r[1], Scale: 1}.Density(r[2])
	}
	middle := time.Now()
	for i, r := range rows {
		cdf[i] = Law{Alpha: r[0], Beta: r[1], Scale: 1}.CDF(r[2])
	}
	end := time.Now()
	var within [2][9]int
	var off [2]int
	groups := map[[2]float64]int{}
	for i, r := range rows {
		l := Law{Alpha: r[0], Beta: r[1], Scale: 1}
		// x has eight digits: it stands for an interval, of which the values of the
		// ends hold that of the table if it is right; its density has nine digits.
		h := 0.5 * math.Pow(10, math.Floor(math.Log10(math.Abs(r[2])))-7)
		lo, hi := l.CDF(r[2]-h), l.CDF(r[2]+h)
		small := min(r[3], 1-r[3])
		if r[3] < lo-1e-9*small || r[3] > hi+1e-9*small {
			off[1]++
			groups[[2]float64{r[0], r[1]}]++
		}
		a, b := l.Density(r[2]-h), l.Density(r[2]+h)
		if r[4] < min(a, b, density[i])*(1-1e-8) || r[4] > max(a, b, density[i])*(1+1e-8) {
			off[0]++
		}
		for k := range 9 {
			if math.Abs(density[i]-r[4]) <= math.Pow(10, -float64(k))*r[4] {
				within[0][k]++
			}
			if math.Abs(cdf[i]-r[3]) <= math.Pow(10, -float64(k))*small {
				within[1][k]++
			}
		}
	}
	n := float64(len(rows))
	for j, name := range []string{"density", "distribution"} {
		d := [2]time.Duration{middle.Sub(start), end.Sub(middle)}[j]
		share := make([]string, 8)
		for k := range share {
			share[k] = strconv.FormatFloat(100*float64(within[j][k+1])/n, 'f', 2, 64)
		}
		t.Logf("| heavytail | %s | %s | %.2f us | %d rows beyond rounding", name, strings.Join(share, " | "), 1e6*d.Seconds()/n, off[j])
	}
	t.Log(groups)
}
