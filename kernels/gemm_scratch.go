package kernels

import (
	"math/bits"
	"sync"

	"heavytail/tensor"
)

// scratch is a pooled workspace of aligned float32 and of table entries.
type scratch struct {
	f []float32
	i []int32
}

var scratchPool = sync.Pool{New: func() any { return new(scratch) }}

// getScratch returns a workspace with at least n float32 and m table entries
// of unknown content.
func getScratch(n, m int) *scratch {
	s := scratchPool.Get().(*scratch)
	if len(s.f) < n {
		s.f = tensor.Aligned(roomFor(n))
	}
	if len(s.i) < m {
		s.i = make([]int32, roomFor(m))
	}
	return s
}

func (s *scratch) free() { scratchPool.Put(s) }

// roomFor rounds n up to a power of two, so that a pool of mixed sizes
// settles after few allocations.
func roomFor(n int) int { return max(1024, 1<<bits.Len(uint(n-1))) }

// cut returns the n floats after the first at, rounded up to whole cache
// lines, and where the next piece begins.
func (s *scratch) cut(at, n int) (piece []float32, next int) {
	next = at + (n+15)&^15
	return s.f[at : at+n : at+n], next
}
