package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/data"
	"heavytail/diffusion"
	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
)

func TestShuffleIsAPermutationOfEveryEpoch(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5, 16, 17, 1000} {
		s := newShuffle(7, n)
		var orders []string
		for epoch := range 3 {
			seen := make([]bool, n)
			order := ""
			for k := range n {
				i := s.at(uint64(epoch*n + k))
				require.False(t, seen[i])
				seen[i] = true
				order += fmt.Sprint(i, " ")
			}
			orders = append(orders, order)
		}
		if n > 16 {
			require.NotEqual(t, orders[0], orders[1])
			require.NotEqual(t, orders[1], orders[2])
		}
	}
	// Neighbours in the set do not stay neighbours: the mean distance of two
	// following draws from 0…n−1 is n/3 (standard deviation of the mean: 0.7 %).
	s, sum := newShuffle(3, 1000), 0.0
	for k := range uint64(999) {
		sum += math.Abs(float64(s.at(k) - s.at(k+1)))
	}
	require.InDelta(t, 1000.0/3, sum/999, 30)
}

// toyRun returns a small recipe on gmm_grid with everything switched on that
// draws random numbers.
func toyRun(t *testing.T, steps int) (recipe.Recipe, *data.Set) {
	t.Helper()
	set, err := data.Open(t.Context(), "toy:gmm_grid", data.Options{N: 300})
	require.NoError(t, err)
	r, err := recipe.Preset("toy")
	require.NoError(t, err)
	r.Data = recipe.Data{Spec: "toy:gmm_grid", Samples: set.Len(), Shape: set.Shape, Points: 300}
	r.Network.MLP.Units, r.Network.MLP.Blocks = 16, 1
	r.Train.Steps, r.Train.Batch, r.Train.EMA = steps, 40, []float64{0.9, 0.5}
	r.Train.Rate = nn.Schedule{Kind: nn.Cosine, LR: 1e-2, Total: steps}
	require.NoError(t, r.Fit())
	return r, set
}

// imageRun returns a tiny conditional U-Net on noise images.
func imageRun(t *testing.T, steps int) (recipe.Recipe, *data.Set) {
	t.Helper()
	set := data.Random(50, []int{8, 8, 1}, 3)
	r, err := recipe.Preset("fashion")
	require.NoError(t, err)
	r.Data = recipe.Data{Spec: "test", Samples: set.Len(), Shape: set.Shape, Classes: 3, Flip: true}
	require.NoError(t, r.Fit())
	u := r.Network.UNet
	u.ModelChannels, u.ChannelMult, u.NumResBlocks, u.NumHeads, u.Dropout = 8, []int{1, 2}, 1, 2, 0.1
	r.Train.Steps, r.Train.Batch, r.Train.LabelDrop = steps, 12, 0.3
	r.Train.Rate = nn.Schedule{Kind: nn.Constant, LR: 1e-3}
	require.NoError(t, r.Validate())
	return r, set
}

func start(t *testing.T, threads int, r recipe.Recipe, set *data.Set) *Trainer {
	t.Helper()
	tr, err := New(kernels.New(threads), set, r)
	require.NoError(t, err)
	return tr
}

func steps(t *testing.T, tr *Trainer, n int) []float64 {
	t.Helper()
	var out []float64
	for range n {
		s, err := tr.Step()
		require.NoError(t, err)
		out = append(out, s.Loss)
	}
	return out
}

func weights(tr *Trainer) []float32 {
	out := append([]float32(nil), tr.Net.Params().Flat.Data()...)
	for _, e := range tr.EMA {
		out = append(out, e.Shadow.Data()...)
	}
	return append(append(out, tr.Opt.M.Data()...), tr.Opt.V.Data()...)
}

// Ten steps give the same bits at every level, with any number of threads and
// any micro-batches.
func TestTrainingBits(t *testing.T) {
	n := 10
	if testing.Short() {
		n = 2
	}
	r, set := imageRun(t, n)
	first := start(t, 1, r, set)
	losses := steps(t, first, n)
	want := weights(first)
	require.NotEqual(t, losses[0], losses[1])
	numtest.EachLevel(t, func(t *testing.T) {
		for _, c := range []struct{ threads, micro int }{{1, 0}, {2, 5}, {3, 1}, {7, 0}} {
			r := r
			r.Train.Micro = c.micro
			tr := start(t, c.threads, r, set)
			steps(t, tr, n)
			numtest.SameBits(t, want, weights(tr), fmt.Sprintf("%d threads, micro-batch %d", c.threads, c.micro))
			if testing.Short() {
				return
			}
		}
	})
}

