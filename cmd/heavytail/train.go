package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"heavytail/data"
	"heavytail/internal/cli"
	"heavytail/internal/device"
	"heavytail/internal/source"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
	"heavytail/train"
)

var trainCommand = command{
	Name: "train", Summary: "trains a model: checkpoints, logs and previews go to a folder",
	Help: `  heavytail train -data idx:/usr/share/datasets/fashion-mnist -out runs/fashion
  heavytail train -data images:photos.zip -size 32 -out runs/photos -steps 50000
  heavytail train -data toy:gmm_grid -out runs/grid
  heavytail train -data csv:x.csv -process tedm -nu 4 -out runs/x      Student-t noise
  heavytail train -data csv:returns.csv -columns a -out runs/a         one column of a table
  heavytail train -data csv:days.csv -columns r -given vol -out runs/r   r given vol
  heavytail train -data csv:days.csv -columns r -window 10 -held 0.2 -out runs/w
                                                      ten rows in turn, the last fifth held out
  heavytail train -data images:photos -size 32 -process flow -out runs/flow
  heavytail train -data idx:mnist -preset mnist -batch 64 -out runs/mnist
  heavytail train -resume -out runs/fashion           goes on after a stop

Interrupt with Ctrl-C: the step is finished, the state saved. A run that was
stopped or killed and resumed ends with the same bytes as one that was not.
With -resume, -data and the settings need not be given again; those that are must
be the run's own. Others may be -steps, which lengthens the run (a cosine or linear
schedule is drawn out to the new end, so that its rate jumps up where it went on),
-lr, -clip and -clamp-a, for a run that diverged, and -micro; the recipe in the
checkpoint says what was changed when. Any device goes on with the same bytes, but
a run changes over to or from -device cuda,tf32 and cuda,bf16, which round, only
where -device says so. One training at a time writes a folder.

DIR/model.safetensors is the latest whole checkpoint; heavytail sample -model
reads it at any time.
`,
	Flags: trainFlags,
}

// A trainRequest is what the flags of train ask for.
type trainRequest struct {
	data, out, preset string
	threads           int
	device            deviceFlag
	dev               tensor.Device
	resume            bool
	run               train.Run
	settings          []*setting
	given             map[string]bool
	rules             int      // by which the data are read
	notes             []string // about the data, for a person
	lock              *train.Lock
	from              string
	source            *train.Source // of from
	dry               bool
}

func trainFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	r := &trainRequest{given: map[string]bool{}}
	fs.StringVar(&r.data, "data", "", "training data `SPEC`: idx:DIR, images:DIR, images:FILE.zip, npy:FILE, csv:FILE or toy:NAME ("+strings.Join(data.Toys(), ", ")+"), or a name alone whose ending says what it is (required for a new run)")
	fs.StringVar(&r.out, "out", "", "`folder` of the run (required)")
	fs.StringVar(&r.preset, "preset", "", "settings to start from: "+strings.Join(recipe.Presets(), ", ")+" (empty: fashion for images, toy for points)")
	fs.StringVar(&r.from, "from", "", "start from the weights of this `model`, and from its settings if there is no -preset (empty: from random weights)")
	fs.BoolVar(&r.dry, "dry-run", false, "read the data, try a step, say what the run would be, and write nothing")
	fs.IntVar(&r.threads, "threads", 0, "threads (0: all processors)")
	r.device.define(fs)
	fs.BoolVar(&r.resume, "resume", false, "go on from the checkpoint in the folder of the run")
	fs.IntVar(&r.run.SaveEvery, "save-every", 500, "steps between checkpoints")
	fs.IntVar(&r.run.LogEvery, "log-every", 20, "steps between lines of the logs")
	fs.IntVar(&r.run.PreviewEvery, "preview-every", 2000, "steps between pictures of samples (0: none)")
	r.settings = recipeFlags(fs)
	return func(ctx context.Context, e env, args []string) error {
		if err := cli.NoArguments(args); err != nil {
			return err
		}
		fs.Visit(func(f *flag.Flag) { r.given[f.Name] = true })
		return r.do(ctx, e)
	}
}

func (r *trainRequest) do(ctx context.Context, e env) error {
	if r.data != "" {
		r.data = specOf(r.data)
	}
	if err := r.check(); err != nil {
		return err
	}
	there, err := r.there()
	if err != nil {
		return err
	}
	if r.dev, err = r.device.open(r.threads); err != nil {
		return err
	}
	defer device.Close(r.dev)
	var t *train.Trainer
	if there {
		if !r.dry {
			if err := r.take(); err != nil {
				return err
			}
			defer r.release()
		}
		t, err = r.goOn(ctx, r.model())
	} else {
		t, err = r.begin(ctx)
		defer r.release()
	}
	if err != nil {
		return err
	}
	if r.dry {
		r.say(e)
		return r.describe(ctx, e, t)
	}
	return r.work(ctx, e, t)
}

