package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A signal ends a command that reads data, also where it waits for a pipe, and
// nothing is left of its run.
func TestSignalsWhileDataAreRead(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for _, args := range []string{"train -data csv:pipe -out run", "tail csv:pipe", "tail npy:pipe", "eval csv:pipe csv:pipe"} {
			dir := t.TempDir()
			require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
			c := process(dir, strings.Fields(args)...)
			var errs bytes.Buffer
			c.Stderr = &errs
			require.NoError(t, c.Start())
			// The writer opens when the reader has; then the reader waits for data.
			w, err := os.OpenFile(filepath.Join(dir, "pipe"), os.O_WRONLY, 0)
			require.NoError(t, err)
			time.Sleep(20 * time.Millisecond)
			require.NoError(t, c.Process.Signal(s))
			done := make(chan error, 1)
			go func() { done <- c.Wait() }()
			select {
			case <-done:
			case <-time.After(20 * time.Second):
				_ = c.Process.Kill()
				t.Fatalf("%s did not end", args)
			}
			require.NoError(t, w.Close())
			require.Equal(t, 1, c.ProcessState.ExitCode(), "%s: %s", args, errs.String())
			require.Contains(t, errs.String(), "reading was stopped")
			require.Equal(t, []string{"pipe"}, listing(t, dir))
		}
	}
}

// What data promise to take is refused before it is taken, by what the process
// may use: a header of an IDX file, a table that goes on.
func TestDataLargerThanTheMachine(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	head := []byte{0, 0, 8, 3}
	for _, d := range []uint32{100, 1 << 10, 1 << 10} {
		head = binary.BigEndian.AppendUint32(head, d)
	}
	for _, part := range [][]byte{head, make([]byte, 100<<20)} {
		_, err := z.Write(part)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x-idx3-ubyte.gz"), b.Bytes(), 0o644))
	b.Reset()
	z = gzip.NewWriter(&b)
	for range 5000 {
		_, err := z.Write(bytes.Repeat([]byte("1,2,3,4\n"), 1000))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.csv.gz"), b.Bytes(), 0o644))
	const memory = 128 << 20
	most := func(args ...string) (int64, string) {
		c := process(dir, args...)
		c.Env = append(c.Env, fmt.Sprintf("HEAVYTAIL_MEMORY=%d", memory))
		out, _ := c.CombinedOutput()
		return int64(c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) << 10, string(out) // KiB
	}
	program, _ := most("version")
	for spec, want := range map[string]string{"idx:x-idx3-ubyte.gz": "the header promises more than the limit of 64 MiB", "csv:x.csv.gz": "larger than the limit of 32 MiB"} {
		took, out := most("tail", spec)
		require.Contains(t, out, want)
		require.Less(t, took-program, int64(memory), spec)
	}
}
