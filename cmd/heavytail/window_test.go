package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWindow: sequences of rows are trained on, all but a share that is held out, drawn
// as a table with the times of their rows, and judged by the rows held out.
func TestWindow(t *testing.T) {
	dir := t.TempDir()
	writeGiven(t, filepath.Join(dir, "x.csv"), 1, 200)
	args := strings.Fields("train -data csv:x.csv -columns x,y -given 2 -window 3 -held 0.2 -transform none,asinh -process tedm -steps 20 -batch 64 -preview-every 20 -out m")
	require.Contains(t, ok(t, dir, args...).stderr, "158 samples of [6]")
	ok(t, dir, append(args, "-resume", "-steps", "22")...)
	for _, wrong := range []string{"-window 4", "-held 0.3"} {
		require.Contains(t, fails(t, dir, 2, append(append(args, "-resume"), strings.Fields(wrong)...)...), "would change data.")
	}
	d := recipeOf(t, dir, "m/model.safetensors").Data
	require.Equal(t, []any{3, 0.2, []string{"x_1", "y_1", "x_2", "y_2", "x_3", "y_3"}}, []any{d.Window, d.Held, d.Columns})

	given := []string{"-given", "side of x=1"}
	ok(t, dir, append(strings.Fields("sample -model m/model.safetensors -n 5 -steps 3 -batch 2 -o s.csv"), given...)...)
	lines := strings.Split(strings.TrimSpace(readFile(t, filepath.Join(dir, "s.csv"))), "\n")
	require.Equal(t, "sample,time,x,y", lines[0])
	require.Len(t, lines, 1+5*3)
	for i, line := range lines[1:] {
		require.True(t, strings.HasPrefix(line, fmt.Sprintf("%d,%d,", i/3, 1+i%3)), line)
		require.Equal(t, 3, strings.Count(line, ","))
	}
	ok(t, dir, append(strings.Fields("sample -model m/model.safetensors -n 5 -steps 3 -o s.npy"), given...)...)

	density := func(more ...string) string {
		return ok(t, dir, append(strings.Fields("density x.csv -model m/model.safetensors -steps 2"), more...)...).stdout
	}
	require.Equal(t, 1+198, strings.Count(density(), "\n"))
	require.Equal(t, 1+38, strings.Count(density("-held-out"), "\n"), "40 rows")
	told := ok(t, dir, strings.Fields("density x.csv -model m/model.safetensors -steps 2 -held-out")...).stderr
	require.Contains(t, told, "of 38 windows, taken as independent")
	require.NotContains(t, told, "not the table")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "other.csv"), append([]byte(readFile(t, dir, "x.csv")), "1,2,3\n"...), 0o644))
	for _, line := range []string{"density other.csv -model m/model.safetensors -steps 2 -held-out", "eval other.csv m/model.safetensors -held-out -steps 3"} {
		require.Contains(t, ok(t, dir, strings.Fields(line)...).stderr, "this is not the table of the training", line)
	}
	require.Contains(t, ok(t, dir, strings.Fields("eval x.csv m/model.safetensors -held-out -steps 3 -columns y_2")...).stdout, "y_2")
	ok(t, dir, "rare", "-model", "m/model.safetensors", "-event", "x_1 + x_2 + x_3 > 5", "-n", "100", "-steps", "3", given[0], given[1])

	for wrong, says := range map[string]string{
		"-columns x,y -window 2": "windows of 3 rows, the run's are of windows of 2 rows: give -window 3", "-columns x,y": "the run's are of samples of one row",
		"-columns x -window 3": "columns of points: 2, here 1 (-columns chooses 2 of a table)",
	} {
		require.Contains(t, fails(t, dir, 2, append(strings.Fields("train -from m/model.safetensors -data csv:x.csv -given 2 -out f"), strings.Fields(wrong)...)...), says)
	}

	require.NoError(t, os.WriteFile(filepath.Join(dir, "few.csv"), []byte("1\n2\n3\n"), 0o644))
	require.Contains(t, fails(t, dir, 2, "train", "-data", "few.csv", "-window", "4", "-out", "f"), "nowhere in 3 rows")
	require.Contains(t, fails(t, dir, 2, "train", "-data", "toy:rings", "-window", "4", "-out", "f"), "are for tables")
	require.Contains(t, fails(t, dir, 2, "eval", "x.csv", "few.csv", "-held-out"), "few.csv is none: leave it out")
	require.Contains(t, fails(t, dir, 2, "train", "-data", "x.csv", "-held", "0.001", "-out", "f"), "-held 0.001 of 200 rows is none of them")
	require.Contains(t, fails(t, dir, 2, "train", "-data", "x.csv", "-held", "0.999", "-out", "f"), "-held 0.999 of 200 rows is all of them")
	require.Contains(t, fails(t, dir, 2, "eval", "x.csv", "s.csv"), "give sets of the same columns; beside model:FILE")
	require.NoDirExists(t, filepath.Join(dir, "f"))
}