// Neither does the split of a batch whose samples have copies change a bit: of
// means, medians, with dropout and classes, in parts that do not divide the rows.
func TestCopiesInMicroBatches(t *testing.T) {
	for _, loss := range []diffusion.Loss{{Kind: "root", Outer: 3, Inner: 2}, {Kind: "root", Median: true, Outer: 3}, {Kind: "squared", Outer: 2}} {
		r, set := imageRun(t, 2)
		r.Train.Loss = loss
		whole := start(t, 1, r, set)
		losses := steps(t, whole, 2)
		for _, micro := range []int{1, 5, 11} {
			r.Train.Micro = micro
			parts := start(t, 2, r, set)
			require.Equal(t, losses, steps(t, parts, 2), "%+v in parts of %d", loss, micro)
			numtest.SameBits(t, weights(whole), weights(parts), fmt.Sprintf("%+v in parts of %d", loss, micro))
		}
	}
}

func TestStepDoesNotAllocate(t *testing.T) {
	copies := func(t *testing.T, n int) (recipe.Recipe, *data.Set) {
		r, set := toyRun(t, n)
		r.Train.Loss.Outer = 3
		return r, set
	}
	for name, run := range map[string]func(*testing.T, int) (recipe.Recipe, *data.Set){"points": toyRun, "images": imageRun, "copies": copies} {
		r, set := run(t, 1000)
		r.Train.Micro = 8
		tr := start(t, 2, r, set)
		steps(t, tr, 2)
		n := testing.AllocsPerRun(20, func() {
			if _, err := tr.Step(); err != nil {
				t.Fatal(err)
			}
		})
		require.Zero(t, n, name)
	}
}

// do runs a Run in dir; if stopAt is positive, the context ends in that step.
func do(t *testing.T, dir string, tr *Trainer, stopAt int) error {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := Run{Dir: dir, SaveEvery: 7, LogEvery: 5, PreviewEvery: 0}
	r.each = func() {
		if tr.Done() == stopAt {
			cancel()
		}
	}
	return r.Do(ctx, tr)
}

// An interrupted run whose state cannot be saved says that, and not that it was saved.
func TestInterruptedRunThatCannotBeSaved(t *testing.T) {
	r, set := toyRun(t, 23)
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, ModelFile), 0o755))
	err := do(t, dir, start(t, 1, r, set), 3)
	require.NotErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "stopped, and step 3 could not be saved (the last checkpoint is kept): ")
	require.ErrorContains(t, err, "that is a folder")
}

func TestInterruptedRunEndsWithTheSameBytes(t *testing.T) {
	const n = 23
	r, set := toyRun(t, n)
	whole := t.TempDir()
	require.NoError(t, do(t, whole, start(t, 2, r, set), 0))
	want, err := os.ReadFile(filepath.Join(whole, ModelFile))
	require.NoError(t, err)
	for _, stops := range [][]int{{1}, {7}, {13, 14, 20}, {22}} {
		dir := t.TempDir()
		tr := start(t, 1, r, set)
		for _, at := range stops {
			require.ErrorIs(t, do(t, dir, tr, at), context.Canceled)
			require.Equal(t, at, tr.Done())
			tr = start(t, 3, r, set)
			require.NoError(t, tr.Restore(filepath.Join(dir, ModelFile)))
			require.Equal(t, at, tr.Done())
		}
		require.NoError(t, do(t, dir, tr, 0))
		got, err := os.ReadFile(filepath.Join(dir, ModelFile))
		require.NoError(t, err)
		require.Equal(t, want, got, "stopped at %v", stops)
		require.Equal(t, columns(t, whole), columns(t, dir), "log.csv, stopped at %v", stops)
	}
}

// columns returns what log.csv says, without the clock's columns.
func columns(t *testing.T, dir string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "log.csv"))
	require.NoError(t, err)
	var out []string
	for _, l := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		out = append(out, strings.Join(strings.Split(l, ",")[:4], ","))
	}
	return out
}

// A process that was killed has logged steps beyond its last checkpoint, the
// last line perhaps half.
func TestLogIsCutToTheCheckpoint(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log.csv")
	require.NoError(t, os.WriteFile(path, []byte(csvHeader+"5,1,1,1,1,1\n10,1,1,1,1,1\n15,1,1,1,1,1\n2"), 0o644))
	json := `{"step":10,"loss":1}` + "\n" + `{"step":15,"loss":1}` + "\n" + `{"ste`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "log.jsonl"), []byte(json), 0o644))
	l, err := openLog(dir, 12)
	require.NoError(t, err)
	require.NoError(t, l.add(Status{Step: 15}))
	require.NoError(t, l.close())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Regexp(t, "^"+csvHeader+"5,.*\n10,.*\n15,0,0,0,0,.*\n$", string(b))
	b, err = os.ReadFile(filepath.Join(dir, "log.jsonl"))
	require.NoError(t, err)
	require.Regexp(t, `^{"step":10,"loss":1}\n{"step":15,"loss":0,.*}\n$`, string(b))
}

