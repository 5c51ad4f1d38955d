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
// tables take more, those beyond are built again in every pass.
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
	limit := g.limit
	if limit == 0 {
		limit = geometriesBytes()
	}
	if t.bytes() > limit {
		return t
	}
	for len(g.m) >= geometriesKept || g.bytes+t.bytes() > limit {
		g.forget()
	}
	if g.m == nil {
		g.m = make(map[K]*kept[T])
	}
	e = &kept[T]{table: t}
	e.used.Store(now)
	g.m[k] = e
	g.bytes += t.bytes()
	return t
}

// forget drops the table that was not used for longest.
func (g *geometries[K, T]) forget() {
	var oldest K
	first := true
	for k, e := range g.m {
		if first || e.used.Load() < g.m[oldest].used.Load() {
			oldest, first = k, false
		}
	}
	g.bytes -= g.m[oldest].table.bytes()
	delete(g.m, oldest)
}
