package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/npy"
)

// arrayOf writes an .npy of float64.
func arrayOf(t *testing.T, path string, x []float64, shape ...int) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, npy.WriteHeader64(&b, shape...))
	require.NoError(t, npy.WriteValues(&b, x))
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
}

// Points beyond float32 are scaled into it and come back; where nothing scales
// them, the error says which they are.
func TestPointsBeyondFloat32(t *testing.T) {
	dir := t.TempDir()
	x := mapped(studentValues(300, 3), func(_ int, v float64) float64 { return 1e39 * v })
	table(t, filepath.Join(dir, "x.csv"), "loss", x)
	arrayOf(t, filepath.Join(dir, "x.npy"), x, len(x))
	short := "-steps 2 -batch 8 -preview-every 2 "
	for _, data := range []string{"csv:x.csv", "npy:x.npy"} {
		out := strings.ReplaceAll(data, ":", "-")
		ok(t, dir, strings.Fields("train -data "+data+" -out "+out+" "+short)...)
		ok(t, dir, strings.Fields("sample -model "+out+"/model.safetensors -n 40 -o s.csv")...)
		large := 0
		for _, v := range points64(t, dir, "csv:s.csv", 1) {
			if v > 1e37 || v < -1e37 {
				large++
			}
		}
		require.Greater(t, large, 20)
		r := heavytailIn(t, dir, strings.Fields("train -data "+data+" -standardize none -out no "+short)...)
		require.Equal(t, 2, r.status)
		require.Regexp(t, `(line \d+, column "loss"|row \d+ \(from 0\)): -?\d\.\d+e\+39 is beyond float32.*-standardize robust`, r.stderr)
		require.Contains(t, r.stderr, "drawn in (-transform softlog)")
		require.NoDirExists(t, filepath.Join(dir, "no"))
	}
	ok(t, dir, "eval", "x.csv", "x.npy")
	// A model that does not scale, or scales far smaller values, cannot take them.
	ok(t, dir, strings.Fields("train -data toy:gmm_grid -points 100 -out toy "+short)...)
	table(t, filepath.Join(dir, "two.csv"), "a,b", x[:1], x[:1])
	r := heavytailIn(t, dir, strings.Fields("sample -model toy/model.safetensors -init two.csv -strength 0.5 -n 1 -o s.csv")...)
	require.NotZero(t, r.status)
	require.Contains(t, r.stderr, "beyond float32")
	arrayOf(t, filepath.Join(dir, "two.npy"), []float64{1, 2, 3, x[0]}, 2, 2)
	r = heavytailIn(t, dir, strings.Fields("train -data npy:two.npy -from toy/model.safetensors -out no "+short)...)
	require.NotZero(t, r.status)
	require.Contains(t, r.stderr, "beyond float32")
}

// What training advises for arrays of images it takes: -size for those that are
// not square, of bytes or of other numbers.
func TestArraysOfAnySize(t *testing.T) {
	dir := t.TempDir()
	x := make([]float64, 20*8*12)
	for i := range x {
		x[i] = float64(i%12)/16 - 0.5 // brighter to the right
	}
	arrayOf(t, filepath.Join(dir, "x.npy"), x, 20, 8, 12)
	args := append(strings.Fields("train -data npy:x.npy -out run -steps 2 -batch 2 -preview-every 0"), smallNet...)
	r := heavytailIn(t, dir, args...)
	require.Contains(t, r.stderr, "8×12 pixels; this network wants square ones: scale them with -size N")
	ok(t, dir, append(args, "-size", "8")...)
	ok(t, dir, "eval", "npy:x.npy", "run/model.safetensors", "-size", "8", "-n", "20", "-steps", "2")
	ok(t, dir, append(args, "-size", "8", "-channels", "3", "-out", "colour")...)
	r = heavytailIn(t, dir, append(args, "-size", "60000", "-out", "large")...)
	require.Equal(t, 2, r.status)
	require.Contains(t, r.stderr, "more than the limit")
}

