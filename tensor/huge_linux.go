package tensor

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// hugePage is the size of a large page of memory on amd64 and, with pages of 4 KiB, on
// arm64 and riscv64. Where it is another, the kernel does with the advice what it can.
const hugePage = 2 << 20

// leastHuge is the least size in bytes that large pages are asked for: what a weight or
// a thread's working memory takes, and more than 16 entries of a processor's table of
// translations.
const leastHuge = 64 << 10

// wantsHuge reports whether the kernel gives large pages to those who ask, and nobody
// has said not to: GODEBUG=disablethp=1 is Go's own word for that. Where all memory has
// them, or none, there is nothing to ask.
var wantsHuge = sync.OnceValue(func() bool {
	mode, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	return err == nil && strings.Contains(string(mode), "[madvise]") && !strings.Contains(os.Getenv("GODEBUG"), "disablethp=1")
})

// collapse is MADV_COLLAPSE of Linux 6.1, which package syscall lacks: make a large page
// of small ones that are in use, now. settleAfter is when that is done, once for what was
// asked for until then, since every call waits for all processors.
const (
	collapse    = 25
	settleAfter = 10 * time.Millisecond
)

// advised counts the buffers in each large page that the kernel was asked for, by the
// page's number. fresh are those that settle has not seen.
var advised struct {
	sync.Mutex
	pages map[uintptr]int
	fresh []uintptr
}

// preferHuge asks the kernel for large pages where buf lies, as long as it is in use. A
// pass over a network reads its weights, once each, and activations all over: with pages
// of 4 KiB, in a virtual machine, it took 1.08 to 1.2 times as long. The range is rounded outwards, so that neighbours share the pages:
// buffers of a network lie side by side. What else of Go's memory lies there shares them
// too, and a page takes its 2 MiB from the first byte on. Errors are of no consequence.
func preferHuge(buf []float32) {
	size := 4 * uintptr(len(buf))
	if size < leastHuge || !wantsHuge() {
		return
	}
	at := uintptr(unsafe.Pointer(&buf[0]))
	pages := [2]uintptr{at / hugePage, (at + size - 1) / hugePage}
	advise(pages, 1, syscall.MADV_HUGEPAGE)
	runtime.AddCleanup(&buf[0], func(pages [2]uintptr) { advise(pages, -1, syscall.MADV_NOHUGEPAGE) }, pages)
}

// advise adds n, 1 or −1, to the counts of a range of pages and gives the advice for
// those that are in use since now, or no more.
func advise(pages [2]uintptr, n int, advice uintptr) {
	advised.Lock()
	defer advised.Unlock()
	if advised.pages == nil {
		advised.pages = map[uintptr]int{}
	}
	var turned []uintptr
	for p := pages[0]; p <= pages[1]; p++ {
		was := advised.pages[p]
		advised.pages[p] = was + n
		if was+n == 0 {
			delete(advised.pages, p)
		}
		if was == 0 || was+n == 0 {
			turned = append(turned, p)
		}
	}
	madvise(turned, advice)
	if n > 0 && len(turned) > 0 {
		if len(advised.fresh) == 0 {
			time.AfterFunc(settleAfter, settle)
		}
		advised.fresh = append(advised.fresh, turned...)
	}
}

// settle makes large pages of those that had small ones in use when they were asked for.
func settle() {
	advised.Lock()
	var pages []uintptr
	for _, p := range advised.fresh {
		if advised.pages[p] > 0 {
			pages = append(pages, p)
		}
	}
	advised.fresh = nil
	advised.Unlock()
	slices.Sort(pages)
	madvise(slices.Compact(pages), collapse)
}

// madvise gives advice for pages in ascending order, in one call for neighbours.
func madvise(pages []uintptr, advice uintptr) {
	for len(pages) > 0 {
		n := 1
		for n < len(pages) && pages[n] == pages[0]+uintptr(n) {
			n++
		}
		syscall.Syscall(syscall.SYS_MADVISE, pages[0]*hugePage, uintptr(n)*hugePage, advice)
		pages = pages[n:]
	}
}
