//go:build !linux && !darwin && !windows

package machine

func free(string) (int64, bool) { return 0, false }
