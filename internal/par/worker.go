package par

import (
	"runtime"
	"sync/atomic"
	"time"
)

// idle is how long, in nanoseconds, a worker without work stays: a program that
// once computed on many threads does not keep their stacks for ever. Tests
// shorten it.
var idle atomic.Int64

func init() { idle.Store(int64(10 * time.Second)) }

// awake is how long a goroutine that ran out of work looks for more before it sleeps.
// A network's operations follow each other within that time, while waking a goroutine
// takes up to 60 µs (the scheduler leaves a woken goroutine that long to the processor
// that woke it). Looking as long as that would be faster where processors are free, and
// would take as much from others where they are not (docs/speed.md).
const awake = 15 * time.Microsecond

// looks is the most looks meanwhile, for a clock that stands still between its ticks:
// that of Windows moves every 0.5 to 15.6 ms.
const looks = 1 << 12

// A look is a goroutine's search for work.
type look struct {
	begin time.Time
	count int
}

// on reports whether to look again. It asks for the time now and then, and lets other
// goroutines have their turn ever more rarely: that takes a lock that all threads share.
func (l *look) on() bool {
	l.count++
	if l.count == 1 {
		l.begin = time.Now()
	}
	if l.count >= 16 && l.count&(l.count-1) == 0 {
		runtime.Gosched()
	}
	return l.count%64 != 0 || l.count < looks && time.Since(l.begin) < awake
}

// poll looks for a run to help until done, which may be nil, has a value; it
// returns nil if none came while it looked.
func poll(inner bool, done chan struct{}) (r *run, slot int, over bool) {
	for l := (look{}); l.on(); {
		select {
		case <-done:
			return nil, 0, true
		default:
		}
		if r, slot := take(inner); r != nil {
			return r, slot, false
		}
	}
	return nil, 0, false
}

// sleep waits for a run to help until done has a value or the timer ends, either of
// which may be nil; over says that one of them did.
func sleep(inner bool, done chan struct{}, timer <-chan time.Time) (r *run, slot int, over bool) {
	asleep.Add(1)
	// Who posts looks for sleepers afterwards, so look once more.
	if r, slot = take(inner); r == nil {
		select {
		case <-wake:
			return nil, 0, false
		case <-done:
			over = true
		case <-timer:
			over = true
		}
	}
	if leave() && claim() {
		wake <- struct{}{} // the caller does something else: wake another in its place
	}
	return r, slot, over
}

// leave takes the caller out of the sleepers. If somebody claimed it, a value of wake is
// under way; that may be taken by another who goes to sleep now and leaves the caller
// counted again in its place. It returns whether the caller took a value: some run
// counts on being helped.
func leave() (claimed bool) {
	for !claim() {
		select {
		case <-wake:
			return true
		default:
			runtime.Gosched()
		}
	}
	return false
}

// worker helps runs until there were none for the time idle.
func worker() {
	free.Add(1)
	defer free.Add(-1)
	timer := time.NewTimer(time.Duration(idle.Load()))
	defer timer.Stop()
	for {
		r, slot, over := poll(false, nil)
		if r == nil {
			timer.Reset(time.Duration(idle.Load()))
			r, slot, over = sleep(false, nil, timer.C)
		}
		if over {
			started.Add(-1)
			// Who posts looks at started afterwards, so look once more.
			if r, slot = take(false); r == nil {
				return
			}
			started.Add(1)
		}
		if r != nil {
			r.help(slot)
		}
	}
}

// wait returns when the helpers of r, closed, have left. The caller of Nest helps
// the runs within its parts meanwhile; others must not help anybody: the part that
// they took could wait, through others, for the one that they are in.
func (r *run) wait() {
	if !r.outer {
		for l := (look{}); l.on(); {
			select {
			case <-r.done:
				return
			default:
			}
		}
		<-r.done
		return
	}
	free.Add(1)
	defer free.Add(-1)
	for over := false; !over; {
		var o *run
		var slot int
		if o, slot, over = poll(true, r.done); o == nil && !over {
			o, slot, over = sleep(true, r.done, nil)
		}
		if o != nil {
			o.help(slot)
		}
	}
}
