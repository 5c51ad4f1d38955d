//go:build !linux

package tensor

// preferHuge does nothing: only Linux is asked for large pages.
func preferHuge([]float32) {}
