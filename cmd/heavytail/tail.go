package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

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
mostly 0, beta, alpha and nu are those of the others.

The suggestion follows the heaviest column: the one of smallest index, which is nu
where Student's law fits better than the stable one, or as well and the extremes
have an index above 2, else alpha, and the index of the extremes where no law fits.
Above 2 the data have a variance, and t-EDM and t-Flow with that nu come first; at
2 and below it is DLPM with that alpha, at least 1.1. Noise with lighter tails than
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
	return printTails(e.Stdout, r)
}

// printTails prints a report as tables and sentences.
func printTails(w io.Writer, r *tails.Report) error {
	kind := r.Kind()
	fmt.Fprintf(w, "%s: %s\n\n", r.Data, cli.Counted(r.Samples, "sample"))
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "%s\tvalues\ttail index\tk\talpha\tbeta\tnu\n", kind)
	for _, c := range r.Columns {
		fmt.Fprintf(t, "%s\t%d\t%s\t%d\t%s\t%s\t%s\n", c.Label(), c.Values, c.Index.String(), c.Extremes, c.Alpha.String(), c.Beta.String(), c.Nu.String())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, c := range r.Columns {
		for _, n := range c.Notes {
			fmt.Fprintf(w, "%s %s: %s\n", kind, c.Label(), cli.Singular(n))
		}
	}
	s := r.Suggestion
	ways := slices.Clone(s.Train)
	if s.Transform != "" {
		ways = append(ways, "-process flow -transform "+s.Transform)
	}
	fmt.Fprintf(w, "\nsuggestion: train %s\n", strings.Join(ways, "\n        or: train "))
	if !r.Images {
		s.Why += "; training scales every column by its median and half interquartile range, and samples come back in the units of the data (-standardize)"
	}
	if s.Index != nil && !r.Images {
		s.Why += "; " + regretOf(*s.Index)
	}
	_, err := fmt.Fprintf(w, "  %s\n", strings.ReplaceAll(s.Why, "; ", "\n  "))
	return err
}

// regretOf says what results/choice.md measured of the first advice for data of that
// index; a test of the experiment holds it to the page's rows.
func regretOf(index float64) string {
	sets, ratio, hindsight := 6, "0.66 (0.45 to 0.97)", "1.33"
	if index <= 2 {
		sets, ratio, hindsight = 7, "1.40 (0.75 to 2.62)", "1.95"
	}
	return fmt.Sprintf("on %d other sets of numbers with such an index the first of these had %s times the tail error of the noise that a sweep of 12 chose by another split, and %s times that of the best in hindsight (results/choice.md)", sets, ratio, hindsight)
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
