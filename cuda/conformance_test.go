package cuda_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/cudatest"
	"heavytail/kernels"
	"heavytail/tensor/devicetest"
)

// TestConformance judges the device by float64. The large shapes take minutes. In
// short mode TestPinnedBits has to do, which holds it to bits that are judged so.
func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("its bits are those of the CPU, see TestPinnedBits")
	}
	t.Parallel()
	devicetest.RunCases(t, cudatest.Open(t, cudatest.Config{}), os.Getenv("HEAVYTAIL_EXHAUSTIVE") == "")
}

// family is the method that a case is of: a line of bits.txt.
func family(c *devicetest.Case) string {
	name, _, _ := strings.Cut(c.Name, "/")
	return name
}

// The device has the bits of the CPU: the file that holds the CPU's, line by line, in
// other orders of blocks and warps than TestConformance, and with batches split.
func TestPinnedBits(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("../kernels/testdata/bits.txt")
	require.NoError(t, err)
	want := map[string]string{}
	for line := range bytes.Lines(file) {
		words := strings.Fields(string(line))
		want[words[0]] = words[1]
	}
	for order := 1; order <= 2; order++ {
		d := cudatest.Open(t, cudatest.Config{Seed: int64(order)})
		sums := map[string]hash.Hash{}
		for _, c := range devicetest.Cases(true) {
			f := family(&c)
			if sums[f] == nil {
				sums[f] = sha256.New()
			}
			got, err := c.Outputs(d, order)
			require.NoError(t, err)
			got.Hash(sums[f])
		}
		require.Len(t, sums, len(want))
		for f, sum := range sums {
			if got := fmt.Sprintf("%x", sum.Sum(nil)[:12]); got != want[f] {
				t.Errorf("%s, order and split %d: %s, on the CPU %s", f, order, got, want[f])
				explain(t, f, order)
			}
		}
	}
}

// explain says which elements of a family differ.
func explain(t *testing.T, f string, order int) {
	d := cudatest.Open(t, cudatest.Config{Seed: int64(order)})
	for _, c := range devicetest.Cases(true) {
		if family(&c) != f {
			continue
		}
		want, err := c.Outputs(kernels.New(1), 0)
		require.NoError(t, err)
		got, err := c.Outputs(d, order)
		require.NoError(t, err)
		if err := devicetest.Same(want, got); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}
