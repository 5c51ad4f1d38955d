package train

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/data"
	"heavytail/diffusion"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
)

// prepared returns a short run on points around (100, −3), unscaled, in two classes.
func prepared(t *testing.T) (recipe.Recipe, *data.Set) {
	t.Helper()
	set, err := data.From(clouds(60), []int{2}, nil)
	require.NoError(t, err)
	r, err := recipe.Preset("toy")
	require.NoError(t, err)
	require.NoError(t, r.Use(recipe.TEDM))
	r.Train.Steps, r.Train.Batch = 30, 16
	r.Train.Rate.Kind, r.Train.Rate.Warmup = "cosine", 20
	notes, err := Prepare(&r, set)
	require.NoError(t, err)
	require.NotEmpty(t, notes)
	return r, set
}

type clouds int

func (n clouds) Len() int { return int(n) }

func (n clouds) Sample(dst []float64, i int) int {
	dst[0], dst[1] = 100+unit(bits(1, 1, uint64(i))), -3+0.01*unit(bits(2, 1, uint64(i)))
	return -1
}

// Prepare settles what the command's flags leave open.
func TestPrepare(t *testing.T) {
	r, _ := prepared(t)
	require.Equal(t, recipe.Robust, r.Data.Scaling.Kind)
	require.InDelta(t, 100.5, r.Data.Scaling.Center[0], 0.2)
	require.InDelta(t, 0.0025, r.Data.Scaling.Scale[1], 0.001)
	require.NotEmpty(t, r.EDM.SigmaData)
	require.Equal(t, 30, r.Train.Rate.Total)
	require.Equal(t, 3, r.Train.Rate.Warmup)
	require.Equal(t, 60, r.Data.Samples)
	require.Len(t, r.Data.Sum, 32)

	set, err := data.From(clouds(3), []int{1, 2, 1}, nil)
	require.NoError(t, err)
	r.Network.MLP.Dim = 7
	_, err = Prepare(&r, set)
	require.ErrorContains(t, err, "is for points")
}

