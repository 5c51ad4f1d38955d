package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"heavytail"
	"heavytail/data"
	"heavytail/eval"
	"heavytail/internal/atomicfile"
	"heavytail/internal/cli"
	"heavytail/internal/device"
	"heavytail/tails"
	"heavytail/tensor"
	"heavytail/train"
)

var evalCommand = command{
	Name: "eval", Args: "REAL GENERATED", Summary: "compares generated samples with real ones: tails, distances, precision and recall",
	Help: `  heavytail eval csv:returns.csv csv:drawn.csv        points: their tails and their shape
  heavytail eval toy:gmm_grid model:runs/grid/model.safetensors -n 5000 -steps 100
  heavytail eval idx:/usr/share/datasets/fashion-mnist model: -n 1000 -json eval.json
  heavytail eval idx:mnist images:pictures/ -size 28 -channels 1

REAL and GENERATED are what train reads (idx:, images:, npy:, csv:, toy:); a name
alone is taken by its ending. GENERATED may be a folder of the parts of sample -shard, or
a model to sample from: model:FILE,
or model: for the built-in one. If the model knows the classes of REAL, its samples
have the classes of the real samples that they are compared with, and likewise the
conditions of a model that has some, columns of the table REAL. Where one set is
larger, samples spread evenly over it are used, so that both have one size.

Points: for each column, and for the norm of the points, the distance of the
laws, the error of the tail of |x - median of REAL| and moments: best is 0, of the
ratios of quantiles (generated over real) 1, and of the kurtosis it is the distance
of that ratio from 1; - is what does not exist. For all columns
together, in units of half the interquartile range of REAL's, precision and recall
and distances. Images: Fréchet and kernel distances
and neighbourhoods in the features of the named extractor: for 28x28 grey images
a small classifier trained on Fashion-MNIST, for others the mean and deviation of
fixed random convolutions at three scales, which see texture, blur and noise but
no objects. These numbers compare models with each other, not with the FID of the
literature; distances of pixels alone cannot tell noise from pictures.

The same arguments give the same bytes on every machine; only a model that draws
on -device cuda,tf32 or cuda,bf16 gives others.
`,
	Flags: evalFlags,
}

// evalOptions are the flags of eval.
type evalOptions struct {
	n, steps, size, channels int
	how                      eval.Options
	method, columns, json    string
	weights                  string
	given                    map[string]bool // flags on the command line
	reading                  data.Options
	device                   deviceFlag // of the model; metrics are computed on the CPU
}

func evalFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	o := evalOptions{how: eval.Defaults()}
	fs.IntVar(&o.n, "n", 0, "samples to compare, and to draw from a model (0: all; from a model at most 1000 images or 10000 points)")
	fs.IntVar(&o.steps, "steps", 0, "of a model: sampling steps (0: the method's number)")
	fs.StringVar(&o.method, "method", "", "of a model: `sampler` (empty: the first that fits)")
	fs.StringVar(&o.weights, "weights", "", weightsHelp)
	fs.Uint64Var(&o.how.Seed, "seed", 0, "seed of the first sample of a model, and of metrics that draw random numbers")
	fs.IntVar(&o.how.Pairs, "pairs", o.how.Pairs, "most samples in metrics whose time grows with the square of their number")
	fs.IntVar(&o.how.K, "k", o.how.K, "neighbours of precision, recall, density and coverage")
	fs.Float64Var(&o.how.Xi, "xi", o.how.Xi, "`level` above which MSLE and the Wasserstein distance of tails look")
	fs.Float64Var(&o.how.Q, "q", o.how.Q, "`level` above which the KS distance of tails looks")
	fs.StringVar(&o.columns, "columns", "", fmt.Sprintf("points: `list` of columns to tell of, by number from 0 or, of tables, by name (empty: the first %d)", tails.Most))
	fs.IntVar(&o.size, "size", 0, "scale images to `N`×N pixels")
	fs.IntVar(&o.channels, "channels", 0, "read images as grey (`1`) or colour (3)")
	fs.StringVar(&o.json, "json", "", "write the results to this `file` as well (empty: none)")
	fs.StringVar(&o.how.Extractor, "extractor", "", "images: features of `NAME`, fashion or random (empty: fashion for 28x28 grey images, random for others)")
	fs.IntVar(&o.how.Threads, "threads", 0, "goroutines (0: all processors)")
	o.device.defineAll(fs)
	fs.BoolVar(&o.reading.HeldOut, "held-out", false, "of a model: "+heldHelp+" (off)")
	readFlags(fs, &o.reading)
	return func(ctx context.Context, e env, args []string) error {
		o.given = cli.Given(fs)
		if len(args) != 2 {
			return cli.Usage("%s: want REAL and GENERATED, such as csv:real.csv csv:drawn.csv", cli.Counted(len(args), "argument"))
		}
		return o.run(ctx, e, args[0], args[1])
	}
}

