// Package par runs the parts of one operation on several goroutines without
// allocating. How work is split never changes a result: every part writes its
// own outputs, each in one fixed order.
package par

import (
	"runtime"
	"sync"
	"sync/atomic"

	"heavytail/internal/machine"
)

// A Task is one operation cut into parts 0…n−1. Do must be safe to call
// concurrently for different parts. Implementations are pointers to structs
// that the caller keeps in a Pool, so a call allocates nothing.
type Task interface {
	Do(part int)
}

// A run is a task under way. Its caller posts it in a slot where workers find it,
// does parts itself until none is left, closes it and waits for the helpers that
// are still at a part. It needs none: runs may nest and outnumber the workers.
type run struct {
	task  Task
	n     int
	outer bool
	next  atomic.Int64
	state atomic.Uint64
	slot  int           // where it was posted last
	done  chan struct{} // receives one value when the last helper leaves a closed run
}

// The state of a run: how many helpers are at work, the most that may be, and flags.
// A helper enters by one compare-and-swap, so that it never enters a closed run;
// it may find a run that was closed and used again, which is as good.
const (
	helpers  = 1<<31 - 1 // bits
	most     = 31        // the place of the number above
	isOuter  = 1 << 62
	isClosed = 1 << 63
)

var (
	runs    = sync.Pool{New: func() any { return &run{done: make(chan struct{}, 1)} }}
	slots   [32]atomic.Pointer[run]
	started atomic.Int32                // workers
	free    atomic.Int32                // goroutines that look for work
	asleep  atomic.Int32                // those of them that sleep and were not claimed
	busy    atomic.Int32                // goroutines at a part of Nest
	wake    = make(chan struct{}, 1024) // a value for each claimed sleeper
)

// post offers r to helpers. With every slot taken the caller works alone.
func (r *run) post(threads int) {
	state := uint64(threads-1) << most
	if r.outer {
		state |= isOuter
	}
	r.state.Store(state)
	for i := range slots {
		k := (r.slot + i) % len(slots)
		if slots[k].CompareAndSwap(nil, r) {
			r.slot = k
			break
		}
	}
	for range threads - 1 {
		if !claim() {
			break
		}
		wake <- struct{}{}
	}
}

// claim takes one from the number of sleepers, to wake it.
func claim() bool {
	for n := asleep.Load(); n > 0; n = asleep.Load() {
		if asleep.CompareAndSwap(n, n-1) {
			return true
		}
	}
	return false
}

// enter makes the caller a helper of r, unless r is closed or has enough. inner
// asks for a run that is none of Nest.
func (r *run) enter(inner bool) bool {
	for {
		s := r.state.Load()
		if s&isClosed != 0 || inner && s&isOuter != 0 || s&helpers >= s&^(isOuter|isClosed)>>most {
			return false
		}
		if r.state.CompareAndSwap(s, s+1) {
			return true
		}
	}
}

// work does parts of r until none is left.
func (r *run) work(slot int) {
	if r.outer {
		busy.Add(1)
		defer busy.Add(-1)
	}
	for {
		i := int(r.next.Add(1)) - 1
		if i >= r.n {
			slots[slot].CompareAndSwap(r, nil) // nobody else need look
			return
		}
		r.task.Do(i)
	}
}

// take enters a run that has room for a helper; it returns the run and its slot.
func take(inner bool) (*run, int) {
	for i := range slots {
		if r := slots[i].Load(); r != nil && r.enter(inner) {
			return r, i
		}
	}
	return nil, 0
}

// help works on r, which the caller entered, and leaves it.
func (r *run) help(slot int) {
	free.Add(-1)
	r.work(slot)
	if s := r.state.Add(^uint64(0)); s&isClosed != 0 && s&helpers == 0 {
		r.done <- struct{}{}
	}
	free.Add(1)
}

// Run calls t.Do for every part in 0…n−1 on at most threads goroutines, the
// caller being one of them, and returns when all are done. threads ≤ 0 means
// Threads(0); more than GOMAXPROCS would take turns. Parts are handed out in
// ascending order. The goroutines stay for the next run, ten seconds at most.
func Run(threads, n int, t Task) { start(threads, n, t, false) }

// Nest is Run for parts that themselves call Run with Width threads: a goroutine
// that finds no part left then helps these. A part may wait for one with a smaller number,
// which has begun before it. It must not be called within a part.
func Nest(threads, n int, t Task) { start(threads, n, t, true) }

func start(threads, n int, t Task, outer bool) {
	threads = min(Threads(threads), runtime.GOMAXPROCS(0))
	if !outer {
		threads = min(threads, n)
	}
	if threads <= 1 {
		for i := range n {
			t.Do(i)
		}
		return
	}
	r := runs.Get().(*run)
	r.task, r.n, r.outer = t, n, outer
	r.next.Store(0)
	r.post(min(threads, n))
	for k := started.Load(); k < int32(threads-1); k = started.Load() {
		if started.CompareAndSwap(k, k+1) {
			go worker() // after the post: a worker that ends looks once more
		}
	}
	r.work(r.slot)
	slots[r.slot].CompareAndSwap(r, nil)
	if s := r.state.Add(isClosed); s&helpers != 0 {
		r.wait()
	}
	r.task = nil
	runs.Put(r)
}

// Width returns how many threads, at most n, an operation within a part of Nest
// should use: its own and its share of those that have nothing to do. An operation
// that is cut for nobody reads its weights again for every part.
func Width(n int) int { return width(n, int(free.Load()), int(busy.Load())) }

func width(n, free, busy int) int {
	if free <= 0 {
		return 1
	}
	busy = max(busy, 1)
	return min(n, 1+(free+busy-1)/busy)
}

// Threads resolves a thread option: n itself if positive, else the processors that
// this process may use: GOMAXPROCS, but no more than its control group's quota
// pays for, of which GOMAXPROCS takes at least two.
func Threads(n int) int {
	if n > 0 {
		return n
	}
	return min(runtime.GOMAXPROCS(0), machine.Processors())
}
