package kernels

import (
	"sync"
	"sync/atomic"

	"heavytail/internal/machine"
)

// geometries remembers what was built for geometries of kind K, those used last:
// a server sees images of any size, and one of 1024×1024 pixels takes 44 MB for a
// convolution.
type geometries[K comparable, T interface{ bytes() int64 }] struct {
	sync.RWMutex
	m     map[K]*kept[T]
	left  map[K]int64 // when one that is not kept was used last
	bytes int64
	clock atomic.Int64 // uses
	limit int64        // of bytes; 0: that of geometriesBytes
}

// kept is a table and when it was used last.
type kept[T any] struct {
	table T
	used  atomic.Int64
}

// geometriesKept bounds the number of tables of a cache; a U-Net has about 30
// geometries.
const geometriesKept = 256

// geometriesBytes bounds the memory of a cache, of which there are two: together
// they stay below the tenth that sampling leaves of the memory. Of a network whose
// tables take more, what fits is kept and those beyond are built again in every
// pass: if each took the place of what was not used for longest, each would be
// gone before its turn comes again.
func geometriesBytes() int64 { return max(machine.Memory()/32, 64<<20) }

// of returns what build makes of geometry k.
func (g *geometries[K, T]) of(k K, build func(K) T) T {
	now := g.clock.Add(1)
	g.RLock()
	e := g.m[k]
	g.RUnlock()
	if e != nil {
		e.used.Store(now)
		return e.table
	}
	t := build(k)
	g.Lock()
	defer g.Unlock()
	if e := g.m[k]; e != nil { // another goroutine was faster
		return e.table
	}
	if g.m == nil {
		g.m, g.left = make(map[K]*kept[T]), make(map[K]int64)
	}
	if !g.room(k, t.bytes()) {
		g.leave(k, now)
		return t
	}
	delete(g.left, k)
	e = &kept[T]{table: t}
	e.used.Store(now)
	g.m[k] = e
	g.bytes += t.bytes()
	return t
}

// room makes room for a table of k, of so many bytes, in the place of those that
// were not used for longest, unless they were used since k was the last time: then
// their turn comes first again.
func (g *geometries[K, T]) room(k K, bytes int64) bool {
	limit := g.limit
	if limit == 0 {
		limit = geometriesBytes()
	}
	if bytes > limit {
		return false
	}
	for len(g.m) >= geometriesKept || g.bytes+bytes > limit {
		var oldest K
		first := true
		for k, e := range g.m {
			if first || e.used.Load() < g.m[oldest].used.Load() {
				oldest, first = k, false
			}
		}
		e := g.m[oldest]
		if last, known := g.left[k]; known && e.used.Load() > last {
			return false
		}
		g.bytes -= e.table.bytes()
		delete(g.m, oldest)
		g.leave(oldest, e.used.Load())
	}
	return true
}

// leave remembers when a table that is not kept was used.
func (g *geometries[K, T]) leave(k K, used int64) {
	if len(g.left) >= 4*geometriesKept {
		clear(g.left)
	}
	g.left[k] = used
}
