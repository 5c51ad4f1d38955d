package data

import "runtime"

// allocated returns the bytes allocated since the start of the program.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
