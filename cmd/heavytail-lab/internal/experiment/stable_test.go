package experiment

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/stable"
)

// The exact values stand in for the table: ours agree with all digits of all of them.
func TestStableQuick(t *testing.T) {
	dir := t.TempDir()
	o := Options{Quick: true, Data: filepath.Join("..", "..", "..", "..", "stable", "testdata")}
	plan, err := planStable(t.Context(), o)
	require.NoError(t, err)
	require.Len(t, plan.Jobs, 2)
	plan.Jobs = plan.Jobs[:1] // tables of 40 laws take seconds
	e := Experiment{Name: "stable", Plan: func(context.Context, Options) (*Plan, error) { return plan, nil }}
	require.NoError(t, runner(t, dir, 1).Do(t.Context(), e, o))
	page := text(t, dir, "out", "stable.md")
	for _, kind := range stableKinds {
		require.Regexp(t, `\| heavytail \| `+kind+` \|( 100\.00 \|){9} 67 \|`, page)
	}
	require.Contains(t, text(t, dir, "out", "stable.svg"), "relative error")
}

// Shares are of what is wrong by known factors, for the distribution of the smaller of
// both probabilities; x of eight digits is what all digits of the table allow.
func TestStableShares(t *testing.T) {
	cauchy := stable.Law{Alpha: 1, Scale: 1}
	off := func(x, factor float64) stableRow {
		return stableRow{cauchy, x, factor * cauchy.Density(x), 1 - factor*cauchy.Survival(x), cauchy.Survival(x)}
	}
	rows := []stableRow{off(100, 1), off(3, 1+2e-9), off(3, 1.003), off(3, 1.03), off(3, 2)}
	got, err := measureStable(t.Context(), rows, stablePrograms[0].of)
	require.NoError(t, err)
	for i := range stableKinds {
		require.Equal(t, []float64{0.8, 0.6, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 5}, got[i][:stableErrors+2])
		require.Positive(t, got[i][stableErrors+2])
	}
}

// What is missing is said before anything is measured.
func TestStableData(t *testing.T) {
	dir := t.TempDir()
	_, err := planStable(t.Context(), Options{})
	require.ErrorContains(t, err, "-data FOLDER with nolan_pdf_quantile.csv")
	_, err = planStable(t.Context(), Options{Data: dir})
	require.ErrorContains(t, err, "no table")
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	write("nolan_pdf_quantile.csv", "# alpha\n1,0,0,0.5\n")
	_, err = planStable(t.Context(), Options{Data: dir})
	require.ErrorContains(t, err, "row 1: 4 fields")
	write("nolan_pdf_quantile.csv", "# alpha\n1,0,0,0.5,0.31830989\n")
	_, err = planStable(t.Context(), Options{Data: dir})
	require.ErrorContains(t, err, "copy results/stable-others.csv")
	write(stableFile, header(stableColumns)+"scipy 1.17.0,density,0,1,1,1,1,1,1,1,1,nan,1,2\n")
	plan, err := planStable(t.Context(), Options{Data: dir})
	require.NoError(t, err)
	_, err = plan.Jobs[2].Do(t.Context(), nil)
	require.ErrorContains(t, err, "has no row scipy 1.17.0 distribution")
}

// TestStableResults holds the committed rows to what the page says: ours is ahead of the
// others at every error, its tables keep their values, and the table has its rows.
func TestStableResults(t *testing.T) {
	r := committed(t, "stable", stableColumns)
	at := func(program, kind, column string) float64 { return r.Values(program, kind, column)[0] }
	for _, p := range stablePrograms {
		for _, kind := range p.kinds {
			if p.of != nil {
				require.EqualValues(t, 41382, at(p.name, kind, "values"))
				require.Less(t, math.Abs(at("heavytail", kind, "digits")-at(p.name, kind, "digits")), 1e-3)
				continue
			}
			for _, c := range stableColumns[:stableErrors] {
				require.Less(t, at(p.name, kind, c), at("heavytail", kind, c), "%s %s %s", p.name, kind, c)
			}
		}
	}
}
