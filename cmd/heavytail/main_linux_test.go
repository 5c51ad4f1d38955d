package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestInterruptSavesAndSaysHowToResume(t *testing.T) {
	dir := t.TempDir()
	c := process(dir, "train", "-data", "toy:rings", "-steps", "1000000", "-batch", "64", "-points", "500", "-preview-every", "0", "-out", "run")
	var errs bytes.Buffer
	c.Stderr = &errs
	require.NoError(t, c.Start())
	model := filepath.Join(dir, "run/log.csv")
	for range 1000 {
		if st, err := os.Stat(model); err == nil && st.Size() > 100 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	require.NoError(t, c.Process.Signal(syscall.SIGINT))
	require.Error(t, c.Wait())
	require.Equal(t, 1, c.ProcessState.ExitCode())
	require.Regexp(t, `stopped after step \d+ of 1000000, saved: heavytail train -resume -out run goes on\n$`, errs.String())
	var i modelInfo
	require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "-json", "run/model.safetensors").stdout), &i))
	require.Positive(t, i.Step)
}

// Sampling stops at SIGINT and leaves nothing behind.
func TestInterruptedSampleLeavesNoFile(t *testing.T) {
	dir := trained(t)
	before := listing(t, dir)
	for _, out := range []string{"x.npy", "x.png"} {
		c := process(dir, "sample", "-model", "run/model.safetensors", "-n", "1000000", "-o", out)
		require.NoError(t, c.Start())
		time.Sleep(300 * time.Millisecond)
		require.NoError(t, c.Process.Signal(syscall.SIGINT))
		require.Error(t, c.Wait())
		require.Equal(t, 1, c.ProcessState.ExitCode())
		require.Equal(t, before, listing(t, dir))
	}
}

// A thousand samples need the memory of 64 and their own.
func TestMemoryDoesNotGrowWithTheNumber(t *testing.T) {
	dir := trained(t)
	peak := func(n int) int64 {
		c := process(dir, "sample", "-model", "run/model.safetensors", "-steps", "2", "-n", strconv.Itoa(n), "-o", "x.npy")
		require.NoError(t, c.Run())
		return c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	}
	small, large := peak(64), peak(2000)
	t.Logf("peak %d KiB for 64 samples, %d KiB for 2000", small>>10, large>>10)
	require.Less(t, large, small+2000*8*8*4+(4<<20))
}
