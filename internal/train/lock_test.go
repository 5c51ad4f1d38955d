package train

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A folder has one owner at a time, whoever left which lock file behind.
func TestLockFolder(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, lockFile)
	require.NoError(t, os.WriteFile(path, []byte(`{"process":1,"host":"elsewhere"}`), 0o644)) // nobody has it open
	l, err := LockFolder(dir)
	require.NoError(t, err)
	var o owner
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &o))
	require.Equal(t, os.Getpid(), o.Process)
	_, err = LockFolder(dir)
	require.ErrorContains(t, err, o.String())
	require.ErrorContains(t, err, "remove "+path)
	require.NoError(t, l.Release())
	require.NoFileExists(t, path)
	l, err = LockFolder(dir)
	require.NoError(t, err)
	require.NoError(t, os.Remove(path)) // a person did
	require.NoError(t, l.Release())
	_, err = LockFolder(filepath.Join(dir, "no"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// Where there are no locks, an owner on this host that has ended has no say, one
// elsewhere has.
func TestOwnerIsGone(t *testing.T) {
	host, err := os.Hostname()
	require.NoError(t, err)
	ended := exec.Command(os.Args[0], "-test.run=^$")
	require.NoError(t, ended.Run())
	require.True(t, owner{ended.Process.Pid, host}.gone())
	require.False(t, owner{os.Getpid(), host}.gone())
	require.False(t, owner{ended.Process.Pid, "elsewhere"}.gone())
}
