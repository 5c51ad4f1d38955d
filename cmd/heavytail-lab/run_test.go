package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/cli"
)

// lab runs a command line and returns its exit status and what it wrote.
func lab(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = program.Run(t.Context(), cli.Env{Stdout: &out, Stderr: &errs}, args)
	return status, out.String(), errs.String()
}

// listing returns the names in a folder.
func listing(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	out := []string{}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestUsage(t *testing.T) {
	t.Chdir(t.TempDir())
	status, list, _ := lab(t, "run", "-l")
	require.Zero(t, status)
	for _, name := range []string{"tails", "grid"} {
		require.Contains(t, list, name)
	}
	require.NoError(t, os.WriteFile("x.csv", []byte("1\n"), 0o644))
	for _, c := range []struct {
		args, want string
		status     int
	}{
		{"", "heavytail-lab COMMAND -h", 2}, {"dance", "want run, classifier", 2}, {"run -dance", "heavytail-lab run -h lists the flags", 2},
		{"run", "-l lists them", 2}, {"run nothing", "there are tails", 2}, {"run tails -threads -1", "-threads", 2},
		{"run tails -runs -1", "-runs", 2}, {"run tails grid", "one experiment", 2},
		{"run tails -runs 99999999", "-runs 99999999: want 0 (the experiment's number) to 1048576", 2},
		{"run tails -quick -state x.csv", "run: x.csv: not a directory", 2},
		{"run steps -data gone", "steps wants Fashion-MNIST: gone: no such file", 2},
		{"classifier extra", "all settings are flags", 2}, {"classifier -epochs 0", "-epochs 0", 2}, {"classifier -data gone", "gone", 2},
	} {
		status, _, errs := lab(t, strings.Fields(c.args)...)
		require.Equal(t, c.status, status, c.args)
		require.Contains(t, errs, c.want, c.args)
	}
	require.Equal(t, []string{"x.csv"}, listing(t, "."))
}

// A quick experiment writes its files, and again the same ones from the rows
// that it kept.
func TestQuick(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	t.Chdir(t.TempDir())
	args := []string{"run", "grid", "-quick", "-runs", "1", "-out", "out"}
	status, _, errs := lab(t, args...)
	require.Zero(t, status, errs)
	names := []string{"grid.csv", "grid.md", "grid.svg"}
	require.Equal(t, names, listing(t, "out"))
	var first []string
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join("out", n))
		require.NoError(t, err)
		first = append(first, string(b))
		require.NoError(t, os.Remove(filepath.Join("out", n)))
	}
	status, _, errs = lab(t, append(args, "-threads", "1")...)
	require.Zero(t, status, errs)
	require.Contains(t, errs, "jobs to do: 0 of 12")
	for i, n := range names {
		b, err := os.ReadFile(filepath.Join("out", n))
		require.NoError(t, err)
		require.Equal(t, first[i], string(b), n)
	}
	status, _, errs = lab(t, append(args, "-seed", "2")...)
	require.Equal(t, 2, status)
	require.Contains(t, errs, "other settings")
}
