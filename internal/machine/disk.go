package machine

import (
	"os"
	"strconv"
)

// Free returns how many bytes the disk of a folder has room for, false where that is
// not known. HEAVYTAIL_DISK, a number of bytes, replaces it.
func Free(dir string) (int64, bool) {
	if v, err := strconv.ParseInt(os.Getenv("HEAVYTAIL_DISK"), 10, 64); err == nil && v > 0 {
		return v, true
	}
	return free(dir)
}
