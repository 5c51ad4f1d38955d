package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/recipe"
)

// A run from a model starts with its averaged weights, and its settings if no
// others are given, and notes it; one of another shape is refused.
func TestTrainFrom(t *testing.T) {
	dir := t.TempDir()
	ok(t, dir, toyArgs("a", "-steps", "6", "-process", "flow", "-lr", "2e-3")...)
	from := func(out string, more ...string) []string {
		return append([]string{"train", "-data", "toy:swiss_roll", "-points", "100", "-batch", "20", "-preview-every", "0", "-out", out, "-from", "a/model.safetensors"}, more...)
	}
	ok(t, dir, from("b", "-steps", "1", "-lr", "1e-12", "-weight-decay", "0", "-ema", "0.5", "-ema-warmup", "0")...)
	r := savedRecipe(t, dir, "b/model.safetensors")
	require.True(t, strings.HasPrefix(r.Train.From, "model.safetensors sha256:"), r.Train.From)
	require.Equal(t, recipe.Flow, r.Kind())
	require.Equal(t, []any{1, "toy:swiss_roll", 100}, []any{r.Train.Rate.Total, r.Data.Spec, r.Data.Samples})
	// A step of rate 1e-12 moves no weight and an average of rate ½ of equals rounds
	// nothing: the samples are the model's.
	ok(t, dir, "sample", "-model", "a/model.safetensors", "-n", "20", "-o", "a.npy")
	for _, w := range []string{"raw", "ema"} {
		ok(t, dir, "sample", "-model", "b/model.safetensors", "-weights", w, "-n", "20", "-o", "b.npy")
		require.Equal(t, readFile(t, dir, "a.npy"), readFile(t, dir, "b.npy"), w)
	}
	ok(t, dir, append(from("b"), "-resume")...)
	for want, args := range map[string][]string{
		"a network of its own shape":    from("c", "-preset", "2d"),
		"no such file":                  append(toyArgs("c"), "-from", "gone.safetensors"),
		"-from would change train.from": {"train", "-resume", "-out", "b", "-from", "b/model.safetensors"},
	} {
		r := heavytailIn(t, dir, args...)
		require.NotZero(t, r.status, want)
		require.Contains(t, r.stderr, want)
	}
	require.Equal(t, []string{"a", "a.npy", "b", "b.npy"}, listing(t, dir))
}

// A dry run says what would be done, writes nothing, and means the recipe that
// the run then has.
func TestDryRun(t *testing.T) {
	dir := t.TempDir()
	out := ok(t, dir, toyArgs("run", "-steps", "3", "-dry-run")...).stdout
	require.Empty(t, listing(t, dir))
	for _, want := range []string{"toy:rings: 200 samples of [2], sum ", "dlpm, α = 1.8", "parameters", "MiB", "3 of 20 samples, 0.3 times", "a step here", "to run, which is not there yet"} {
		require.Contains(t, out, want)
	}
	ok(t, dir, toyArgs("run", "-steps", "3")...)
	want := savedRecipe(t, dir, "run/model.safetensors")
	said := func(out string) recipe.Recipe {
		_, text, _ := strings.Cut(out, "recipe\n")
		var r recipe.Recipe
		require.NoError(t, json.Unmarshal([]byte(text), &r))
		return r
	}
	require.Equal(t, string(want.JSON()), string(said(out).JSON()))
	before := readFile(t, dir, "run/model.safetensors")
	out = ok(t, dir, "train", "-resume", "-dry-run", "-steps", "9", "-out", "run").stdout
	require.Contains(t, out, "3 of them done")
	require.Equal(t, 9, said(out).Train.Steps)
	require.Equal(t, before, readFile(t, dir, "run/model.safetensors"))
}
