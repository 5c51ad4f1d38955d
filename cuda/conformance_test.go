package cuda_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda"
	"heavytail/cuda/cudatest"
	"heavytail/kernels"
	"heavytail/tensor/devicetest"
)

// missing is what has no kernel yet, as MissingError says it. It may only shrink.
var missing []string

// lacks returns what a case has no kernel for; empty if it ran.
func lacks(err error) string {
	var m *cuda.MissingError
	if errors.As(err, &m) {
		return m.What
	}
	return ""
}

// family is the method that a case is of: a line of bits.txt.
func family(c *devicetest.Case) string {
	name, _, _ := strings.Cut(c.Name, "/")
	return name
}

// pinned is a pass over the suite in one order of blocks and warps, the batches
// split: the hash of every family that has all its kernels, and what is missing.
func pinned(t *testing.T, seed int64, split int) (hashes map[string]string, miss []string) {
	d := cudatest.Open(t, cudatest.Config{Seed: seed})
	sums, without, lack := map[string]hash.Hash{}, map[string]bool{}, map[string]bool{}
	for _, c := range devicetest.Cases(true) {
		f := family(&c)
		if sums[f] == nil {
			sums[f] = sha256.New()
		}
		got, err := c.Outputs(d, split)
		if what := lacks(err); what != "" {
			without[f], lack[what] = true, true
			continue
		}
		require.NoError(t, err)
		got.Hash(sums[f])
	}
	hashes = map[string]string{}
	for f, s := range sums {
		if !without[f] {
			hashes[f] = fmt.Sprintf("%x", s.Sum(nil)[:12])
		}
	}
	return hashes, slices.Sorted(maps.Keys(lack))
}

// The device has the bits of the CPU: the file that holds the CPU's, line by line,
// in several orders and splits. What it has no kernels for is in the list above.
func TestPinnedBits(t *testing.T) {
	file, err := os.ReadFile("../kernels/testdata/bits.txt")
	require.NoError(t, err)
	want := map[string]string{}
	for line := range bytes.Lines(file) {
		words := strings.Fields(string(line))
		want[words[0]] = words[1]
	}
	for pass := range 3 {
		got, miss := pinned(t, int64(pass), pass)
		require.Equal(t, missing, miss, "what has no kernel: the list in this file")
		require.NotEmpty(t, got)
		for f, sum := range got {
			if sum != want[f] {
				t.Errorf("%s, order and split %d: %s, on the CPU %s", f, pass, sum, want[f])
				explain(t, f, pass)
			}
		}
	}
}

// explain says which element of a family differs.
func explain(t *testing.T, f string, pass int) {
	d := cudatest.Open(t, cudatest.Config{Seed: int64(pass)})
	for _, c := range devicetest.Cases(true) {
		if family(&c) != f {
			continue
		}
		want, err := c.Outputs(kernels.New(1), 0)
		require.NoError(t, err)
		got, err := c.Outputs(d, pass)
		require.NoError(t, err)
		if err := devicetest.Same(want, got); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}
