package experiment

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/data"
	"heavytail/internal/numtest"
	"heavytail/recipe"
)

// The quick version trains, samples, scores and draws; a checkpoint that is
// there is gone on with, and gives the same rows.
func TestStepsQuick(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	dir := t.TempDir()
	do := func() string {
		require.NoError(t, runner(t, dir, 1).Do(context.Background(), stepsExperiment, Options{Quick: true, Seed: 1}))
		return text(t, dir, "out", "steps.csv")
	}
	first := do()
	numtest.Elements(t, text(t, dir, "out", "steps.svg"))
	require.FileExists(t, filepath.Join(dir, "state", "balanced-lim-0", "lim-ode-6.png"))
	require.NoError(t, os.Remove(filepath.Join(dir, "state", "rows.csv")))
	require.Equal(t, first, do())
}

// The images that are compared are spread over the set and do not overlap.
func TestPick(t *testing.T) {
	set := data.Random(100, []int{2, 2, 1}, 10)
	a, b := pick(set, 0, 5), pick(set, 1, 5)
	require.Len(t, a, 20)
	require.Len(t, b, 20)
	want := make([]float32, 4)
	for i := range 5 {
		set.Get(want, 20*i, false)
		require.Equal(t, want, a[4*i:4*i+4])
		set.Get(want, 20*i+1, false)
		require.Equal(t, want, b[4*i:4*i+4])
	}
	require.Len(t, pick(set, 0, 80), 200, "a set that is too small gives what it has")
}

// Both networks of a set are trained alike but for the process and its loss.
func TestStepsRecipes(t *testing.T) {
	s := stepsPlan{quick: true, train: 100, batch: 8, seed: 1}
	set, err := s.open(t.Context(), "balanced")
	require.NoError(t, err)
	a, err := s.recipe(set, recipe.DLPM, 0)
	require.NoError(t, err)
	b, err := s.recipe(set, recipe.LIM, 0)
	require.NoError(t, err)
	require.NoError(t, a.Validate())
	require.NoError(t, b.Validate())
	require.Equal(t, []float64{stepsAlpha, stepsAlpha}, []float64{a.Process.Alpha, b.LIM.Alpha})
	require.Equal(t, []string{"root", "huber"}, []string{string(a.Train.Loss.Kind), string(b.Train.Loss.Kind)})
	b.Train.Loss = a.Train.Loss
	require.Equal(t, a.Train, b.Train)
	require.Equal(t, a.Network, b.Network)
	other, err := s.recipe(set, recipe.DLPM, 1)
	require.NoError(t, err)
	require.NotEqual(t, a.Train.Seed, other.Train.Seed)
	_, err = planSteps(t.Context(), Options{Data: fmt.Sprint(t.TempDir(), "/nothing")})
	require.ErrorContains(t, err, "-data")
}
