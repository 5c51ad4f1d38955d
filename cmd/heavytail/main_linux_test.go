package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/modelfile"
)

func TestInterruptSavesAndSaysHowToResume(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) { testSignalSaves(t, s) })
	}
}

// named are the signals as regular expressions of what messages call them.
var named = map[os.Signal]string{syscall.SIGINT: `Ctrl-C \(SIGINT\)`, syscall.SIGTERM: "SIGTERM", syscall.SIGHUP: "SIGHUP, as its terminal was closed"}

func testSignalSaves(t *testing.T, s os.Signal) {
	dir := t.TempDir()
	c := process(dir, "train", "-data", "toy:rings", "-steps", "1000000", "-batch", "64", "-points", "500", "-preview-every", "0", "-out", "run")
	var errs bytes.Buffer
	c.Stderr = &errs
	require.NoError(t, c.Start())
	model := filepath.Join(dir, "run/log.csv")
	for end := time.Now().Add(longest); time.Now().Before(end); {
		if st, err := os.Stat(model); err == nil && st.Size() > 100 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	require.NoError(t, c.Process.Signal(s))
	require.Error(t, c.Wait())
	require.Equal(t, 75, c.ProcessState.ExitCode())
	require.Regexp(t, `stopped by `+named[s]+`: step \d+ of 1000000 is saved, and heavytail train -resume -preview-every 0 -out run goes on\n$`, errs.String())
	var i modelfile.Info
	require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "-json", "run/model.safetensors").stdout), &i))
	require.Positive(t, i.Step)
}

// await waits until a folder holds a temporary file.
func await(t *testing.T, dir string) {
	t.Helper()
	for end := time.Now().Add(longest); time.Now().Before(end); {
		if slices.ContainsFunc(listing(t, dir), func(name string) bool { return strings.HasSuffix(name, ".tmp") }) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("no temporary file appeared")
}

// A second signal ends the program at once, in the middle of an evaluation of
// the network if need be, and even then no temporary file stays.
func TestSecondSignalLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		c := process(dir, "sample", "-n", "64", "-batch", "64", "-size", "128", "-steps", "100", "-o", "x.npy")
		require.NoError(t, c.Start())
		await(t, dir)
		time.Sleep(300 * time.Millisecond) // into the first evaluation, which takes seconds
		require.NoError(t, c.Process.Signal(s))
		time.Sleep(20 * time.Millisecond)
		_ = c.Process.Signal(s) // unless it has ended by then
		require.Error(t, c.Wait())
		require.Empty(t, listing(t, dir), "%s", s)
	}
}

// SIGQUIT and its kind end the program at once and show what it was doing, without
// a temporary file, also after a signal that asked it to end.
func TestQuitLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	for _, signals := range [][]syscall.Signal{{syscall.SIGQUIT}, {syscall.SIGABRT}, {syscall.SIGTRAP}, {syscall.SIGTERM, syscall.SIGQUIT}} {
		c := process(dir, "sample", "-n", "64", "-batch", "64", "-size", "128", "-steps", "100", "-o", "x.npy")
		var errs bytes.Buffer
		c.Stderr = &errs
		require.NoError(t, c.Start())
		await(t, dir)
		for _, s := range signals {
			_ = c.Process.Signal(s) // the first may have ended it
		}
		require.Error(t, c.Wait())
		require.Empty(t, listing(t, dir), "%v", signals)
		if len(signals) == 1 {
			require.Contains(t, errs.String(), "goroutine ", "%v", signals)
			require.Equal(t, 2, c.ProcessState.ExitCode())
		}
	}
}

// Under nohup SIGHUP does nothing.
func TestIgnoredHangupStaysIgnored(t *testing.T) {
	dir := t.TempDir()
	c := exec.Command("sh", "-c", `trap "" HUP; exec "$0" sample -n 1 -steps 10 -o x.npy`, os.Args[0])
	c.Dir, c.Env = dir, append(os.Environ(), "HEAVYTAIL_TEST_COMMAND=1")
	require.NoError(t, c.Start())
	await(t, dir)
	_ = c.Process.Signal(syscall.SIGHUP)
	require.NoError(t, c.Wait())
	require.Equal(t, []string{"x.npy"}, listing(t, dir))
}

// As root, eval -json /dev/null replaced the device by a file.
func TestOutputsThatAreNoFiles(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "p.npy"), 0o600))
	got := make(chan []byte, 1)
	go func() {
		b, _ := os.ReadFile(filepath.Join(dir, "p.npy"))
		got <- b
	}()
	ok(t, dir, "noise", "-law", "normal", "-n", "10", "-type", "f64", "-o", "p.npy")
	ok(t, dir, "noise", "-law", "normal", "-n", "10", "-type", "f64", "-o", "a.npy")
	want, err := os.ReadFile(filepath.Join(dir, "a.npy"))
	require.NoError(t, err)
	require.Equal(t, want, <-got)
	left := []string{"a.npy", "p.npy"}
	if null := filepath.Join(dir, "null.npy"); numtest.NullDevice(t, null) {
		ok(t, dir, "noise", "-law", "normal", "-n", "10", "-o", "null.npy")
		st, err := os.Stat(null)
		require.NoError(t, err)
		require.NotZero(t, st.Mode()&os.ModeCharDevice)
		left = []string{"a.npy", "null.npy", "p.npy"}
	}
	require.Equal(t, left, listing(t, dir))
}

