package numtest

import (
	"os"
	"os/exec"
	"testing"
)

// NullDevice makes path a device that takes everything and reports whether it
// could. Root gets one of its own: a broken program that replaces what it should
// write through must not replace the machine's /dev/null, which others cannot.
func NullDevice(t testing.TB, path string) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return os.Symlink("/dev/null", path) == nil
	}
	if err := exec.Command("mknod", "-m", "666", path, "c", "1", "3").Run(); err != nil {
		t.Logf("left out: no device of its own: mknod: %v", err)
		return false
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0) // not where the file system has no devices
	if err != nil {
		_ = os.Remove(path)
		t.Logf("left out: no device of its own: %v", err)
		return false
	}
	return f.Close() == nil
}
