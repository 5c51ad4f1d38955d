package train

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"heavytail"
	"heavytail/internal/atomicfile"
	"heavytail/internal/imageio"
	"heavytail/nn"
	"heavytail/recipe"
)

// ModelFile is the name of the latest whole checkpoint in a run's folder.
const ModelFile = "model.safetensors"

// A Run says where a Trainer leaves its files and how often, in steps.
type Run struct {
	Dir          string // empty: there are none
	SaveEvery    int    // checkpoints; 0: 500, as in Options
	LogEvery     int    // lines of the logs, and calls of Progress; 0: 20
	PreviewEvery int    // pictures of samples; 0: none
	// Progress is called after every LogEvery steps.
	Progress func(Status)

	each    func()  // called after every step, for tests
	preview *nn.Net // with the averaged weights
	start   time.Time
	from    int // steps done at start
}

// A Status tells about a run under way.
type Status struct {
	Step, Steps int     // done, and of the whole run
	Loss        float64 // mean since the last line
	Norm, Rate  float64 // of the latest gradient; the latest rate
	PerSecond   float64 // samples, since the start
	Left        time.Duration
}

// Do trains until the recipe's number of steps is done. When ctx ends it leaves
// the step under way, which a resumed run does again, saves and returns ctx's
// error, or why it could not save. It sets the numbers of steps that are 0 to what that
// stands for; negative ones are an error. The folder must exist. It panics if ctx or t is
// nil.
func (r *Run) Do(ctx context.Context, t *Trainer) (err error) {
	if ctx == nil || t == nil {
		panic("train: Run.Do without a context or without a trainer")
	}
	if err := r.complete(); err != nil {
		return err
	}
	var log *logs
	if r.Dir != "" {
		if log, err = openLog(r.Dir, t.Done()); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, log.close()) }()
	}
	r.start, r.from = time.Now(), t.Done()
	t.Watch(ctx)
	defer t.Watch(context.Background())
	if r.owes(t) { // stopped while it was drawn
		if err := r.picture(ctx, t); err != nil {
			return err
		}
	}
	for t.Done() < t.Recipe.Train.Steps {
		if ctx.Err() != nil {
			if err := r.save(t, log); err != nil {
				return fmt.Errorf("stopped, and step %d could not be saved (the last checkpoint is kept): %w", t.Done(), err)
			}
			return ctx.Err()
		}
		s, err := t.Step()
		if err != nil && ctx.Err() != nil {
			continue
		}
		if err != nil {
			return fmt.Errorf("%w (the last checkpoint is kept)", err)
		}
		if err := r.after(ctx, t, log, s); err != nil {
			return err
		}
	}
	if t.Done()%r.SaveEvery != 0 || r.from == t.Done() {
		if err := r.save(t, log); err != nil {
			return err
		}
	}
	if r.owes(t) {
		return ctx.Err()
	}
	return nil
}

// due reports whether a picture belongs to the step that t has done.
func (r *Run) due(t *Trainer) bool {
	n := t.Done()
	return r.Dir != "" && r.PreviewEvery > 0 && n > 0 && (n%r.PreviewEvery == 0 || n == t.Recipe.Train.Steps)
}

// owes reports whether it does and is not there.
func (r *Run) owes(t *Trainer) bool {
	if !r.due(t) {
		return false
	}
	_, err := os.Stat(r.pictureFile(t))
	return errors.Is(err, fs.ErrNotExist)
}

func (r *Run) pictureFile(t *Trainer) string {
	return filepath.Join(r.Dir, fmt.Sprintf("preview-%08d.png", t.Done()))
}

// after does what is due after step t.Done().
func (r *Run) after(ctx context.Context, t *Trainer, log *logs, s Stats) error {
	t.tally.Sum += s.Loss
	t.tally.Count++
	if r.each != nil {
		r.each()
	}
	n, last := t.Done(), t.Done() == t.Recipe.Train.Steps
	if n%r.LogEvery == 0 || last {
		st := r.status(t, s)
		t.tally = tally{}
		if log != nil {
			if err := log.add(st); err != nil {
				return err
			}
		}
		if r.Progress != nil {
			r.Progress(st)
		}
	}
	if n%r.SaveEvery == 0 {
		if err := r.save(t, log); err != nil {
			return err
		}
	}
	if r.due(t) {
		return r.picture(ctx, t)
	}
	return nil
}

