package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strings"

	"heavytail/data"
	"heavytail/internal/cli"
	"heavytail/internal/device"
	"heavytail/internal/words"
	"heavytail/recipe"
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
With -resume, -data and the settings need not be given again, but -save-every,
-log-every and -preview-every are each command's own; settings that are given must be
the run's. Others may be -steps, which lengthens the run (a cosine or linear
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
	out     string
	threads int
	device  deviceFlag
	start   train.Start
	run     train.Run
	dry     bool
}

func trainFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	r := &trainRequest{}
	s := &r.start
	fs.StringVar(&s.Data, "data", "", "training data `SPEC`: idx:DIR, images:DIR, images:FILE.zip, npy:FILE, csv:FILE or toy:NAME ("+strings.Join(data.Toys(), ", ")+"), or a name alone whose ending says what it is (required for a new run)")
	fs.StringVar(&r.out, "out", "", "`folder` of the run (required)")
	fs.StringVar(&s.Preset, "preset", "", "settings to start from: "+strings.Join(recipe.Presets(), ", ")+" (empty: fashion for images, toy for points)")
	fs.StringVar(&s.From, "from", "", "start from the weights of this `model`, and from its settings if there is no -preset (empty: from random weights)")
	fs.BoolVar(&r.dry, "dry-run", false, "read the data, try a step, say what the run would be, and write nothing")
	fs.IntVar(&r.threads, "threads", 0, "threads (0: all processors)")
	r.device.define(fs)
	fs.BoolVar(&s.Resume, "resume", false, "go on from the checkpoint in the folder of the run")
	fs.IntVar(&r.run.SaveEvery, "save-every", saveEvery, "steps between checkpoints")
	fs.IntVar(&r.run.LogEvery, "log-every", logEvery, "steps between lines of the logs")
	fs.IntVar(&r.run.PreviewEvery, "preview-every", previewEvery, "steps between pictures of samples (0: none)")
	s.Values = recipe.Values{}
	for _, one := range recipe.Settings() {
		fs.Var(&settingFlag{one, one.Default, s.Values}, one.Name, one.Help)
	}
	return func(ctx context.Context, e env, args []string) error {
		if err := cli.NoArguments(args); err != nil {
			return err
		}
		return r.do(ctx, e)
	}
}

// A settingFlag is the flag of a setting of recipes.
type settingFlag struct {
	recipe.Setting
	text string
	into recipe.Values
}

func (f *settingFlag) String() string   { return f.text }
func (f *settingFlag) IsBoolFlag() bool { return f.Bool }

func (f *settingFlag) Set(text string) error {
	f.text, f.into[f.Name] = text, text
	return f.Check(text)
}

func (r *trainRequest) do(ctx context.Context, e env) error {
	s := &r.start
	if s.Data != "" {
		s.Data = specOf(s.Data)
	}
	if err := r.check(); err != nil {
		return err
	}
	dev, err := r.device.open(r.threads)
	if err != nil {
		return err
	}
	defer device.Close(dev)
	s.Device, s.Chosen = dev, r.device.given
	begin := s.In
	if r.dry {
		begin = s.Dry
	}
	b, err := begin(ctx, r.out)
	if err != nil {
		return err
	}
	r.run.Dir = r.out
	defer b.Close() // at worst the file of the lock stays, which the next owner takes over
	if r.dry {
		say(e, b.Notes)
		return r.run.Describe(ctx, e.Stdout, b.Trainer)
	}
	return r.work(ctx, e, b)
}

func (r *trainRequest) check() error {
	switch {
	case r.out == "":
		return cli.Usage("-out is missing: name a folder for the checkpoints and logs")
	case r.start.Data == "" && !r.start.Resume:
		return cli.Usage("-data is missing: for instance -data toy:gmm_grid or -data idx:DIR")
	case r.threads < 0 || r.threads > 1<<12:
		return cli.Usage("-threads %d: want 0 (all processors) to %d", r.threads, 1<<12)
	case r.run.SaveEvery < 1:
		return cli.Usage("-save-every %d: want at least 1", r.run.SaveEvery)
	case r.run.LogEvery < 1:
		return cli.Usage("-log-every %d: want at least 1", r.run.LogEvery)
	case r.run.PreviewEvery < 0:
		return cli.Usage("-preview-every %d: want 0 (none) or more", r.run.PreviewEvery)
	case r.start.From == builtIn:
		return cli.Usage("-from %s: that is no file: write it to one with heavytail convert %[1]s NAME.safetensors, and give -from that", builtIn)
	}
	return nil
}

// say tells what is worth knowing of how the data were read.
func say(e env, notes []string) {
	for _, note := range notes {
		fmt.Fprintln(e.Stderr, cli.Singular(note))
	}
}

// The default numbers of steps between checkpoints, lines and pictures, which no run keeps.
const (
	saveEvery    = 500
	logEvery     = 20
	previewEvery = 2000
)

// again returns the command that goes on with the run, with more settings.
func (r *trainRequest) again(more string) string {
	for _, f := range []struct {
		name        string
		is, without int
	}{{"save-every", r.run.SaveEvery, saveEvery}, {"log-every", r.run.LogEvery, logEvery}, {"preview-every", r.run.PreviewEvery, previewEvery}} {
		if f.is != f.without {
			more += fmt.Sprintf(" -%s %d", f.name, f.is)
		}
	}
	return fmt.Sprintf("heavytail train -resume%s -out %s", more, r.out)
}

// work runs the training loop and says how it ended.
func (r *trainRequest) work(ctx context.Context, e env, b *train.Begun) error {
	m, t := newMeter(e), b.Trainer
	rec := t.Recipe
	fmt.Fprintf(e.Stderr, "%s of %v, %s, %s, %d MiB; step %d of %d\n",
		cli.Counted(rec.Data.Samples, "sample"), rec.Data.Shape, cli.Counted(t.Net.Params().Count(), "parameter"), rec.Noise(), t.Bytes()>>20, t.Done(), rec.Train.Steps)
	say(e, b.Notes)
	r.run.Progress = func(s train.Status) {
		const line = "step %d of %d  loss %.4f  %s samples/s  %s left"
		if e.Terminal {
			m.show(line, s.Step, s.Steps, s.Loss, words.Rate(s.PerSecond), words.Short(s.Left))
		} else if s.Step%r.run.SaveEvery < r.run.LogEvery {
			fmt.Fprintf(e.Stderr, line+"\n", s.Step, s.Steps, s.Loss, words.Rate(s.PerSecond), words.Short(s.Left))
		}
	}
	from := t.Done()
	err := r.run.Do(ctx, t)
	m.clear()
	if errors.Is(err, context.Canceled) {
		return cli.Left(err, "step %d of %d is saved, and %s goes on", t.Done(), rec.Train.Steps, r.again(""))
	}
	if d := (*train.Diverged)(nil); errors.As(err, &d) && d.Place == "" && d.Unscaled == 0 {
		if from > 0 && t.Done() == from {
			return fmt.Errorf("%w: the saved weights are beyond help: start a new run with other settings", err)
		}
		return fmt.Errorf("%w: %s goes on with a tenth of the rate", err, r.again(fmt.Sprintf(" -lr %.3g", rec.Train.Rate.LR/10)))
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Stderr, "done: %s\n", filepath.Join(r.out, train.ModelFile))
	return nil
}