// The range of an array is told in plain numbers, with what lies outside of it,
// and by a dry run as well.
func TestRangeIsTold(t *testing.T) {
	dir := t.TempDir()
	x := make([]float64, 20*64)
	for i := range x {
		x[i] = float64(i % 64 * 1000)
	}
	x[0] = 65535
	arrayOf(t, filepath.Join(dir, "x.npy"), x, 20, 8, 8)
	train := func(args string) result {
		return heavytailIn(t, dir, append(strings.Fields("train -data npy:x.npy -out run -steps 3 -dry-run "+args), smallNet...)...)
	}
	r := train("")
	require.Equal(t, 2, r.status)
	require.Contains(t, r.stderr, "values from 0 to 65535 are neither")
	require.Contains(t, r.stderr, "-range 0,65535\n")
	r = train("-range 0,65535")
	require.Zero(t, r.status, r.stderr)
	require.NotContains(t, r.stderr, "outside")
	// Of each 64 values 31,000 and below, 32 are within; one of 1,280 is 65535.
	for _, dry := range []string{"-range 0,31000", "-range 0,31000 -dry-run=false -preview-every 0"} {
		r = train(dry)
		require.Zero(t, r.status, r.stderr)
		require.Contains(t, r.stderr, "50.1 % of the values, 0 to 65535, lie outside of -range 0,31000")
	}
	arrayOf(t, filepath.Join(dir, "y.npy"), mapped(x, func(_ int, v float64) float64 { return v / 65535 }), 20, 8, 8)
	r = heavytailIn(t, dir, append(strings.Fields("train -data npy:y.npy -out other -steps 3 -dry-run"), smallNet...)...)
	require.Zero(t, r.status, r.stderr)
	require.Contains(t, r.stderr, "values from 0 to 1: 0 is taken for black, 1 for white")
}

// eval compares values of any size: the same set twice is as good as can be, in
// whatever unit, and one value far out does not hide the others.
func TestEvalOfAnySize(t *testing.T) {
	dir := t.TempDir()
	x := studentValues(200, 3)
	for name, k := range map[string]float64{"big": 1e39, "huge": 0x1p990, "tiny": 0x1p-990} {
		table(t, filepath.Join(dir, name+".csv"), "a", mapped(x, func(_ int, v float64) float64 { return k * v }))
	}
	table(t, filepath.Join(dir, "far.csv"), "a", append([]float64{1e60}, x...))
	for _, name := range []string{"big", "huge", "tiny", "far"} {
		var r struct {
			Metrics []struct {
				Name  string
				Value *float64
			}
			Notes []string
		}
		ok(t, dir, "eval", name+".csv", name+".csv", "-json", "e.json")
		text, err := os.ReadFile(filepath.Join(dir, "e.json"))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &r))
		for _, m := range r.Metrics {
			require.NotNil(t, m.Value, "%s of %s", m.Name, name)
			want := 1.0
			if m.Name == "mmd" || m.Name == "sliced_wasserstein" {
				want = 0
			}
			near := 1e-9
			if name == "far" { // its neighbours are all as far, which is not nearer than the fifth: one point of 201
				near = 0.005
			}
			require.InDelta(t, want, *m.Value, near, "%s of %s", m.Name, name)
		}
		require.Equal(t, name != "far", strings.Contains(strings.Join(r.Notes, ""), "in units of"), "%s: %q", name, r.Notes)
	}
}

// Rates and counts are written as people count.
func TestRates(t *testing.T) {
	r := ok(t, t.TempDir(), strings.Fields("train -data toy:rings -points 1 -out run -steps 1000000000 -dry-run")...)
	require.Contains(t, r.stdout, "toy:rings: 1 sample of [2]")
	require.NotContains(t, strings.Split(r.stdout, "recipe")[0], "e+")
}
