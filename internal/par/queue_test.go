package par

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A hold keeps every goroutine that works on it until it is let go.
type hold struct {
	held sync.WaitGroup
	let  chan struct{}
}

func (h *hold) Do(int) { h.held.Done(); <-h.let }

// With every worker held and every slot taken nobody takes a share of a run: the
// caller does all parts, each once, and does not wait for who never comes.
func TestRunWithoutASlot(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(64))
	n := max(int(started.Load()), 4) + 1
	h := &hold{let: make(chan struct{})}
	h.held.Add(n)
	over := make(chan struct{})
	go func() { Run(n, n, h); close(over) }()
	h.held.Wait()
	require.EqualValues(t, n-1, started.Load(), "every worker is held")

	filler := &run{done: make(chan struct{}, 1)}
	filler.state.Store(isClosed)
	for i := range slots {
		slots[i].CompareAndSwap(nil, filler)
	}
	defer func() {
		for i := range slots {
			slots[i].CompareAndSwap(filler, nil)
		}
	}()
	c := &count{make([]atomic.Int32, 20)}
	done := make(chan struct{})
	go func() { Run(4, len(c.seen), c); close(done) }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Error("the run does not end")
	}
	close(h.let)
	<-over
	if !t.Failed() {
		for i := range c.seen {
			require.EqualValues(t, 1, c.seen[i].Load())
		}
	}
}

// Of two lanes the one that begins first, that of Nest's caller, has nothing to do;
// the other runs parts of its own that need two goroutines.
type lane struct {
	begun atomic.Int32
	width int
	inner *meeting
}

func (l *lane) Do(int) {
	first, end := l.begun.Add(1) == 1, time.Now().Add(5*time.Second)
	wait := func(ready func() bool) {
		for !ready() && time.Now().Before(end) {
			runtime.Gosched()
		}
	}
	if first {
		wait(func() bool { return l.begun.Load() == 2 })
		return
	}
	wait(func() bool { l.width = Width(8); return l.width >= 2 })
	if l.width >= 2 {
		Run(2, 2, l.inner)
	}
}

// The caller of Nest helps runs within the parts of others.
func TestNestHelps(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	for range 200 {
		l := &lane{inner: &meeting{}}
		l.inner.Add(2)
		Nest(2, 2, l)
		require.GreaterOrEqual(t, l.width, 2, "nobody was free to help")
	}
}

// crowd counts the goroutines in its parts.
type crowd struct{ now, most atomic.Int32 }

func (c *crowd) Do(int) {
	n := c.now.Add(1)
	for m := c.most.Load(); n > m && !c.most.CompareAndSwap(m, n); m = c.most.Load() {
	}
	time.Sleep(100 * time.Microsecond)
	c.now.Add(-1)
}

// With many workers about, a run has no more than its threads.
func TestRunKeepsToItsThreads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	meet(8)
	for range 20 {
		c := &crowd{}
		Run(3, 30, c)
		require.LessOrEqual(t, c.most.Load(), int32(3))
	}
}

// Nested runs of many callers end, every part done once, whoever helps whom.
func TestNestOverlaps(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			c := &nested{count{make([]atomic.Int32, 50)}}
			for range 100 {
				Nest(4, 5, c)
			}
			require.EqualValues(t, 500, c.inner.seen[7].Load())
		})
	}
	wg.Wait()
	require.Zero(t, busy.Load())
	require.Eventually(t, func() bool { return free.Load() == started.Load() }, 10*time.Second, time.Millisecond)
}

// Width shares who is free among the parts under way.
func TestWidth(t *testing.T) {
	for _, c := range [][4]int{{0, 0, 8, 1}, {0, 3, 8, 1}, {1, 1, 8, 2}, {1, 3, 8, 2}, {7, 3, 8, 4}, {32, 32, 64, 2}, {33, 32, 64, 3}, {63, 1, 8, 8}, {-1, 1, 8, 1}} {
		require.Equal(t, c[3], width(c[2], c[0], c[1]), c)
	}
}
