package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"heavytail"
	"heavytail/internal/cli"
	"heavytail/internal/device"
	"heavytail/internal/jobs"
	"heavytail/internal/sample"
	"heavytail/internal/source"
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
	edit                        edit
	weights, given              string
	device                      deviceFlag
	alpha                       float64
	loaded                      *heavytail.Model
	recipe                      pictureRecipe
	nGiven, seedGiven           bool
	framesGiven, outGiven       bool
	noClip, independent         bool
	shard                       string
	share                       jobs.Share // that shard names; 0/1 without it
}

// A pictureRecipe is the JSON that a PNG carries.
type pictureRecipe struct {
	Program string `json:"program"`
	Model   string `json:"model"`  // file name, or built-in
	SHA256  string `json:"sha256"` // of the model's file
	Weights string `json:"weights,omitempty"`
	Seeds   string `json:"seeds"`
	Method  string `json:"method"`
	// Steps is how often the sampler moved; before 0.3.0 the levels of dlpm and
	// dlim, one more. Evaluations is how often it asked the network for a sample.
	Steps       int `json:"steps"`
	Evaluations int `json:"evaluations"`

	Class   string  `json:"class,omitempty"`
	Given   string  `json:"given,omitempty"` // values of the conditions, or the name of a table of them
	Clip    bool    `json:"clip"`
	Start   string  `json:"start,omitempty"` // of dlpm's kind: consistent or independent
	Process string  `json:"process"`         // kind and tail of the model's noise
	Alpha   float64 `json:"alpha,omitempty"`

	Guidance float64 `json:"guidance,omitempty"`
	Size     []int   `json:"size,omitempty"` // height and width, if not the trained ones
	Mode     string  `json:"mode,omitempty"` // of a GPU that gave other bytes than a CPU: tf32 or bf16
	Edit     *edit   `json:"edit,omitempty"`

	GivenSHA256 string `json:"given_sha256,omitempty"` // of the table

	heavytail.Settings // of the method; zero ones are left out
}

func sampleFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	r := &sampleRequest{}
	fs.StringVar(&r.model, "model", "", "model `file` (.safetensors or .pt, or a folder or zip of diffusers; empty: the built-in model, also by that name)")
	fs.IntVar(&r.n, "n", 64, "number of samples")
	fs.Uint64Var(&r.options.Seed, "seed", 0, "seed of the first sample; the next have seed+1, seed+2, …")
	fs.StringVar(&r.seeds, "seeds", "", "`list` of seeds, one sample each, such as 0-63,100 (empty: -n from -seed on)")
	fs.IntVar(&r.options.Steps, "steps", 0, "sampling steps (0: "+sample.StepsHelp()+", edm of Student-t noise 64)")
	fs.StringVar(&r.options.Method, "method", "", "`sampler`: "+sample.MethodsHelp())
	r.settingFlags(fs)
	r.editFlags(fs)
	fs.StringVar(&r.class, "class", "", "class `number or name`, none, or a list (empty: all in turn)")
	fs.StringVar(&r.given, "given", "", strings.Replace(givenHelp, " (", ", or a table FILE.csv of them, a row for each sample (", 1))
	fs.BoolVar(&r.noClip, "no-clip", false, "do not clamp the estimated images to [-1, 1]")
	fs.BoolVar(&r.independent, "independent-start", false, owners("start")+": start from noise of its own, as the papers' code (worse with a bound on A)")
	fs.StringVar(&r.weights, "weights", "", weightsHelp)
	fs.Float64Var(&r.alpha, "alpha", 0, "tail index of a model file without a recipe (0: 1.8)")
	fs.IntVar(&r.threads, "threads", 0, "threads (0: all processors)")
	r.device.defineAll(fs)
	fs.IntVar(&r.options.Batch, "batch", 32, "samples computed at a time; changes speed and memory only")
	fs.IntVar(&r.columns, "cols", 0, "columns of the grid (0: about square)")
	fs.IntVar(&r.frames, "frames", 40, "frames of a .gif, at most")
	fs.StringVar(&r.shard, "shard", "", shardHelp)
	fs.StringVar(&r.out, "o", "out.png", "output: .png, .gif, .npy, of points .csv, or a folder (a path that ends in / or is one); with -shard the folder of the parts")
	return func(ctx context.Context, e env, args []string) error {
		if err := cli.NoArguments(args); err != nil {
			return err
		}
		fs.Visit(func(f *flag.Flag) {
			r.nGiven = r.nGiven || f.Name == "n"
			r.seedGiven = r.seedGiven || f.Name == "seed"
			r.framesGiven = r.framesGiven || f.Name == "frames"
			r.outGiven = r.outGiven || f.Name == "o"
		})
		return r.run(ctx, e)
	}
}

