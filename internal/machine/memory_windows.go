package machine

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// memoryStatus is the system's MEMORYSTATUSEX.
type memoryStatus struct {
	length, load                       uint32
	totalPhys, availPhys               uint64
	totalPageFile, availPageFile       uint64
	totalVirtual, availVirtual, extend uint64
}

func physical() int64 {
	s := memoryStatus{}
	s.length = uint32(unsafe.Sizeof(s))
	ok, _, _ := windows.NewLazySystemDLL("kernel32.dll").NewProc("GlobalMemoryStatusEx").Call(uintptr(unsafe.Pointer(&s)))
	if ok == 0 {
		return 0
	}
	return int64(s.totalPhys)
}

func addressSpace() int64 { return 0 }
