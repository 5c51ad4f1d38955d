package machine

import (
	"math"

	"golang.org/x/sys/windows"
)

// Free returns how many bytes the disk of a folder has room for, false where that is
// not known.
func Free(dir string) (int64, bool) {
	path, err := windows.UTF16PtrFromString(dir)
	var free uint64
	if err != nil || windows.GetDiskFreeSpaceEx(path, &free, nil, nil) != nil {
		return 0, false
	}
	return int64(min(free, math.MaxInt64)), true
}
