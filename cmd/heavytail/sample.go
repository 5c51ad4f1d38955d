package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"

	"heavytail"
	"heavytail/internal/cli"
	"heavytail/internal/device"
	"heavytail/output"
	"heavytail/tensor"
)

var sampleCommand = command{
	Name: "sample", Summary: "draws samples from a model: a picture, a film, numbers or single files",
	Help: `  heavytail sample                                    64 samples of the built-in model to out.png
  heavytail sample -n 100 -seed 7 -class 9 -o boots.png
  heavytail sample -method dlpm -o dlpm.png           the stochastic sampler
  heavytail sample -n 16 -o film.gif                  the way from noise to picture
  heavytail sample -n 1000 -o all.npy                 float32 [n, height, width, channels]
  heavytail sample -seeds 0-63,100 -o pictures/       one PNG per seed
  heavytail sample -class 7 -guidance 3 -o typical.png
  heavytail sample -init shoe.png -strength 0.6 -class 9 -o like-it.png
  heavytail sample -init shirt.png -mask hole.png -class 6 -o filled.png
  heavytail sample -model runs/x/model.safetensors
  heavytail sample -model ddpm-cifar10-32              a folder, or a zip, of diffusers
  heavytail sample -n 1000 -device cuda:0+1 -o all.npy  on two GPUs, with the same bytes
  heavytail sample -n 1000 -shard 0/2 -o parts        half of them on this machine …
  heavytail sample -n 1000 -shard 1/2 -o parts        … and half on that, for heavytail merge
  heavytail sample -model runs/tedm/model.safetensors -method tedm-ancestral -steps 100
  heavytail sample -model runs/r/model.safetensors -given vol=0.02 -n 1000 -o r.csv

The same model, seeds and settings give the same bytes on every machine; only the
fast modes of GPUs, -device cuda,tf32 and cuda,bf16, give others.
Without -class, the sample of seed s has class s mod the number of classes.
A PNG carries its recipe: heavytail info out.png shows it.
`,
	Flags: sampleFlags,
}

// A sampleRequest is what the flags of sample ask for.
type sampleRequest struct {
	model, seeds, class, out    string
	n, threads, columns, frames int
	options                     heavytail.Options
	edit                        output.Edit
	weights, conditions         string // conditions: of -given
	device                      deviceFlag
	alpha                       float64
	loaded                      *heavytail.Model
	recipe                      output.Recipe
	given                       map[string]bool // flags on the command line
	parts                       partsFlag
}

func sampleFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	r := &sampleRequest{}
	fs.StringVar(&r.model, "model", "", "model `file` (.safetensors or .pt, or a folder or zip of diffusers; empty: the built-in model, also by that name)")
	fs.IntVar(&r.n, "n", 64, "number of samples")
	fs.Uint64Var(&r.options.Seed, "seed", 0, "seed of the first sample; the next have seed+1, seed+2, …")
	fs.StringVar(&r.seeds, "seeds", "", "`list` of seeds, one sample each, such as 0-63,100 (empty: -n from -seed on)")
	r.settingFlags(fs)
	r.editFlags(fs)
	fs.StringVar(&r.class, "class", "", "class `number or name`, none, or a list (empty: all in turn)")
	fs.StringVar(&r.conditions, "given", "", strings.Replace(givenHelp, " (", ", or a table FILE.csv of them, whose rows the samples have in turn (", 1))
	fs.StringVar(&r.weights, "weights", "", weightsHelp)
	fs.Float64Var(&r.alpha, "alpha", 0, "tail index of a model file without a recipe (0: 1.8)")
	fs.IntVar(&r.threads, "threads", 0, "threads (0: all processors)")
	r.device.defineAll(fs)
	fs.IntVar(&r.options.Batch, "batch", 32, "samples computed at a time; changes speed and memory only")
	fs.IntVar(&r.columns, "cols", 0, "columns of the grid (0: about square)")
	fs.IntVar(&r.frames, "frames", 40, "frames of a .gif, at most")
	fs.StringVar(&r.parts.text, "shard", "", shardHelp)
	fs.StringVar(&r.out, "o", "out.png", "output: .png, .gif, .npy, of points .csv, or a folder (a path that ends in / or is one); with -shard the folder of the parts")
	return func(ctx context.Context, e env, args []string) error {
		if err := cli.NoArguments(args); err != nil {
			return err
		}
		r.given = cli.Given(fs)
		return r.run(ctx, e)
	}
}

func (r *sampleRequest) run(ctx context.Context, e env) error {
	if err := r.check(); err != nil {
		return err
	}
	var out *output.File
	var err error
	if r.parts.text != "" {
		err = r.parts.check(r.out, r.given["o"])
	} else if out, err = output.To(r.out); err != nil {
		err = cli.Usage("-o %w", err)
	}
	if err != nil {
		return err
	}
	devices, err := r.device.openAll(r.threads)
	if err != nil {
		return err
	}
	defer device.Close(devices...)
	if err := r.load(ctx, devices); err != nil {
		return err
	}
	if err := r.loadEdit(ctx, e); err != nil {
		return err
	}
	if err := r.loadGiven(ctx, e); err != nil {
		return err
	}
	if err := r.resolve(); err != nil {
		return err
	}
	m := newMeter(e)
	defer m.clear()
	r.showIn(m)
	s, err := r.samples()
	if err != nil {
		return err
	}
	if out == nil {
		return r.parts.put(ctx, e, r.out, s, r.given["frames"])
	}
	return write(ctx, out, s)
}

