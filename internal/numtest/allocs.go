package numtest

import "testing"

// NoAllocs fails if f allocates once its pools are warm. Under the race
// detector, where sync.Pool drops values at random, it only runs f.
func NoAllocs(t *testing.T, f func()) {
	t.Helper()
	if n := testing.AllocsPerRun(20, f); n > 0 && !raceEnabled {
		t.Fatalf("%v allocations per run, want none", n)
	}
}
