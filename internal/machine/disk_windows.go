package machine

import (
	"math"

	"golang.org/x/sys/windows"
)

func free(dir string) (int64, bool) {
	path, err := windows.UTF16PtrFromString(dir)
	var room uint64
	if err != nil || windows.GetDiskFreeSpaceEx(path, &room, nil, nil) != nil {
		return 0, false
	}
	return int64(min(room, math.MaxInt64)), true
}
