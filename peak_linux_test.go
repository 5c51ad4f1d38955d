package heavytail_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"heavytail"
	"heavytail/fashion"
	"heavytail/nn"
)

// peak returns the most memory that this process ever had, in bytes.
func peak(t testing.TB) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	var kib int64
	_, err = fmt.Sscanf(rest, "%d kB", &kib)
	require.NoError(t, err)
	return kib << 10
}

// TestPeakChild is the child of TestMemoryIsThePeak: it prints what Memory says and
// by how much the peak of the resident set grew.
func TestPeakChild(t *testing.T) {
	file := os.Getenv("HEAVYTAIL_TEST_PEAK")
	if file == "" {
		t.Skip("run by TestMemoryIsThePeak")
	}
	var batch, threads int
	var pages string
	_, err := fmt.Sscan(os.Getenv("HEAVYTAIL_TEST_PEAK_BATCH"), &batch, &threads, &pages)
	require.NoError(t, err)
	if pages == "small" { // of a large page, what is touched in part counts as a whole
		require.NoError(t, unix.Prctl(unix.PR_SET_THP_DISABLE, 1, 0, 0, 0))
	}
	draw := func(m *heavytail.Model) {
		require.NoError(t, m.Stream(t.Context(), heavytail.Options{N: batch, Batch: batch, Steps: 4}, func(int, []float32) error { return nil }))
	}
	// A small model first: the pages of the code that runs, and the stacks, are the
	// program's.
	draw(open(t, heavytail.Loader{Threads: threads}, small(t, unet())))
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // the peak is what is there now
		fmt.Println("cannot:", err)
		return
	}
	before := peak(t)
	m, err := heavytail.Loader{Threads: threads}.OpenFile(file)
	require.NoError(t, err)
	want, err := m.Memory(batch)
	require.NoError(t, err)
	draw(m)
	fmt.Printf("peak %d %d\n", want, peak(t)-before)
}

// Memory says what a process takes for a model, from the opening of its file to the
// samples, by the peak of its resident set: to a tenth, and half a megabyte for the
// tables of the garbage collector; with large pages (tensor.Aligned) a page for the end of
// each kind of buffer, weights, packed weights and activations, since what lies there counts
// whole, and how much that is depends on where Go's memory has room. Of two threads the second may get little to do on a
// busy machine and then touches few pages of its share, so there Memory may be more.
func TestMemoryIsThePeak(t *testing.T) {
	mode, _ := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	dir := t.TempDir()
	cfg, err := nn.Preset("mnist")
	require.NoError(t, err)
	for name, file := range map[string][]byte{"built-in": fashion.File(), "mnist": small(t, cfg)} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, file, 0o600))
		for _, c := range []string{"1 1 small", "32 1 small", "32 2 small", "1 1 large", "32 1 large", "32 2 large"} {
			slack := 0.5e6
			if strings.Contains(c, "large") {
				if strings.Contains(string(mode), "[always]") {
					continue // Go's own memory lies in large pages too
				}
				slack += 3 * 2 << 20
			}
			cmd := exec.Command(os.Args[0], "-test.run=^TestPeakChild$", "-test.v")
			cmd.Env = append(os.Environ(), "HEAVYTAIL_TEST_PEAK="+path, "HEAVYTAIL_TEST_PEAK_BATCH="+c)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			if strings.Contains(string(out), "cannot:") {
				t.Skipf("%s", out)
			}
			_, rest, _ := strings.Cut(string(out), "peak ")
			var want, got float64
			_, err = fmt.Sscan(rest, &want, &got)
			require.NoError(t, err, "%s", out)
			t.Logf("%s, batch, threads and pages %s: Memory %.0f, peak %.0f (%.3f)", name, c, want, got, got/want)
			require.LessOrEqual(t, got, 1.1*want+slack, "%s, %s", name, c)
			if strings.Contains(c, " 1 ") {
				require.GreaterOrEqual(t, got, 0.9*want-0.5e6, "%s, %s", name, c)
			}
		}
	}
}
