package heavytail_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"heavytail"
	"heavytail/fashion"
	"heavytail/internal/machine"
	"heavytail/nn"
)

// peak returns the most memory that this process ever had, in bytes.
func peak(t testing.TB) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	return kibibytes(t, string(text), "VmHWM:")
}

// kibibytes returns the number behind key in a file of Linux's that tells of memory, in
// bytes.
func kibibytes(t testing.TB, text, key string) (n int64) {
	t.Helper()
	_, rest, _ := strings.Cut(text, key)
	_, err := fmt.Sscanf(rest, "%d kB", &n)
	require.NoError(t, err, "%s in %s", key, text)
	return n << 10
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
	fmt.Printf("peak %d %d %d\n", want, peak(t)-before, largeRanges(t))
	runtime.KeepAlive(m)
}

// largeRanges returns in how many ranges without gaps between them large pages of memory
// are asked for.
func largeRanges(t testing.TB) (n int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps")
	require.NoError(t, err)
	var from, to, last string
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if a, b, ok := strings.Cut(f[0], "-"); ok {
			from, to = a, b
		}
		if f[0] == "VmFlags:" && slices.Contains(f, "hg") {
			if from != last {
				n++
			}
			last = to
		}
	}
	return n
}

// Memory says what a process takes for a model, from the opening of its file to the
// samples, by the peak of its resident set: to a tenth, and half a megabyte, since of a
// small model a tenth is less than what does not grow with it, 0.5 to 1.6 MB: objects
// that hold no values, the rests of Go's spans and the tables of its garbage collector.
// What lies in a large page (tensor.Aligned) counts whole, and such pages are asked for
// from the one that holds a buffer's first byte to the one that holds its last: each end
// of a range of them takes up to a page more, and the child counts the ranges. Between the
// ends are buffers and what else Go keeps there.
//
// Of two threads the second may get little to do on a busy machine and then touches few
// pages of its share, so there Memory may be more.
func TestMemoryIsThePeak(t *testing.T) {
	mode, _ := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	dir := t.TempDir()
	for name, batches := range map[string][2]int{"built-in": {1, 32}, "mnist": {1, 32}, "cifar10_lt": {1, 4}} {
		path := filepath.Join(dir, name)
		if name == "built-in" {
			require.NoError(t, os.WriteFile(path, fashion.File(), 0o600))
		} else if !presetFile(t, path, name) {
			continue
		}
		for _, c := range []string{"1 small", "2 small", "1 large", "2 large"} {
			if strings.Contains(c, "large") && strings.Contains(string(mode), "[always]") {
				continue // Go's own memory lies in large pages too
			}
			for _, batch := range batches {
				peakOf(t, name, path, fmt.Sprint(batch, " ", c))
			}
		}
	}
}

// presetFile writes a network's model to path, if the machine has the memory for it.
func presetFile(t *testing.T, path, name string) bool {
	t.Helper()
	const most = 2 << 30 // this process with the file in it, and its child
	if name == "cifar10_lt" {
		if testing.Short() {
			t.Logf("%s is left out: its file of 143 MB takes seconds", name)
			return false
		}
		text, err := os.ReadFile("/proc/meminfo")
		require.NoError(t, err)
		if free := min(kibibytes(t, string(text), "MemAvailable:"), machine.Memory()); free < most {
			t.Logf("%s is left out: it wants %d MiB of free memory, there are %d", name, most>>20, free>>20)
			return false
		}
	}
	cfg, err := nn.Preset(name)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, small(t, cfg), 0o600))
	return true
}

// peakOf runs TestPeakChild on a file, for batch, threads and pages c, and holds Memory
// to the peak that it tells.
func peakOf(t *testing.T, name, path, c string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestPeakChild$", "-test.v")
	cmd.Env = append(os.Environ(), "HEAVYTAIL_TEST_PEAK="+path, "HEAVYTAIL_TEST_PEAK_BATCH="+c)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	if strings.Contains(string(out), "cannot:") {
		t.Skipf("%s", out)
	}
	_, rest, _ := strings.Cut(string(out), "peak ")
	var want, got float64
	var ranges int
	_, err = fmt.Sscan(rest, &want, &got, &ranges)
	require.NoError(t, err, "%s", out)
	t.Logf("%s, batch, threads and pages %s: Memory %.0f, peak %.0f (%.3f), large pages in %d ranges", name, c, want, got, got/want, ranges)
	slack := 0.5e6
	if strings.Contains(c, "large") {
		slack += float64(ranges * 2 * 2 << 20)
	}
	require.LessOrEqual(t, got, 1.1*want+slack, "%s, %s", name, c)
	if strings.Contains(c, " 1 ") {
		require.GreaterOrEqual(t, got, 0.9*want-0.5e6, "%s, %s", name, c)
	}
}
