package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/recipe"
	"heavytail/train"
)

// toyArgs is a short training in the folder out.
func toyArgs(out string, more ...string) []string {
	return append([]string{"train", "-data", "toy:rings", "-points", "200", "-batch", "20", "-preview-every", "0", "-out", out}, more...)
}

func readFile(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return string(b)
}

func savedRecipe(t *testing.T, path ...string) recipe.Recipe {
	t.Helper()
	r, _, err := train.ReadRecipe(filepath.Join(path...))
	require.NoError(t, err)
	return r
}

// A resume takes all, some or none of the run's own flags, and says which flag
// would make another run of it, and how.
func TestResumeWithFlags(t *testing.T) {
	dir := t.TempDir()
	own := toyArgs("run", "-process", "tedm", "-nu", "4", "-steps", "6", "-schedule", "linear", "-warmup", "2", "-p-mean", "0.5", "-ema", "none", "-seed", "3")
	ok(t, dir, own...)
	want := readFile(t, dir, "run/model.safetensors")
	for _, flags := range []string{"", "-process tedm", "-nu 4", "-batch 20 -seed 3", "-data toy:rings -points 200", "-warmup 2 -p-mean 0.5", "-ema none -schedule linear", "-preset toy", "-steps 6"} {
		ok(t, dir, append([]string{"train", "-resume", "-out", "run", "-preview-every", "0"}, strings.Fields(flags)...)...)
		require.Equal(t, want, readFile(t, dir, "run/model.safetensors"), flags)
	}
	ok(t, dir, append(own, "-resume")...)
	require.Equal(t, want, readFile(t, dir, "run/model.safetensors"), "all flags")
	for flags, text := range map[string]string{
		"-batch 5":               "-batch would change train.batch from 20 to 5",
		"-seed 4 -beta1 0.5":     "-seed would change train.seed from 3 to 4; -beta1 would change train.beta1 from 0.9 to 0.5: leave it out",
		"-nu 5":                  "-nu would change edm.nu from [4] to [5]",
		"-process edm":           "-process would change edm.nu",
		"-preset 2d":             `-preset would change preset from "toy" to "2d"`,
		"-schedule cosine":       "-schedule would change train.rate.kind",
		"-points 100":            "-points would change data.points from 200 to 100",
		"-alpha 1.5":             "the process is tedm, which has no such setting",
		"-steps 5":               "has done 6 steps already",
		"-data toy:gmm_grid":     "not the same values: give those with -data, or start a new run",
		"-data toy:swiss_roll":   "not the same values",
		"-width 8":               "no such setting",
		"-lr -3":                 "-lr -3: learning rate -3",
		"-p-std 1 -micro 3 -p 5": "-p-std would change edm.p_std from 1.2 to 1; -p would change train.loss.p from none to 5",
	} {
		r := heavytailIn(t, dir, append([]string{"train", "-resume", "-out", "run"}, strings.Fields(flags)...)...)
		require.NotZero(t, r.status, flags)
		require.Contains(t, r.stderr, text, flags)
		require.Equal(t, want, readFile(t, dir, "run/model.safetensors"), flags)
	}
}