func (r *trainRequest) model() string { return filepath.Join(r.out, train.ModelFile) }

// there reports whether the folder holds a run, an error if one may not be there.
func (r *trainRequest) there() (bool, error) {
	_, err := os.Stat(r.model())
	if err == nil && !r.resume {
		return true, fmt.Errorf("%s holds a run already: add -resume to go on with it, or choose another -out", r.out)
	}
	return err == nil, nil
}

// take keeps the folder of the run for this process, until release.
func (r *trainRequest) take() (err error) {
	r.lock, err = train.LockFolder(r.out)
	return err
}

func (r *trainRequest) release() {
	if r.lock != nil {
		_ = r.lock.Release() // at worst the file stays, which the next owner takes over
	}
}

func (r *trainRequest) check() error {
	switch {
	case r.out == "":
		return cli.Usage("-out is missing: name a folder for the checkpoints and logs")
	case r.data == "" && !r.resume:
		return cli.Usage("-data is missing: for instance -data toy:gmm_grid or -data idx:DIR")
	case r.threads < 0 || r.threads > 1<<12:
		return cli.Usage("-threads %d: want 0 (all processors) to %d", r.threads, 1<<12)
	case r.run.SaveEvery < 1:
		return cli.Usage("-save-every %d: want at least 1", r.run.SaveEvery)
	case r.run.LogEvery < 1:
		return cli.Usage("-log-every %d: want at least 1", r.run.LogEvery)
	case r.run.PreviewEvery < 0:
		return cli.Usage("-preview-every %d: want 0 (none) or more", r.run.PreviewEvery)
	}
	return nil
}

// begin starts a new run: the recipe from the preset, the flags and the data.
// The first checkpoint is written before the first step, so that from then on
// -resume needs nothing else.
func (r *trainRequest) begin(ctx context.Context) (*train.Trainer, error) {
	if r.data == "" {
		return nil, fmt.Errorf("%s: there is no checkpoint to resume; start with -data SPEC", r.out)
	}
	r.rules = data.RulesOf(r.data)
	rec, set, err := r.recipe(ctx)
	if err != nil {
		return nil, err
	}
	t, err := train.New(r.dev, set, rec)
	if err != nil {
		return nil, err
	}
	if r.from != "" {
		if err := t.StartFrom(r.from); err != nil {
			return nil, fmt.Errorf("-from: %w", err)
		}
	}
	if r.dry {
		return t, nil
	}
	if err := os.MkdirAll(r.out, 0o777); err != nil {
		return nil, fmt.Errorf("-out: %w", err)
	}
	if err := r.take(); err != nil {
		return nil, err
	}
	if there, err := r.there(); there { // another process was faster
		return nil, errors.Join(err, fmt.Errorf("%s: another training began there meanwhile", r.out))
	}
	return t, t.Save(r.model())
}

// recipe reads the data and settles the recipe of a new run.
func (r *trainRequest) recipe(ctx context.Context) (recipe.Recipe, *data.Set, error) {
	name := r.preset
	if name == "" {
		name = defaultPreset(r.data)
	}
	rec, err := r.start(ctx, name)
	if err != nil {
		return rec, nil, err
	}
	rec.Data.Spec, rec.Data.Rules = r.data, r.rules
	if err := apply(&rec, r.settings, r.given, early); err != nil {
		return rec, nil, err
	}
	set, err := train.Open(ctx, &rec)
	if err != nil {
		return rec, nil, err
	}
	if r.preset == "" && !set.Images() && rec.Preset == "fashion" { // an array of points
		read := rec.Data
		if rec, err = r.start(ctx, "toy"); err != nil {
			return rec, nil, err
		}
		rec.Data = read
		if err := apply(&rec, r.settings, r.given, early); err != nil {
			return rec, nil, err
		}
	}
	if err := r.fits(rec); err != nil {
		return rec, nil, err
	}
	if err := rec.Fit(); err != nil {
		return rec, nil, fmt.Errorf("-data %s: %w", source.Printable(r.data), err)
	}
	fitted := rec.Clone()
	if err := apply(&rec, r.settings, r.given, late); err != nil {
		return rec, nil, err
	}
	r.notes = slices.Clone(set.Notes)
	for _, settle := range []func(*recipe.Recipe, *data.Set) ([]string, error){r.standardize, r.bend, r.condition, r.measure} {
		notes, err := settle(&rec, set)
		if err != nil {
			return rec, nil, err
		}
		r.notes = append(r.notes, notes...)
	}
	rec.Train.Mode = tensor.FastMode(r.dev)
	rec.EndRate(r.given["warmup"])
	if err := rec.Validate(); err != nil {
		return rec, nil, cli.Usage("%w", r.blame(fitted, rec, err))
	}
	if err := rec.Idle(); err != nil {
		return rec, nil, cli.Usage("%w", err)
	}
	return rec, set, nil
}

