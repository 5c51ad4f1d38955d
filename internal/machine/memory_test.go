package machine

import (
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
		require.Equal(t, c.want, controlGroup(c.fs), name)
	}
}