func (r *sampleRequest) run(ctx context.Context, e env) error {
	if err := r.check(); err != nil {
		return err
	}
	out, err := r.output(e)
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
	from, n := r.share.Range(r.options.N)
	m, steps := newMeter(e), float64(r.loaded.Moves(r.options))
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
	err = out.write(ctx, r.drawn())
	m.clear()
	return cli.Left(err, "%s", unwritten(r.out))
}

// check looks for mistakes that need no model.
func (r *sampleRequest) check() error {
	switch {
	case r.n < 1 || r.n > 1<<24:
		return cli.Usage("-n %d: want 1 to %d", r.n, 1<<24)
	case r.seeds != "" && (r.nGiven || r.seedGiven):
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
	if err := checkNumbers(r.options.Settings); err != nil {
		return err
	}
	if err := r.edit.check(); err != nil {
		return err
	}
	if r.options.Seeds == nil {
		r.options.N = r.n
	}
	if r.seeds == "" {
		return nil
	}
	var err error
	r.options.Seeds, err = parseSeeds(r.seeds)
	r.options.N = len(r.options.Seeds)
	return err
}

// load opens the model and names it in the recipe.
func (r *sampleRequest) load(ctx context.Context, devices []tensor.Device) error {
	f, err := openModel(ctx, r.model)
	if err != nil {
		return fmt.Errorf("-model: %w", err)
	}
	defer f.Close()
	fail := func(err error) error { return fmt.Errorf("model %s: %w", f.name, err) }
	if r.loaded, err = f.open(heavytail.Loader{Device: devices[0], More: devices[1:], Weights: r.weights, Alpha: r.alpha}); err != nil {
		return fail(err)
	}
	sum, err := f.hash(ctx)
	if err != nil {
		return fail(err)
	}
	r.recipe = pictureRecipe{Program: "heavytail " + heavytail.Version, Model: f.name, SHA256: sum, Weights: r.weights, Mode: tensor.FastMode(devices[0])}
	return nil
}

// resolve settles what depends on the model: classes, steps and the recipe.
func (r *sampleRequest) resolve() error {
	var err error
	if r.options.Classes, err = r.classes(); err != nil {
		return err
	}
	if r.noClip {
		r.options.Clip = heavytail.Off
	}
	if r.independent {
		r.options.ConsistentStart = heavytail.Off
	}
	r.options, err = r.loaded.Resolve(r.options)
	if errors.Is(err, &heavytail.OptionError{Field: "ConsistentStart"}) {
		return cli.Usage("-independent-start belongs to %s, the method is %s; leave it out", owners("start"), r.options.Method)
	}
	if err != nil {
		return cli.Usage("%w", err)
	}
	if err := r.idle(); err != nil {
		return err
	}
	o := r.options
	p := &r.recipe
	p.Seeds, p.Method, p.Steps, p.Class, p.Settings = seedText(o), o.Method, o.Steps, r.class, o.Settings
	p.Evaluations = r.loaded.Evaluations(o)
	rec := r.loaded.Recipe()
	if p.Process = rec.Noise(); sample.Has(o.Method, "start") {
		p.Start = "consistent"
		if r.independent {
			p.Start = "independent"
		}
	}
	if p.Guidance = o.Guidance; p.Guidance == 1 {
		p.Guidance = 0
	}
	if o.Height > 0 {
		p.Size = []int{o.Height, o.Width}
	}
	if o.Edit != nil {
		p.Edit = &r.edit
	}
	p.Clip, p.Alpha = !r.noClip && r.images() && !rec.Process.Betas.Free, rec.Process.Alpha
	if rec.LIM != nil {
		p.Alpha = rec.LIM.Alpha
	}
	return nil
}

// text returns the recipe's JSON.
func (p pictureRecipe) text() string {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and finite numbers
	}
	return string(b)
}

