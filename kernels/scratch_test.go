package kernels

import (
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// Of large workspaces there are as many as were needed at once, wherever the
// goroutines ran, and those that nobody needs go with the second garbage
// collection.
func TestScratchCounts(t *testing.T) {
	const n = 3 << 20 // of a class that no other test has
	list := &scratchLists[22]
	require.Empty(t, list.free)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	all := map[*scratch]bool{}
	var mu sync.Mutex
	var group sync.WaitGroup
	slots := make(chan struct{}, 2)
	for range 64 {
		group.Go(func() {
			slots <- struct{}{}
			s := getScratch(n, 5)
			mu.Lock()
			all[s] = true
			mu.Unlock()
			runtime.Gosched()
			s.free()
			<-slots
		})
	}
	group.Wait()
	require.LessOrEqual(t, len(all), 2)
	require.Len(t, list.free, len(all))
	numtest.NoAllocs(t, func() { getScratch(n, 5).free() })

	list.trim()
	getScratch(n, 5).free() // one is needed
	list.trim()
	require.Len(t, list.free, 1)
	list.trim()
	require.Empty(t, list.free)
	getScratch(n, 5).free()
	for range 100 { // finalizers run soon after a collection
		runtime.GC()
		list.Lock()
		left := len(list.free)
		list.Unlock()
		if left == 0 {
			return
		}
		runtime.Gosched()
	}
	t.Error("a workspace stays")
}
