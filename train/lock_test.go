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

// What is no lock stays as it is: a link's target was written over.
func TestLockSparesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, lockFile), filepath.Join(dir, "mine.txt")
	for _, text := range []string{"my notes", "", `{"process":1,"host":"elsewhere"}`} {
		require.NoError(t, os.WriteFile(other, []byte(text), 0o644))
		if err := os.Symlink(other, path); err != nil {
			t.Skip(err) // some systems let only few make links
		}
		_, err := LockFolder(dir)
		require.ErrorContains(t, err, path+" is not the lock of a training")
		require.NoError(t, os.Remove(path))
		got, err := os.ReadFile(other)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
	}
	require.NoError(t, os.Symlink(filepath.Join(dir, "none"), path))
	_, err := LockFolder(dir)
	require.ErrorContains(t, err, "not the lock")
	require.NoFileExists(t, filepath.Join(dir, "none"))
	require.NoError(t, os.Remove(path))
	for _, text := range []string{"my notes", "{}", `{"name":"x"}`} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		_, err := LockFolder(dir)
		require.ErrorContains(t, err, "not the lock")
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
	}
	require.NoError(t, os.WriteFile(path, nil, 0o644)) // of a training that died before it signed
	l, err := LockFolder(dir)
	require.NoError(t, err)
	require.NoError(t, l.Release())
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
