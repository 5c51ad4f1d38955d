package numtest

import (
	"testing"
	"unsafe"

	"github.com/klauspost/cpuid/v2"
	"golang.org/x/sys/unix"
)

// guardAccess is what the guard pages allow: nothing. QEMU's translator reads
// the masked-off lanes of VMASKMOVPS too, which processors do not, so under it
// only writes are caught.
func guardAccess() int {
	if cpuid.CPU.HypervisorVendorString == "TCGTCGTCGTCG" {
		return unix.PROT_READ
	}
	return unix.PROT_NONE
}

// Guarded returns n zeroed float32 that end at (or, if front, begin after) a
// page that faults when touched, so that a kernel reading or writing one
// element too far dies.
func Guarded(t testing.TB, n int, front bool) []float32 {
	t.Helper()
	page := unix.Getpagesize()
	size := (n*4 + page - 1) / page * page
	mem, err := unix.Mmap(-1, 0, size+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatalf("mmap: %v", err)
	}
	t.Cleanup(func() { _ = unix.Munmap(mem) })
	for _, guard := range [][]byte{mem[:page], mem[page+size:]} {
		if err := unix.Mprotect(guard, guardAccess()); err != nil {
			t.Fatalf("mprotect: %v", err)
		}
	}
	if n == 0 {
		return []float32{}
	}
	at := page + size - n*4
	if front {
		at = page
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&mem[at])), n)
}
