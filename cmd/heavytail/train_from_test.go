package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/kernels"
	"heavytail/recipe"
	"heavytail/train"
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
		"-preset":                       from("c", "-preset", "2d"),
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

// What -from refuses it says in the words of the user: what differs, and the flag
// that gives the run the model's value.
func TestTrainFromSaysWhatDiffers(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.csv"), []byte("1,2,3\n3,1,2\n2,3,1\n4,5,6\n"), 0o644))
	images(t, dir, 12)
	ok(t, dir, toyArgs("points", "-steps", "2")...)
	ok(t, dir, append([]string{"train", "-data", "npy:images.npy", "-steps", "2", "-batch", "2", "-out", "pictures"}, smallNet...)...)
	ok(t, dir, []string{"train", "-data", "npy:images.npy", "-preset", "fashion-song", "-steps", "2", "-batch", "2", "-preview-every", "0", "-out", "song", "-width", "8", "-mult", "1,1", "-attention", "none"}...)
	ok(t, dir, "sample", "-n", "4", "-steps", "2", "-seed", "100", "-o", "classes/0/")
	ok(t, dir, "sample", "-n", "4", "-steps", "2", "-seed", "200", "-o", "classes/1/")
	ok(t, dir, append([]string{"train", "-data", "images:classes", "-steps", "2", "-batch", "2", "-out", "two"}, smallNet...)...)
	ok(t, dir, "sample", "-n", "4", "-steps", "2", "-seed", "200", "-o", "classes/2/")
	ok(t, dir, toyArgs("twice", "-steps", "2", "-spread", "-loss", "weighted")...)
	for args, want := range map[string][]string{
		"-data csv:x.csv -from points/model.safetensors":                        {"columns of points: 2, here 3", "-columns"},
		"-data toy:rings -from points/model.safetensors -spread -loss weighted": {"second output: none, here true (-spread=false)"},
		"-data toy:rings -from twice/model.safetensors -spread=false":           {"second output: true, here none (-spread=true)"},
		"-data npy:images.npy -from points/model.safetensors":                   {"of samples of [2]", "are of [8 8 1]", "-data", "-from"},
		"-data toy:rings -from pictures/model.safetensors":                      {"of samples of [8 8 1]", "are of [2]"},
		"-data npy:images.npy -from pictures/model.safetensors -width 16":       {"width: 8, here 16 (-width 8)"},
		"-data npy:images.npy -from pictures/model.safetensors -mult 1,2":       {"factors of the levels' channels: 1,1, here 1,2 (-mult 1,1)"},
		"-data npy:images.npy -from pictures/model.safetensors -blocks 2":       {"blocks per level: 1, here 2 (-blocks 1)"},
		"-data npy:images.npy -from pictures/model.safetensors -attention 1":    {"attention: none, here 1 (-attention none)"},
		"-data images:classes -from two/model.safetensors -channels 3":          {"channels of images: 1, here 3 (-channels 1)"},
		"-data images:classes -from two/model.safetensors":                      {"classes: 2, here 3 (give data with 2)"},
		"-data images:classes -from pictures/model.safetensors -size 8":         {"classes: none, here 3"},
		"-data npy:images.npy -from song/model.safetensors -preset fashion":     {"of the kind song, the run's of the kind unet: leave out -preset"},
		"-data images:classes -from song/model.safetensors -width 16 -size 8":   {"width: 8, here 16 (-width 8)", "classes: none, here 3"},
	} {
		r := heavytailIn(t, dir, append([]string{"train", "-out", "c"}, strings.Fields(args)...)...)
		require.NotZero(t, r.status, args)
		require.Contains(t, r.stderr, "-from", args)
		for _, w := range want {
			require.Contains(t, r.stderr, w, args)
		}
		require.NotContains(t, r.stderr, "has shape", args)
		require.NoFileExists(t, filepath.Join(dir, "c"))
	}
}

