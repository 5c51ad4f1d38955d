package data

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// namedPipe makes a pipe, with a writer that wrote one line and waits if
// written. What it returns closes and wakes all that wait.
func namedPipe(t *testing.T, path string, written bool) func() {
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	w, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)
	if !written {
		require.NoError(t, w.Close())
		return func() {
			w, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
			require.NoError(t, err)
			require.NoError(t, w.Close())
		}
	}
	_, err = w.WriteString("1\n")
	require.NoError(t, err)
	return func() { require.NoError(t, w.Close()) }
}
