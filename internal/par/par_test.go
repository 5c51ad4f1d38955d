package par

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
	for _, run := range []func(threads, n int, t Task){Run, Nest} {
		run(2, 64, c)
		require.Zero(t, testing.AllocsPerRun(100, func() { run(2, 64, c) }))
	}
}

// meeting is a task whose parts all wait for each other: each needs a
// goroutine of its own.
type meeting struct {
	sync.WaitGroup
}

func (m *meeting) Do(int) { m.Done(); m.Wait() }

// meet runs n parts at once on as many goroutines.
func meet(n int) {
	m := &meeting{}
	m.Add(n)
	Run(n, n, m)
}

// Workers that have nothing to do end, and come back when there is work.
func TestIdleWorkersEnd(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(64))
	defer idle.Store(idle.Swap(int64(100 * time.Millisecond)))
	for range 2 {
		before := runtime.NumGoroutine() - int(started.Load())
		n := int(started.Load()) + 8 // so that every worker wakes to the short setting
		meet(n)
		require.EqualValues(t, n-1, started.Load())
		require.Eventually(t, func() bool { return started.Load() == 0 && runtime.NumGoroutine() <= before+1 }, 10*time.Second, time.Millisecond)
	}
}

// Runs that begin while workers end lose no part.
func TestRunsWhileWorkersEnd(t *testing.T) {
	defer idle.Store(idle.Swap(int64(50 * time.Microsecond)))
	for i := range 300 {
		c := &count{make([]atomic.Int32, 9)}
		Run(4, 9, c)
		for i := range c.seen {
			require.EqualValues(t, 1, c.seen[i].Load())
		}
		time.Sleep(time.Duration(i%100) * time.Microsecond)
	}
}
