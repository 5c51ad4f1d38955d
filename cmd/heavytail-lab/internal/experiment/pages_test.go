package experiment

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// results is the folder of the committed results.
var results = filepath.Join("..", "..", "..", "..", "results")

// TestPagesFollowTheirRows makes sure that the tables and pictures of every page are
// those of its committed rows, and that none of the rows is left out.
func TestPagesFollowTheirRows(t *testing.T) {
	for _, e := range All() {
		o := Options{Seed: 1, Report: true}
		if e.Name == "peers" {
			o.Data = results
		}
		plan, err := e.Plan(context.Background(), o)
		require.NoError(t, err)
		store, err := readRows(filepath.Join(results, e.Name+".csv"), plan.Columns)
		require.NoError(t, err)
		rows := plan.results(store)
		require.Len(t, rows.Keys(), len(store.rows), "%s: rows that are not of the plan", e.Name)
		again := Runner{Out: t.TempDir()}
		page, err := os.ReadFile(filepath.Join(results, e.Name+".md"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(again.Out, e.Name+".md"), page, 0o644))
		require.NoError(t, again.writeReport(e.Name, plan.Report(rows)))
		made, err := os.ReadDir(again.Out)
		require.NoError(t, err)
		for _, f := range made {
			require.True(t, text(t, results, f.Name()) == text(t, again.Out, f.Name()), "results/%s is not what heavytail-lab run %s -report makes of its rows", f.Name(), e.Name)
		}
	}
}

// Settings are the beginning of others where whole words are.
func TestBegins(t *testing.T) {
	for text, want := range map[string]bool{"rate 12": true, "rate 12\nmore": true, "rate 123": false, "rate 12.5": false, "rate": false} {
		require.Equal(t, want, begins(text, "rate 12"), text)
	}
}
