package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// writeGiven writes n rows of x = 2·side + noise given side, −1 or 1, and an idle column.
func writeGiven(t *testing.T, path string, seed uint64, n int) {
	t.Helper()
	writePoints(t, path, seed, n, 5, 0.2)
	lines := strings.Split(strings.TrimSpace(readFile(t, path)), "\n")
	lines[0] += ",side of x"
	for i := range lines[1:] {
		lines[1+i] += []string{",1", ",-1"}[i%2]
	}
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644))
}

// TestGiven goes the whole way of a new user: a model given a column of a table, its
// samples given values and given a table, resumed, compared, refused.
func TestGiven(t *testing.T) {
	dir := t.TempDir()
	writeGiven(t, filepath.Join(dir, "x.csv"), 1, 200)
	writeGiven(t, filepath.Join(dir, "held.csv"), 2, 60)
	args := strings.Fields("train -data csv:x.csv -columns y,x -process edm -steps 20 -batch 64 -preview-every 20 -save-every 10 -out m -given")
	args = append(args, "side of x")
	said := ok(t, dir, args...).stderr
	require.Contains(t, said, `samples are drawn given "side of x" (-given)`)
	require.FileExists(t, filepath.Join(dir, "m", "preview-00000020.png"))
	g := recipeOf(t, dir, "m/model.safetensors").Data.Given
	require.Equal(t, []string{"side of x"}, g.Columns)
	require.Equal(t, []float64{1}, g.Scaling.Scale)
	ok(t, dir, append(args, "-resume", "-steps", "22")...)
	require.Contains(t, fails(t, dir, 2, append(args, "-resume", "-given", "x")...), "-given would change data.given")

	draw := func(out string, more ...string) string {
		ok(t, dir, append([]string{"sample", "-model", "m/model.safetensors", "-steps", "3", "-o", out}, more...)...)
		return readFile(t, filepath.Join(dir, out))
	}
	one := draw("one.csv", "-n", "4", "-given", "side of x=1")
	require.True(t, strings.HasPrefix(one, "y,x\n"))
	other := draw("other.csv", "-n", "4", "-given", "side of x = -1 ")
	require.NotEqual(t, one, other)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "c.csv"), []byte("side of x\n1\n-1\n1\n"), 0o644))
	both := strings.Split(draw("both.csv", "-given", "c.csv"), "\n")
	require.Len(t, both, 5, "as many samples as rows")
	require.Equal(t, strings.Split(one, "\n")[1], both[1])
	require.Equal(t, strings.Split(other, "\n")[2], both[2])
	require.Equal(t, strings.Split(one, "\n")[3], both[3])
	draw("p.png", "-given", "c.csv")
	require.Contains(t, ok(t, dir, "info", "p.png").stdout, `"given_sha256"`)

	require.Contains(t, ok(t, dir, "eval", "held.csv", "m/model.safetensors", "-steps", "3").stdout, "60")
	require.Len(t, strings.Split(ok(t, dir, "density", "held.csv", "-model", "m/model.safetensors", "-steps", "3").stdout, "\n"), 62)
	ok(t, dir, "rare", "-model", "m/model.safetensors", "-event", "x > 3", "-n", "100", "-steps", "3", "-given", "side of x=1")
	require.Contains(t, ok(t, dir, "convert", "m/model.safetensors", "m.onnx").stderr+ok(t, dir, "info", "m/model.safetensors").stdout, `"conditions": 1`)

	model := []string{"-model", "m/model.safetensors", "-o", "z.csv"}
	for _, c := range []struct {
		want string
		args []string
	}{
		{"say -given side of x=1", nil}, {"begins with no condition", []string{"-given", "y=1"}}, {"want a number", []string{"-given", "side of x=one"}},
		{"there twice", []string{"-given", "side of x=1,side of x=1"}}, {"ends after a comma", []string{"-given", "side of x=1,"}}, {"which is not there", []string{"-given", "1"}},
	} {
		require.Contains(t, fails(t, dir, 2, append(append([]string{"sample"}, model...), c.args...)...), c.want)
	}
	require.Contains(t, fails(t, dir, 2, append([]string{"sample", "-given", "one.csv"}, model...)...), `each of the conditions, "side of x"`)
	require.Contains(t, fails(t, dir, 2, "sample", "-given", "side=1"), "has no conditions")
	require.Contains(t, fails(t, dir, 2, "eval", "toy:rings", "m/model.safetensors"), "given side of x")
	require.Contains(t, fails(t, dir, 2, "density", "toy:rings", "-model", "m/model.safetensors"), "given side of x")
	require.Contains(t, fails(t, dir, 2, "rare", "-model", "m/model.safetensors", "-event", "x > 3"), "say -given side of x=1")
	require.Contains(t, fails(t, dir, 2, "density", "one.csv", "-model", "m/model.safetensors"), `no column "side of x"`)
	require.NoFileExists(t, filepath.Join(dir, "z.csv"))
}
