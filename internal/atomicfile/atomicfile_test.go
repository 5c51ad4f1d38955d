package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
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
