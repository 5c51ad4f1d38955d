package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
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
	var sum, square float64
	print := func(w io.Writer) error {
		b := bufio.NewWriter(w)
		what, _ := set.Number(0)
		_, _ = b.WriteString(what + ",log_density,std_error\n") // Flush tells of errors
		meter := newMeter(e)
		defer meter.clear()
		err := eval.Densities(ctx, m, set, r.o, func(first int, ps []heavytail.LogDensity) error {
			for i, p := range ps {
				_, at := set.Number(first + i)
				sum, square = sum+p.Value, square+float64(p.Value*p.Value)
				_, _ = b.WriteString(strconv.Itoa(at) + "," + strconv.FormatFloat(p.Value, 'g', 8, 64) + "," + strconv.FormatFloat(p.Error, 'g', 3, 64) + "\n")
			}
			meter.count(float64(first+len(ps)), float64(set.Len()), "points/s", 1)
			return nil
		})
		if err != nil {
			return err
		}
		return b.Flush()
	}
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
	mean := sum / n
	of := cli.Counted(set.Len(), "point")
	if set.Window > 0 {
		of = cli.Counted(set.Len(), "window") + ", taken as independent; they share rows, so the error is larger"
	}
	fmt.Fprintf(e.Stderr, "mean log-density %.6g ± %.2g nats of %s\n", mean, math.Sqrt(max(square/n-float64(mean*mean), 0)/n), of)
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

// notHeldFrom says of rows held out by -held-out that their table is not the one that the
// model was trained on, where the others of its rows are not those of the training:
// these rows may then be any.
func notHeldFrom(ctx context.Context, e env, spec string, read data.Options, rec recipe.Data) error {
	if !read.HeldOut || rec.Sum == "" {
		return nil
	}
	read.HeldOut = false
	set, err := data.Open(ctx, spec, read)
	if err != nil {
		return err
	}
	if sum := set.Sum(); sum != rec.Sum {
		fmt.Fprintf(e.Stderr, "%s: -held-out: this is not the table of the training: without its last rows it has the sum %s, the data of the recipe have %s; what the model was not trained on may be other rows than these\n", spec, sum, rec.Sum)
	}
	return nil
}
