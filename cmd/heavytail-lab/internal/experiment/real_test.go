package experiment

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSplit: the halves are the set, each run has its own, and a run's are the
// same again.
func TestSplit(t *testing.T) {
	s := syntheticSets(1)[0]
	a := s.split(1, 0)
	require.Len(t, a.train, 1500)
	all := slices.Sorted(slices.Values(slices.Concat(a.train, a.held)))
	require.Equal(t, slices.Sorted(slices.Values(s.x)), all)
	require.Equal(t, a, s.split(1, 0))
	require.NotEqual(t, a.train, s.split(1, 1).train)
	require.NotEqual(t, a.train, s.split(2, 0).train)
	below := 0
	for _, v := range a.train {
		if math.Abs(v-a.median) < a.half {
			below++
		}
	}
	require.InDelta(t, 750, below, 60) // about half, of a symmetric law
}

// TestRealRow: the held-out half against itself is perfect, twice its values
// are not, and neither is a sample whose tail was cut.
func TestRealRow(t *testing.T) {
	h := syntheticSets(1)[0].split(1, 0)
	h.median = 0
	require.Equal(t, []float64{0, 0, 0, 0, 1, 1, 1, 1}, h.row(h.held))
	twice, cut := slices.Clone(h.held), slices.Clone(h.held)
	for i, v := range h.held {
		twice[i] = 2 * v
		cut[i] = min(max(v, -3), 3)
	}
	row := h.row(twice)
	for i, want := range map[int]float64{4: 2, 7: 2} {
		require.InEpsilon(t, want, row[i], 1e-9)
	}
	require.Greater(t, row[0], 0.5)
	require.Greater(t, row[1], 1.0)
	row = h.row(cut)
	require.Greater(t, row[0], 0.5)
	require.Less(t, row[7], 0.8)
	require.Less(t, row[2], 0.2)
	row = h.row(append(slices.Clone(h.held), math.Inf(1)))
	require.True(t, math.IsInf(row[2], 1), "a point that overflowed is seen")
}

func TestNearest(t *testing.T) {
	inf := math.Inf(1)
	for v, want := range map[float64]float64{0.9: 2.5, 2.9: 3, 3.6: 3, 4: 5, 7: 10, 15: 10, 25: inf, inf: inf} {
		require.Equal(t, want, nearest(realNu, v), "ν̂ = %v", v)
	}
	require.True(t, math.IsNaN(nearest(realNu, math.NaN())))
}

// TestEstimate: the estimates of the stand-ins are about their index, 3.
func TestEstimate(t *testing.T) {
	e := estimate(syntheticSets(1)[0].x)
	require.InDelta(t, 3, e.nu, 0.5)
	require.InDelta(t, 3, e.index, 1.2)
	require.InDelta(t, 1.6, e.alpha, 0.15) // of the nearest stable law
}

// TestRealData: without data the command says how to get them; with them it
// reads what the script writes, and names the file that is wrong.
func TestRealData(t *testing.T) {
	_, err := planReal(t.Context(), Options{})
	require.ErrorContains(t, err, "bash results/real-data.sh")
	dir := t.TempDir()
	_, err = planReal(t.Context(), Options{Data: dir})
	require.ErrorContains(t, err, "danish.csv")
	var lines strings.Builder
	for i := range 300 {
		fmt.Fprintf(&lines, "%g\n", 1/(float64(i)+0.5))
	}
	for _, name := range realSets {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".csv"), []byte(lines.String()), 0o644))
	}
	p, err := planReal(t.Context(), Options{Data: dir, Runs: 2})
	require.NoError(t, err)
	require.Len(t, p.Jobs, 2*len(realSets)*(1+len(realMethods(2))+len(fieldMethods())))
	require.NoError(t, p.validate())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "quakes.csv"), []byte("1,2\n3,4\n"), 0o644))
	_, err = planReal(t.Context(), Options{Data: dir})
	require.ErrorContains(t, err, "quakes.csv")
}

// TestRealQuick runs the whole experiment on the stand-ins.
func TestRealQuick(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	dir := t.TempDir()
	require.NoError(t, runner(t, dir, 2).Do(context.Background(), realData, Options{Quick: true, Seed: 1}))
	page := text(t, dir, "out", "real.md")
	for _, want := range []string{"| t-EDM, ν = 2.5 |", "| DDPM (α = 2) |", "| EDM of logarithms |", "| pareto | 3000 |", "| t-EDM with the ν nearest to the tail index | 2 |"} {
		require.Contains(t, page, want)
	}
	require.Contains(t, text(t, dir, "out", "real.svg"), "fitted Student law")
}

// TestChoice: the best row, what an estimator chooses, and the ranking of a
// table whose numbers are known. ν̂ is 2.9 in run 0, which takes ν = 3, and 12 in
// run 1, which takes 10.
func TestChoice(t *testing.T) {
	r := &Results{columns: realColumns, rows: map[Key][]float64{}}
	put := func(method, setting string, run int, tail, nu float64) {
		row := padded([]float64{tail})
		row[slices.Index(realColumns, "nu")] = nu
		k := Key{method, setting, run}
		r.keys, r.rows[k] = append(r.keys, k), row
	}
	for run, half := range []float64{0.1, 0.4} {
		put(halfMethod, "a -", run, half, math.NaN())
		put(estimateMethod, "a -", run, math.NaN(), []float64{2.9, 12}[run])
		put(tEDM, "a 3", run, 2*half, math.NaN())
		put(tEDM, "a 10", run, 8*half, math.NaN())
	}
	slices.SortFunc(r.keys, Key.compare)
	row, s := best(r, "a", tEDM)
	require.Equal(t, 3.0, row.value)
	require.InDelta(t, 0.5, s.Mean, 1e-12)
	errs, names := chosenErrors(r, "a", tEDM, "nu", realNu)
	require.InDeltaSlice(t, []float64{0.2, 3.2}, errs, 1e-12)
	require.Equal(t, "3 (1×), 10 (1×)", names)
	_, names = chosenErrors(r, "a", dlpm, "alpha", realAlpha)
	require.Contains(t, names, "the fit fails")
	table := overallTable(r, []realSet{{name: "a"}})
	require.Contains(t, table, "| t-EDM, ν = 3 | 2 | 2.00 (2.00 to 2.00) |")
	require.Contains(t, table, "| t-EDM with the ν nearest to the fitted one | 2 | 4.00 (") // √(2·8)
}