// A file that was edited in place is not the run's data any more; the same values
// elsewhere are.
func TestResumeKnowsTheData(t *testing.T) {
	dir := t.TempDir()
	var text strings.Builder
	for i := range 50 {
		fmt.Fprintf(&text, "%d.5,%d\n", i, i*i%7)
	}
	put := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	put("x.csv", text.String())
	ok(t, dir, "train", "-data", "csv:x.csv", "-out", "run", "-steps", "2", "-batch", "4", "-preview-every", "0")
	put("y.csv", text.String())
	ok(t, dir, "train", "-resume", "-data", "csv:y.csv", "-out", "run", "-preview-every", "0")
	// Where they lie is found by -data, which the error names, and remembered.
	require.Equal(t, "csv:y.csv", savedRecipe(t, dir, "run/model.safetensors").Data.Spec)
	require.NoError(t, os.Rename(filepath.Join(dir, "y.csv"), filepath.Join(dir, "z.csv")))
	gone := heavytailIn(t, dir, "train", "-resume", "-out", "run")
	require.Equal(t, 2, gone.status)
	require.Contains(t, gone.stderr, "csv:y.csv")
	require.Contains(t, gone.stderr, "name the place with -data")
	gone = heavytailIn(t, dir, "train", "-resume", "-data", "csv:w.csv", "-out", "run")
	require.Contains(t, gone.stderr, "-data csv:w.csv: ")
	ok(t, dir, "train", "-resume", "-data", "csv:z.csv", "-out", "run", "-steps", "3", "-preview-every", "0")
	ok(t, dir, "train", "-resume", "-out", "run", "-steps", "4", "-preview-every", "0")
	ok(t, dir, "train", "-resume", "-data", "csv:x.csv", "-out", "run", "-steps", "5", "-preview-every", "0")
	require.Equal(t, "csv:x.csv", savedRecipe(t, dir, "run/model.safetensors").Data.Spec)
	// Weights are a remedy for data of the same shape only.
	put("wide.csv", strings.ReplaceAll(text.String(), "\n", ",1\n"))
	other := heavytailIn(t, dir, "train", "-resume", "-data", "csv:wide.csv", "-out", "run")
	require.Contains(t, other.stderr, "start a new run in another -out")
	require.NotContains(t, other.stderr, "-from")
	put("x.csv", strings.Replace(text.String(), "7.5,", "7.25,", 1))
	r := heavytailIn(t, dir, "train", "-resume", "-out", "run")
	require.Equal(t, 2, r.status)
	require.Contains(t, r.stderr, "csv:x.csv: 50 samples of [2], not the 50 samples of [2] that the run was started with, or not the same values")
	require.Contains(t, r.stderr, "in another -out, from the weights of this one with -from run/model.safetensors")
	ok(t, dir, "train", "-data", "csv:x.csv", "-out", "anew", "-from", "run/model.safetensors", "-preview-every", "0")
}

// A run that is lengthened ends as one that was as long from the start where the
// rate does not depend on the length; a cosine is drawn out from there on, which
// the recipe notes, as it does other values of -lr and -clip.
func TestResumeLengthens(t *testing.T) {
	dir := t.TempDir()
	more := func(out string, flags ...string) {
		ok(t, dir, append([]string{"train", "-resume", "-out", out, "-preview-every", "0"}, flags...)...)
	}
	ok(t, dir, toyArgs("long", "-schedule", "constant", "-warmup", "2", "-steps", "9")...)
	ok(t, dir, toyArgs("run", "-schedule", "constant", "-warmup", "2", "-steps", "4")...)
	more("run", "-steps", "9", "-micro", "7")
	more("run", "-micro", "0")
	require.Equal(t, readFile(t, dir, "long/model.safetensors"), readFile(t, dir, "run/model.safetensors"))

	ok(t, dir, toyArgs("cosine", "-steps", "4", "-warmup", "1")...)
	more("cosine", "-steps", "8")
	r := savedRecipe(t, dir, "cosine/model.safetensors")
	require.Equal(t, []recipe.Change{{Step: 4, Field: "train.steps", Was: 4}}, r.Train.Changes)
	require.Equal(t, []int{8, 8, 1}, []int{r.Train.Steps, r.Train.Rate.Total, r.Train.Rate.Warmup})
	lines := strings.Split(strings.TrimSpace(readFile(t, dir, "cosine/log.csv")), "\n")
	require.Contains(t, lines[len(lines)-1], "8,")
	rate := func(step int) float64 { return r.Train.Rate.At(step - 1) }
	require.Contains(t, lines[len(lines)-1], fmt.Sprintf(",%.6g,", rate(8)))

	more("cosine", "-lr", "1e-4", "-clip", "0", "-steps", "10")
	r = savedRecipe(t, dir, "cosine/model.safetensors")
	require.Equal(t, []recipe.Change{{Step: 4, Field: "train.steps", Was: 4}, {Step: 8, Field: "train.clip", Was: 1},
		{Step: 8, Field: "train.rate.lr", Was: 0.01}, {Step: 8, Field: "train.steps", Was: 8}}, r.Train.Changes)
}

