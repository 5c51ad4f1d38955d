package main

import (
	"bytes"
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
		require.Equal(t, 1, r.status)
		require.Regexp(t, `row \d+, column (loss|0): -?\d\.\d+e\+39 is beyond float32.*-standardize robust`, r.stderr)
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
	require.Equal(t, 1, r.status)
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
