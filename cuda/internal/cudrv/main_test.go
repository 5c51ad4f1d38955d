//go:build cuda && cgo && linux && amd64

package cudrv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/internal/driver"
)

// The tests run in a process of their own, whose libcuda.so.1 is testdata/fake.c.
// HEAVYTAIL_TEST_DRIVER is what this process is: "" the first one, which builds the
// fake and starts the second; "fake" that; "real" for the tests that hold on a GPU
// too; "print" one that prints what it finds.
const envDriver = "HEAVYTAIL_TEST_DRIVER"

func TestMain(m *testing.M) {
	switch os.Getenv(envDriver) {
	case "fake", "real":
		os.Exit(m.Run())
	case "print":
		all, err := Devices()
		_, open := Open(0)
		fmt.Printf("%d devices\n%v\n%v\n", len(all), err, open)
	default:
		code, err := inFake()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}
}

// inFake runs this program again on the fake driver.
func inFake() (int, error) {
	dir, err := os.MkdirTemp("", "fakecuda")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := buildFake(dir); err != nil {
		return 0, err
	}
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), envDriver+"=fake", "LD_LIBRARY_PATH="+dir)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		return 0, err
	}
	return cmd.ProcessState.ExitCode(), nil
}

// buildFake makes a libcuda.so.1. The C compiler is there: without one this test
// was not built.
func buildFake(dir string, flags ...string) error {
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	args := append([]string{"-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", filepath.Join(dir, "libcuda.so.1"), "testdata/fake.c", "-lpthread"}, flags...)
	if out, err := exec.Command(cc, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cc, err, out)
	}
	return nil
}

// fake skips a test that a real GPU cannot take.
func fake(t *testing.T) {
	if os.Getenv(envDriver) != "fake" {
		t.Skip("needs the fake driver")
	}
}

// printed runs this program as one that prints what it finds, with a driver in
// dir, and returns its lines.
func printed(t *testing.T, dir string, env ...string) string {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append(env, envDriver+"=print", "LD_LIBRARY_PATH="+dir)...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// A program starts without a driver, with one that is too old and with one that
// finds no GPU, and says which it is.
func TestMissing(t *testing.T) {
	fake(t)
	if _, err := exec.Command("sh", "-c", "ldconfig -p | grep libcuda.so.1").Output(); err == nil {
		t.Log("this machine has a driver: not tested without one")
	} else {
		none := printed(t, t.TempDir())
		require.Equal(t, 2, strings.Count(none, "no driver for NVIDIA's GPUs: libcuda.so.1: "), none)
		require.Contains(t, none, "compute on the CPU")
	}
	old := t.TempDir()
	require.NoError(t, buildFake(old, "-DOLD"))
	require.Equal(t, 2, strings.Count(printed(t, old), "libcuda.so.1, is too old: it lacks cuGraphLaunch;"))

	dir := os.Getenv("LD_LIBRARY_PATH")
	require.Contains(t, printed(t, dir, "FAKE_FAIL=cuInit:100"), "does not start: cuInit: CUDA_ERROR_NO_DEVICE (number 100); install")
	require.Contains(t, printed(t, dir), "2 devices\n<nil>\n<nil>\n")
	require.Contains(t, printed(t, dir, "FAKE_FAIL=cuDevicePrimaryCtxRetain:2"), driver.ErrMemory.Error()+": cuDevicePrimaryCtxRetain: CUDA_ERROR_OUT_OF_MEMORY")
}

// The driver is started when it is first asked for, and once.
func TestLazy(t *testing.T) {
	fake(t)
	log := filepath.Join(t.TempDir(), "log")
	printed(t, os.Getenv("LD_LIBRARY_PATH"), "FAKE_LOG="+log)
	require.Equal(t, 1, strings.Count(read(t, log), "cuInit\n"))
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	os.Remove(log)
	cmd.Env = append(os.Environ(), "FAKE_LOG="+log)
	require.NoError(t, cmd.Run())
	require.NoFileExists(t, log)
}

func read(t *testing.T, name string) string {
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(b)
}

// logged returns the lines of the fake's log that calls of f add.
func logged(t *testing.T, f func()) []string {
	t.Helper()
	fake(t)
	name := filepath.Join(t.TempDir(), "log")
	t.Setenv("FAKE_LOG", name)
	f()
	os.Unsetenv("FAKE_LOG")
	if _, err := os.Stat(name); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return strings.Split(strings.TrimSpace(read(t, name)), "\n")
}

// open opens a GPU for a test.
func open(t *testing.T, ordinal int) driver.Driver {
	t.Helper()
	g, err := Open(ordinal)
	if err != nil && os.Getenv(envDriver) == "real" {
		t.Skip(err)
	}
	require.NoError(t, err)
	return g
}

// probe opens a GPU and the kernels of probe.ptx.
func probe(t *testing.T, entries ...string) (driver.Driver, []driver.Func) {
	t.Helper()
	g := open(t, 0)
	t.Cleanup(func() { g.Close() })
	m, err := g.Load(read(t, "testdata/probe.ptx"))
	require.NoError(t, err)
	var funcs []driver.Func
	for _, name := range entries {
		f, err := g.Func(m, name, 0)
		require.NoError(t, err)
		funcs = append(funcs, f)
	}
	return g, funcs
}