// check looks for mistakes that need no data.
func (o evalOptions) check(gen string) error {
	_, model := modelOf(gen)
	switch {
	case !model && o.reading.HeldOut:
		return cli.Usage("-held-out is for samples of a model, and %s is none: leave it out", gen)
	case o.n < 0 || o.n > 0 && o.n < eval.Least:
		return cli.Usage("-n %d: want 0 or at least %d", o.n, eval.Least)
	case o.steps < 0:
		return cli.Usage("-steps %d: want 0 or more", o.steps)
	}
	if bad := (*heavytail.OptionError)(nil); errors.As(o.how.Validate(), &bad) {
		value := fmt.Sprint(bad.Value)
		if bad.Field == "Extractor" {
			value = strconv.Quote(value)
		}
		return cli.Usage("-%s %s: want %s", strings.ToLower(bad.Field), value, bad.Want)
	}
	if o.json != "" {
		if err := folderOf("-json", o.json); err != nil {
			return err
		}
	}
	return checkWeights(o.weights)
}

// idle returns an error that names a flag that has nothing to do with what is
// compared.
func (o evalOptions) idle(images bool, gen string) error {
	_, model := modelOf(gen)
	for _, c := range []struct {
		flags string
		idle  bool
		words string
	}{
		{"columns xi q", images, "points, these are images"},
		{"extractor", !images, "images, these are points"},
		{"device held-out method steps weights", !model, "samples of a model, and " + gen + " is none"},
	} {
		for name := range strings.FieldsSeq(c.flags) {
			if c.idle && o.given[name] {
				return cli.Usage("-%s is for %s: leave it out", name, c.words)
			}
		}
	}
	return nil
}

func (o evalOptions) run(ctx context.Context, e env, real, gen string) error {
	if err := errors.Join(o.check(gen), notReal(real)); err != nil {
		return err
	}
	file, drawn := modelOf(gen)
	var m *heavytail.Model
	r := eval.Report{Program: "heavytail " + heavytail.Version, Kind: "points"}
	if drawn {
		devices, err := o.device.openAll(o.how.Threads)
		if err != nil {
			return err
		}
		defer device.Close(devices...)
		loaded, f, err := load(ctx, "model", file, heavytail.Loader{Device: devices[0], More: devices[1:], Weights: o.weights})
		if err != nil {
			return err
		}
		defer f.Close()
		m, r.Generated = loaded, eval.Source{Data: "model:" + file, Model: f.Name, Weights: o.weights, Mode: tensor.FastMode(devices[0])}
		if o.reading, err = train.Reading(m.Recipe().Data, specOf(real), o.reading); err != nil {
			return cli.Usage("%s: %w", real, err)
		}
	}
	set, err := o.openReal(ctx, e, real, gen, m)
	if err != nil {
		return err
	}
	if set.Images() {
		r.Kind = "images"
	}
	if err := o.idle(set.Images(), gen); err != nil {
		return err
	}
	r.Real = eval.Source{Data: real, Samples: set.Len()}
	var pair *eval.Pair
	if drawn {
		pair, err = o.draw(ctx, e, &r, set, m)
	} else {
		pair, err = o.beside(ctx, e, &r, set, real, gen)
	}
	if err != nil {
		return err
	}
	err = untilDone(ctx, func() error { return o.measure(ctx, &r, set, pair) })
	if err != nil {
		return err
	}
	if o.json != "" {
		if err := atomicfile.Write(o.json, func(w io.Writer) error { return indented(w, r) }); err != nil {
			return fmt.Errorf("-json: %w", err)
		}
	}
	_, err = r.WriteTo(e.Stdout)
	return err
}

// measure computes everything that suits the kind of data.
func (o evalOptions) measure(ctx context.Context, r *eval.Report, set *data.Set, p *eval.Pair) error {
	var columns []int
	var err error
	if !set.Images() {
		if columns, err = tails.Columns(set, o.columns); err != nil {
			return cli.Usage("%w", err)
		}
	}
	s, err := p.Scores(ctx, columns, o.how)
	if e := (*eval.ExtractorError)(nil); errors.As(err, &e) {
		return cli.Usage("-extractor fashion takes images of %v, these are %v: scale them with -size %d -channels %d, or take -extractor random", e.Takes, e.Has, e.Takes[0], e.Takes[2])
	}
	if err != nil {
		return err
	}
	r.Scores = *s
	return nil
}

