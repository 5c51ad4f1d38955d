package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExperimentUsage(t *testing.T) {
	dir := t.TempDir()
	list := ok(t, dir, "experiment", "-l").stdout
	for _, name := range []string{"tails", "grid"} {
		require.Contains(t, list, name)
	}
	for _, c := range []struct {
		args, want string
		status     int
	}{
		{"experiment", "-l lists them", 2}, {"experiment nothing", "there are tails", 2}, {"experiment tails -threads -1", "-threads", 2},
		{"experiment tails -runs -1", "-runs", 2}, {"experiment tails grid", "one experiment", 2},
	} {
		r := heavytailIn(t, dir, strings.Fields(c.args)...)
		require.Equal(t, c.status, r.status, c.args)
		require.Contains(t, r.stderr, c.want, c.args)
	}
	require.Empty(t, listing(t, dir))
}

// A quick experiment writes its files, and again the same ones from the rows
// that it kept.
func TestExperimentQuick(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	dir := t.TempDir()
	args := []string{"experiment", "grid", "-quick", "-runs", "1", "-out", "out"}
	ok(t, dir, args...)
	names := []string{"grid.csv", "grid.md", "grid.svg"}
	require.Equal(t, names, listing(t, filepath.Join(dir, "out")))
	var first []string
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(dir, "out", n))
		require.NoError(t, err)
		first = append(first, string(b))
		require.NoError(t, os.Remove(filepath.Join(dir, "out", n)))
	}
	r := ok(t, dir, append(args, "-threads", "1")...)
	require.Contains(t, r.stderr, "0 of 12 jobs to do")
	for i, n := range names {
		b, err := os.ReadFile(filepath.Join(dir, "out", n))
		require.NoError(t, err)
		require.Equal(t, first[i], string(b), n)
	}
	r = heavytailIn(t, dir, append(args, "-seed", "2")...)
	require.Equal(t, 1, r.status)
	require.Contains(t, r.stderr, "other settings")
}
