package par

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A sleeper that found work was claimed by another goroutine at the same time: a
// value of wake is under way to it. If a third goes to sleep and takes that value, the
// count says again that one sleeps, and the first must go on by that: it waited for a
// value that nobody sends, holding the run that it had entered.
func TestSleeperWhoseWakingAnotherTook(t *testing.T) {
	Run(2, 2, calls(func(int) {})) // no workers may be about: they would take part
	idle.Store(int64(time.Millisecond))
	defer idle.Store(int64(10 * time.Second))
	require.Eventually(t, func() bool { return started.Load() == 0 }, 15*time.Second, time.Millisecond)
	left := make(chan struct{})
	go func() { leave(); close(left) }()
	time.Sleep(10 * time.Millisecond)
	asleep.Add(1)
	select {
	case <-left:
	case <-time.After(5 * time.Second):
		wake <- struct{}{} // or later tests would find a sleeper
		t.Fatal("a goroutine that has work waits to be woken")
	}
	require.Zero(t, asleep.Load())
}

type calls func(int)

func (f calls) Do(i int) { f(i) }

// inner runs an operation of its own in every part of Nest, as a network's lanes do.
type inner struct{ done atomic.Int64 }

func (t *inner) Do(part int) {
	for range 2 + part%3 {
		Run(Width(4), 5, calls(func(int) { t.done.Add(1) }))
	}
}

// Many small nested runs all end: whoever sleeps is woken, whoever is woken leaves.
func TestNestedRunsEnd(t *testing.T) {
	deadline := time.Now().Add(time.Second)
	for n := 0; time.Now().Before(deadline); n++ {
		over, task := make(chan struct{}), &inner{}
		go func() {
			Nest(3, 3, task)
			close(over)
		}()
		select {
		case <-over:
		case <-time.After(10 * time.Second):
			t.Fatalf("run %d does not end", n)
		}
		require.Equal(t, int64(5*(2+3+4)), task.done.Load())
		if n%8 == 0 {
			time.Sleep(50 * time.Microsecond) // all sleep
		}
	}
}
