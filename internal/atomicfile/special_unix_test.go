//go:build unix

package atomicfile

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

// mode returns the type and permissions of what is at path itself.
func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	st, err := os.Lstat(path)
	require.NoError(t, err)
	return st.Mode()
}

// What is not a file takes the bytes and stays what it is: as root, renaming
// over /dev/null would have replaced the device for the whole machine.
func TestSpecialFilesAreWrittenThrough(t *testing.T) {
	dir, made := t.TempDir(), 0
	for _, kind := range []string{"device", "pipe", "socket"} {
		path := filepath.Join(dir, kind)
		got := make(chan string, 1)
		reader := func(r io.ReadCloser, err error) {
			if err != nil {
				got <- err.Error()
				return
			}
			b, _ := io.ReadAll(r)
			_ = r.Close()
			got <- string(b)
		}
		switch kind {
		case "device":
			if !numtest.NullDevice(t, path) {
				continue
			}
			got <- "whole"
		case "pipe":
			require.NoError(t, syscall.Mkfifo(path, 0o600))
			go func() { reader(os.Open(path)) }()
		case "socket":
			l, err := net.Listen("unix", path)
			require.NoError(t, err)
			defer l.Close()
			go func() { reader(l.Accept()) }()
		}
		made++
		was := mode(t, path)
		require.NoError(t, Write(path, text("whole")), kind)
		require.Equal(t, was, mode(t, path), kind)
		select {
		case s := <-got:
			require.Equal(t, "whole", s, kind)
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: its reader got nothing", kind)
		}
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, made, "temporary files stay behind")
}

func TestLinksAreFollowed(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.MkdirAll(at("real/deep"), 0o755))
	require.NoError(t, os.WriteFile(at("real/file"), []byte("old"), 0o640))
	for name, to := range map[string]string{
		"absolute": at("real/file"), "relative": "real/file", "twice": "relative", "dangling": "real/new", "folder": "real/deep",
		"real/deep/up": "../file", // from dir/folder/up: dir/real/file, not dir/file
	} {
		require.NoError(t, os.Symlink(to, at(name)))
	}
	for _, name := range []string{"absolute", "relative", "twice", "folder/up"} {
		require.NoError(t, Write(at(name), text(name)))
		require.Equal(t, name, content(t, at("real/file")))
		require.NotZero(t, mode(t, at(name))&os.ModeSymlink, name)
		require.EqualValues(t, 0o640, mode(t, at("real/file")))
	}
	require.NoError(t, Write(at("dangling"), text("made")))
	require.Equal(t, "made", content(t, at("real/new")))
	require.NotZero(t, mode(t, at("dangling"))&os.ModeSymlink)
	require.NoError(t, os.Symlink("loop", at("loop")))
	require.Error(t, Write(at("loop"), text("")))
	require.ErrorContains(t, Write(at("folder"), text("")), "folder")
}

// TestMain lets the test binary be a program that ends within Write.
func TestMain(m *testing.M) {
	if path := os.Getenv("HEAVYTAIL_TEST_CLEANUP"); path != "" {
		_ = Write(path, func(io.Writer) error {
			if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
				os.Exit(2)
			}
			Cleanup()
			os.Exit(0)
			return nil
		})
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestCleanup(t *testing.T) {
	dir := t.TempDir()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "HEAVYTAIL_TEST_CLEANUP="+filepath.Join(dir, "a"))
	require.NoError(t, c.Run())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

// A new file has 0666 less the umask, as every program's; a replaced one keeps
// what it had.
func TestUmaskIsKept(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	for _, mask := range []int{0o077, 0o022, 0o002} {
		old := syscall.Umask(mask)
		_ = os.Remove(path)
		err := Write(path, text("new"))
		syscall.Umask(old)
		require.NoError(t, err)
		require.EqualValues(t, 0o666&^mask, mode(t, path), "umask %03o", mask)
	}
	require.NoError(t, os.Chmod(path, 0o604))
	require.NoError(t, Write(path, text("again")))
	require.EqualValues(t, 0o604, mode(t, path))
}
