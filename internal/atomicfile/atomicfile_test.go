package atomicfile

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/machine"
)

func TestWriteReplacesOrLeavesAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	put := func(s string, err error) error {
		return Write(path, func(w io.Writer) error {
			_, _ = io.WriteString(w, s)
			return err
		})
	}
	require.NoError(t, put("one", nil))
	require.NoError(t, put("two", nil))
	require.ErrorContains(t, put("three", errors.New("disk on fire")), "disk on fire")
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "two", string(got))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "temporary files stay behind")
	long := filepath.Join(dir, strings.Repeat("n", 255)) // the longest name there is
	require.NoError(t, Write(long, func(io.Writer) error { return nil }))
	require.ErrorContains(t, Write(filepath.Join(dir, "no", "x"), nil), "no")
}

// A file that no disk has room for is refused before it is begun, and leaves the one
// that is there; what is no file has no end.
func TestWriteSized(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" && runtime.GOOS != "windows" {
		t.Skip("the room on a disk is not known here")
	}
	path := filepath.Join(t.TempDir(), "a")
	require.NoError(t, WriteSized(path, 3, func(w io.Writer) error { _, err := io.WriteString(w, "one"); return err }))
	err := WriteSized(path, math.MaxInt64, func(io.Writer) error { panic("begun") })
	require.ErrorContains(t, err, "the disk has room for")
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "one", string(got))
}

// The room of a folder that is not there yet is that of where it will be.
func TestRoom(t *testing.T) {
	t.Setenv("HEAVYTAIL_DISK", "1500")
	for _, dir := range []string{"", ".", "no/such/folder", t.TempDir(), filepath.Join(t.TempDir(), "a/b")} {
		require.NoError(t, Room(dir, 1500))
		require.EqualError(t, Room(dir, 2.5e6), "at least 2.5 MB would be written, and the disk has room for 1.5 kB: write less, or to another disk")
	}
	t.Setenv("HEAVYTAIL_DISK", "")
	if _, known := machine.Free("."); known {
		require.ErrorContains(t, Room(filepath.Join(t.TempDir(), "a/b"), math.MaxInt64), "GB would be written")
	}
}
