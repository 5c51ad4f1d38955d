package eval

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"

	"heavytail/internal/words"
)

// WriteTo writes the report as tables for people: what was compared, the metrics of
// everything together, a line for each column, and the notes. It implements io.WriterTo.
func (r *Report) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "real       %s: %s\n", r.Real.Data, words.Counted(r.Real.Samples, "sample"))
	g := r.Generated
	if g.Model == "" {
		fmt.Fprintf(&b, "generated  %s: %s\n", g.Data, words.Counted(g.Samples, "sample"))
	} else {
		fmt.Fprintf(&b, "generated  %s: %s by %s in %s, %s, seed %d",
			g.Model, words.Counted(g.Samples, "sample"), g.Method, words.Counted(g.Steps, "step"), words.Counted(g.Evaluations, "evaluation"), r.Seed)
		if g.Classes != "" {
			fmt.Fprintf(&b, ", classes %s", g.Classes)
		}
		if g.Weights != "" {
			fmt.Fprintf(&b, ", weights %s", g.Weights)
		}
		fmt.Fprintln(&b)
	}
	if r.Extractor != "" {
		fmt.Fprintf(&b, "features   %s\n", r.Extractor)
	}
	t := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "\nmetric\tvalue\tbest\tsamples of each\n")
	for _, m := range r.Metrics {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\n", words.Singular(m.Label), m.Value.String(), m.Best, m.Used)
	}
	_ = t.Flush() // into memory
	if len(r.Columns) > 0 {
		fmt.Fprintf(t, "\n%s\tKS\tW1\ttail KS %g\tMSLE %g\ttail error\tQ.99 ratio\tQ.999 ratio\t|1 - kurtosis ratio|\tHill real\tHill gen.\n", "column", r.Q, r.Xi)
		fmt.Fprintln(t, "(best)\t0\t0\t0\t0\t0\t1\t1\t0\t\tHill real")
		for _, c := range r.Columns {
			fmt.Fprintf(t, "%s", c.Column)
			for _, v := range []Score{c.KS, c.Wasserstein1, c.TailKS, c.MSLE, c.TailError, c.Ratio99, c.Ratio999, c.KurtosisRatio, c.HillReal, c.HillGenerated} {
				fmt.Fprintf(t, "\t%s", v.String())
			}
			fmt.Fprintln(t)
		}
		_ = t.Flush()
	}
	for _, n := range r.Notes {
		fmt.Fprintln(&b, words.Singular(n))
	}
	return b.WriteTo(w)
}
