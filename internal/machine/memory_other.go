//go:build !linux && !darwin && !windows

package machine

import "math"

// physical is not known here; a 32-bit machine has at most its address space.
func physical() int64 {
	if math.MaxInt == math.MaxInt32 {
		return 1 << 31
	}
	return 0
}

func addressSpace() int64 { return 0 }
