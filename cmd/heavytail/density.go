package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"heavytail"
	"heavytail/data"
	"heavytail/internal/atomicfile"
	"heavytail/internal/cli"
	"heavytail/internal/source"
	"heavytail/kernels"
)

var densityCommand = command{
	Name: "density", Args: "DATA", Summary: "tells how likely points are under a model: their log-densities",
	Help: `  heavytail density held-out.csv -model runs/tedm/model.safetensors
  heavytail density held-out.csv -model runs/tedm/model.safetensors -o density.csv

A line per point: its line in a table, or its number from 0 elsewhere, ln p in nats, for
the units of the data, and its standard error, 0 with the exact trace. The mean goes to the standard error output.

Along the ODE that the model's samplers without noise follow, ln p changes by the trace
of the network's derivative. Of edm, tedm, flow and tflow models it is EDM's, of lim
lim-ode's, of dlpm that of dlim and dlim2: the density is that of their samples, not of
chains that draw noise on the way, such as -method dlpm. The trace is exact for points
of up to 64 values, by a backward pass for each; beyond, random directions estimate it
(-probes), with the error that is stated. The error of the steps is not: it falls by
four where -steps are doubled. Bounds on A (-clamp-a of training) are left out.
Pictures are read as those of training were. Models with conditions: the density of a
row is given its own, columns of the same table. Models with classes: without one, unless
-class names it. The network computes on the CPU.
`,
	Flags: densityFlags,
}

// A densityRequest is what the flags of density ask for.
type densityRequest struct {
	model, weights, class, out string
	threads                    int
	o                          heavytail.DensityOptions
	read                       data.Options
}

func densityFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	var r densityRequest
	fs.StringVar(&r.model, "model", "", modelHelp)
	fs.StringVar(&r.weights, "weights", "", weightsHelp)
	fs.StringVar(&r.class, "class", "", oneClassHelp)
	fs.IntVar(&r.o.Steps, "steps", 0, "steps up the ODE, of two evaluations each (0: 128)")
	fs.IntVar(&r.o.Probes, "probes", 0, "random `directions` that estimate the trace, at least 2 (0: the exact trace up to 64 values, 8 directions beyond)")
	fs.Uint64Var(&r.o.Seed, "seed", 0, "seed of the directions")
	fs.IntVar(&r.threads, "threads", 0, "threads (0: all processors)")
	fs.StringVar(&r.out, "o", "", "write the lines to this `file` .csv (empty: print them)")
	fs.BoolVar(&r.read.HeldOut, "held-out", false, heldHelp+" (off)")
	readFlags(fs, &r.read)
	return func(ctx context.Context, e env, args []string) error {
		if len(args) != 1 {
			return cli.Usage("%s: want DATA, such as csv:FILE, npy:FILE, idx:DIR or images:DIR", cli.Counted(len(args), "argument"))
		}
		if r.out != "" && !strings.EqualFold(filepath.Ext(r.out), ".csv") {
			return cli.Usage("-o %s: want a name that ends in .csv", r.out)
		}
		return r.run(ctx, e, specOf(args[0]))
	}
}

const (
	modelHelp    = "model `file` (.safetensors or .pt; empty: the built-in model, also by that name)"
	oneClassHelp = "class `number or name` of all samples (empty: none)"
)

