package kernels

import (
	"math/bits"
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

var scratchPools [40]sync.Pool

// getScratch returns a workspace with at least n float32 and m table entries
// of unknown content.
func getScratch(n, m int) *scratch {
	size := roomFor(n)
	class := bits.Len(uint(size)) - 1
	s, ok := scratchPools[class].Get().(*scratch)
	if !ok {
		s = &scratch{f: tensor.Aligned(size), class: class}
	}
	if len(s.i) < m {
		s.i = make([]int32, max(4096, roomFor(m)))
	}
	return s
}

func (s *scratch) free() { scratchPools[s.class].Put(s) }

// roomFor rounds n up to a power of two, at least 1024.
func roomFor(n int) int { return 1 << bits.Len(uint(max(n, 1024)-1)) }

// cut returns the n floats from at on and where, rounded up to whole cache
// lines, the next piece begins.
func (s *scratch) cut(at, n int) (piece []float32, next int) {
	return s.f[at : at+n : at+n], (at + n + 15) &^ 15
}