// A run that is left and fitted again ends with the bytes of one that was not, and
// of one without a folder.
func TestFit(t *testing.T) {
	r, set := prepared(t)
	whole := t.TempDir()
	_, err := Fit(t.Context(), r, set, Options{Dir: whole})
	require.NoError(t, err)
	want, err := os.ReadFile(filepath.Join(whole, ModelFile))
	require.NoError(t, err)

	dir := filepath.Join(t.TempDir(), "made", "here")
	for s, err := range Steps(t.Context(), r, set, Options{Dir: dir, LogEvery: 10, Threads: 1}) {
		require.NoError(t, err)
		require.Equal(t, 10, s.Step)
		break
	}
	_, done, err := ReadRecipe(filepath.Join(dir, ModelFile))
	require.NoError(t, err)
	require.Equal(t, 10, done, "who leaves the loop has the run saved")
	var steps []int
	for s, err := range Steps(t.Context(), r, set, Options{Dir: dir, LogEvery: 10, Threads: 2}) {
		require.NoError(t, err)
		steps = append(steps, s.Step)
	}
	require.Equal(t, []int{20, 30}, steps)
	got, err := os.ReadFile(filepath.Join(dir, ModelFile))
	require.NoError(t, err)
	require.Equal(t, want, got)

	n := 0
	tr, err := Fit(t.Context(), r, set, Options{Progress: func(Status) { n++ }})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	got, err = tr.Model()
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestFitRefuses(t *testing.T) {
	r, set := prepared(t)
	dir := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err := Fit(ctx, r, set, Options{Dir: dir})
	require.ErrorIs(t, err, context.Canceled)

	other := r.Clone()
	other.Train.Batch = 8
	_, err = Fit(t.Context(), other, set, Options{Dir: dir})
	require.ErrorContains(t, err, "train.batch")
	moved, err := data.From(clouds(59), []int{2}, nil)
	require.NoError(t, err)
	other = r.Clone()
	_, err = Prepare(&other, moved)
	require.NoError(t, err)
	_, err = Fit(t.Context(), other, moved, Options{Dir: dir})
	require.ErrorContains(t, err, "data.")

	lock, err := LockFolder(dir)
	require.NoError(t, err)
	_, err = Fit(t.Context(), r, set, Options{Dir: dir})
	require.ErrorContains(t, err, "written by another training")
	require.NoError(t, lock.Release())

	for _, n := range []int{-1, 1<<12 + 1, math.MaxInt} {
		_, err = Fit(t.Context(), r, set, Options{Threads: n})
		require.ErrorContains(t, err, "Options.Threads is")
	}
	_, err = Fit(t.Context(), r, set, Options{SaveEvery: -1})
	require.EqualError(t, err, "SaveEvery is -1; want a number of steps, 0 for the usual")
	require.ErrorIs(t, err, &heavytail.OptionError{Field: "SaveEvery"})
	raw, err := recipe.Preset("toy")
	require.NoError(t, err)
	_, err = Fit(t.Context(), raw, set, Options{})
	require.ErrorContains(t, err, "Prepare")
	require.Panics(t, func() { _, _ = Fit(t.Context(), r, nil, Options{}) })
	longer := r.Clone()
	longer.Train.Steps = 32
	tr, err := Fit(t.Context(), longer, set, Options{Dir: dir})
	require.NoError(t, err, "a run may be lengthened")
	require.Equal(t, 32, tr.Done())
	require.Equal(t, diffusion.Squared, tr.Recipe.Train.Loss.Kind)
}

// A Run whose numbers of steps are 0 has the usual ones, as Options have, and negative ones
// are errors.
func TestRunOfZero(t *testing.T) {
	r, set := toyRun(t, 3)
	run := Run{Dir: t.TempDir()}
	require.NoError(t, run.Do(t.Context(), start(t, 0, r, set)))
	require.Equal(t, []int{500, 20, 0}, []int{run.SaveEvery, run.LogEvery, run.PreviewEvery})
	require.FileExists(t, filepath.Join(run.Dir, ModelFile))
	var text bytes.Buffer
	require.NoError(t, (&Run{Dir: run.Dir}).Describe(t.Context(), &text, start(t, 0, r, set)))
	require.Contains(t, text.String(), "every 500 steps, log.csv, log.jsonl and loss.svg every 20")
	for field, run := range map[string]Run{"SaveEvery": {SaveEvery: -1}, "LogEvery": {LogEvery: -1}, "PreviewEvery": {PreviewEvery: -1}} {
		require.ErrorIs(t, run.Do(t.Context(), start(t, 0, r, set)), &heavytail.OptionError{Field: field})
	}
	require.PanicsWithValue(t, "train: Run.Do without a context or without a trainer", func() { (&Run{}).Do(t.Context(), nil) })
	_, err := Fit(t.Context(), r, set, Options{Threads: -1})
	require.ErrorIs(t, err, &heavytail.OptionError{Field: "Threads"})
}

// Averaged is the network that opening the model gives, Net is not; without averages both
// are.
func TestAveraged(t *testing.T) {
	for _, averages := range [][]float64{{0.9, 0.99}, nil} {
		r, set := toyRun(t, 4)
		r.Train.EMA = averages
		tr, err := Fit(t.Context(), r, set, Options{})
		require.NoError(t, err)
		b, err := tr.Model()
		require.NoError(t, err)
		opened, err := heavytail.Open(b)
		require.NoError(t, err)
		o := heavytail.Options{N: 2, Steps: 3}
		want, err := opened.Sample(t.Context(), o)
		require.NoError(t, err)
		sample := func(net *nn.Net) []float32 {
			m, err := heavytail.New(net, tr.Recipe)
			require.NoError(t, err)
			x, err := m.Sample(t.Context(), o)
			require.NoError(t, err)
			return x.Float32()
		}
		net := tr.Averaged()
		require.Equal(t, want.Float32(), sample(net))
		require.Equal(t, averages == nil, slices.Equal(want.Float32(), sample(tr.Net)))
		tr.Net.Params().Init(5)
		require.Equal(t, want.Float32(), sample(net))
	}
}

// A network that a program trained by itself is a model without invented settings of
// training, in a file too, and a run may start from it; a run of its recipe has nothing to
// train by.
func TestOwnNetwork(t *testing.T) {
	cfg := nn.Config{MLP: &nn.MLPConfig{Dim: 2, Hidden: []int{16}}}
	net, err := nn.New(kernels.New(1), cfg)
	require.NoError(t, err)
	net.Params().Init(3)
	r := recipe.Recipe{Format: recipe.Format, Network: cfg, EDM: &diffusion.EDM{Nu: diffusion.Nu{4}, SigmaData: []float64{1}}, Data: recipe.Data{Shape: []int{2}}}
	m, err := heavytail.New(net, r)
	require.NoError(t, err)
	want, err := m.Sample(t.Context(), heavytail.Options{N: 2, Steps: 3})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "own.safetensors")
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, (&nn.State{Net: net, Recipe: r.JSON()}).Write(f, tensor.F32))
	require.NoError(t, f.Close())
	if m, err = heavytail.OpenFile(path); err != nil {
		t.Fatal(err)
	}
	require.True(t, m.Recipe().Known() && !m.Recipe().Trained())
	got, err := m.Sample(t.Context(), heavytail.Options{N: 2, Steps: 3})
	require.NoError(t, err)
	require.Equal(t, want.Float32(), got.Float32())

	b, err := Start{Data: "toy:rings", From: path, Values: recipe.Values{"steps": "3", "points": "100"}}.In(t.Context(), filepath.Join(t.TempDir(), "run"))
	require.NoError(t, err)
	defer b.Close()
	is := b.Trainer.Recipe
	require.Equal(t, []any{cfg, diffusion.Nu{4}, 3}, []any{is.Network, is.EDM.Nu, is.Train.Steps})
	require.NoError(t, (&Run{}).Do(t.Context(), b.Trainer))

	_, set := toyRun(t, 3)
	_, err = Prepare(&r, set)
	require.ErrorIs(t, err, errNoTrain)
	_, err = New(kernels.New(1), set, r)
	require.ErrorIs(t, err, errNoTrain)
}

// What is missing is said; no device is the CPU.
func TestNothing(t *testing.T) {
	r, set := toyRun(t, 3)
	a, err := New(nil, set, r)
	require.NoError(t, err)
	_, err = a.Step()
	require.NoError(t, err)
	require.PanicsWithValue(t, "train: New without a set", func() { _, _ = New(nil, nil, r) })
	for name, f := range map[string]func(*recipe.Recipe, *data.Set) ([]string, error){"Prepare": Prepare, "Scale": Scale, "Bend": Bend, "Measure": Measure, "Condition": Condition} {
		require.PanicsWithValue(t, "train: "+name+" without a recipe or without a set", func() { _, _ = f(&r, nil) })
		require.PanicsWithValue(t, "train: "+name+" without a recipe or without a set", func() { _, _ = f(nil, set) })
	}
	require.PanicsWithValue(t, "train: Reach without a set", func() { _ = Reach(nil, r.Data) })
}
