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

	"heavytail/cuda"
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

// The device has the bits of the CPU: the file that holds the CPU's, line by line,
// twice, in three orders of blocks and warps and with batches whole and split in two
// ways. A line has more cases than that, which take them in turn; each is run in two
// of them.
func TestPinnedBits(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("../kernels/testdata/bits.txt")
	require.NoError(t, err)
	want := map[string]string{}
	for line := range bytes.Lines(file) {
		words := strings.Fields(string(line))
		want[words[0]] = words[1]
	}
	var inOrder []*cuda.Device
	for seed := range int64(3) {
		inOrder = append(inOrder, cudatest.Open(t, cudatest.Config{Seed: seed}))
	}
	for round := range 2 {
		sums := map[string]hash.Hash{}
		for i, c := range devicetest.Cases(true) {
			f, order := family(&c), (i+round)%3
			if sums[f] == nil {
				sums[f] = sha256.New()
			}
			got, err := c.Outputs(inOrder[order], order)
			require.NoError(t, err)
			got.Hash(sums[f])
		}
		require.Len(t, sums, len(want))
		for f, sum := range sums {
			if got := fmt.Sprintf("%x", sum.Sum(nil)[:12]); got != want[f] {
				t.Errorf("%s, round %d: %s, on the CPU %s", f, round, got, want[f])
				for order, d := range inOrder {
					explain(t, f, d, order)
				}
			}
		}
	}
}

// explain says which elements of a family differ.
func explain(t *testing.T, f string, d *cuda.Device, order int) {
	for _, c := range devicetest.Cases(true) {
		if family(&c) != f {
			continue
		}
		want, err := c.Outputs(kernels.New(1), 0)
		require.NoError(t, err)
		got, err := c.Outputs(d, order)
		require.NoError(t, err)
		if err := devicetest.Same(want, got); err != nil {
			t.Errorf("%s, order and split %d: %v", c.Name, order, err)
		}
	}
}
