package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"heavytail/data"
	"heavytail/eval"
	"heavytail/internal/cli"
	"heavytail/tails"
)

// An evalReport is what eval prints.
type evalReport struct{ eval.Report }

// measure computes everything that suits the kind of data.
func (o evalOptions) measure(ctx context.Context, r *evalReport, set *data.Set, p *eval.Pair) error {
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

// print writes the tables.
func (r *evalReport) print(w io.Writer) error {
	fmt.Fprintf(w, "real       %s: %s\n", r.Real.Data, cli.Counted(r.Real.Samples, "sample"))
	g := r.Generated
	if g.Model == "" {
		fmt.Fprintf(w, "generated  %s: %s\n", g.Data, cli.Counted(g.Samples, "sample"))
	} else {
		fmt.Fprintf(w, "generated  %s: %s by %s in %s, %s, seed %d",
			g.Model, cli.Counted(g.Samples, "sample"), g.Method, cli.Counted(g.Steps, "step"), cli.Counted(g.Evaluations, "evaluation"), r.Seed)
		if g.Classes != "" {
			fmt.Fprintf(w, ", classes %s", g.Classes)
		}
		if g.Weights != "" {
			fmt.Fprintf(w, ", weights %s", g.Weights)
		}
		fmt.Fprintln(w)
	}
	if r.Extractor != "" {
		fmt.Fprintf(w, "features   %s\n", r.Extractor)
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "\nmetric\tvalue\tbest\tsamples of each\n")
	for _, m := range r.Metrics {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\n", cli.Singular(m.Label), m.Value.String(), m.Best, m.Used)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(r.Columns) > 0 {
		fmt.Fprintf(t, "\n%s\tKS\tW1\ttail KS %g\tMSLE %g\ttail error\tQ.99 ratio\tQ.999 ratio\tkurtosis ratio\tHill real\tHill gen.\n", "column", r.Q, r.Xi)
		for _, c := range r.Columns {
			fmt.Fprintf(t, "%s", c.Column)
			for _, v := range []eval.Score{c.KS, c.Wasserstein1, c.TailKS, c.MSLE, c.TailError, c.Ratio99, c.Ratio999, c.KurtosisRatio, c.HillReal, c.HillGenerated} {
				fmt.Fprintf(t, "\t%s", v.String())
			}
			fmt.Fprintln(t)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintln(w, cli.Singular(n))
	}
	return nil
}