// A run that diverges names a remedy that works; where one row is to blame it
// names that.
func TestDivergenceHasARemedy(t *testing.T) {
	dir := t.TempDir()
	wild := []string{"-steps", "60", "-process", "flow", "-lr", "1", "-clip", "0", "-warmup", "0", "-weight-decay", "1", "-beta2", "0", "-eps", "1e-30", "-ema", "none"}
	r := heavytailIn(t, dir, toyArgs("run", wild...)...)
	require.Equal(t, 2, r.status)
	require.Contains(t, r.stderr, "not finite: lower the learning rate (-lr), clip the gradient (-clip)")
	require.Contains(t, r.stderr, "heavytail train -resume -lr 0.1 -preview-every 0 -out run")
	ok(t, dir, "train", "-resume", "-lr", "1e-5", "-clip", "1", "-out", "run", "-preview-every", "0")
	require.Equal(t, 1e-5, savedRecipe(t, dir, "run/model.safetensors").Train.Rate.LR)
	r = heavytailIn(t, dir, toyArgs("late", append(wild, "-save-every", "1")...)...)
	require.Equal(t, 2, r.status)
	r = heavytailIn(t, dir, "train", "-resume", "-lr", "1e-5", "-out", "late")
	require.Equal(t, 2, r.status, "the weights were saved when they had overflown")
	require.Contains(t, r.stderr, "start a new run")

	var text strings.Builder
	for i := range 40 {
		fmt.Fprintf(&text, "%d,%d\n", i%5, i%3)
	}
	bad := strings.Split(text.String(), "\n")
	bad[16] = "1,1e30"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bad.csv"), []byte(strings.Join(bad, "\n")), 0o644))
	r = heavytailIn(t, dir, "train", "-data", "csv:bad.csv", "-process", "flow", "-out", "bad", "-batch", "40", "-steps", "3", "-preview-every", "0")
	require.Equal(t, 2, r.status)
	require.Contains(t, r.stderr, "line 17, column 1 of the data")
	require.Contains(t, r.stderr, "correct it or take it out")
	require.NotContains(t, r.stderr, "-lr")

	// Data so large that the first gradient overflows: no rate helps, scaling does.
	text.Reset()
	for i := range 40 {
		fmt.Fprintf(&text, "%d,%d\n", int64(i%5)*1e12, int64(i%3)*1e12)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "large.csv"), []byte(text.String()), 0o644))
	large := []string{"train", "-data", "csv:large.csv", "-loss", "squared", "-batch", "40", "-steps", "3", "-preview-every", "0"}
	r = heavytailIn(t, dir, append(large, "-standardize", "none", "-out", "large")...)
	require.Equal(t, 2, r.status)
	require.Contains(t, r.stderr, "not finite: half of the samples hold values of ")
	require.Contains(t, r.stderr, "start anew with -standardize robust")
	require.NotContains(t, r.stderr, "-lr")
	ok(t, dir, append(large, "-standardize", "robust", "-out", "scaled")...)
}

