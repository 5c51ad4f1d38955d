// Package par runs the parts of one operation on several goroutines without
// allocating. How work is split never changes a result: every part writes its
// own outputs, each in one fixed order.
package par

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// A Task is one operation cut into parts 0…n−1. Do must be safe to call
// concurrently for different parts. Implementations are pointers to structs
// that the caller keeps in a sync.Pool, so a call allocates nothing.
type Task interface {
	Do(part int)
}

type run struct {
	task    Task
	n       int
	next    atomic.Int64
	tickets atomic.Int64  // shares of this run still queued or being worked on
	done    chan struct{} // receives one value when tickets reaches zero
}

func (r *run) work() {
	for {
		i := int(r.next.Add(1)) - 1
		if i >= r.n {
			return
		}
		r.task.Do(i)
	}
}

// share works on r for one ticket.
func (r *run) share() {
	r.work()
	r.drop()
}

func (r *run) drop() {
	if r.tickets.Add(-1) == 0 {
		r.done <- struct{}{}
	}
}

var (
	runs    = sync.Pool{New: func() any { return &run{done: make(chan struct{}, 1)} }}
	jobs    = make(chan *run, 256)
	started atomic.Int32
)

// idle is how long, in nanoseconds, a worker without work stays: a program that
// once computed on many threads does not keep their stacks for ever. Tests
// shorten it.
var idle atomic.Int64

func init() { idle.Store(int64(10 * time.Second)) }

// worker takes shares of runs until there were none for the time idle. A run
// that counted on a worker just then does that share itself (see wait).
func worker() {
	defer started.Add(-1)
	timer := time.NewTimer(time.Duration(idle.Load()))
	for {
		timer.Reset(time.Duration(idle.Load()))
		var r *run
		select {
		case r = <-jobs:
		case <-timer.C:
			if r = poll(); r == nil {
				return
			}
		}
		for r != nil {
			r.share()
			r = poll()
		}
	}
}

// polls is how often a goroutine that ran out of work looks again before it
// sleeps, about 15 µs. A network's operations follow each other within that
// time, while waking a goroutine takes up to 60 µs (the scheduler leaves a
// woken goroutine that long to the processor that woke it): without polling,
// two threads ran a small network no faster than one. Every few polls other
// goroutines get their turn.
const polls = 1000

// poll returns a queued run, or nil if none came while polling.
func poll() *run {
	for i := range polls {
		select {
		case r := <-jobs:
			return r
		default:
		}
		if i%16 == 15 {
			runtime.Gosched()
		}
	}
	return nil
}

// Run calls t.Do for every part in 0…n−1 on at most threads goroutines, the
// caller being one of them, and returns when all are done. threads ≤ 0 means
// GOMAXPROCS. Parts are handed out in ascending order. The goroutines stay for the
// next run, ten seconds at most.
func Run(threads, n int, t Task) {
	threads = min(Threads(threads), n)
	if threads <= 1 {
		for i := range n {
			t.Do(i)
		}
		return
	}
	for k := started.Load(); k < int32(threads-1); k = started.Load() {
		if started.CompareAndSwap(k, k+1) {
			go worker()
		}
	}
	r := runs.Get().(*run)
	r.task, r.n = t, n
	r.next.Store(0)
	r.tickets.Store(int64(threads))
	for range threads - 1 {
		select {
		case jobs <- r:
		default: // the queue is full: the caller does this share itself
			r.drop()
		}
	}
	r.share()
	r.wait()
	r.task = nil
	runs.Put(r)
}

// wait helps with whatever is queued until every ticket of r is back, so that
// runs that nest or outnumber the workers cannot wait for each other.
func (r *run) wait() {
	for {
		for i := range polls {
			select {
			case <-r.done:
				return
			default:
			}
			if i%16 == 15 {
				runtime.Gosched()
			}
		}
		select {
		case <-r.done:
			return
		case o := <-jobs:
			o.share()
		}
	}
}

// Threads resolves a thread option: n itself if positive, else GOMAXPROCS.
func Threads(n int) int {
	if n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}
