// Package machine says how much memory this process may use, so that sizes that
// come from outside (headers of files, options of a request) can be refused
// before memory is taken.
package machine

import (
	"bufio"
	"io/fs"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
)

// unknown is the limit where the system tells none.
const unknown = 8 << 30

// Memory returns the bytes of memory this process may use: the smallest of the
// machine's memory, the limits of its control groups and that of its address
// space, and no more than an int counts. HEAVYTAIL_MEMORY, a number of bytes,
// replaces it. It is read once.
var Memory = sync.OnceValue(func() int64 {
	if v, err := strconv.ParseInt(os.Getenv("HEAVYTAIL_MEMORY"), 10, 64); err == nil && v > 0 {
		return v
	}
	limit := physical()
	if limit <= 0 {
		limit = unknown
	}
	if v := addressSpace(); v > 0 {
		limit = min(limit, v)
	}
	if v := controlGroup(os.DirFS("/")); v > 0 {
		limit = min(limit, v)
	}
	return min(limit, math.MaxInt)
})

// controlGroup returns the smallest memory limit of the control groups that
// this process is in, version 1 or 2, and of those above them; 0 if there is
// none. A container sees its own group as the root, so each path is tried from
// its full length up.
func controlGroup(root fs.FS) int64 {
	f, err := root.Open("proc/self/cgroup")
	if err != nil {
		return 0
	}
	defer f.Close()
	least := int64(0)
	for s := bufio.NewScanner(f); s.Scan(); {
		part := strings.SplitN(s.Text(), ":", 3)
		if len(part) != 3 {
			continue
		}
		base, name := "sys/fs/cgroup", "memory.max"
		switch {
		case part[1] == "memory":
			base, name = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		case part[1] != "":
			continue
		}
		for dir := path.Clean("/" + part[2]); ; dir = path.Dir(dir) {
			if v := readInt(root, path.Join(base, dir, name)); v > 0 && (least == 0 || v < least) {
				least = v
			}
			if dir == "/" {
				break
			}
		}
	}
	return least
}

// readInt returns the number that a file holds, 0 if it holds none: "max" is
// no limit.
func readInt(root fs.FS, name string) int64 {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return 0
	}
	v, _ := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return v
}
