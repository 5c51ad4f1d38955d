package par

import (
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

// With every worker held and the queue full nobody takes a share of a run: the
// caller does all parts, each once, and does not wait for who never comes.
func TestRunWithAFullQueue(t *testing.T) {
	n := max(int(started.Load()), 4) + 1
	h := &hold{let: make(chan struct{})}
	h.held.Add(n)
	over := make(chan struct{})
	go func() { Run(n, n, h); close(over) }()
	h.held.Wait()
	require.EqualValues(t, n-1, started.Load(), "every worker is held")

	filler := &run{done: make(chan struct{}, 1)} // of no parts
	filler.tickets.Store(1 << 40)
	for full := false; !full; {
		select {
		case jobs <- filler:
		default:
			full = true
		}
	}
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
