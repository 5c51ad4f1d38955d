package fashion_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/fashion"
)

func TestModel(t *testing.T) {
	require.LessOrEqual(t, len(fashion.File()), 6<<20, "the built-in model's limit")
	m, err := fashion.Model()
	require.NoError(t, err)
	require.Equal(t, []int{28, 28, 1}, m.Shape())
	require.Equal(t, 10, m.Classes())
	again, err := fashion.Model()
	require.NoError(t, err)
	require.Same(t, m, again)
	n, err := m.Memory(32)
	require.NoError(t, err)
	require.Greater(t, n, int64(4*m.Parameters()))
	macs, err := m.MACs()
	require.NoError(t, err)
	require.Positive(t, macs)
}

// File hands out copies: who changes one changes no model.
func TestFileIsACopy(t *testing.T) {
	clear(fashion.File())
	_, err := heavytail.Open(fashion.File())
	require.NoError(t, err)
}

// Who opens files of their own does not carry the built-in model.
func TestOnlyItsImportersCarryIt(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{.Name}}", "..").Output()
	require.NoError(t, err)
	deps := strings.Fields(string(out))
	require.Contains(t, deps, "diffusion")
	require.False(t, slices.Contains(deps, "fashion"))
}
