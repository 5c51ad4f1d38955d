package train

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
)

// A run begins in a folder, which it keeps, and goes on there with the same bytes as
// one that was not stopped; without a trace where it is tried only.
func TestStart(t *testing.T) {
	ctx, dir := t.Context(), filepath.Join(t.TempDir(), "run")
	s := Start{Data: "toy:rings", Values: recipe.Values{"steps": "4", "batch": "8", "points": "60", "warmup": "1"}}
	dry, err := s.Dry(ctx, dir)
	require.NoError(t, err)
	require.Equal(t, 4, dry.Recipe.Train.Steps)
	require.NoError(t, dry.Close())
	require.NoDirExists(t, dir)
	took, err := dry.TimeStep()
	require.NoError(t, err)
	require.Positive(t, took)
	require.Equal(t, 2, dry.Done())

	train := func(s Start, steps int, dir string) {
		t.Helper()
		b, err := s.In(ctx, dir)
		require.NoError(t, err)
		_, err = s.In(ctx, dir)
		require.Error(t, err, "the folder is taken")
		for b.Done() < steps {
			_, err := b.Step()
			require.NoError(t, err)
		}
		require.NoError(t, b.Save(filepath.Join(dir, ModelFile)))
		require.NoError(t, b.Close())
	}
	train(s, 2, dir)
	_, err = s.In(ctx, dir)
	require.ErrorContains(t, err, "holds a run already")
	s.Resume = true
	train(s, 4, dir)
	whole := filepath.Join(t.TempDir(), "whole")
	train(s, 4, whole)
	a, err := os.ReadFile(filepath.Join(dir, ModelFile))
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(whole, ModelFile))
	require.NoError(t, err)
	require.Equal(t, a, b)

	for want, other := range map[string]Start{
		"setting alpha would change process.alpha": {Values: recipe.Values{"alpha": "1.2"}},
		"Start.Preset would change preset":         {Preset: "2d"},
		"not the 60 samples":                       {Data: "toy:gmm_grid"},
		"has done 4 steps already":                 {Values: recipe.Values{"steps": "3"}},
	} {
		other.Resume = true
		_, err := other.In(ctx, dir)
		require.ErrorContains(t, err, want)
	}
	_, err = Start{Resume: true}.In(ctx, filepath.Join(t.TempDir(), "none"))
	require.ErrorContains(t, err, "there is no checkpoint to resume")
	_, err = Start{Data: "toy:rings", Values: recipe.Values{"alpha": "5"}}.Dry(ctx, "x")
	require.ErrorContains(t, err, "setting alpha 5: ")
}

// A run that starts from a model has its weights and its settings.
func TestStartFrom(t *testing.T) {
	dir := t.TempDir()
	s := Start{Data: "toy:rings", Values: recipe.Values{"steps": "3", "batch": "8", "points": "60", "warmup": "1", "alpha": "1.4", "ema": "none"}}
	b, err := s.In(t.Context(), dir)
	require.NoError(t, err)
	require.NoError(t, b.Close())
	next, err := Start{Data: "toy:rings", From: filepath.Join(dir, ModelFile), Values: recipe.Values{"points": "60"}}.Dry(t.Context(), "x")
	require.NoError(t, err)
	require.Equal(t, 1.4, next.Recipe.Process.Alpha)
	require.Contains(t, next.Recipe.Train.From, "sha256:")
	require.Equal(t, b.Net.Params().Flat.Data(), next.Net.Params().Flat.Data())
	_, err = Start{Data: "toy:rings", From: filepath.Join(dir, "none")}.Dry(t.Context(), "x")
	require.ErrorContains(t, err, "Start.From: ")
}

// A model that was not trained here keeps the scaling of its conditions too.
func TestStartFromKeepsConditions(t *testing.T) {
	table := func(scale float64) string {
		path := filepath.Join(t.TempDir(), "x.csv")
		text := "y,g\n"
		for i := range 60 {
			text += fmt.Sprintf("%d,%g\n", i%7, scale*float64(i))
		}
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return "csv:" + path
	}
	values := recipe.Values{"steps": "2", "batch": "8", "given": "g", "columns": "y", "process": "edm"}
	dir := t.TempDir()
	b, err := Start{Data: table(1), Values: values}.In(t.Context(), dir)
	require.NoError(t, err)
	require.NoError(t, b.Close())
	want := b.Recipe.Data.Given.Scaling
	own := b.Recipe.Clone()
	own.Train = recipe.Train{}
	path := filepath.Join(dir, "own.safetensors")
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, (&nn.State{Net: b.Net, Recipe: own.JSON()}).Write(f, tensor.F32))
	require.NoError(t, f.Close())
	for _, from := range []string{filepath.Join(dir, ModelFile), path} {
		next, err := Start{Data: table(50), From: from, Values: values}.Dry(t.Context(), "x")
		require.NoError(t, err)
		require.Equal(t, want, next.Recipe.Data.Given.Scaling)
	}
}
