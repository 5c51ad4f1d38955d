package data

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/internal/npy"
)

// Values around 10⁹ keep the digits that float32 has no room for, from tables
// and from arrays, packed or not.
func TestPointsKeepTheirDigits(t *testing.T) {
	dir := t.TempDir()
	want := []float64{1e9 + 0.25, 1e9 - 1.5, -1e9 + 0.125}
	var array bytes.Buffer
	require.NoError(t, npy.WriteHeader64(&array, 3))
	require.NoError(t, npy.WriteValues(&array, want))
	table := []byte("x\n1000000000.25\n999999998.5\n-999999999.875\n")
	for spec, b := range map[string][]byte{"npy:a.npy": array.Bytes(), "npy:a.npy.gz": zipped(array.Bytes()), "csv:a.csv": table, "csv:a.csv.gz": zipped(table)} {
		write(t, dir, spec[4:], b)
		s, err := Open(t.Context(), spec[:4]+filepath.Join(dir, spec[4:]), Options{Rules: FirstRules})
		require.NoError(t, err, spec)
		row, narrow := make([]float64, 1), make([]float32, 1)
		for i, v := range want {
			s.Float64(row, i)
			s.Get(narrow, i, false)
			require.Equal(t, v, row[0], spec)
			require.Equal(t, float32(v), narrow[0], spec)
		}
	}
	s := Random(2, []int{2, 2, 1}, 1)
	row, narrow := make([]float64, 4), make([]float32, 4)
	s.Float64(row, 1)
	s.Get(narrow, 1, false)
	for j, v := range narrow {
		require.Equal(t, float64(v), row[j])
	}
}

// float32(parseTwice(x)) is the float32 nearest to x, also where the float64
// nearest to x lies half-way between two of float32.
func TestParseTwice(t *testing.T) {
	half := 1 + math.Ldexp(1, -24) // between 1 and the next float32
	text := strconv.FormatFloat(half, 'f', -1, 64)
	for _, c := range []string{text, text + "0000000001", "-" + text + "0000000001", text[:len(text)-1] + "49999999999"} {
		v, err := parseTwice(c)
		require.NoError(t, err)
		want, err := strconv.ParseFloat(c, 32)
		require.NoError(t, err)
		require.Equal(t, want, float64(float32(v)), c)
		exact, err := strconv.ParseFloat(c, 64)
		require.NoError(t, err)
		require.LessOrEqual(t, math.Abs(v-exact), 0x1p-52)
	}
	for _, c := range []string{"1e39", "-1e999", "NaN", "inf", "x", ""} {
		_, err := parseTwice(c)
		require.Error(t, err, c)
	}
}

// Reading ends with its context.
func TestOpenStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	write(t, dir, "a.csv", []byte("1\n2\n"))
	write(t, dir, "a.png", encoded(t, picture(2, 2, true, 1), false))
	write(t, dir, "idx", idx(seq(4), 1, 2, 2))
	for _, spec := range []string{"csv:" + dir + "/a.csv", "npy:" + dir + "/a.csv", "idx:" + dir + "/idx", "images:" + dir, "toy:rings"} {
		_, err := Open(ctx, spec, Options{})
		require.ErrorIs(t, err, context.Canceled, spec)
	}
}

// A named pipe that nobody writes to, and one whose writer waits, hold a reader
// up until its context ends, not longer.
func TestOpenStopsAtAPipe(t *testing.T) {
	for _, written := range []bool{false, true} {
		t.Run(fmt.Sprint(written), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pipe")
			defer namedPipe(t, path, written)()
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			done := make(chan error, 1)
			go func() {
				_, err := Open(ctx, "csv:"+path, Options{})
				done <- err
			}()
			select {
			case err := <-done:
				require.ErrorIs(t, err, context.DeadlineExceeded)
			case <-time.After(10 * time.Second):
				t.Fatal("Open did not return")
			}
		})
	}
}
