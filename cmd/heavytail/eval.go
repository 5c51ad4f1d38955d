package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"heavytail"
	"heavytail/data"
	"heavytail/eval"
	"heavytail/internal/atomicfile"
	"heavytail/internal/cli"
	"heavytail/internal/device"
	"heavytail/internal/imageio"
	"heavytail/internal/source"
	"heavytail/recipe"
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
laws, the error of the tail of |x - median of REAL| and moments; for all columns
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
	given                    []string // names of flags
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
	fs.StringVar(&o.columns, "columns", "", fmt.Sprintf("points: `list` of columns to tell of, by number from 0 or, of tables, by name (empty: the first %d)", tailColumns))
	fs.IntVar(&o.size, "size", 0, "scale images to `N`×N pixels")
	fs.IntVar(&o.channels, "channels", 0, "read images as grey (`1`) or colour (3)")
	fs.StringVar(&o.json, "json", "", "write the results to this `file` as well (empty: none)")
	fs.StringVar(&o.how.Extractor, "extractor", "", "images: features of `NAME`, fashion or random (empty: fashion for 28x28 grey images, random for others)")
	fs.IntVar(&o.how.Threads, "threads", 0, "goroutines (0: all processors)")
	o.device.defineAll(fs)
	fs.BoolVar(&o.reading.HeldOut, "held-out", false, "of a model: "+heldHelp+" (off)")
	readFlags(fs, &o.reading)
	return func(ctx context.Context, e env, args []string) error {
		fs.Visit(func(f *flag.Flag) { o.given = append(o.given, f.Name) })
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
	case o.how.K < 1 || o.how.K >= eval.Least:
		return cli.Usage("-k %d: want 1 to %d", o.how.K, eval.Least-1)
	case o.how.Pairs < eval.Least:
		return cli.Usage("-pairs %d: want at least %d", o.how.Pairs, eval.Least)
	case !(o.how.Xi >= 0 && o.how.Xi < 1):
		return cli.Usage("-xi %v: want 0 or more and below 1", o.how.Xi)
	case !(o.how.Q >= 0 && o.how.Q < 1):
		return cli.Usage("-q %v: want 0 or more and below 1", o.how.Q)
	case o.how.Extractor != "" && o.how.Extractor != "fashion" && o.how.Extractor != "random":
		return cli.Usage("-extractor %q: want fashion or random", o.how.Extractor)
	case o.how.Threads < 0 || o.how.Threads > 1<<12:
		return cli.Usage("-threads %d: want 0 (all processors) to %d", o.how.Threads, 1<<12)
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
	for _, name := range o.given {
		switch {
		case images && slices.Contains([]string{"columns", "xi", "q"}, name):
			return cli.Usage("-%s is for points, these are images: leave it out", name)
		case !images && name == "extractor":
			return cli.Usage("-extractor is for images, these are points: leave it out")
		case !model && slices.Contains([]string{"steps", "method", "weights", "device", "held-out"}, name):
			return cli.Usage("-%s is for samples of a model, and %s is none: leave it out", name, gen)
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
	name, mode := "", ""
	if drawn {
		devices, err := o.device.openAll(o.how.Threads)
		if err != nil {
			return err
		}
		defer device.Close(devices...)
		mode = tensor.FastMode(devices[0])
		if m, name, err = o.load(ctx, devices, file); err != nil {
			return err
		}
		if err := o.likeTraining(m.Recipe().Data, real, gen); err != nil {
			return err
		}
	}
	set, err := o.open(ctx, e, real, gen)
	if err != nil {
		return err
	}
	r := evalReport{Program: "heavytail " + heavytail.Version, Kind: "points"}
	if set.Images() {
		r.Kind = "images"
	}
	if err := o.idle(set.Images(), gen); err != nil {
		return err
	}
	r.Real = evalSource{Data: real, Samples: set.Len()}
	var x, y samples
	if drawn {
		r.Generated = evalSource{Data: "model:" + file, Model: name, Weights: o.weights, Mode: mode}
		x, y, err = o.draw(ctx, e, &r, set, m)
	} else {
		x, y, err = o.read(ctx, e, &r, set, real, gen)
	}
	if err != nil {
		return err
	}
	err = untilDone(ctx, func() error { return o.measure(ctx, &r, set, x, y) })
	if err != nil {
		return err
	}
	if o.json != "" {
		err := atomicfile.Write(o.json, func(w io.Writer) error {
			enc := json.NewEncoder(w)
			enc.SetIndent("", "  ")
			return enc.Encode(r)
		})
		if err != nil {
			return fmt.Errorf("-json: %w", err)
		}
	}
	return r.print(e.Stdout)
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
	if kindOf(spec) != "images" && kindOf(other) == "images" {
		r.Background = ""
	}
	r.Size, r.Channels = o.size, o.channels
	set, err := data.Open(ctx, spec, r)
	if err == nil {
		tell(e.Stderr, set)
	}
	return set, err
}

// heldHelp is the help of -held-out.
const heldHelp = "read only the last rows of the table, the share that -held kept from the training of the model"

// likeTraining reads the real data as those that a model was trained on: the same
// columns of a table, the same values for black and white.
// The error is that of conditions which the data do not have.
func (o *evalOptions) likeTraining(d recipe.Data, real, gen string) error {
	spec := specOf(real)
	if isTable(spec) {
		o.reading.Columns, o.reading.Given, o.reading.Window = d.Select, d.Given.Names(), d.Window
		if o.reading.HeldOut {
			o.reading.Held = d.Held
		}
	}
	if kindOf(spec) == "npy" && o.reading.Range == nil && len(d.Shape) == 3 {
		o.reading.Range = d.Range
	}
	if names := d.Given.Names(); names != nil && !isTable(spec) {
		return cli.Usage("%s: the samples of %s are given %s: name a table with these columns too", real, gen, source.Names(names))
	}
	return nil
}

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

// read reads generated samples from files.
func (o evalOptions) read(ctx context.Context, e env, r *evalReport, set *data.Set, real, spec string) (x, y samples, err error) {
	o.reading.Range = nil // that of the real data
	gen, err := o.openGenerated(ctx, e, spec, real, set)
	if err != nil {
		return x, y, err
	}
	if !slices.Equal(gen.shape, set.Shape) {
		if a, b := set.Shape, gen.shape; len(a) == 1 && len(b) == 1 {
			return x, y, fmt.Errorf("%s has points of %s, %s of %d: give sets of the same columns; beside model:FILE a table has those of its training", r.Real.Data, cli.Counted(a[0], "column"), spec, b[0])
		}
		return x, y, fmt.Errorf("%s has samples of shape %v, %s of %v: give sets of one shape (images: -size and -channels)",
			r.Real.Data, set.Shape, spec, gen.shape)
	}
	if err := data.InOrder(set.Columns, gen.columns); err != nil {
		return x, y, fmt.Errorf("%s, beside %s: %w", spec, r.Real.Data, err)
	}
	r.Generated = evalSource{Data: spec, Samples: gen.n}
	n := min(set.Len(), gen.n)
	if o.n > 0 {
		n = min(n, o.n)
	}
	if n < eval.Least {
		return x, y, fmt.Errorf("%s has %d samples, %s %d: want at least %d of each", r.Real.Data, set.Len(), spec, gen.n, eval.Least)
	}
	x, _ = spread(set, n)
	y, err = gen.spread(n)
	return x, y, err
}

// samples are values one sample after the other: points in float64, for those far
// from 0, or images in float32.
type samples struct {
	points []float64
	pixels []float32
}

// spread returns n samples of the set, spread evenly over it, and their
// places. Pixels are rounded to 8 bits, as they are in files.
func spread(set *data.Set, n int) (x samples, at []int) {
	per := set.Per()
	if set.Images() {
		x.pixels = make([]float32, n*per)
	} else {
		x.points = make([]float64, n*per)
	}
	at = places(set.Len(), n)
	for i := range n {
		if set.Images() {
			set.Get(x.pixels[i*per:(i+1)*per], at[i], false)
		} else {
			set.Float64(x.points[i*per:(i+1)*per], at[i])
		}
	}
	round8(x.pixels)
	return x, at
}

// round8 rounds pixels to those of 256 levels.
func round8(x []float32) {
	for i, v := range x {
		x[i] = float32(float64(2*int(imageio.Byte(v))-255) / 255)
	}
}

// draw samples from a model.
func (o evalOptions) draw(ctx context.Context, e env, r *evalReport, set *data.Set, m *heavytail.Model) (x, y samples, err error) {
	name := r.Generated.Model
	if !slices.Equal(m.Shape(), set.Shape) {
		return x, y, fmt.Errorf("%s has samples of shape %v, the model %s makes %v: give data like those it was trained on (images: -size and -channels)",
			r.Real.Data, set.Shape, name, m.Shape())
	}
	if err := data.InOrder(m.Recipe().Data.Columns, set.Columns); err != nil {
		return x, y, fmt.Errorf("%s, of model:%s: %w", r.Real.Data, name, err)
	}
	most := 10000
	if set.Images() {
		most = 1000
	}
	n := min(set.Len(), most)
	if o.n > 0 {
		n = min(o.n, set.Len())
	}
	if n < eval.Least {
		return x, y, fmt.Errorf("%s has %d samples: want at least %d", r.Real.Data, set.Len(), eval.Least)
	}
	x, places := spread(set, n)
	opt, err := m.Resolve(heavytail.Options{N: n, Seed: o.how.Seed, Steps: o.steps, Method: o.method, Classes: classesOf(set, m, places), Given: givenOf(set, places)})
	if err != nil {
		return x, y, cli.Usage("%w", err)
	}
	g := &r.Generated
	g.Samples, g.Method, g.Steps, g.Evaluations, g.Classes = n, opt.Method, opt.Steps, m.Evaluations(opt), "in turn"
	switch {
	case m.Classes() == 0:
		r.Generated.Classes = ""
	case opt.Classes != nil:
		r.Generated.Classes = "as real"
	}
	meter := newMeter(e)
	count := func(have int) {
		meter.count(float64(have), float64(n*set.Per()), "samples/s", 1/float64(set.Per()))
	}
	if set.Images() {
		err = m.Stream(ctx, opt, func(_ int, batch []float32) error {
			y.pixels = append(y.pixels, batch...)
			count(len(y.pixels))
			return nil
		})
	} else {
		err = m.Stream64(ctx, opt, func(_ int, batch []float64) error {
			y.points = append(y.points, batch...)
			count(len(y.points))
			return nil
		})
	}
	meter.clear()
	if err != nil {
		return x, y, fmt.Errorf("model %s: %w", name, err)
	}
	round8(y.pixels)
	return x, y, nil
}

// load opens a model, the built-in one without a file.
func (o evalOptions) load(ctx context.Context, devices []tensor.Device, file string) (m *heavytail.Model, name string, err error) {
	f, err := openModel(ctx, file)
	if err != nil {
		return nil, "", fmt.Errorf("model: %w", err)
	}
	defer f.Close()
	m, err = f.open(heavytail.Loader{Device: devices[0], More: devices[1:], Weights: o.weights})
	if err != nil {
		return nil, "", fmt.Errorf("model %s: %w", f.name, err)
	}
	return m, f.name, nil
}

// classesOf returns the classes of the real samples if the model knows them.
func classesOf(set *data.Set, m *heavytail.Model, places []int) []int {
	if set.Labels == nil || m.Classes() != set.NumClasses() {
		return nil
	}
	var out []int
	for _, at := range places {
		out = append(out, set.Labels[at])
	}
	return out
}
