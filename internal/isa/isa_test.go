package isa

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRequired fails when a level named in HEAVYTAIL_REQUIRE (set by .ci/run
// from what the processor says) is missing, so that a build that stops
// dispatching turns red instead of skipping.
func TestRequired(t *testing.T) {
	for _, name := range strings.Fields(os.Getenv("HEAVYTAIL_REQUIRE")) {
		_, err := parse(name)
		require.NoError(t, err)
	}
	t.Logf("levels under test: %v, current %v", Available(), Cur())
}

func TestParseNamesTheRemedy(t *testing.T) {
	_, err := parse("sse9")
	require.ErrorContains(t, err, "unknown level; available: generic")
	l, err := parse("generic")
	require.NoError(t, err)
	require.Equal(t, Generic, l)
}

func TestForceRestores(t *testing.T) {
	was := Cur()
	restore := Force(Generic)
	require.Equal(t, Generic, Cur())
	restore()
	require.Equal(t, was, Cur())
}

func TestForceRefusesWhatIsMissing(t *testing.T) {
	missing := NEON
	if has(NEON) {
		missing = AVX2
	}
	require.Panics(t, func() { Force(missing) })
}

func TestLevelsAscend(t *testing.T) {
	a := Available()
	require.Equal(t, Generic, a[0])
	for i := 1; i < len(a); i++ {
		require.Less(t, a[i-1], a[i])
	}
}

// TestStart runs this program again with the variable set: a bad value ends it
// with status 2 and one line that names the remedy, a good one caps the level.
func TestStart(t *testing.T) {
	if os.Getenv("HEAVYTAIL_TEST_CHILD") != "" {
		os.Stdout.WriteString("level " + Cur().String() + "\n")
		return
	}
	run := func(value string) (string, int) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestStart$", "-test.v")
		cmd.Env = append(os.Environ(), "HEAVYTAIL_TEST_CHILD=1", EnvVar+"="+value)
		out, err := cmd.CombinedOutput()
		if errors.Is(err, syscall.ENOEXEC) {
			t.Skip("this system cannot start the test program by itself: it runs in an emulator")
		}
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	for _, l := range Available() {
		out, code := run(l.String())
		require.Zero(t, code, out)
		require.Contains(t, out, "level "+l.String()+"\n")
	}
	for value, want := range map[string]string{"sse9": "unknown level; available: generic", "NEON": "unknown level", "avx51": "unknown level"} {
		out, code := run(value)
		require.Equal(t, 2, code, out)
		require.Equal(t, 1, strings.Count(out, "\n"), out)
		require.True(t, strings.HasPrefix(out, "heavytail: HEAVYTAIL_ISA="+value+": ") && strings.Contains(out, want), out)
	}
	out, code := run("")
	require.Zero(t, code, out)
}