// A run from a model keeps the scaling that the weights know, unless told another.
func TestTrainFromKeepsTheScaling(t *testing.T) {
	dir := t.TempDir()
	writePoints(t, filepath.Join(dir, "x.csv"), 1, 60, 3, 0.01)
	writePoints(t, filepath.Join(dir, "y.csv"), 2, 60, 3, 5)
	args := func(data, out string, more ...string) []string {
		return append([]string{"train", "-data", data, "-steps", "2", "-batch", "4", "-preview-every", "0", "-out", out}, more...)
	}
	scaling := func(out string) *recipe.Scaling { return savedRecipe(t, dir, out, "model.safetensors").Data.Scaling }
	ok(t, dir, args("csv:x.csv", "scaled")...)
	ok(t, dir, args("csv:x.csv", "plain", "-standardize", "none")...)
	from := []string{"-from", "scaled/model.safetensors"}

	r := ok(t, dir, args("csv:y.csv", "kept", from...)...)
	require.Equal(t, scaling("scaled"), scaling("kept"))
	require.Contains(t, r.stderr, "columns scaled as the model of -from has them scaled (robust), not measured anew (-standardize)")
	r = ok(t, dir, args("csv:y.csv", "none", append(from, "-standardize", "none")...)...)
	require.Nil(t, scaling("none"))
	require.Contains(t, r.stderr, "the model of -from knows its points by another scaling (robust)")
	r = ok(t, dir, args("csv:y.csv", "std", append(from, "-standardize", "std")...)...)
	require.Equal(t, recipe.Std, scaling("std").Kind)
	require.Contains(t, r.stderr, "by another scaling (robust)")
	r = ok(t, dir, args("csv:y.csv", "as-it-is", "-from", "plain/model.safetensors")...)
	require.Nil(t, scaling("as-it-is"))
	require.Contains(t, r.stderr, "columns are not scaled, as the model of -from has none scaled")
	r = ok(t, dir, args("csv:y.csv", "anew", "-from", "plain/model.safetensors", "-standardize", "robust")...)
	require.NotEqual(t, scaling("scaled"), scaling("anew"))
	require.Contains(t, r.stderr, "by another scaling (none)")
}

// A run from a model keeps the transform that the weights know, with the tails that
// were measured for it, unless told another.
func TestTrainFromKeepsTheTransform(t *testing.T) {
	dir := t.TempDir()
	writePoints(t, filepath.Join(dir, "x.csv"), 1, 300, 3, 0.01)
	writePoints(t, filepath.Join(dir, "y.csv"), 2, 300, 1.5, 5)
	args := func(data, out string, more ...string) []string {
		return append([]string{"train", "-data", data, "-process", "flow", "-steps", "2", "-batch", "4", "-preview-every", "0", "-out", out}, more...)
	}
	kinds := func(out string) []recipe.Transform {
		return savedRecipe(t, dir, out, "model.safetensors").Data.Transform
	}
	ok(t, dir, args("csv:x.csv", "bent", "-transform", "ttf,none")...)
	require.Positive(t, kinds("bent")[0].Upper)
	from := []string{"-from", "bent/model.safetensors"}
	r := ok(t, dir, args("csv:y.csv", "kept", from...)...)
	require.Equal(t, kinds("bent"), kinds("kept"))
	require.Contains(t, r.stderr, "columns bent as the model of -from has them bent (ttf,none), not measured anew (-transform)")
	r = ok(t, dir, args("csv:y.csv", "none", append(from, "-transform", "none")...)...)
	require.Nil(t, kinds("none"))
	require.Contains(t, r.stderr, "the model of -from knows its points by another transform (ttf,none)")
	r = ok(t, dir, args("csv:y.csv", "anew", append(from, "-transform", "ttf,none")...)...)
	require.NotEqual(t, kinds("bent"), kinds("anew"))
	require.Contains(t, r.stderr, "another transform")
	ok(t, dir, args("csv:y.csv", "scaled", append(from, "-standardize", "std")...)...)
	require.Equal(t, kinds("bent"), kinds("scaled"))
}