// save writes the checkpoint, after the log lines up to it and their curve.
func (r *Run) save(t *Trainer, log *logs) error {
	if log == nil {
		return nil
	}
	if err := log.sync(); err != nil {
		return err
	}
	if err := writeCurve(r.Dir); err != nil {
		return err
	}
	return t.Save(filepath.Join(r.Dir, ModelFile))
}

func (r *Run) status(t *Trainer, s Stats) Status {
	n := t.Done()
	st := Status{Step: n, Steps: t.Recipe.Train.Steps, Loss: t.tally.Sum / float64(t.tally.Count), Norm: s.Norm, Rate: s.Rate}
	took := time.Since(r.start)
	if done := n - r.from; done > 0 && took > 0 {
		st.PerSecond = float64(done*t.Recipe.Train.Batch) / took.Seconds()
		st.Left = time.Duration(float64(took) / float64(done) * float64(st.Steps-n))
	}
	return st
}

// previewSteps is the number of deterministic sampling steps of a preview.
const previewSteps = 25

// picture writes preview-STEP.png: samples of seeds 0, 1, … drawn with the
// averaged weights. A preview that fails (the numbers of an unfinished model
// may overflow) does not end the training.
func (r *Run) picture(ctx context.Context, t *Trainer) error {
	if r.preview == nil {
		r.preview = t.Net.Clone()
	}
	r.preview.Params().CopyFrom(t.averages())
	r.preview.Params().Freeze()
	img, err := preview(ctx, r.preview, t)
	if err != nil {
		return nil // if it was ctx that ended, the loop saves and says so, and the next run draws it
	}
	return atomicfile.Write(r.pictureFile(t), func(w io.Writer) error { return imageio.WritePNG(w, img, "") })
}

// preview draws a grid of 40 images or a plot of 2000 points.
func preview(ctx context.Context, net *nn.Net, t *Trainer) (image.Image, error) {
	m, err := heavytail.New(net, t.Recipe)
	if err != nil {
		return nil, err
	}
	shape := t.Recipe.Data.Shape
	o := heavytail.Options{Steps: previewSteps}
	if t.Recipe.Kind() == recipe.DLPM {
		o.Steps-- // through as many levels
	}
	if len(shape) == 1 {
		return points(ctx, m, t, o)
	}
	o.N, o.Batch, o.Clip = 40, 40, heavytail.On
	grid, err := imageio.NewGrid(o.N, shape[0], shape[1], shape[2], 10)
	if err != nil {
		return nil, err
	}
	per := shape[0] * shape[1] * shape[2]
	err = m.Stream(ctx, o, func(first int, x []float32) error {
		for i := range len(x) / per {
			grid.Put(first+i, x[i*per:(i+1)*per])
		}
		return nil
	})
	return grid.Image(), err
}

// points plots the first two columns of samples, in the units of the data, on the
// axes of the data.
func points(ctx context.Context, m *heavytail.Model, t *Trainer, o heavytail.Options) (image.Image, error) {
	const n = 2000
	d := t.set.Per()
	row, names := make([]float64, d), make([]string, min(d, 2))
	var xy, real []float64
	for i := range min(n, t.set.Len()) {
		t.set.Float64(row, i)
		real = append(real, row[:len(names)]...)
	}
	for c := range names {
		names[c] = t.Recipe.Data.ColumnName(c)
	}
	o.N, o.Batch, o.Given = n, n, conditions(t.set, n)
	err := m.Stream64(ctx, o, func(_ int, x []float64) error {
		for ; len(x) > 0; x = x[d:] {
			xy = append(xy, x[:len(names)]...)
		}
		return nil
	})
	return imageio.Scatter(xy, imageio.Axes(real, names), 400), err
}
