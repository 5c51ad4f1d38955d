package cuda_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What cuda/bench makes with PyTorch names its device: a tensor on the CPU among those
// of a GPU is an error there, which no machine without one reports.
func TestTorchDevice(t *testing.T) {
	files, err := filepath.Glob("bench/*.py")
	require.NoError(t, err)
	makes := regexp.MustCompile(`\btorch\.(arange|empty|eye|full|linspace|logspace|ones|rand|randint|randn|randperm|tensor|zeros)\(`)
	n := 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, at := range makes.FindAllIndex(text, -1) {
			call, depth := string(text[at[1]:]), 1
			end := strings.IndexFunc(call, func(r rune) bool {
				switch r {
				case '(':
					depth++
				case ')':
					depth--
				}
				return depth == 0
			})
			require.Positive(t, end, name)
			n++
			if !strings.Contains(call[:end], "device=") {
				t.Errorf("%s: %s%s) does not say on which device", name, text[at[0]:at[1]], call[:end])
			}
		}
	}
	require.Positive(t, n)
}

// The tests that cuda/bench/run.sh names are there: a pattern that fits none passes.
func TestNamedTests(t *testing.T) {
	script, err := os.ReadFile("bench/run.sh")
	require.NoError(t, err)
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var all strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		all.Write(text)
	}
	names := regexp.MustCompile(`Test\w+`).FindAllString(string(script), -1)
	require.Greater(t, len(names), 10)
	for _, name := range names {
		require.Contains(t, all.String(), "\nfunc "+name+"(t *testing.T) {", "run.sh runs %s", name)
	}
}
