package par

import (
	"runtime"
	"sync"
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

// Who has no work looks for it for a while, and not for ever, even if the clock stands.
func TestLook(t *testing.T) {
	r, _, _ := poll(false, nil)
	require.Nil(t, r)
	begin := time.Now()
	for _, c := range []struct {
		begin time.Time
		looks int
	}{{begin.Add(-awake), 64}, {begin.Add(time.Hour), looks}} {
		l := look{begin: c.begin, count: 1}
		for l.on() && l.count < 2*looks {
		}
		require.Equal(t, c.looks, l.count)
	}
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

// ends fails the test if f, run number i, does not come to its end.
func ends(t *testing.T, i int, f func()) {
	t.Helper()
	over := make(chan struct{})
	go func() { f(); close(over) }()
	select {
	case <-over:
	case <-time.After(20 * time.Second):
		t.Fatalf("run %d does not end", i)
	}
}

// Many small nested runs all end: who waits for helpers hears of the last one. Wakings
// that cross are too rare to be seen here: the deadlock of TestSleeperWhoseWakingAnotherTook
// did not come up in 20 s of such runs.
func TestNestedRunsEnd(t *testing.T) {
	deadline := time.Now().Add(time.Second)
	for n := 0; time.Now().Before(deadline); n++ {
		task := &inner{}
		ends(t, n, func() { Nest(3, 3, task) })
		require.Equal(t, int64(5*(2+3+4)), task.done.Load())
		if n%8 == 0 {
			time.Sleep(50 * time.Microsecond) // all sleep
		}
	}
}

// late has two parts that begin at once; part slow ends long after the other.
type late struct {
	sync.WaitGroup
	slow int
}

func (l *late) Do(part int) {
	l.Done()
	l.Wait()
	if part == l.slow {
		time.Sleep(2 * time.Millisecond)
	}
}

// A run whose helper is the last to end hears of it, whichever part the helper has.
func TestLastHelperIsHeard(t *testing.T) {
	for i := range 32 {
		l, run := &late{slow: i % 2}, []func(int, int, Task){Run, Nest}[i/2%2]
		l.Add(2)
		ends(t, i, func() { run(2, 2, l) })
	}
}

// A run that begins while workers end gets all the helpers it asked for: each part
// waits for the others. It began with the workers that there were, and posted then: of
// those that ended in between nobody came. A claimed worker that ended was not missed.
func TestHelpComesWhileWorkersEnd(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	defer idle.Store(idle.Swap(int64(20 * time.Microsecond)))
	for i := range 2000 {
		ends(t, i, func() { meet(4) })
		for end := time.Now().Add(time.Duration(i%64) * time.Microsecond); time.Now().Before(end); {
		}
	}
}
