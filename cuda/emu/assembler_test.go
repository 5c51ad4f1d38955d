package emu

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// assembler is the path of NVIDIA's ptxas, from tools/cudatools.sh; tests that
// ask it are skipped without. The step ptx of CI sets it.
func assembler(t *testing.T) string {
	path := os.Getenv("PTXAS")
	if path == "" {
		t.Skip("PTXAS is not set to the path of ptxas")
	}
	return path
}

// assemble returns what ptxas says of a text.
func assemble(t *testing.T, path, text string) (string, error) {
	name := filepath.Join(t.TempDir(), "k.ptx")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o666))
	out, err := exec.Command(path, "-arch=sm_80", "-o", name+".cubin", name).CombinedOutput()
	return string(out), err
}

// assembled: for every opcode of the table, ptxas accepts a kernel with it.
func assembled(t *testing.T) {
	path := assembler(t)
	texts := map[string]bool{}
	for _, text := range covered {
		texts[text] = true
	}
	var all strings.Builder
	all.WriteString(header)
	for i, text := range slices.Sorted(maps.Keys(texts)) {
		_, entry, ok := strings.Cut(text, ".entry k(")
		require.True(t, ok)
		fmt.Fprintf(&all, ".visible .entry k%d(%s", i, entry)
	}
	out, err := assemble(t, path, strings.ReplaceAll(all.String(), ".visible .visible", ".visible"))
	require.NoError(t, err, out)
}

// What ptxas refuses is refused here, and what only this package refuses it takes.
func TestAssemblerRejects(t *testing.T) {
	path := assembler(t)
	for i, c := range rejected {
		out, err := assemble(t, path, kernel(c.body))
		if (err != nil) != (i < bothReject) {
			t.Errorf("%s: %v %s", c.name, err, out)
		}
	}
}
