//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package train

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tryLock locks f without waiting; free is false if another process has it.
func tryLock(f *os.File) (free bool, err error) {
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case err == nil:
		return true, nil
	case errors.Is(err, unix.EWOULDBLOCK):
		return false, nil
	default:
		return false, errUnsupported
	}
}

// alive reports whether there is a process of that number.
func alive(process int) bool {
	return process > 0 && !errors.Is(unix.Kill(process, 0), unix.ESRCH)
}
