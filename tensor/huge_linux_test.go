package tensor_test

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"heavytail/tensor"
)

const large = 64 << 20 // bytes of the buffers here

// needsLarge skips the test where this kernel gives no large pages on request, or, as
// under an emulator, memory that asks for them in the plainest way gets none.
func needsLarge(t *testing.T) {
	mode, _ := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	if !strings.Contains(string(mode), "[madvise]") {
		t.Skip("this kernel gives no large pages on request")
	}
	plain, err := syscall.Mmap(-1, 0, large, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	defer func() { require.NoError(t, syscall.Munmap(plain)) }()
	_ = syscall.Madvise(plain, syscall.MADV_HUGEPAGE)
	clear(plain)
	at := uintptr(unsafe.Pointer(&plain[0]))
	if got := largeBytes(t, at, at+large); got < large-4<<20 {
		t.Skipf("plain memory has %d bytes of %d in large pages", got, large)
	}
}

// TestLargePages asks the kernel how much of a buffer lies in large pages: all but the
// two at its ends, which need not lie in it whole. Where other tests left small ones
// they are joined soon after.
func TestLargePages(t *testing.T) {
	needsLarge(t)
	v := tensor.Aligned(large / 4)
	for i := range v {
		v[i] = 1
	}
	lo := uintptr(unsafe.Pointer(&v[0]))
	require.Eventually(t, func() bool { return largeBytes(t, lo, lo+large) >= large-4<<20 }, 20*time.Second, 10*time.Millisecond)
	runtime.KeepAlive(v)
}

// Once a buffer is collected, what comes to lie at its address asks for nothing.
func TestLargePagesEnd(t *testing.T) {
	needsLarge(t)
	v := tensor.Aligned(large / 4)
	lo := uintptr(unsafe.Pointer(&v[0]))
	require.NotZero(t, advised(t, lo, lo+large))
	runtime.KeepAlive(v)
	require.Eventually(t, func() bool {
		runtime.GC()
		return advised(t, lo+4<<20, lo+large-4<<20) == 0
	}, 20*time.Second, 10*time.Millisecond)
}

// advised returns how many mappings that meet lo…hi ask for large pages.
func advised(t *testing.T, lo, hi uintptr) (n int) {
	mappings(t, lo, hi, func(line string) {
		if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok && slices.Contains(strings.Fields(flags), "hg") {
			n++
		}
	})
	return n
}

// largeBytes returns how many bytes of the mappings that meet lo…hi are in large pages.
func largeBytes(t *testing.T, lo, hi uintptr) (sum int) {
	mappings(t, lo, hi, func(line string) {
		var kib int
		if n, _ := fmt.Sscanf(line, "AnonHugePages: %d kB", &kib); n == 1 {
			sum += kib << 10
		}
	})
	return sum
}

// mappings calls f with what the kernel says of each mapping that meets lo…hi.
func mappings(t *testing.T, lo, hi uintptr, f func(line string)) {
	file, err := os.Open("/proc/self/smaps")
	require.NoError(t, err)
	defer file.Close()
	in := false
	s := bufio.NewScanner(file)
	for s.Scan() {
		var a, b uintptr
		if n, _ := fmt.Sscanf(s.Text(), "%x-%x ", &a, &b); n == 2 {
			in = a < hi && b > lo
		} else if in {
			f(s.Text())
		}
	}
	require.NoError(t, s.Err())
}