func (r *densityRequest) run(ctx context.Context, e env, spec string) error {
	m, err := loadModel(ctx, r.model, r.weights, r.threads)
	if err != nil {
		return err
	}
	if r.o.Class, err = oneClass(m, r.class); err != nil {
		return err
	}
	rec := m.Recipe().Data
	if isTable(spec) {
		r.read.Columns, r.read.Given, r.read.Window = rec.Select, m.Given(), rec.Window
		if r.read.HeldOut {
			r.read.Held = rec.Held
		}
	} else if names := m.Given(); names != nil {
		return cli.Usage("%s: the densities of this model are given %s: give a table with these columns too", spec, source.Names(names))
	}
	if len(rec.Shape) == 3 { // images are scaled as those of training were
		r.read.Size, r.read.Channels = rec.Size, rec.Channels
	}
	if kindOf(spec) == "npy" && r.read.Range == nil && len(rec.Shape) == 3 {
		r.read.Range = rec.Range
	}
	set, err := data.Open(ctx, spec, r.read)
	if err != nil {
		return err
	}
	tell(e.Stderr, set)
	if !slices.Equal(set.Shape, m.Shape()) {
		return fmt.Errorf("%s has samples of shape %v, the model was trained on %v: give data like those", set.Name, set.Shape, m.Shape())
	}
	if err := data.InOrder(rec.Columns, set.Columns); err != nil {
		return fmt.Errorf("%s: %w", set.Name, err)
	}
	l := &densityLines{e: e, m: m, set: set, o: r.o}
	print := func(w io.Writer) error { return l.write(ctx, w) }
	if r.out == "" {
		err = print(e.Stdout)
	} else {
		const least = len("0,0,0\n") // bytes of a line
		err = atomicfile.WriteSized(r.out, int64(least)*int64(set.Len()), print)
	}
	if err != nil {
		return err
	}
	n := float64(set.Len())
	mean := l.sum / n
	of := cli.Counted(set.Len(), "point")
	if set.Window > 0 {
		of = cli.Counted(set.Len(), "window") + ", taken as independent; they share rows, so the error is larger"
	}
	fmt.Fprintf(e.Stderr, "mean log-density %.6g ± %.2g nats of %s\n", mean, math.Sqrt(max(l.square/n-float64(mean*mean), 0)/n), of)
	return nil
}

// densityLines are the lines that density prints, and the sums of them.
type densityLines struct {
	e           env
	m           *heavytail.Model
	set         *data.Set
	o           heavytail.DensityOptions
	sum, square float64
}

func (l *densityLines) write(ctx context.Context, w io.Writer) error {
	b := bufio.NewWriter(w)
	what, _ := l.set.Number(0)
	_, _ = b.WriteString(what + ",log_density,std_error\n") // Flush tells of errors
	meter := newMeter(l.e)
	defer meter.clear()
	const most = 1024
	set, per := l.set, l.set.Per()
	x := make([]float64, min(most, set.Len())*per)
	for first := 0; first < set.Len(); first += most {
		n := min(most, set.Len()-first)
		for i := range n {
			set.Float64(x[i*per:(i+1)*per], first+i)
		}
		o := l.o
		o.Seed += uint64(first) // other directions for other points
		places := make([]int, n)
		for i := range places {
			places[i] = first + i
		}
		o.Given = givenOf(set, places)
		ps, err := l.m.LogDensity(ctx, x[:n*per], o)
		if far := new(heavytail.BeyondError); errors.As(err, &far) {
			return fmt.Errorf("%s: %v is beyond float32 as the network sees it: leave the row out", set.PlaceOf(first+far.Point, far.Value), far.X)
		}
		if err != nil {
			return err
		}
		for i, p := range ps {
			_, at := set.Number(first + i)
			l.sum, l.square = l.sum+p.Value, l.square+float64(p.Value*p.Value)
			_, _ = b.WriteString(strconv.Itoa(at) + "," + strconv.FormatFloat(p.Value, 'g', 8, 64) + "," + strconv.FormatFloat(p.Error, 'g', 3, 64) + "\n")
		}
		meter.count(float64(first+n), float64(set.Len()), "points/s", 1)
	}
	return b.Flush()
}

// loadModel opens a model on the CPU.
func loadModel(ctx context.Context, path, weights string, threads int) (*heavytail.Model, error) {
	if threads < 0 || threads > 1<<12 {
		return nil, cli.Usage("-threads %d: want 0 (all processors) to %d", threads, 1<<12)
	}
	if err := checkWeights(weights); err != nil {
		return nil, err
	}
	f, err := openModel(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("-model: %w", err)
	}
	defer f.Close()
	m, err := f.open(heavytail.Loader{Device: kernels.New(threads), Weights: weights})
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", f.name, err)
	}
	return m, nil
}

// oneClass parses a class of the model, none for empty.
func oneClass(m *heavytail.Model, text string) (int, error) {
	if text == "" || text == "none" {
		return heavytail.Unconditional, nil
	}
	names := m.ClassNames()
	if k := slices.Index(names, text); k >= 0 {
		return k, nil
	}
	if k, err := strconv.Atoi(text); err == nil && k >= 0 && k < m.Classes() {
		return k, nil
	}
	if m.Classes() == 0 {
		return 0, cli.Usage("-class %s: this model knows no classes: leave it out", text)
	}
	return 0, cli.Usage("-class %q: want 0 to %d%s", text, m.Classes()-1, source.OrNames(names))
}