// classes parses -class: numbers, names of the model's classes, or none.
func (r *sampleRequest) classes() ([]int, error) {
	if r.class == "" {
		return nil, nil
	}
	if r.loaded.Classes() == 0 {
		return nil, cli.Usage("-class %s: this model knows no classes: leave it out", r.class)
	}
	names, words := r.loaded.ClassNames(), strings.Split(r.class, ",")
	if slices.Contains(names, r.class) { // a name may hold a comma
		words = []string{r.class}
	}
	var out []int
	for _, word := range words {
		if !slices.Contains(names, word) {
			word = strings.TrimSpace(word)
		}
		k := slices.Index(names, word)
		switch n, err := strconv.Atoi(word); {
		case word == "none":
			k = heavytail.Unconditional
		case k >= 0:
		case err == nil && n >= 0 && n < r.loaded.Classes():
			k = n
		default:
			return nil, cli.Usage("-class %q: want 0 to %d%s, or none", word, r.loaded.Classes()-1, nameList(names))
		}
		out = append(out, k)
	}
	return out, nil
}

func nameList(names []string) string {
	if len(names) == 0 {
		return ""
	}
	const most = 20
	var shown []string
	for _, n := range names[:min(len(names), most)] {
		if n = source.Printable(n); strings.Contains(n, ",") {
			n = strconv.Quote(n)
		}
		shown = append(shown, n)
	}
	if len(names) > most {
		shown = append(shown, "…")
	}
	return " or a name (" + strings.Join(shown, ", ") + ")"
}

func (r *sampleRequest) images() bool { return len(r.loaded.Shape()) == 3 }

func (r *sampleRequest) per() int {
	n := 1
	for _, d := range r.loaded.SampleShape(r.options) {
		n *= d
	}
	return n
}

// maxSeeds bounds a list of seeds.
const maxSeeds = 1 << 24

// parseSeeds reads a list such as 0-63,100.
func parseSeeds(text string) ([]uint64, error) {
	var out []uint64
	for _, part := range strings.Split(text, ",") {
		lo, hi, span := strings.Cut(strings.TrimSpace(part), "-")
		a, err := strconv.ParseUint(lo, 10, 64)
		b := a
		if err == nil && span {
			b, err = strconv.ParseUint(hi, 10, 64)
		}
		if err != nil || b < a {
			return nil, cli.Usage("-seeds %q: want numbers and ranges such as 0-63,100", part)
		}
		if b-a >= maxSeeds || uint64(len(out))+b-a >= maxSeeds {
			return nil, cli.Usage("-seeds %q: want at most %d seeds", text, maxSeeds)
		}
		for s := a; ; s++ {
			if out = append(out, s); s == b {
				break
			}
		}
	}
	return out, nil
}

// seedText returns the list of the seeds of resolved options.
func seedText(o heavytail.Options) string {
	last := o.SeedOf(o.N - 1)
	switch {
	case o.Seeds != nil || o.N == 1:
		seeds := o.Seeds
		if seeds == nil {
			seeds = []uint64{last}
		}
		return formatSeeds(seeds)
	case last < o.Seed: // past the largest seed comes 0
		return seedText(heavytail.Options{Seed: o.Seed, N: int(-o.Seed)}) + "," + seedText(heavytail.Options{N: int(last) + 1})
	}
	return fmt.Sprintf("%d-%d", o.Seed, last)
}

// formatSeeds is the inverse of parseSeeds, in its shortest form.
func formatSeeds(seeds []uint64) string {
	var parts []string
	for i := 0; i < len(seeds); {
		j := i
		for j+1 < len(seeds) && seeds[j] != math.MaxUint64 && seeds[j+1] == seeds[j]+1 {
			j++
		}
		if j > i {
			parts = append(parts, fmt.Sprintf("%d-%d", seeds[i], seeds[j]))
		} else {
			parts = append(parts, strconv.FormatUint(seeds[i], 10))
		}
		i = j + 1
	}
	return strings.Join(parts, ",")
}
