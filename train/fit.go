package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"heavytail"
	"heavytail/data"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
)

// Options of Fit; the zero value trains on the CPU and leaves no files.
type Options struct {
	// Dir is the folder of the run, made if it is not there: the checkpoint
	// ModelFile, which heavytail.OpenFile opens at any time, log.csv, log.jsonl, the
	// curve of the loss and previews. Empty: no files; Model of the Trainer is what would be
	// in one, and Averaged the network.
	Dir          string
	SaveEvery    int // steps between checkpoints; 0: 500
	LogEvery     int // steps between lines of the logs; 0: 20
	PreviewEvery int // steps between pictures of samples; 0: none
	// Device is what computes; nil: the CPU, with Threads goroutines (at most
	// 4096; 0: all processors). The bytes of the result are the same with any.
	Device  tensor.Device
	Threads int
	// Progress, if not nil, is told every LogEvery steps how the run goes.
	Progress func(Status)
}

// Fit trains a network by r, which Prepare made fit the set, to its last step, and
// returns the trainer with the weights and their averages. Where o.Dir holds a run of
// r already, it goes on with that from its checkpoint: who was stopped, by ctx or by
// a kill, calls Fit again and gets the bytes of a run that was not. It returns an
// error, which names the settings, if the folder holds a run of other settings or
// data (those that recipe.Revisable names may differ) or another process writes it;
// impossible Options are a *heavytail.OptionError.
func Fit(ctx context.Context, r recipe.Recipe, set *data.Set, o Options) (t *Trainer, err error) {
	if ctx == nil || set == nil {
		panic("train: Fit without a context or without a set")
	}
	if o.Threads < 0 || o.Threads > 1<<12 {
		return nil, &heavytail.OptionError{Field: "Threads", Value: o.Threads, Want: fmt.Sprint("0 to ", 1<<12),
			Text: fmt.Sprintf("Options.Threads is %d; want a number of goroutines up to %d, or 0 for all processors", o.Threads, 1<<12)}
	}
	if o.Device == nil {
		o.Device = kernels.New(o.Threads)
	}
	if len(r.Data.Shape) == 0 {
		return nil, fmt.Errorf("a recipe that knows no data: let Prepare make it fit the set first")
	}
	run := Run{Dir: o.Dir, SaveEvery: o.SaveEvery, LogEvery: o.LogEvery, PreviewEvery: o.PreviewEvery, Progress: o.Progress}
	if err := run.complete(); err != nil {
		return nil, err
	}
	if o.Dir != "" {
		if err := os.MkdirAll(o.Dir, 0o777); err != nil {
			return nil, err
		}
		lock, err := LockFolder(o.Dir)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, lock.Release()) }()
	}
	if t, err = begin(o, r, set); err != nil {
		return nil, err
	}
	return t, run.Do(ctx, t)
}

// complete fills in what is not set.
func (r *Run) complete() error {
	for _, f := range []struct {
		name, none string
		steps      int
	}{{"SaveEvery", "the usual", r.SaveEvery}, {"LogEvery", "the usual", r.LogEvery}, {"PreviewEvery", "none", r.PreviewEvery}} {
		if f.steps < 0 {
			return &heavytail.OptionError{Field: f.name, Value: f.steps, Want: "a number of steps, 0 for " + f.none}
		}
	}
	if r.SaveEvery == 0 {
		r.SaveEvery = 500
	}
	if r.LogEvery == 0 {
		r.LogEvery = 20
	}
	return nil
}

// begin returns the trainer of a new run, or that of the one in the folder.
func begin(o Options, r recipe.Recipe, set *data.Set) (*Trainer, error) {
	path := filepath.Join(o.Dir, ModelFile)
	if o.Dir == "" {
		return New(o.Device, set, r)
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		t, err := New(o.Device, set, r)
		if err != nil {
			return nil, err
		}
		return t, t.Save(path)
	}
	saved, done, err := ReadRecipe(path)
	if err != nil {
		return nil, err
	}
	r.Train.Changes = saved.Train.Changes
	if r, err = recipe.Revise(saved, r, done); err != nil {
		return nil, fmt.Errorf("%s holds a run of other settings or data: %w; train in another folder", o.Dir, err)
	}
	t, err := New(o.Device, set, r)
	if err != nil {
		return nil, err
	}
	return t, t.RestoreFrom(path, saved)
}

// Steps is Fit as an iterator, for a loop of one's own around it: it yields how the
// run goes every LogEvery steps, and an error at most once, at the end. Who leaves the
// loop early has the run saved. o.Progress is not called.
func Steps(ctx context.Context, r recipe.Recipe, set *data.Set, o Options) iter.Seq2[Status, error] {
	return func(yield func(Status, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		left := false
		o.Progress = func(s Status) {
			if !left && !yield(s, nil) {
				left = true
				stop()
			}
		}
		if _, err := Fit(ctx, r, set, o); err != nil && !left {
			yield(Status{}, err)
		}
	}
}

// Averaged returns a copy of Net with the weights of the last moving average, those with
// which heavytail.Open opens Model, or Net's own where there is no average: heavytail.New
// makes a model of it and of Recipe. Training on leaves it as it is.
func (t *Trainer) Averaged() *nn.Net {
	net := t.Net.Clone()
	net.Params().CopyFrom(t.averages())
	return net
}

// averages returns the weights of Averaged.
func (t *Trainer) averages() *tensor.Tensor {
	if n := len(t.EMA); n > 0 {
		return t.EMA[n-1].Shadow
	}
	return t.Net.Params().Flat
}

// Model returns the whole state of the run as a file has it: heavytail.Open opens it.
func (t *Trainer) Model() ([]byte, error) {
	s, err := t.state()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = s.Write(&b, tensor.F32)
	return b.Bytes(), err
}
