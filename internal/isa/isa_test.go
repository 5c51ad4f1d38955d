package isa

import (
	"os"
	"strings"
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
