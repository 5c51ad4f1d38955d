package numtest

import (
	"runtime"
	"unsafe"
)

// guards reports whether Guarded has guard pages on this system.
const guards = runtime.GOOS == "linux"

// at returns the address of x[i] without a bounds check.
func at(x []float32, i int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(x)), 4*i))
}
