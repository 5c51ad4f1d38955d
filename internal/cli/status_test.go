package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/atomicfile"
	"heavytail/tensor"
)

// What a retry may mend is 75, all else is 2, however deep in an error it is; the end
// of a context only where it is what ended the command.
func TestStatus(t *testing.T) {
	going := t.Context()
	ended, cancel := context.WithCancel(going)
	cancel()
	late, cancel := context.WithTimeout(going, -1)
	defer cancel()
	t.Setenv("HEAVYTAIL_DISK", "5")
	of := func(code syscall.Errno) error {
		return fmt.Errorf("write: %w", &fs.PathError{Op: "write", Path: "x", Err: code})
	}
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want int
	}{
		{going, nil, 0}, {ended, nil, 0}, {going, errors.New("gone"), 2}, {ended, errors.New("gone"), 2}, {going, context.Canceled, 2},
		{ended, fmt.Errorf("stopped: %w", context.Canceled), 75}, {late, context.DeadlineExceeded, 75},
		{going, Usage("-n 0"), 2}, {going, Usage("%w", of(syscall.EIO)), 2}, {going, fmt.Errorf("merge: %w", Passing("missing %d", 3)), 75},
		{going, fmt.Errorf("sample: %w", &tensor.Failure{Device: "cuda", Op: "Conv2D", Err: errors.New("lost")}), 75},
		{going, of(syscall.ENOSPC), 75}, {going, of(syscall.EIO), 75}, {going, of(syscall.ESTALE), 75}, {going, of(syscall.EMFILE), 75}, {going, of(syscall.EAGAIN), 75}, {going, of(syscall.ETIMEDOUT), 75},
		{going, of(syscall.ENOENT), 2}, {going, of(syscall.EACCES), 2}, {going, of(syscall.EISDIR), 2}, {going, of(syscall.EROFS), 2}, {going, os.ErrNotExist, 2},
		{going, atomicfile.Room(t.TempDir(), 6), 75},
	} {
		require.Equal(t, c.want, status(c.ctx, c.err), "%v", c.err)
	}
	require.NoError(t, atomicfile.Room(t.TempDir(), 5))
}