func TestRestoreRefusesAnotherRun(t *testing.T) {
	r, set := toyRun(t, 5)
	tr := start(t, 1, r, set)
	path := filepath.Join(t.TempDir(), ModelFile)
	require.NoError(t, tr.Save(path))
	got, done, err := ReadRecipe(path)
	require.NoError(t, err)
	require.Zero(t, done)
	require.Equal(t, string(r.JSON()), string(got.JSON()))
	r.Train.Seed++
	require.ErrorContains(t, start(t, 1, r, set).Restore(path), "another recipe")
	r.Data.Samples++
	_, err = New(kernels.New(1), set, r)
	require.ErrorContains(t, err, "the recipe says 301")
}

func TestDivergenceStopsWithTheRemedy(t *testing.T) {
	r, set := toyRun(t, 5)
	r.Network = nn.Config{MLP: &nn.MLPConfig{Dim: 2, Units: 8, Blocks: 0, TimeEmb: 4}}
	r.Train.Rate = nn.Schedule{LR: 1}
	r.Train.Clip = 0
	tr := start(t, 1, r, set)
	tr.Net.Params().Flat.Data()[0] = float32(math.Inf(1))
	tr.Net.Params().Touch()
	_, err := tr.Step()
	require.Error(t, err)
	require.Regexp(t, "not finite.*(learning rate|clip)", err.Error())
	dir := t.TempDir()
	err = do(t, dir, tr, 0)
	require.ErrorContains(t, err, "checkpoint is kept")
	require.NoFileExists(t, filepath.Join(dir, ModelFile))
}

// The median of means and the copies of a sample go through the whole path.
func TestCopiesAndLosses(t *testing.T) {
	for _, l := range []diffusion.Loss{{Kind: "root", Median: true, Outer: 5}, {Kind: "root", Outer: 2, Inner: 3}, {Kind: "huber"}, {Kind: "squared"}, {Kind: "p", P: 1.5}} {
		r, set := toyRun(t, 60)
		r.Train.Loss = l
		r.Process.ClampA = 5
		got := steps(t, start(t, 2, r, set), 60)
		mean := func(x []float64) float64 {
			s := 0.0
			for _, v := range x {
				s += v
			}
			return s / float64(len(x))
		}
		require.Less(t, mean(got[40:]), 0.93*mean(got[:10]), "%+v", l)
	}
}

// modelOf returns that of a network in training.
func modelOf(t *testing.T, net *nn.Net, r recipe.Recipe) *heavytail.Model {
	t.Helper()
	m, err := heavytail.New(net, r)
	require.NoError(t, err)
	return m
}

// modes draws 4000 samples and returns how many lie within 0.35 of each mode of
// gmm_grid, three and a half of its deviations and less than halfway to the next.
func modes(t *testing.T, tr *Trainer) (near [9]int) {
	t.Helper()
	o := heavytail.Options{N: 4000, Method: "dlpm", Steps: 100, Batch: 500}
	err := modelOf(t, tr.Net, tr.Recipe).Stream(context.Background(), o, func(_ int, x []float32) error {
		for ; len(x) > 0; x = x[2:] {
			i, j := math.Round(float64(x[0])), math.Round(float64(x[1]))
			if math.Abs(i) <= 1 && math.Abs(j) <= 1 && math.Hypot(float64(x[0])-i, float64(x[1])-j) < 0.35 {
				near[int(3*(i+1)+j+1)]++
			}
		}
		return nil
	})
	require.NoError(t, err)
	return near
}

// found returns an error unless most of 4000 samples lie near the modes and every
// mode has its part of them. A perfect model has 99.8 % near, and each mode its
// weight; a network that has learnt nothing one in a hundred near, spread evenly.
// Two hundred steps are few: half and a twentieth of the weight are asked for.
func found(near [9]int) error {
	weights := [9]float64{.01, .1, .3, .2, .02, .15, .02, .15, .05} // of gmm_grid
	all := 0
	for k, n := range near {
		all += n
		if float64(n) < 4000*weights[k]/20 {
			return fmt.Errorf("mode %d has %d of 4000 samples, its weight is %v: %v", k, n, weights[k], near)
		}
	}
	if all < 2000 {
		return fmt.Errorf("%d of 4000 samples are near a mode: %v", all, near)
	}
	return nil
}

