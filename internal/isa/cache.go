package isa

import (
	"runtime"
	"sync"

	"github.com/klauspost/cpuid/v2"
)

// Cache returns the bytes of a core's second-level cache, 1 MiB where the
// processor does not tell. It decides how many samples are computed at a time, and how
// many channels of a convolution, never a result; what it tells in a virtual machine may be wrong, and is not
// believed beyond what cores have.
var Cache = sync.OnceValue(func() int {
	size := cpuid.CPU.Cache.L2
	if size <= 0 {
		size = 1 << 20
	}
	return min(max(size, 1<<18), 1<<22)
})

// Ways returns how many lines that lie a multiple of 4 KiB apart the first-level cache
// of data keeps, 0 where the processor does not tell. On amd64 the bits of an address
// within its page choose the set in every processor with AVX2, so that these are its
// bytes over 4,096. It decides what is copied, never a result.
func Ways() int {
	if runtime.GOARCH != "amd64" {
		return 0
	}
	return max(0, cpuid.CPU.Cache.L1D) / 4096
}