// samples are those of the options, with what a picture tells of them.
func (r *sampleRequest) samples() (*output.Samples, error) {
	s, err := output.Of(r.loaded, r.options)
	if err != nil {
		return nil, err
	}
	of := r.recipe
	s.Recipe.Model, s.Recipe.SHA256, s.Recipe.Weights, s.Recipe.Mode = of.Model, of.SHA256, of.Weights, of.Mode
	s.Recipe.Class, s.Recipe.Given, s.Recipe.GivenSHA256 = r.class, of.Given, of.GivenSHA256
	s.Recipe.Edit = of.Edit
	s.Cols = r.columns
	s.Film(r.frames)
	return s, nil
}

// showIn lets a meter count the samples that are drawn.
func (r *sampleRequest) showIn(m *meter) {
	from, n := 0, r.options.N
	if r.parts.text != "" {
		from, n = r.parts.share.Range(n)
	}
	steps := float64(r.loaded.Moves(r.options))
	show := func(first, left, values int) error {
		in := float64(values / r.per()) // samples in this batch
		m.count(float64(first-from)+float64(in*(1-float64(left)/steps)), float64(n-from), "samples/s", 1)
		return nil
	}
	if r.loaded.Scaled() { // float32 may not hold the states
		r.options.Step64 = func(first, left int, x []float64) error { return show(first, left, len(x)) }
	} else {
		r.options.Step = func(first, left int, x []float32) error { return show(first, left, len(x)) }
	}
}

// check looks for mistakes that need no model.
func (r *sampleRequest) check() error {
	switch {
	case r.n < 1 || r.n > 1<<24:
		return cli.Usage("-n %d: want 1 to %d", r.n, 1<<24)
	case r.seeds != "" && (r.given["n"] || r.given["seed"]):
		return cli.Usage("-seeds says which samples to draw: leave out -n and -seed")
	case r.threads < 0 || r.threads > 1<<12:
		return cli.Usage("-threads %d: want 0 (all processors) to %d", r.threads, 1<<12)
	case r.options.Batch < 1:
		return cli.Usage("-batch %d: want at least 1", r.options.Batch)
	case r.options.Steps < 0:
		return cli.Usage("-steps %d: want 1 or more, or 0 for the default", r.options.Steps)
	case r.columns < 0:
		return cli.Usage("-cols %d: want 1 or more, or 0 for about a square", r.columns)
	case r.frames < 2 || r.frames > 1000:
		return cli.Usage("-frames %d: want 2 to 1000", r.frames)
	}
	if err := checkWeights(r.weights); err != nil {
		return err
	}
	if err := r.checkNumbers(); err != nil {
		return err
	}
	if err := r.edit.Check(); err != nil {
		return cli.Usage("%w", err)
	}
	if r.options.Seeds == nil {
		r.options.N = r.n
	}
	if r.seeds == "" {
		return nil
	}
	var err error
	if r.options.Seeds, err = heavytail.ParseSeeds(r.seeds); err != nil {
		return cli.Usage("-%w", err)
	}
	r.options.N = len(r.options.Seeds)
	return nil
}

// load opens the model and names it in the recipe.
func (r *sampleRequest) load(ctx context.Context, devices []tensor.Device) error {
	m, f, err := load(ctx, "-model", r.model, heavytail.Loader{Device: devices[0], More: devices[1:], Weights: r.weights, Alpha: r.alpha})
	if err != nil {
		return err
	}
	defer f.Close()
	sum, err := f.Sum(ctx)
	if err != nil {
		return fmt.Errorf("model %s: %w", f.Name, err)
	}
	r.loaded, r.recipe = m, output.Recipe{Model: f.Name, SHA256: sum, Weights: r.weights, Mode: tensor.FastMode(devices[0])}
	return nil
}

// resolve settles what depends on the model: classes, steps and the recipe.
func (r *sampleRequest) resolve() error {
	var err error
	if r.options.Classes, err = classesOf(r.loaded, r.class); err != nil {
		return err
	}
	if r.options.Clip != heavytail.Auto && !r.images() {
		return cli.Usage("-clip: points have no range to be held to; leave it out")
	}
	r.options, err = r.loaded.Resolve(r.options)
	if errors.Is(err, &heavytail.OptionError{Field: "ConsistentStart"}) {
		return cli.Usage("-consistent-start belongs to %s, the method is %s; leave it out", strings.Join(heavytail.MethodsWith("ConsistentStart"), ", "), r.options.Method)
	}
	if err != nil {
		return cli.Usage("%w", err)
	}
	return r.idle()
}

func (r *sampleRequest) images() bool { return len(r.loaded.Shape()) == 3 }

func (r *sampleRequest) per() int {
	n := 1
	for _, d := range r.loaded.SampleShape(r.options) {
		n *= d
	}
	return n
}
