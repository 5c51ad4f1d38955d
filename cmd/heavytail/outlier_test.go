package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/npy"
)

// A value that ends a training, or that decides a scale alone, is named with its
// place in the file and as it stands there, for every process and form of data.
func TestOutlierIsNamed(t *testing.T) {
	dir := t.TempDir()
	const n, bad = 300, 200
	x := make([]float32, 2*n)
	text := "# of a day\na,b\n"
	for i := range n {
		x[2*i], x[2*i+1] = float32(i%17)-8, float32(i%13)-6 // quartiles −4 and 4, −3 and 3
		if i == bad {
			x[2*i+1] = 1e30
		}
		if i%50 == 3 { // six rows, four above the bad one
			text += "NA,1\n"
		}
		text += fmt.Sprintf("%v,%v\n", x[2*i], x[2*i+1])
	}
	write := func(name string, b []byte) { require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o644)) }
	write("bad.csv", []byte(text))
	write("mild.csv", []byte(strings.Replace(text, "1e+30", "1e6", 1)))
	var array bytes.Buffer
	require.NoError(t, npy.WriteHeader(&array, n, 2))
	require.NoError(t, npy.WriteValues(&array, x))
	write("bad.npy", array.Bytes())
	write("bad.npz", zipped(t, map[string][]byte{"x.npy": array.Bytes()}))
	line := 1 + strings.Count(text[:strings.Index(text, "1e+30")], "\n")
	require.NotEqual(t, bad+3, line)
	places := map[string]string{"csv:bad.csv": fmt.Sprintf(`line %d, column "b"`, line), "npy:bad.npy": "row 200 (from 0), column 1", "npy:bad.npz": "row 200 (from 0), column 1"}
	train := func(data, process, standardize string) result {
		require.NoError(t, os.RemoveAll(filepath.Join(dir, "run")))
		return heavytailIn(t, dir, "train", "-data", data, "-process", process, "-standardize", standardize, "-steps", "20", "-batch", "30", "-warmup", "1", "-preview-every", "0", "-out", "run")
	}
	for _, process := range []string{"dlpm", "lim", "edm", "tedm", "flow", "tflow", "jump"} {
		for _, how := range []string{"robust", "none"} {
			for data, place := range places {
				if data != "csv:bad.csv" && how == "none" {
					continue
				}
				r := train(data, process, how)
				require.Equal(t, 2, r.status, "%s %s %s: %s", data, process, how, r.stderr)
				last := r.stderr[strings.LastIndex(r.stderr, "heavytail train:"):]
				require.Contains(t, last, place, "%s %s %s", data, process, how)
				require.Contains(t, last, "1e+30", "%s %s %s", data, process, how)
			}
		}
		r := train("csv:bad.csv", process, "std")
		require.Zero(t, r.status, r.stderr)
		require.Contains(t, r.stderr, fmt.Sprintf("1e+30 (line %d)", line), process)
	}
	r := train("csv:mild.csv", "tedm", "robust")
	require.Zero(t, r.status, r.stderr)
	require.Contains(t, r.stderr, fmt.Sprintf("1e+06 (line %d)", line))
	r = train("csv:mild.csv", "dlpm", "robust")
	require.Zero(t, r.status, r.stderr)
	require.NotContains(t, r.stderr, "1e+06", "one value in a million is what such processes are for")
}

// zipped returns a zip of files.
func zipped(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = w.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}
