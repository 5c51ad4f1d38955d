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

	"heavytail/stable"
)

// The volatility of a day is known before it: later returns change nothing of it.
func TestVolatilityKnowsThePastAlone(t *testing.T) {
	r := garch(300, 1)
	days := daysOf(r)
	require.Len(t, days, 300-warm)
	sum := 0.0
	for _, x := range r[:warm] {
		sum += x * x
	}
	require.InEpsilon(t, math.Sqrt(sum/warm), days[0].vol, 1e-12)
	require.InEpsilon(t, math.Sqrt(decay*sum/warm+(1-decay)*r[warm]*r[warm]), days[1].vol, 1e-12)
	changed := slices.Clone(r)
	changed[warm+100] *= 2
	other := daysOf(changed)
	require.Equal(t, days[:100], other[:100])
	require.Equal(t, days[100].vol, other[100].vol)
	require.NotEqual(t, days[101].vol, other[101].vol)

	s := newSeries("x", r)
	require.Len(t, s.train, 200)
	require.Equal(t, days, slices.Concat(s.train, s.held), "the days held out are the last ones")
}

// The autocorrelation of an AR(1) with coefficient φ at lag k is φ^k, with a deviation
// of at most √((1+φ²)/(1−φ²)/n) by Bartlett's formula; of paths that are pooled it is
// that of one, and no pair joins two of them.
func TestMemory(t *testing.T) {
	const n, phi = 20000, 0.6
	x := make([]float32, n)
	stable.Key{Seed: 2}.Normal(x, 0)
	var paths [][]float64
	v := 0.0
	for i, e := range x {
		if v = phi*v + float64(e); i%500 == 0 {
			paths = append(paths, nil)
		}
		paths[len(paths)-1] = append(paths[len(paths)-1], v)
	}
	acf := autocorrelation(paths)
	sd := math.Sqrt((1 + phi*phi) / (1 - phi*phi) / n)
	for k, got := range acf {
		require.InDelta(t, math.Pow(phi, float64(k+1)), got, 5*sd, "lag %d", k+1)
	}
	mean, first := memory(paths)
	require.InDelta(t, phi*(1-math.Pow(phi, memoryLags))/(1-phi)/memoryLags, mean, 5*sd)
	require.Equal(t, acf[0], first)
	steps := [][]float64{slices.Repeat([]float64{1}, 50), slices.Repeat([]float64{-1}, 50)}
	require.InDelta(t, 1, autocorrelation(steps)[0], 1e-12, "a pair of two paths would be −1")
}

// The bootstrap's forecasts are judged as its law is, but for its draws; the filtered one
// knows a law that is scaled by the volatility, and its paths remember.
func TestBootstraps(t *testing.T) {
	s := newSeries("garch", garch(4000, 3))
	z := returnsSizes{every: 1, draws: 100, paths: 20, length: 500}
	rows := map[string][]float64{}
	for name, f := range s.bootstraps() {
		row, err := s.measure(t.Context(), f, z, 1)
		require.NoError(t, err)
		rows[name] = row
	}
	skill := slices.Index(returnsColumns, "skill")
	// A score of 100 draws deviates from that of their law by about a tenth of it, so the
	// mean over 790 days by 0.0036 of it.
	require.InDelta(t, 0, rows[bootstrapMethod][skill], 5*0.1/math.Sqrt(790))
	require.Greater(t, rows[filteredMethod][skill], 2*rows[filteredMethod][skill+1])
	acf := slices.Index(returnsColumns, "acf")
	require.InDelta(t, 0, rows[bootstrapMethod][acf], 5/math.Sqrt(20*500.0))
	require.Greater(t, rows[filteredMethod][acf], 5/math.Sqrt(20*500.0))
	// Of 790 independent days 1 % lie below, but for 5 deviations and the error of the
	// quantile of 100 draws, which is as large as that of 100 days.
	below := rows[filteredMethod][slices.Index(returnsColumns, "below1")]
	require.InDelta(t, 0.01, below, 5*math.Sqrt(0.01*0.99/790)+0.01)
}

// TestReturnsData: without data the command says how to get them; with them it reads
// what the script writes, and names the file that is wrong.
func TestReturnsData(t *testing.T) {
	_, err := planReturns(t.Context(), Options{})
	require.ErrorContains(t, err, "bash results/real-data.sh")
	dir := t.TempDir()
	_, err = planReturns(t.Context(), Options{Data: dir})
	require.ErrorContains(t, err, "bmw.csv")
	var lines strings.Builder
	for _, v := range garch(1200, 1) {
		fmt.Fprintf(&lines, "%g\n", v)
	}
	for _, name := range returnsSets {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".csv"), []byte(lines.String()), 0o644))
	}
	p, err := planReturns(t.Context(), Options{Data: dir, Runs: 2})
	require.NoError(t, err)
	require.Len(t, p.Jobs, len(returnsSets)*(1+2*len(returnsMethods())))
	require.NoError(t, p.validate())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bmw.csv"), []byte("1,2\n3,4\n"), 0o644))
	_, err = planReturns(t.Context(), Options{Data: dir})
	require.ErrorContains(t, err, "bmw.csv: 2 values in each of 2 lines")
}

// TestReturnsQuick runs the whole experiment on the stand-in.
func TestReturnsQuick(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	dir := t.TempDir()
	require.NoError(t, runner(t, dir, 2).Do(context.Background(), returnsExperiment, Options{Quick: true, Seed: 1}))
	page := text(t, dir, "out", "returns.md")
	for _, want := range []string{"| days held out |", "| filtered bootstrap |", "| t-EDM given vol | 1 |", "| t-EDM without vol | 1 |"} {
		require.Contains(t, page, want)
	}
	require.NotContains(t, page, "not finite")
	require.Contains(t, text(t, dir, "out", "returns.svg"), "filtered bootstrap")
}
