package tensor

import (
	"sync"
	"syscall"
	"unsafe"
)

// hugePage is the size of a large page of memory on amd64 and, with pages of 4 KiB, on
// arm64 and riscv64. Where it is another, the kernel does with the advice what it can.
const hugePage = 2 << 20

// leastHuge is the least size in bytes that large pages are asked for: what a weight or
// a thread's working memory takes, and more than 16 entries of a processor's table of
// translations.
const leastHuge = 64 << 10

// collapse is MADV_COLLAPSE of Linux 6.1, which package syscall lacks: make large pages
// of small ones that are in use, now.
const collapse = 25

// advised holds the numbers of the large pages that the kernel was asked for.
var advised struct {
	sync.Mutex
	pages map[uintptr]struct{}
}

// preferHuge asks the kernel for large pages where buf lies. A pass over a network reads
// its weights, once each, and activations all over: with pages of 4 KiB the processor
// looks up where they are for a fifth of the time, in a virtual machine more. The range
// is rounded outwards, so that neighbours share the pages: buffers of a network lie
// side by side. What Go's collector frees it gives back as before, and the advice stays
// with the addresses, so each is given once. Errors are of no consequence: kernels
// without large pages, or told not to use them.
func preferHuge(buf []float32) {
	size := 4 * uintptr(len(buf))
	if size < leastHuge {
		return
	}
	lo := uintptr(unsafe.Pointer(&buf[0])) / hugePage
	hi := (uintptr(unsafe.Pointer(&buf[0])) + size - 1) / hugePage
	advised.Lock()
	defer advised.Unlock()
	if advised.pages == nil {
		advised.pages = map[uintptr]struct{}{}
	}
	for ; lo <= hi; lo++ {
		if _, ok := advised.pages[lo]; ok {
			continue
		}
		advised.pages[lo] = struct{}{}
		syscall.Syscall(syscall.SYS_MADVISE, lo*hugePage, hugePage, syscall.MADV_HUGEPAGE)
		syscall.Syscall(syscall.SYS_MADVISE, lo*hugePage, hugePage, collapse)
	}
}
