package kernels

import (
	"math/bits"
	"runtime"
	"sync"

	"heavytail/tensor"
)

// scratch is a pooled workspace of aligned float32 and of table entries.
// Sizes are powers of two with a pool each, so that a small request never
// takes, and a large one never has to replace, a workspace of another size.
type scratch struct {
	f     []float32
	i     []int32
	class int
}

// leastTable is the least number of table entries.
const leastTable = 1 << 12

// smallClass is the largest class of workspaces, of 64 KiB, that sync.Pool keeps:
// one a processor, wherever the threads ran. Larger ones count: there are as many
// as were ever needed at once.
const smallClass = 14

var (
	scratchPools [smallClass + 1]sync.Pool
	scratchLists [40]scratchList
)

// A scratchList keeps free workspaces of a class. With each garbage collection it
// drops those that nobody needed since the one before.
type scratchList struct {
	sync.Mutex
	free   []*scratch
	unused int // the fewest that were free at a time
}

func (l *scratchList) get() *scratch {
	l.Lock()
	defer l.Unlock()
	n := len(l.free) - 1
	if n < 0 {
		return nil
	}
	s := l.free[n]
	l.free[n] = nil
	l.free = l.free[:n]
	l.unused = min(l.unused, n)
	return s
}

func (l *scratchList) put(s *scratch) {
	l.Lock()
	l.free = append(l.free, s)
	l.Unlock()
}

// trim drops what nobody needed, the longest unused.
func (l *scratchList) trim() {
	l.Lock()
	n := copy(l.free, l.free[l.unused:])
	clear(l.free[n:])
	l.free = l.free[:n]
	l.unused = n
	l.Unlock()
}

func init() { trimAfterGC() }

// trimAfterGC trims the lists after every garbage collection: a finalizer runs
// when one finds an object that nothing refers to.
func trimAfterGC() {
	runtime.SetFinalizer(&struct{ _ [64]byte }{}, func(any) {
		for i := range scratchLists {
			scratchLists[i].trim()
		}
		trimAfterGC()
	})
}

// getScratch returns a workspace with at least n float32 and m table entries
// of unknown content.
func getScratch(n, m int) *scratch {
	size := roomFor(n)
	class := bits.Len(uint(size)) - 1
	var s *scratch
	if class <= smallClass {
		s, _ = scratchPools[class].Get().(*scratch)
	} else {
		s = scratchLists[class].get()
	}
	if s == nil {
		s = &scratch{f: tensor.Aligned(size), class: class}
	}
	if len(s.i) < m {
		s.i = make([]int32, max(leastTable, roomFor(m)))
	}
	return s
}

func (s *scratch) free() {
	if s.class <= smallClass {
		scratchPools[s.class].Put(s)
		return
	}
	scratchLists[s.class].put(s)
}

// scratchBytes returns the size of what getScratch takes for n float32.
func scratchBytes(n int) int64 { return 4 * int64(roomFor(n)+leastTable) }

// roomFor rounds n up to a power of two, at least 1024.
func roomFor(n int) int { return 1 << bits.Len(uint(max(n, 1024)-1)) }

// cut returns the n floats from at on and where, rounded up to whole cache
// lines, the next piece begins.
func (s *scratch) cut(at, n int) (piece []float32, next int) {
	return s.f[at : at+n : at+n], (at + n + 15) &^ 15
}
