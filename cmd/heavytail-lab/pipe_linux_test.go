package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/internal/cli"
)

// Opening a named pipe waits for its other end. The end of the context ends that
// wherever an experiment opens a file, or the pipe is refused as no file.
func TestContextEndsWhileAPipeIsOpened(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, syscall.Mkfifo("pipe", 0o600))
	for _, path := range []string{"real/danish.csv", "rows/rows.csv", "set/settings.txt"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.Symlink("../pipe", path))
	}
	before := listing(t, ".")
	for _, args := range []string{"run real -data real -state s", "run tails -quick -state rows", "run tails -quick -state set"} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		var errs bytes.Buffer
		done := make(chan int, 1)
		go func() { done <- program.Run(ctx, cli.Env{Stdout: &errs, Stderr: &errs}, strings.Fields(args)) }()
		select {
		case status := <-done:
			require.Contains(t, []int{2, 75}, status, "%s: %s", args, errs.String())
		case <-time.After(20 * time.Second):
			t.Fatalf("%s did not end", args)
		}
		cancel()
		require.Regexp(t, `deadline exceeded|is no file`, errs.String(), args)
		require.Equal(t, before, listing(t, "."), args)
	}
}
