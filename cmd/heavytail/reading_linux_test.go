package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// openWriter opens a named pipe for writing when it has a reader. Who opens it the usual
// way waits for a reader for ever.
func openWriter(path string) (*os.File, error) {
	for end := time.Now().Add(longest); ; time.Sleep(time.Millisecond) {
		w, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if !errors.Is(err, syscall.ENXIO) || time.Now().After(end) {
			return w, err
		}
	}
}

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
			w, err := openWriter(filepath.Join(dir, "pipe"))
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
			require.Equal(t, 75, c.ProcessState.ExitCode(), "%s: %s", args, errs.String())
			require.Regexp(t, "^heavytail "+strings.Fields(args)[0]+": stopped by "+named[s]+": nothing was written\n$", errs.String())
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

// Opening a named pipe waits for its other end. A signal ends that as well, wherever
// a command opens a file: it waits there, or refuses what is no file.
func TestSignalsWhileAPipeIsOpened(t *testing.T) {
	dir := trained(t)
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	for _, path := range []string{"resumed/model.safetensors", "logged/log.csv", "images/a.png"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755))
		require.NoError(t, os.Symlink(filepath.Join(dir, "pipe"), filepath.Join(dir, path)))
	}
	require.NoError(t, os.Link(filepath.Join(dir, "toy/model.safetensors"), filepath.Join(dir, "logged/model.safetensors")))
	require.NoError(t, os.Link(filepath.Join(dir, "pipe"), filepath.Join(dir, "pipe.npy")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "held.npy"), 0o600)) // its reader does not read
	held, err := os.OpenFile(filepath.Join(dir, "held.npy"), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)
	defer held.Close()
	before := listing(t, dir)
	for i, args := range []string{
		"train -data csv:pipe -out o", "train -data idx:pipe -out o", "train -data images:pipe -out o", "train -data npy:pipe -out o", "train -data images:images -out o",
		"train -data toy:rings -from pipe -out o", "train -resume -out resumed", "train -resume -steps 5 -out logged", "train -resume -from pipe -out toy",
		"tail csv:pipe", "eval npy:images.npy npy:pipe", "eval npy:images.npy model:pipe", "eval npy:images.npy images:pipe",
		"info pipe", "convert pipe o.pt", "sample -model pipe -n 1", "sample -init pipe -n 1", "sample -model run/model.safetensors -init images.npy -mask pipe -n 10",
		"noise -law normal -n 9 -o pipe.npy", "noise -law normal -n 1e8 -o held.npy",
	} {
		s := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}[i%3]
		// Too early a signal ends a process that does not yet listen to it, as it
		// ought to: then another waits longer.
		for wait := 100 * time.Millisecond; ; wait *= 2 {
			status, text := signalled(t, dir, s, wait, strings.Fields(args)...)
			if status == -1 && wait < 5*time.Second {
				continue
			}
			require.Contains(t, []int{2, 75}, status, "%s: %s", args, text)
			left := "nothing was written"
			if strings.HasPrefix(args, "noise") {
				left = "what went to [a-z.]+ is a part"
			}
			require.Regexp(t, "stopped by "+named[s]+": "+left+`\n$|no \.png|is no file|neither a folder nor a file`, text, args)
			break
		}
		require.Equal(t, before, listing(t, dir), args)
	}
}

// signalled returns the exit status of a command that gets a signal after a time,
// -1 if that ended it by itself, and what it wrote.
func signalled(t *testing.T, dir string, s syscall.Signal, after time.Duration, args ...string) (int, string) {
	c := process(dir, args...)
	var errs bytes.Buffer
	c.Stderr = &errs
	require.NoError(t, c.Start())
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	select {
	case <-done: // refused at once
		return c.ProcessState.ExitCode(), errs.String()
	case <-time.After(after):
	}
	_ = c.Process.Signal(s) // it may have ended meanwhile
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		_ = c.Process.Kill()
		t.Errorf("%s did not end", strings.Join(args, " "))
		<-done
	}
	return c.ProcessState.ExitCode(), errs.String()
}

// What is no file is read by its first bytes before all of it: a device may go on
// for ever.
func TestEndlessPipes(t *testing.T) {
	for _, args := range []string{"info pipe", "sample -model pipe", "convert pipe x.safetensors", "eval toy:rings model:pipe", "sample -init pipe", "sample -init a.png -mask pipe", "tail csv:pipe", "tail npy:pipe", "tail idx:pipe"} {
		dir := t.TempDir()
		writePNG(t, filepath.Join(dir, "a.png"), func(int, int) byte { return 9 })
		require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
		written := make(chan int, 1)
		go func() {
			n := 0
			defer func() { written <- n }()
			w, err := openWriter(filepath.Join(dir, "pipe"))
			if err != nil {
				return
			}
			defer w.Close()
			for err == nil && n < 64<<20 {
				var k int
				k, err = w.Write(make([]byte, 1<<16))
				n += k
			}
		}()
		r := heavytailIn(t, dir, strings.Fields(args)...)
		require.Equal(t, 2, r.status, "%s: %s", args, r.stderr)
		require.Less(t, <-written, 1<<20, args)
	}
}