// Two hundred steps on the nine Gaussians: the loss falls, and the samples find
// every mode, which those of the network at its start do not, nor those of the
// averaged weights at theirs.
func TestTwoHundredStepsFindAllModes(t *testing.T) {
	if testing.Short() {
		t.Skip("several seconds")
	}
	set, err := data.Open(t.Context(), "toy:gmm_grid", data.Options{})
	require.NoError(t, err)
	r, err := recipe.Preset("toy")
	require.NoError(t, err)
	r.Data = recipe.Data{Spec: "toy:gmm_grid", Samples: set.Len(), Shape: set.Shape}
	r.Train.Steps, r.Train.Batch, r.Train.EMA = 200, 512, []float64{0.9}
	r.Train.Rate.Total = 200
	tr := start(t, 0, r, set)
	require.Error(t, found(modes(t, tr)), "the test passes without training")
	losses := steps(t, tr, 200)
	early, late := 0.0, 0.0
	for i := range 20 {
		early += losses[i] / 20
		late += losses[180+i] / 20
	}
	require.Less(t, late, 0.75*early)
	require.NoError(t, found(modes(t, tr)))
	tr.Net.Params().CopyFrom(tr.EMA[0].Shadow)
	near := modes(t, tr)
	t.Logf("loss %.3f to %.3f, samples near the modes %v", early, late, near)
	require.NoError(t, found(near))
}

func TestPreviewsAreWritten(t *testing.T) {
	for _, run := range []func(*testing.T, int) (recipe.Recipe, *data.Set){toyRun, imageRun} {
		r, set := run(t, 2)
		dir := t.TempDir()
		tr := start(t, 0, r, set)
		require.NoError(t, (&Run{Dir: dir, SaveEvery: 5, LogEvery: 5, PreviewEvery: 2}).Do(context.Background(), tr))
		require.FileExists(t, filepath.Join(dir, "preview-00000002.png"))
		require.FileExists(t, filepath.Join(dir, ModelFile))
	}
}

// A run that is stopped while it draws a picture draws it when it goes on; if it was the
// last one, the run says that it was stopped.
func TestPreviewsSurviveAStop(t *testing.T) {
	for _, at := range []int{2, 4} {
		r, set := toyRun(t, 4)
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		tr := start(t, 0, r, set)
		run := &Run{Dir: dir, SaveEvery: 5, LogEvery: 5, PreviewEvery: 2}
		run.each = func() {
			if tr.Done() == at {
				cancel() // the step is done, and its picture is not
			}
		}
		require.ErrorIs(t, run.Do(ctx, tr), context.Canceled)
		require.Equal(t, at, tr.Done())
		name := filepath.Join(dir, fmt.Sprintf("preview-%08d.png", at))
		require.NoFileExists(t, name)
		tr = start(t, 0, r, set)
		require.NoError(t, tr.Restore(filepath.Join(dir, ModelFile)))
		require.NoError(t, (&Run{Dir: dir, SaveEvery: 5, LogEvery: 5, PreviewEvery: 2}).Do(t.Context(), tr))
		got, err := os.ReadFile(name)
		require.NoError(t, err)

		whole := t.TempDir()
		require.NoError(t, (&Run{Dir: whole, SaveEvery: 5, LogEvery: 5, PreviewEvery: 2}).Do(t.Context(), start(t, 0, r, set)))
		want, err := os.ReadFile(filepath.Join(whole, filepath.Base(name)))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestRunReportsAFolderThatIsNotThere(t *testing.T) {
	r, set := toyRun(t, 2)
	err := (&Run{Dir: filepath.Join(t.TempDir(), "no"), SaveEvery: 1, LogEvery: 1}).Do(context.Background(), start(t, 1, r, set))
	require.True(t, errors.Is(err, os.ErrNotExist), "%v", err)
}

// Where the recipe does not say how many samples go through the network at a time, the
// caches do, and neither losses nor weights change.
func TestPartsThatFitTheCaches(t *testing.T) {
	r, set := imageRun(t, 2)
	r.Train.Batch = 20
	whole := start(t, 3, r, set) // three threads take it at once
	require.Equal(t, 20, whole.micro)
	parts, err := New(small{kernels.New(1)}, set, r)
	require.NoError(t, err)
	require.Equal(t, 7, parts.micro)
	require.Equal(t, steps(t, whole, 2), steps(t, parts, 2))
	numtest.SameBits(t, weights(whole), weights(parts), "in parts")
	require.Less(t, parts.ws.Bytes(), whole.ws.Bytes()/2)
}

// small is a device with hardly a cache.
type small struct{ *kernels.CPU }

func (s small) Threads() (n, cache int) { n, _ = s.CPU.Threads(); return n, 1 }
