package machine

import (
	"runtime"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestMemory(t *testing.T) {
	require.Positive(t, Memory())
	require.Positive(t, physical())
	require.LessOrEqual(t, Memory(), physical())
}

func TestControlGroup(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	for name, c := range map[string]struct {
		fs   fstest.MapFS
		want int64
	}{
		"none":               {fstest.MapFS{}, 0},
		"v2":                 {fstest.MapFS{"proc/self/cgroup": file("0::/a/b\n"), "sys/fs/cgroup/a/b/memory.max": file("max\n"), "sys/fs/cgroup/a/memory.max": file("1000\n")}, 1000},
		"v2, smaller inside": {fstest.MapFS{"proc/self/cgroup": file("0::/a/b\n"), "sys/fs/cgroup/a/b/memory.max": file("500\n"), "sys/fs/cgroup/a/memory.max": file("1000\n")}, 500},
		"v2 in a container":  {fstest.MapFS{"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("77")}, 77},
		"v1":                 {fstest.MapFS{"proc/self/cgroup": file("5:cpu,cpuacct:/x\n4:memory:/docker/1\n0::/\n"), "sys/fs/cgroup/memory/memory.limit_in_bytes": file("4096\n")}, 4096},
		"broken":             {fstest.MapFS{"proc/self/cgroup": file("::\nx\n0::relative"), "sys/fs/cgroup/relative/memory.max": file("12a\n")}, 0},
	} {
		require.Equal(t, c.want, memoryGroup(c.fs), name)
	}
}

// Quotas of processors: of every group up to the root, rounded up, in both versions.
func TestProcessors(t *testing.T) {
	require.Positive(t, Processors())
	require.LessOrEqual(t, Processors(), runtime.NumCPU())
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	for name, c := range map[string]struct {
		fs   fstest.MapFS
		want float64
	}{
		"none":              {fstest.MapFS{"proc/self/cgroup": file("0::/a\n")}, 0},
		"no quota":          {fstest.MapFS{"proc/self/cgroup": file("0::/a\n"), "sys/fs/cgroup/a/cpu.max": file("max 100000\n")}, 0},
		"v2":                {fstest.MapFS{"proc/self/cgroup": file("0::/a/b\n"), "sys/fs/cgroup/a/b/cpu.max": file("300000 100000\n"), "sys/fs/cgroup/a/cpu.max": file("150000 100000\n")}, 1.5},
		"v2 in a container": {fstest.MapFS{"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/cpu.max": file("50000 100000\n")}, 0.5},
		"v1":                {fstest.MapFS{"proc/self/cgroup": file("5:cpuacct,cpu:/x\n4:memory:/y\n"), "sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": file("200000\n"), "sys/fs/cgroup/cpu/x/cpu.cfs_period_us": file("50000\n")}, 4},
		"v1, no quota":      {fstest.MapFS{"proc/self/cgroup": file("5:cpu:/x\n"), "sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": file("-1\n"), "sys/fs/cgroup/cpu/x/cpu.cfs_period_us": file("100000\n")}, 0},
		"broken":            {fstest.MapFS{"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/cpu.max": file("100000")}, 0},
	} {
		require.Equal(t, c.want, processorGroup(c.fs), name)
	}
}
