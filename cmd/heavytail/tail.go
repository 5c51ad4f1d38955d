package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"heavytail/data"
	"heavytail/internal/atomicfile"
	"heavytail/internal/cli"
	"heavytail/tails"
)

var tailCommand = command{
	Name: "tail", Args: "DATA", Summary: "estimates how heavy the tails of data are, and which noise suits them",
	Help: `  heavytail tail returns.csv                          every column: α, ν and their intervals
  heavytail tail npy:table.npy -columns 0,3 -o t.svg  survival on log-log axes with the fits
  heavytail tail images:photos/ -json                  every channel of images

Spread out over all samples, -n values of a column are used. For each column:
  index     of the tails of |x - median|, without a law: Hill's estimate corrected
            for bias, from the k largest values, half as many as where bias begins
            to show (Guillou and Hall); rounded values count by their cells, and
            where they end at a bound or are a code such as 999 there is none
  alpha     symmetric stable law by maximum likelihood, interval from its information
  beta      skewness by regression on the characteristic function (S0)
  nu        Student-t by maximum likelihood, interval in 1/nu
All intervals are asymptotic and of 95 %; other estimators of alpha are in -json.

Where at least half of a column's values are the same, as in amounts that are
mostly 0, beta, alpha and nu are those of the others; samples of a network are near
that value, hardly ever equal to it. Where every row is there k times each counts once.

The suggestion follows the heaviest column: the one of smallest index, which is nu
where Student's law fits better than the stable one, or as well and the extremes
have an index above 2, else alpha, and the index of the extremes where no law fits.
Above 2 the data have a variance, and t-EDM and t-Flow with that nu come first; at
2 and below it is DLPM with that alpha, at least 1.1. Where 19 of 20 of a column's
extremes lie on one side, as of amounts, the laws, which are symmetric, follow its
body: then the index is that of the extremes, and flow with -transform softlog comes
first, as symmetric noise smears where such a column starts. Noise with lighter tails than
the data leaves the tails to the network, which must stretch Gaussian values out
without bound; heavier noise than the data buys nothing. Where the fits are
Gaussian but the tail index is below 5 with all of its interval, it is taken for
nu. Where nothing is heavy, or the values are bounded as in 8-bit images, Gaussian
noise will do; heavy-tailed noise may still serve rare classes there. With
-transform as it is printed, softlog for the heavy columns and none for the light,
Gaussian noise serves heavy columns too: train draws them in and sample undoes it.
It is a start, not a promise: compare by eval.
`,
	Flags: tailFlags,
}

// tailOptions are the flags of tail.
type tailOptions struct {
	columns, out string
	n            int
	json         bool
	read         data.Options
}

func tailFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	var o tailOptions
	fs.StringVar(&o.columns, "columns", "", fmt.Sprintf("`list` of columns, by number from 0 or, of tables, by name, or of channels (empty: the first %d)", tails.Most))
	fs.IntVar(&o.n, "n", 100000, "most values of a column to use")
	fs.StringVar(&o.out, "o", "", "plot the heaviest column to this `file`: .svg or .png (empty: none)")
	fs.BoolVar(&o.json, "json", false, "print one JSON object")
	readFlags(fs, &o.read)
	return func(ctx context.Context, e env, args []string) error {
		if len(args) != 1 {
			return cli.Usage("%s: want DATA, such as csv:FILE, npy:FILE, idx:DIR or images:DIR", cli.Counted(len(args), "argument"))
		}
		return o.run(ctx, e, specOf(args[0]))
	}
}

func (o tailOptions) run(ctx context.Context, e env, spec string) error {
	if o.n < 100 || o.n > 1e8 {
		return cli.Usage("-n %d: want 100 to 100000000", o.n)
	}
	if err := checkPlotPath(o.out); err != nil {
		return err
	}
	if isTable(spec) && o.columns != "" { // only what is asked for is read
		for name := range strings.SplitSeq(o.columns, ",") {
			o.read.Columns = append(o.read.Columns, strings.TrimSpace(name))
		}
		o.columns = ""
	}
	set, err := data.Open(ctx, spec, o.read)
	if err != nil {
		return err
	}
	tell(e, set)
	columns, err := tails.Columns(set, o.columns)
	if err != nil {
		return err
	}
	var r *tails.Report
	err = untilDone(ctx, func() (err error) {
		r, err = tails.Look(ctx, set, columns, o.n)
		return err
	})
	if err != nil {
		return err
	}
	r.Data = spec
	if o.out != "" {
		k := r.Heaviest()
		if k < 0 {
			return fmt.Errorf("-o %s: no column has a tail, so there is nothing to plot; leave -o out", o.out)
		}
		svg := strings.EqualFold(filepath.Ext(o.out), ".svg")
		if err := atomicfile.Write(o.out, func(w io.Writer) error { return r.WritePlot(w, k, svg) }); err != nil {
			return err
		}
	}
	if o.json {
		return json.NewEncoder(e.Stdout).Encode(r)
	}
	_, err = r.WriteTo(e.Stdout)
	return err
}

// checkPlotPath returns an error unless a plot can be written to path.
func checkPlotPath(path string) error {
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case path == "":
		return nil
	case ext != ".svg" && ext != ".png":
		return cli.Usage("-o %s: want a name that ends in .svg or .png", path)
	}
	return folderOf("-o", path)
}
