package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"heavytail"
	"heavytail/data"
	"heavytail/eval"
	"heavytail/internal/atomicfile"
	"heavytail/internal/cli"
	"heavytail/recipe"
	"heavytail/train"
)

var densityCommand = command{
	Name: "density", Args: "DATA", Summary: "tells how likely points are under a model: their log-densities",
	Help: `  heavytail density held-out.csv -model runs/tedm/model.safetensors
  heavytail density held-out.csv -model runs/tedm/model.safetensors -o density.csv

A line per point: its line in a table, or its number from 0 elsewhere, ln p in nats, for
the units of the data, and its standard error, 0 with the exact trace. The mean goes to the standard error output.

Along the ODE that the model's samplers without noise follow, ln p changes by the trace
of the network's derivative. Of edm, tedm, flow, tflow and jump models it is EDM's, of
lim lim-ode's, of dlpm that of dlim and dlim2: the density is that of their samples, not of
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

func (r *densityRequest) run(ctx context.Context, e env, spec string) error {
	m, err := loadModel(ctx, r.model, r.weights, r.threads)
	if err != nil {
		return err
	}
	if r.o.Class, err = oneClass(m, r.class); err != nil {
		return err
	}
	rec := m.Recipe().Data
	if len(rec.Shape) == 3 { // images are scaled as those of training were
		r.read.Size, r.read.Channels = rec.Size, rec.Channels
	}
	if r.read, err = train.Reading(rec, spec, r.read); err != nil {
		return cli.Usage("%s: %w", spec, err)
	}
	set, err := openHeld(ctx, e, spec, r.read, m.Recipe().Data)
	if err != nil {
		return err
	}
	var mean *eval.MeanDensity
	print := func(w io.Writer) error {
		meter := newMeter(e)
		defer meter.clear()
		mean, err = eval.WriteDensities(ctx, w, m, set, r.o, func(done int) { meter.count(float64(done), float64(set.Len()), "points/s", 1) })
		return err
	}
	if r.out == "" {
		err = print(e.Stdout)
	} else if written := atomicfile.WriteSized(r.out, eval.LeastDensityLine*int64(set.Len()), print); err == nil { // what fails before is no failure to write
		err = written
	}
	if err != nil {
		return err
	}
	of := cli.Counted(set.Len(), "point")
	if set.Window > 0 {
		of = cli.Counted(set.Len(), "window") + ", taken as independent; they share rows, so the error is larger"
	}
	fmt.Fprintf(e.Stderr, "mean log-density %.6g ± %.2g nats of %s\n", mean.Value, mean.Error, of)
	return nil
}

// openHeld opens data beside a model and tells of them.
func openHeld(ctx context.Context, e env, spec string, read data.Options, rec recipe.Data) (*data.Set, error) {
	set, err := data.Open(ctx, spec, read)
	if err != nil {
		return nil, err
	}
	tell(e, set)
	return set, notHeldFrom(ctx, e, spec, read, rec)
}

// notHeldFrom tells of rows held out by -held-out that may be none of those of the model.
func notHeldFrom(ctx context.Context, e env, spec string, read data.Options, rec recipe.Data) error {
	note, err := train.OtherRows(ctx, spec, read, rec)
	if note != "" {
		fmt.Fprintln(e.Stderr, note)
	}
	return err
}
