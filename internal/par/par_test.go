package par

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

type count struct{ seen []atomic.Int32 }

func (c *count) Do(i int) { c.seen[i].Add(1) }

func TestRunVisitsEveryPartOnce(t *testing.T) {
	for _, threads := range []int{0, 1, 2, 3, 7} {
		for _, n := range []int{0, 1, 2, 5, 100} {
			c := &count{make([]atomic.Int32, n)}
			Run(threads, n, c)
			for i := range c.seen {
				require.EqualValues(t, 1, c.seen[i].Load())
			}
		}
	}
}

type nested struct{ inner count }

func (c *nested) Do(int) { Run(4, len(c.inner.seen), &c.inner) }

// A part that itself runs parts must not wait for a worker that waits for it.
func TestRunNestsAndOverlaps(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			c := &nested{count{make([]atomic.Int32, 50)}}
			for range 20 {
				Run(4, 16, c)
			}
			require.EqualValues(t, 320, c.inner.seen[7].Load())
		})
	}
	wg.Wait()
}

func TestRunDoesNotAllocate(t *testing.T) {
	c := &count{make([]atomic.Int32, 64)}
	Run(2, 64, c)
	require.Zero(t, testing.AllocsPerRun(100, func() { Run(2, 64, c) }))
}
