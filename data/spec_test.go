package data

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSpecOf(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, path := range []string{"pics", "mnist", "a:b.csv"} {
		require.NoError(t, os.Mkdir(path, 0o777))
	}
	require.NoError(t, os.WriteFile(filepath.Join("mnist", "t-idx3-ubyte.gz"), nil, 0o666))
	for name, want := range map[string]string{
		"x.csv": "csv:x.csv", "x.TSV.gz": "csv:x.TSV.gz", "x.npz": "npy:x.npz", "p.zip": "images:p.zip", "pics": "images:pics", "mnist": "idx:mnist", "mnist/t-idx3-ubyte.gz": "idx:mnist/t-idx3-ubyte.gz",
		"csv:x": "csv:x", "toy:rings": "toy:rings", "none": "none", "a:b.csv": "csv:a:b.csv",
	} {
		require.Equal(t, want, SpecOf(name), name)
	}
	require.Equal(t, "csv", KindOf("csv:x:y"))
}
