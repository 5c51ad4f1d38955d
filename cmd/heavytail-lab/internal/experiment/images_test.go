package experiment

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// The quick version trains each network once for all rows of its samplers, with any
// number of jobs at once, and gives the same rows from a network that is there.
func TestImagesQuick(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	dir := t.TempDir()
	do := func(threads int) string {
		require.NoError(t, runner(t, dir, threads).Do(context.Background(), imagesExperiment, Options{Quick: true, Seed: 1}))
		return text(t, dir, "out", "images.csv")
	}
	first := do(3)
	numtest.Elements(t, text(t, dir, "out", "images.svg"))
	require.FileExists(t, filepath.Join(dir, "state", "long-tailed-EDM-0", "dpm-5.png"))
	require.NoError(t, os.Remove(filepath.Join(dir, "state", "rows.csv")))
	require.Equal(t, first, do(1))
}

// Every network can be made, and samplers ask it as often as the key says or once less.
func TestImagesMethods(t *testing.T) {
	s := imagesPlan{stepsPlan: stepsPlan{quick: true}}
	set, err := s.open(t.Context(), "balanced")
	require.NoError(t, err)
	require.NotNil(t, set.Labels)
	seen := map[string]bool{}
	for _, m := range imagesMethods() {
		require.False(t, seen[m.name], m.name)
		seen[m.name] = true
		for _, sampler := range m.samplers {
			for _, n := range imagesEvaluations {
				steps := imagesSteps(sampler, n)
				asks := steps
				switch sampler {
				case "edm":
					asks = 2*steps - 1
				case "flow":
					asks = 2 * steps
				}
				require.Contains(t, []int{n, n - 1}, asks, "%s %d", sampler, n)
			}
		}
	}
}

// Of the test images of rare classes one half is compared with and the other is not.
func TestRarest(t *testing.T) {
	s := imagesPlan{stepsPlan: stepsPlan{quick: true}, rare: 3}
	set, err := s.open(t.Context(), "long-tailed")
	require.NoError(t, err)
	a, err := s.rarest(t.Context(), set, 0)
	require.NoError(t, err)
	b, err := s.rarest(t.Context(), set, 1)
	require.NoError(t, err)
	require.Len(t, a, imagesRarest*3*set.Per())
	require.Len(t, b, imagesRarest*3*set.Per())
	require.NotEqual(t, a[:set.Per()], b[:set.Per()])
}
