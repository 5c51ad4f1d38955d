package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/npy"
)

// A folder of parts and an .npy file, of which eval reads what it compares, give the
// numbers of sets that are loaded whole: of a gzipped array, and of pictures.
func TestEvalOfLongSets(t *testing.T) {
	dir := trained(t)
	scores := func(args ...string) string {
		ok(t, dir, append(append([]string{"eval"}, args...), "-json", "e.json")...)
		var e map[string]any
		require.NoError(t, json.Unmarshal([]byte(readFile(t, dir, "e.json")), &e))
		require.Greater(t, len(e), 4)
		delete(e["generated"].(map[string]any), "data")
		b, err := json.Marshal(e)
		require.NoError(t, err)
		return string(b)
	}
	var b bytes.Buffer
	zip := func(name string) {
		b.Reset()
		w := gzip.NewWriter(&b)
		_, err := w.Write([]byte(readFile(t, dir, name)))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".gz"), b.Bytes(), 0o644))
	}
	for _, model := range []string{"toy", "run"} {
		for i := range 3 {
			args := strings.Fields(fmt.Sprintf("sample -model %s/model.safetensors -steps 2 -n 70 -shard %d/3 -o %s-parts", model, i, model))
			if i > 0 {
				require.Contains(t, fails(t, dir, 75, "eval", "toy:rings", model+"-parts"), "missing")
			}
			ok(t, dir, args...)
		}
		ok(t, dir, "merge", model+"-parts", "-o", model+".npy")
		zip(model + ".npy")
	}
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "real"), 0o777))
	ok(t, dir, strings.Fields("sample -model run/model.safetensors -steps 2 -n 40 -seed 1000 -o real/")...)
	ok(t, dir, "merge", "run-parts", "-o", "pictures/")
	for _, n := range []string{"30", "0"} {
		want := scores("toy:rings", "toy.npy.gz", "-n", n)
		require.Equal(t, want, scores("toy:rings", "toy.npy", "-n", n))
		require.Equal(t, want, scores("toy:rings", "toy-parts", "-n", n))
		want = scores("real", "pictures", "-n", n)
		for _, gen := range []string{"run.npy", "run-parts", "run.npy.gz"} {
			require.Equal(t, want, scores("real", gen, "-n", n), gen)
		}
	}
	// Black is 0 where nothing is below, of all images and not of those compared.
	for name, least := range map[string]float32{"half.npy": 0, "dark.npy": -0.001} {
		x := make([]float32, 50*64)
		for i := range x {
			x[i] = float32(i%23) / 22
		}
		x[64+5] = least
		b.Reset()
		require.NoError(t, npy.Write(&b, x, 50, 8, 8, 1))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644))
		zip(name)
		require.Equal(t, scores("real", name+".gz", "-n", "20"), scores("real", name, "-n", "20"), name)
	}
	require.Contains(t, fails(t, dir, 2, "eval", "toy-parts", "toy.npy"), "heavytail merge toy-parts -o FILE")
	require.Contains(t, fails(t, dir, 2, "eval", "real", "toy-parts"), "give sets of one shape")
	// What is no number is told by its place, and a byte too many as before.
	c := []byte(readFile(t, dir, "toy.npy"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "long.npy"), append(c, 0), 0o644))
	require.Contains(t, fails(t, dir, 2, "eval", "toy:rings", "long.npy"), "goes on after the data")
	copy(c[len(c)-4:], "\x00\x00\x80\x7f")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "inf.npy"), c, 0o644))
	require.Contains(t, fails(t, dir, 2, "eval", "toy:rings", "inf.npy"), "not finite")
}
