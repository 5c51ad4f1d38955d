package machine

import (
	"bufio"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Processors returns how many processors the quotas of this process's control
// groups pay for, rounded up, and the machine's number where there are none. It is
// read once.
var Processors = sync.OnceValue(func() int {
	if q := processorGroup(os.DirFS("/")); q > 0 {
		return int(min(math.Ceil(q), float64(runtime.NumCPU())))
	}
	return runtime.NumCPU()
})

// memoryGroup returns the smallest memory limit in bytes of the control groups that
// this process is in and of those above them; 0 if there is none.
func memoryGroup(root fs.FS) int64 {
	return int64(min(1<<62, least(root, "memory", func(dir string, v1 bool) float64 {
		name := "memory.max"
		if v1 {
			name = "memory.limit_in_bytes"
		}
		return number(field(root, path.Join(dir, name), 0))
	})))
}

// processorGroup returns the smallest quota of processors likewise: microseconds of
// processor time in each period, by its length.
func processorGroup(root fs.FS) float64 {
	return least(root, "cpu", func(dir string, v1 bool) float64 {
		quota, period := field(root, path.Join(dir, "cpu.max"), 0), field(root, path.Join(dir, "cpu.max"), 1)
		if v1 {
			quota, period = field(root, path.Join(dir, "cpu.cfs_quota_us"), 0), field(root, path.Join(dir, "cpu.cfs_period_us"), 0)
		}
		if q, p := number(quota), number(period); q > 0 && p > 0 {
			return q / p
		}
		return 0
	})
}

// least returns the smallest positive limit of the control groups that this process
// is in, version 1 (below the controller's name) or 2, and of those above them; 0 if
// there is none. A container sees its own group as the root, so each path is tried
// from its full length up.
func least(root fs.FS, controller string, limit func(dir string, v1 bool) float64) float64 {
	f, err := root.Open("proc/self/cgroup")
	if err != nil {
		return 0
	}
	defer f.Close()
	least := 0.0
	for s := bufio.NewScanner(f); s.Scan(); {
		part := strings.SplitN(s.Text(), ":", 3)
		if len(part) != 3 {
			continue
		}
		base, v1 := "sys/fs/cgroup", part[1] != ""
		if v1 {
			if !slices.Contains(strings.Split(part[1], ","), controller) {
				continue
			}
			base = path.Join(base, controller)
		}
		for dir := path.Clean("/" + part[2]); ; dir = path.Dir(dir) {
			if v := limit(path.Join(base, dir), v1); v > 0 && (least == 0 || v < least) {
				least = v
			}
			if dir == "/" {
				break
			}
		}
	}
	return least
}

// field returns field i of the first line of a file, "" if there is none.
func field(root fs.FS, name string, i int) string {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b), "\n")
	if f := strings.Fields(line); i < len(f) {
		return f[i]
	}
	return ""
}

// number returns the integer that s is, 0 if it is none: "max" is no limit.
func number(s string) float64 {
	v, _ := strconv.ParseInt(s, 10, 64)
	return float64(v)
}
