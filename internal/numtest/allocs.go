package numtest

import (
	"runtime/debug"
	"testing"
)

// NoAllocs fails unless f, called again and again, comes to allocate nothing.
// Pools grow until as many goroutines as ever meet in a kernel have each their
// value, so the first runs may allocate; the garbage collector, which empties
// pools, is off meanwhile. The race detector drops pooled values at random:
// under it f is only run.
func NoAllocs(t *testing.T, f func()) {
	t.Helper()
	if n := allocs(f); n != 0 {
		t.Fatalf("%v allocations per run, want none", n)
	}
}

// allocs returns the allocations per run of f after it has warmed up.
func allocs(f func()) (n float64) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	if raceEnabled {
		f()
		return 0
	}
	for range 6 {
		if n = testing.AllocsPerRun(4, f); n == 0 {
			break
		}
	}
	return n
}
