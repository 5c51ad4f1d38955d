package kernels_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"hash"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/tensor/devicetest"
)

// TestConformance judges the device by float64, at the level in force.
func TestConformance(t *testing.T) { devicetest.Run(t, kernels.New(2)) }

// TestBits holds every level, number of threads and split of a batch to the
// bits of the Go reference on one thread, for every method of the device.
// With TestConformance that bounds the errors of them all.
func TestBits(t *testing.T) {
	cases := devicetest.Cases(testing.Short())
	want := make([]devicetest.Values, len(cases))
	restore := isa.Force(isa.Generic)
	for i := range cases {
		want[i] = outputs(t, &cases[i], 1, 0)
	}
	restore()
	numtest.EachLevel(t, func(t *testing.T) {
		threadCounts := []int{1, 2, 3, 7}
		if testing.Short() {
			threadCounts = []int{1, 3}
		}
		for _, threads := range threadCounts {
			t.Run(fmt.Sprint("threads=", threads), func(t *testing.T) {
				for i := range cases {
					c := &cases[i]
					if c.Big && threads != 3 && isa.Cur() == isa.Generic {
						continue // the Go reference takes seconds for these
					}
					for split := range 3 {
						if err := devicetest.Same(want[i], outputs(t, c, threads, split)); err != nil {
							t.Errorf("%s: split %d: %v", c.Name, split, err)
						}
					}
				}
			})
		}
	})
}

func outputs(t *testing.T, c *devicetest.Case, threads, split int) devicetest.Values {
	t.Helper()
	v, err := c.Outputs(kernels.New(threads), split)
	if err != nil {
		t.Error(err)
	}
	return v
}

var update = flag.Bool("update", false, "rewrite testdata/bits.txt")

// TestPinnedBits compares with the bits that were committed: on processors of
// other kinds, where TestBits has nothing to compare with, and against changes
// that nobody meant. A change that is meant says so with -update and a reason
// in the commit: models trained before it give other samples.
func TestPinnedBits(t *testing.T) {
	const file = "testdata/bits.txt"
	sums := map[string]hash.Hash{}
	for _, c := range devicetest.Cases(true) {
		family, _, _ := strings.Cut(c.Name, "/")
		if sums[family] == nil {
			sums[family] = sha256.New()
		}
		outputs(t, &c, 1, 0).Hash(sums[family])
	}
	var got strings.Builder
	for _, family := range slices.Sorted(maps.Keys(sums)) {
		fmt.Fprintf(&got, "%-18s %x\n", family, sums[family].Sum(nil)[:12])
	}
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o777))
		require.NoError(t, os.WriteFile(file, []byte(got.String()), 0o666))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got.String(), "first columns: method; the bits of its results changed")
}

// TestConcurrentUse runs the whole suite from several goroutines on one
// device; under -race it also looks for shared state.
func TestConcurrentUse(t *testing.T) {
	dev := kernels.New(2)
	cases := devicetest.Cases(true)
	var wg sync.WaitGroup
	got := make([][]devicetest.Values, 3)
	for g := range got {
		wg.Go(func() {
			for i := range cases {
				v, err := cases[i].Outputs(dev, g)
				if err != nil {
					t.Error(err)
				}
				got[g] = append(got[g], v)
			}
		})
	}
	wg.Wait()
	for i := range cases {
		for _, g := range got[1:] {
			if err := devicetest.Same(got[0][i], g[i]); err != nil {
				t.Errorf("%s: %v", cases[i].Name, err)
			}
		}
	}
}
