package machine

import (
	"math"

	"golang.org/x/sys/unix"
)

func physical() int64 {
	var s unix.Sysinfo_t
	if unix.Sysinfo(&s) != nil {
		return 0
	}
	return int64(s.Totalram) * int64(s.Unit)
}

// addressSpace is what ulimit -v sets.
func addressSpace() int64 {
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_AS, &r) != nil || r.Cur > math.MaxInt64 {
		return 0
	}
	return int64(r.Cur)
}