// measure is train.Measure for the run.
func (r *trainRequest) measure(rec *recipe.Recipe, set *data.Set) ([]string, error) {
	notes, err := train.Measure(rec, set)
	if err != nil {
		return nil, fmt.Errorf("-data %s: %w", source.Printable(r.data), err)
	}
	return notes, nil
}

// blame adds to err, the error of an impossible recipe, the flag that made it
// one: the last after which the settings of base, changed by one flag after the
// other, are impossible and stay so. What is measured is as possible as in final.
func (r *trainRequest) blame(base, final recipe.Recipe, err error) error {
	if t := final.Train.Rate; t.Kind == nn.StepLR && t.Validate() != nil {
		err = fmt.Errorf("%w: -lr-every gives the steps between two reductions, -lr-gamma their factor", err)
	}
	impossible := func(rec recipe.Recipe) bool {
		rec = rec.Clone()
		rec.Data.Transform = final.Data.Transform
		if rec.Data.Scaling = final.Data.Scaling; rec.EDM != nil && rec.EDM.SigmaData == nil {
			rec.EDM.SigmaData = []float64{1} // as good as what is measured
		}
		rec.EndRate(r.given["warmup"])
		return rec.Validate() != nil
	}
	rec := base.Clone()
	bad, flag := impossible(rec), ""
	for _, s := range r.settings {
		if s.when != late || !r.given[s.name] || s.set(&rec) != nil {
			continue
		}
		is := impossible(rec)
		if is && !bad {
			flag = "-" + s.name + " " + s.value.String()
		}
		bad = is
	}
	switch {
	case flag != "":
		return fmt.Errorf("%s: %w", flag, err)
	case len(rec.Data.Shape) == 3:
		return fmt.Errorf("-data %s: %w: -size scales the images, -width, -mult and others set the network", source.Printable(final.Data.Spec), err)
	}
	return err
}

// defaultPreset is toy for toy sets and tables, fashion for the rest.
func defaultPreset(spec string) string {
	if strings.HasPrefix(spec, "toy:") || strings.HasPrefix(spec, "csv:") {
		return "toy"
	}
	return "fashion"
}

// say tells what is worth knowing of how the data were read.
func (r *trainRequest) say(e env) {
	for _, note := range r.notes {
		fmt.Fprintln(e.Stderr, cli.Singular(note))
	}
}

// work runs the training loop and says how it ended.
func (r *trainRequest) work(ctx context.Context, e env, t *train.Trainer) error {
	r.run.Dir = r.out
	m := newMeter(e)
	rec := t.Recipe
	fmt.Fprintf(e.Stderr, "%s of %v, %s, %s, %d MiB; step %d of %d\n",
		cli.Counted(rec.Data.Samples, "sample"), rec.Data.Shape, cli.Counted(t.Net.Params().Count(), "parameter"), rec.Noise(), t.Bytes()>>20, t.Done(), rec.Train.Steps)
	r.say(e)
	r.run.Progress = func(s train.Status) {
		const line = "step %d of %d  loss %.4f  %s samples/s  %s left"
		if e.Terminal {
			m.show(line, s.Step, s.Steps, s.Loss, rate(s.PerSecond), short(s.Left))
		} else if s.Step%r.run.SaveEvery < r.run.LogEvery {
			fmt.Fprintf(e.Stderr, line+"\n", s.Step, s.Steps, s.Loss, rate(s.PerSecond), short(s.Left))
		}
	}
	from := t.Done()
	err := r.run.Do(ctx, t)
	m.clear()
	if errors.Is(err, context.Canceled) {
		return cli.Left(err, "step %d of %d is saved, and heavytail train -resume -out %s goes on", t.Done(), rec.Train.Steps, r.out)
	}
	if d := (*train.Diverged)(nil); errors.As(err, &d) && d.Place == "" && d.Unscaled == 0 {
		if from > 0 && t.Done() == from {
			return fmt.Errorf("%w: the saved weights are beyond help: start a new run with other settings", err)
		}
		return fmt.Errorf("%w: heavytail train -resume -lr %.3g -out %s goes on with a tenth of the rate", err, rec.Train.Rate.LR/10, r.out)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Stderr, "done: %s\n", filepath.Join(r.out, train.ModelFile))
	return nil
}
