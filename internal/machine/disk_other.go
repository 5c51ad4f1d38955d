//go:build !linux && !darwin && !windows

package machine

// Free returns how many bytes the disk of a folder has room for, false where that is
// not known.
func Free(dir string) (int64, bool) { return 0, false }
