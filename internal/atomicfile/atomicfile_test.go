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
	require.ErrorContains(t, err, "its disk has room for")
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "one", string(got))
}
