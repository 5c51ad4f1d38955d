package tensor_test

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"heavytail/tensor"
)

// TestLargePages asks the kernel how much of 16 MiB lies in large pages: all but the
// two at its ends, which need not lie in it whole.
func TestLargePages(t *testing.T) {
	mode, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	if err != nil || strings.Contains(string(mode), "[never]") {
		t.Skip("this kernel gives no large pages on request")
	}
	const size = 16 << 20
	v := tensor.Aligned(size / 4)
	for i := range v {
		v[i] = 1
	}
	lo := uintptr(unsafe.Pointer(&v[0]))
	huge := largeBytes(t, lo, lo+size)
	runtime.KeepAlive(v)
	require.GreaterOrEqual(t, huge, size-(4<<20), "bytes in large pages of %d", size)
}

// largeBytes returns how many bytes of the mappings that meet lo…hi are in large pages.
func largeBytes(t *testing.T, lo, hi uintptr) int {
	f, err := os.Open("/proc/self/smaps")
	require.NoError(t, err)
	defer f.Close()
	sum, in := 0, false
	s := bufio.NewScanner(f)
	for s.Scan() {
		var a, b uintptr
		var kib int
		if n, _ := fmt.Sscanf(s.Text(), "%x-%x ", &a, &b); n == 2 {
			in = a < hi && b > lo
		} else if n, _ := fmt.Sscanf(s.Text(), "AnonHugePages: %d kB", &kib); n == 1 && in {
			sum += kib << 10
		}
	}
	require.NoError(t, s.Err())
	return sum
}
