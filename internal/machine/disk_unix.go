//go:build linux || darwin

package machine

import (
	"math"

	"golang.org/x/sys/unix"
)

// free is Free by the system: some file systems of networks tell nothing.
func free(dir string) (int64, bool) {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil || s.Blocks == 0 {
		return 0, false
	}
	return int64(min(float64(s.Bavail)*float64(s.Bsize), math.MaxInt64/2)), true
}
