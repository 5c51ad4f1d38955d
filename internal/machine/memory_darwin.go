package machine

import "golang.org/x/sys/unix"

func physical() int64 {
	v, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0
	}
	return int64(v)
}

func addressSpace() int64 { return 0 }