// untilDone returns what f does, or ctx's error as soon as that ends: f, some of
// whose metrics take minutes without looking at a context, is then left to the
// end of the program.
func untilDone(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// open reads a set; a name alone is taken by what it is.
// Flags that only the other set can take are left to it.
func (o evalOptions) open(ctx context.Context, e env, spec, other string) (*data.Set, error) {
	spec, other = specOf(spec), specOf(other)
	r := o.reading
	if !isTable(spec) && isTable(other) {
		r.Separator, r.Decimal, r.Missing = "", "", ""
	}
	if data.KindOf(spec) != "images" && data.KindOf(other) == "images" {
		r.Background = ""
	}
	r.Size, r.Channels = o.size, o.channels
	set, err := data.Open(ctx, spec, r)
	if err == nil {
		tell(e, set)
	}
	return set, err
}

// openReal opens the real samples. An .npy file of numbers as sample writes them is not
// loaded either, unless a model says what black and white are. m is the model that draws,
// or nil.
func (o evalOptions) openReal(ctx context.Context, e env, spec, gen string, m *heavytail.Model) (*data.Set, error) {
	if m != nil {
		if err := notHeldFrom(ctx, e, specOf(spec), o.reading, m.Recipe().Data); err != nil {
			return nil, err
		}
	}
	kind, path, _ := strings.Cut(specOf(spec), ":")
	if kind == "npy" && o.size == 0 && o.channels == 0 && o.reading.Range == nil && o.plain() {
		if set, err := eval.OpenArray(ctx, path); set != nil || err != nil {
			return set, err
		}
	}
	return o.open(ctx, e, spec, gen)
}

// plain reports whether no flag is given that tables or pictures have: data.Open refuses
// those of an array.
func (o evalOptions) plain() bool {
	r := o.reading
	return r.Separator+r.Decimal+r.Missing+r.Background == "" && !r.HeldOut
}

// heldHelp is the help of -held-out.
const heldHelp = "read only the last rows of the table, the share that -held kept from the training of the model"

// modelOf returns the file of a model, empty for the built-in one, if spec
// names a model.
func modelOf(spec string) (file string, ok bool) {
	if file, ok := strings.CutPrefix(spec, "model:"); ok {
		return file, true
	}
	switch strings.ToLower(filepath.Ext(spec)) {
	case ".safetensors", ".pt", ".pth":
		return spec, !strings.Contains(spec, ":")
	}
	file = filepath.Join(spec, train.ModelFile) // in the folder of a run
	if st, err := os.Stat(file); err == nil && !st.IsDir() {
		return file, true
	}
	return "", false
}

// beside opens samples beside those of set. A folder of parts and an .npy file of
// numbers as sample writes them are not loaded: what is compared of them is read from
// its place.
func (o evalOptions) beside(ctx context.Context, e env, r *eval.Report, set *data.Set, real, spec string) (*eval.Pair, error) {
	o.reading.Range = nil // that of the real data
	kind, path, _ := strings.Cut(specOf(spec), ":")
	var gen *eval.Generated
	if kind == "parts" {
		s, err := openParts(ctx, path)
		if err != nil {
			return nil, err
		}
		gen = eval.OfParts(ctx, s)
	} else if kind == "npy" && o.size == 0 && o.channels == 0 {
		if other, err := eval.OpenArray(ctx, path); err != nil {
			return nil, err
		} else if other != nil {
			gen = eval.OfSet(other)
		}
	}
	if gen == nil {
		other, err := o.open(ctx, e, spec, real)
		if err != nil {
			return nil, err
		}
		gen = eval.OfSet(other)
	}
	r.Generated = eval.Source{Data: spec, Samples: gen.N}
	return eval.Beside(set, gen, o.n, real, spec)
}

// notReal returns a mistake on the command line where the real samples are parts.
func notReal(spec string) error {
	if kind, path, _ := strings.Cut(specOf(spec), ":"); kind == "parts" {
		return cli.Usage("%s: a folder of parts, which GENERATED may be: heavytail merge %s -o FILE makes a file of it", spec, path)
	}
	return nil
}

// draw samples from a model.
func (o evalOptions) draw(ctx context.Context, e env, r *eval.Report, set *data.Set, m *heavytail.Model) (*eval.Pair, error) {
	g, meter := &r.Generated, newMeter(e)
	defer meter.clear()
	p, err := eval.Draw(ctx, set, m, heavytail.Options{Seed: o.how.Seed, Steps: o.steps, Method: o.method}, o.n, r.Real.Data, g.Model,
		func(done float64, of int) { meter.count(done, float64(of), "samples/s", 1) })
	if err != nil {
		return nil, err
	}
	g.Samples, g.Method, g.Steps, g.Evaluations = p.N, p.Options.Method, p.Options.Steps, m.Evaluations(p.Options)
	switch {
	case p.AsReal:
		g.Classes = "as real"
	case m.Classes() > 0:
		g.Classes = "in turn"
	}
	return p, nil
}