// The second training of a folder is refused while the first lives, and takes it
// over, its leftovers swept away, when the first was killed.
func TestOneTrainingPerFolder(t *testing.T) {
	dir := t.TempDir()
	first := process(dir, toyArgs("run", "-steps", "1000000", "-schedule", "constant", "-save-every", "1")...)
	require.NoError(t, first.Start())
	t.Cleanup(func() { _ = first.Process.Kill() })
	model := filepath.Join(dir, "run/model.safetensors")
	require.Eventually(t, func() bool { _, err := os.Stat(model); return err == nil }, time.Minute, time.Millisecond)
	for _, args := range [][]string{{"train", "-resume", "-out", "run"}, append(toyArgs("run"), "-resume")} {
		r := heavytailIn(t, dir, args...)
		require.Equal(t, 75, r.status)
		require.Contains(t, r.stderr, fmt.Sprintf("run is written by another training, process %d on ", first.Process.Pid))
	}
	require.NoError(t, first.Process.Kill())
	_, _ = first.Process.Wait()
	left := filepath.Join(dir, "run/.model.safetensors.abc.tmp")
	mine := filepath.Join(dir, "run/.notes.tmp")
	require.NoError(t, os.WriteFile(left, nil, 0o644))
	require.NoError(t, os.WriteFile(mine, nil, 0o644))
	_, done, err := train.ReadRecipe(model)
	require.NoError(t, err)
	ok(t, dir, "train", "-resume", "-out", "run", "-steps", fmt.Sprint(done+1), "-preview-every", "0")
	require.NoFileExists(t, left)
	require.FileExists(t, mine)
	require.NoFileExists(t, filepath.Join(dir, "run/train.lock"))
}

// What is set is what runs: the settings that were changed on the way.
func TestSettingsArriveUnchanged(t *testing.T) {
	for args, check := range map[string]func(r recipe.Recipe){
		"-process edm -p-mean 0.5":        func(r recipe.Recipe) { require.Equal(t, []float64{0.5, 1.2}, []float64{r.EDM.PMean, r.EDM.PStd}) },
		"-process edm -p-std 0.7":         func(r recipe.Recipe) { require.Equal(t, []float64{-1.2, 0.7}, []float64{r.EDM.PMean, r.EDM.PStd}) },
		"-process edm -p-mean 0":          func(r recipe.Recipe) { require.Equal(t, []float64{0, 1.2}, []float64{r.EDM.PMean, r.EDM.PStd}) },
		"-process edm -p-mean 0 -p-std 2": func(r recipe.Recipe) { require.Equal(t, []float64{0, 2}, []float64{r.EDM.PMean, r.EDM.PStd}) },
		"-warmup 15":                      func(r recipe.Recipe) { require.Equal(t, 15, r.Train.Rate.Warmup) },
		"":                                func(r recipe.Recipe) { require.Equal(t, 2, r.Train.Rate.Warmup) },
		"-schedule step -lr-every 5 -lr-gamma 0.5": func(r recipe.Recipe) { require.Equal(t, 5, r.Train.Rate.Every) },
	} {
		dir := t.TempDir()
		ok(t, dir, toyArgs("run", append([]string{"-steps", "20"}, strings.Fields(args)...)...)...)
		check(savedRecipe(t, dir, "run/model.safetensors"))
	}
	for args, want := range map[string]string{
		"-process edm -nu 4":    "the process is edm, which has no such setting; leave it out, or choose -process tedm or tflow",
		"-process flow -nu 4":   "choose -process tedm or tflow",
		"-process edm -p-std 0": "use a positive value", "-process tedm -nu none": "want degrees of freedom",
		"-warmup 20": "want more steps than warm-up", "-flip": "leave out -flip", "-size 8": "for images, these are points", "-channels 1": "for images, these are points",
		"-long-tail 0.1": "a set with labels", "-label-drop 0.1": "leave out -label-drop", "-lr-every 5": "-schedule step", "-lr-gamma 0.5": "-schedule step",
		"-median": "-outer 5", "-fixed": "no known fault",
	} {
		dir := t.TempDir()
		r := heavytailIn(t, dir, toyArgs("run", append([]string{"-steps", "20"}, strings.Fields(args)...)...)...)
		require.NotZero(t, r.status, args)
		require.Contains(t, r.stderr, want, args)
		require.Empty(t, listing(t, dir))
	}
}