// Sampling stops at SIGINT and leaves nothing behind.
func TestInterruptedSampleLeavesNoFile(t *testing.T) {
	dir := trained(t)
	before := listing(t, dir)
	for _, out := range []string{"x.npy", "x.png"} {
		// On a busy machine a process may not listen yet: then another waits longer.
		for wait := 300 * time.Millisecond; ; wait *= 2 {
			status, text := signalled(t, dir, syscall.SIGINT, wait, "sample", "-model", "run/model.safetensors", "-n", "1000000", "-o", out)
			if status == -1 && wait < 20*time.Second {
				continue
			}
			require.Equal(t, 75, status, text)
			break
		}
		require.Equal(t, before, listing(t, dir))
	}
}

// A thousand samples need the memory of 64 and their own.
func TestMemoryDoesNotGrowWithTheNumber(t *testing.T) {
	dir := trained(t)
	peak := func(n int) int64 {
		c := process(dir, "sample", "-model", "run/model.safetensors", "-steps", "2", "-n", strconv.Itoa(n), "-o", "x.npy")
		require.NoError(t, c.Run())
		return int64(c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) << 10
	}
	small, large := peak(64), peak(2000)
	t.Logf("peak %d KiB for 64 samples, %d KiB for 2000", small>>10, large>>10)
	require.Less(t, large, small+2000*8*8*4+(4<<20))
}

// A command that is interrupted says by what, and what is left of its work, wherever it
// was: also where it computes, in files that were there before, in folders and pipes.
func TestInterruptedCommandsSayWhatIsLeft(t *testing.T) {
	dir := trained(t)
	table(t, filepath.Join(dir, "x.csv"), "a", studentValues(200000, 3))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "old.npy"), []byte("old"), 0o644))
	for i, c := range []struct {
		args, left string
		file       bool // that has a temporary one while it is written
	}{
		{"noise -law stable:1.5,0 -n 1e8 -o x.npy", "x.npy was not written", true},
		{"noise -law stable:1.5,0 -n 1e8 -o old.npy", "old.npy is as it was", true},
		{"noise -law stable:1.5,0 -n 2e9 -o -", "what went to the standard output is a part", false},
		{"sample -model run/model.safetensors -n 1000000 -o x.npy", "x.npy was not written", true},
		{"sample -model run/model.safetensors -n 1000000 -o x.png", "x.png was not written", false},
		{"sample -model run/model.safetensors -n 1000000 -o pictures/", `\d+ of 1000000 pictures are in pictures/`, false},
		{"tail x.csv -n 200000", "nothing was written", false},
		{"eval x.csv x.csv -json e.json", "nothing was written", false},
		{"bench gemm -count 1000000", `0 of \d+ cases were timed`, false},
	} {
		s := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}[i%3]
		said := func(text, left string) bool {
			return regexp.MustCompile("^heavytail " + strings.Fields(c.args)[0] + ": stopped by " + named[s] + ": " + left + `\n$`).MatchString(text)
		}
		if c.file {
			p := process(dir, strings.Fields(c.args)...)
			var errs bytes.Buffer
			p.Stderr = &errs
			require.NoError(t, p.Start())
			await(t, dir)
			require.NoError(t, p.Process.Signal(s))
			require.Error(t, p.Wait())
			require.Equal(t, 75, p.ProcessState.ExitCode(), "%s: %s", c.args, errs.String())
			require.True(t, said(errs.String(), c.left), "%s: %s", c.args, errs.String())
			continue
		}
		for wait := 100 * time.Millisecond; ; wait *= 2 { // as in TestSignalsWhileAPipeIsOpened
			status, text := signalled(t, dir, s, wait, strings.Fields(c.args)...)
			// Before it listens, and before its model is read, when there is nothing yet to leave.
			if early := status == -1 || said(text, "nothing was written") && !said(text, c.left); early && wait < 10*time.Second {
				continue
			}
			require.Equal(t, 75, status, "%s: %s", c.args, text)
			require.True(t, said(text, c.left), "%s: %s", c.args, text)
			break
		}
	}
	require.NoFileExists(t, filepath.Join(dir, "x.npy"))
	require.NoFileExists(t, filepath.Join(dir, "e.json"))
	require.Equal(t, "old", string(readFile(t, filepath.Join(dir, "old.npy"))))
}

// The memory of eval is that of the samples that it compares, of however many.
func TestMemoryOfEvalOfALongSet(t *testing.T) {
	dir := t.TempDir()
	peak := func(n string) int64 {
		ok(t, dir, "noise", "-law", "isotropic:1.9", "-d", "2", "-n", n, "-o", "x.npy")
		c := process(dir, "eval", "toy:rings", "x.npy", "-n", "500")
		require.NoError(t, c.Run())
		return int64(c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) << 10
	}
	small, large := peak("1000"), peak("4e6")
	t.Logf("peak %d KiB beside 1000 samples, %d KiB beside 4,000,000 of 32 MB", small>>10, large>>10)
	require.Less(t, large, small+(8<<20))
}