// An impossible value names the flag that gave it.
func TestImpossibleValuesNameTheirFlag(t *testing.T) {
	dir := t.TempDir()
	images(t, dir, 12)
	ok(t, dir, "sample", "-n", "4", "-steps", "2", "-seed", "100", "-o", "classes/0/")
	pictures := "-data npy:images.npy "
	for _, c := range []struct{ args, flag string }{
		{pictures + "-width 30", "-width 30: unet: a layer has"}, {pictures + "-width 0", "-width 0"}, {pictures + "-width 100000", "-width 100000"},
		{pictures + "-heads 3", "-heads 3"}, {pictures + "-mult 1,2,3,4,5,6", "-mult 1,2,3,4,5,6"}, {pictures + "-mult none", "-mult none"}, {pictures + "-blocks 0", "-blocks 0"},
		{pictures + "-dropout 2", "-dropout 2"}, {"-data images:classes -size 27", "-size scales the images"}, {pictures + "-size 27", "-size"}, {pictures + "-width 64 -heads 5 -blocks 1", "-heads 5"},
		{pictures + "-preset fashion-song -width 30", "-width 30"}, {pictures + "-preset fashion-song -heads 7", "-heads 7"}, {pictures + "-preset fashion-song -blocks 0", "-blocks 0"},
		{"-batch 0", "-batch 0"}, {"-steps 0", "-steps 0"}, {"-micro -1", "-micro -1"}, {"-lr -1", "-lr -1"}, {"-beta1 2", "-beta1 2"}, {"-beta2 2", "-beta2 2"}, {"-eps 0", "-eps 0"},
		{"-weight-decay 3", "-weight-decay 3"}, {"-clip -1", "-clip -1"}, {"-ema 2", "-ema 2"}, {"-ema-warmup 1", "-ema-warmup 1"}, {"-label-drop 2", "-label-drop 2"},
		{"-loss x", "-loss x"}, {"-loss p -p 9", "-loss p: loss: p is 9"}, {"-outer -1", "-outer -1"}, {"-inner -1", "-inner -1"}, {"-warmup -1", "-warmup -1"}, {"-schedule x", "-schedule x"},
		{"-schedule step -lr-every 3 -lr-gamma 9", "-schedule step"}, {"-alpha 3", "-alpha 3"}, {"-T 0", "-T 0"}, {"-clamp-a -1", "-clamp-a -1"}, {"-clamp-eps -1", "-clamp-eps -1"},
		{"-scale x", "-scale x"}, {"-process tedm -nu 1", "-nu 1"}, {"-process edm -sigma-data -1", "-sigma-data -1"}, {"-process edm -p-std 1e9", "-p-std 1e9"},
		{"-process edm -p-mean 1e9", "-p-mean 1e9"}, {"-process flow -target x", "-target x"}, {"-process lim -alpha 9", "-alpha 9"}, {"-process lim -clamp-a -2", "-clamp-a -2"},
		{"-points -1", "-points"}, {"-process x", "-process"}, {"-standardize x", "-standardize"}, {"-transform x", "-transform"}, {"-transform asinh,asinh,asinh", "-transform asinh,asinh,asinh"}, {pictures + "-transform asinh", "-transform asinh"}, {"-preset x", "-preset"},
		{pictures + "-long-tail 3", "-long-tail"}, {pictures + "-channels 2", "-channels"}, {pictures + "-size -2", "-size"}, {pictures + "-range 1,1", "-range"},
	} {
		args := strings.Fields(c.args)
		if args[0] != "-data" {
			args = append([]string{"-data", "toy:rings"}, args...)
		}
		r := heavytailIn(t, dir, append([]string{"train", "-dry-run", "-out", "run"}, args...)...)
		require.NotZero(t, r.status, c.args)
		require.Contains(t, r.stderr, c.flag, c.args)
	}
}

// A dry run ends with its context also amid its steps, which of a large batch take
// minutes.
func TestDryRunEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	ok(t, dir, toyArgs("run", "-steps", "3")...)
	rec := savedRecipe(t, dir, "run/model.safetensors")
	set, err := train.Open(t.Context(), &rec)
	require.NoError(t, err)
	tr, err := train.New(kernels.New(1), set, rec)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, (&train.Run{Dir: dir}).Describe(ctx, io.Discard, tr), context.Canceled)
}
