package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/stable"
)

// TestEvalMemory: neither side of a comparison is loaded. Of two arrays of pictures eval
// takes, beyond what few of their pictures take, less memory than the two have (loaded,
// both and their pixels in float64 are five times that), and of two of points none beyond
// those that it compares.
func TestEvalMemory(t *testing.T) {
	dir := t.TempDir()
	// In parts: the peak of a process begins with that of the one that starts it.
	write := func(name string, seed uint64, rows int, shape string, per int) {
		head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %s), }", rows, shape)
		head += strings.Repeat(" ", 117-len(head)) + "\n"
		f, err := os.Create(filepath.Join(dir, name))
		require.NoError(t, err)
		w := bufio.NewWriter(f)
		_, err = w.WriteString("\x93NUMPY\x01\x00\x76\x00" + head)
		require.NoError(t, err)
		x := make([]float32, per)
		for i := range rows {
			stable.Key{Seed: seed, Sample: uint64(i)}.Normal(x, 0)
			for j, v := range x {
				x[j] = min(max(v/3, -1), 1)
			}
			require.NoError(t, binary.Write(w, binary.LittleEndian, x))
		}
		require.NoError(t, w.Flush())
		require.NoError(t, f.Close())
	}
	const few, pictures, side, rows = 300, 1500, 32, 64 * 40_000
	write("a.npy", 1, pictures, "32, 32, 3", side*side*3)
	write("b.npy", 2, pictures, "32, 32, 3", side*side*3)
	write("few.npy", 3, few, "32, 32, 3", side*side*3)
	write("p.npy", 4, rows/64, "64", 64)
	write("q.npy", 5, rows/64, "64", 64)
	took := func(args ...string) int64 {
		c := process(dir, append(append([]string{"eval"}, args...), "-threads", "1")...)
		out, err := c.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return int64(c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) << 10
	}
	base := took("few.npy", "few.npy", "-pairs", "20")
	all := took("a.npy", "b.npy", "-pairs", "20")
	points := took("p.npy", "q.npy", "-n", "1000", "-columns", "0")
	t.Logf("%d pictures of %d kB: %.1f MB beyond those of %d; 1000 points of %d values: %.1f MB; %.1f MB in all", pictures, side*side*3*4/1000, float64(all-base)/1e6, few, rows, float64(points-base)/1e6, float64(all)/1e6)
	require.Less(t, all-base, int64(2*(pictures-few)*side*side*3*4))
	require.Less(t, points-base, int64(rows*4)*2/3)
}
