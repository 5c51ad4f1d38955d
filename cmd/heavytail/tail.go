package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"heavytail/internal/data"
	"heavytail/stable"
)

var tailCommand = command{
	name: "tail", args: "DATA", summary: "estimates how heavy the tails of data are, and which noise suits them",
	help: `  heavytail tail csv:returns.csv                      every column: α, ν and their intervals
  heavytail tail npy:table.npy -columns 0,3 -o t.svg  survival on log-log axes with the fits
  heavytail tail images:photos/ -json                  every channel of images

Spread out over all samples, -n values of a column are used. For each column:
  index     of the tails of |x - median|, without a law: Hill's estimate corrected
            for bias, from the k largest values, half as many as where bias begins
            to show (Guillou and Hall)
  alpha     symmetric stable law by maximum likelihood, interval from its information
  beta      skewness by regression on the characteristic function (S0)
  nu        Student-t by maximum likelihood, interval in 1/nu
All intervals are asymptotic and of 95 %; other estimators of alpha are in -json.

The suggestion follows the heaviest column: the one of smallest index, which is
nu where Student's law fits better than the stable one, else alpha. Its alpha is
that of the nearest symmetric stable law, at least 1.1, its nu that of the nearest
Student law, where that is above 2 as train wants it. Noise with lighter tails than the data leaves the tails to the
network, which must stretch Gaussian values out without bound; heavier noise than
the data buys nothing. Where the fits are Gaussian but the tail index is below 5
with all of its interval, it is taken for nu. Where nothing is heavy, or the values
are bounded as in 8-bit images, the data ask for alpha 2; heavy-tailed noise may
still serve rare classes there. It is a start, not a promise: compare by eval.
`,
	flags: tailFlags,
}

// tailOptions are the flags of tail.
type tailOptions struct {
	columns, out string
	n            int
	json         bool
	read         data.Options
}

// skewed is the |β| from which on a column is called so.
const skewed = 0.3

// tailColumns is how many columns are looked at unless -columns names them.
const tailColumns = 32

func tailFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	var o tailOptions
	fs.StringVar(&o.columns, "columns", "", fmt.Sprintf("`list` of columns, by number from 0 or, of tables, by name, or of channels (empty: the first %d)", tailColumns))
	fs.IntVar(&o.n, "n", 100000, "most values of a column to use")
	fs.StringVar(&o.out, "o", "", "plot the heaviest column to this `file`: .svg or .png (empty: none)")
	fs.BoolVar(&o.json, "json", false, "print one JSON object")
	readFlags(fs, &o.read)
	return func(ctx context.Context, e env, args []string) error {
		if len(args) != 1 {
			return usage("%d arguments: want DATA, such as csv:FILE, npy:FILE, idx:DIR or images:DIR", len(args))
		}
		return o.run(ctx, e, args[0])
	}
}

func (o tailOptions) run(ctx context.Context, e env, spec string) error {
	if o.n < 100 || o.n > 1e8 {
		return usage("-n %d: want 100 to 100000000", o.n)
	}
	if err := checkPlotPath(o.out); err != nil {
		return err
	}
	if isTable(spec) { // only what is asked for is read
		o.read.Columns, o.columns = columnNames(o.columns), ""
	}
	set, err := data.Open(ctx, spec, o.read)
	if err != nil {
		return err
	}
	tell(e.stderr, set)
	columns, err := o.choose(set)
	if err != nil {
		return err
	}
	r := tailReport{Data: spec, Samples: set.Len(), Images: set.Images(), Bounded: set.Images()}
	var values [][]float64
	for _, c := range columns {
		if err := ctx.Err(); err != nil {
			return err
		}
		x := column(set, c, o.n)
		values = append(values, x)
		r.Bounded = r.Bounded && slices.Max(x) <= 1 && slices.Min(x) >= -1
		r.Columns = append(r.Columns, estimateTail(c, x))
		if set.Columns != nil {
			r.Columns[len(r.Columns)-1].Name = set.Columns[c]
		}
	}
	if err := r.suggest(set); err != nil {
		return err
	}
	if o.out != "" {
		k := r.heaviest()
		if k < 0 {
			return fmt.Errorf("-o %s: no column could be fitted, so there is nothing to plot; leave -o out", o.out)
		}
		if err := writeTailPlot(o.out, newTailPlot(r.kind(), r.Columns[k], values[k])); err != nil {
			return err
		}
	}
	if o.json {
		return json.NewEncoder(e.stdout).Encode(r)
	}
	return r.print(e.stdout)
}

// width returns the number of columns of points, or of channels of images.
func width(set *data.Set) int {
	if set.Images() {
		return set.Shape[2]
	}
	return set.Per()
}

// choose returns the columns to look at.
func (o tailOptions) choose(set *data.Set) ([]int, error) {
	w := width(set)
	if o.columns == "" {
		out := make([]int, min(w, tailColumns))
		for i := range out {
			out[i] = i
		}
		return out, nil
	}
	var out []int
	for _, word := range columnNames(o.columns) {
		c := slices.Index(set.Columns, word)
		if n, err := strconv.Atoi(word); c < 0 && err == nil {
			c = n
		} else if c < 0 {
			return nil, usage("-columns %q: want numbers such as 0,3%s", o.columns, nameList(set.Columns))
		}
		if c < 0 || c >= w {
			return nil, usage("-columns: there is no column %d; the data have columns 0 to %d", c, w-1)
		}
		out = append(out, c)
	}
	return out, nil
}

// column returns at most n values of column c, evenly spaced over the set.
func column(set *data.Set, c, n int) []float64 {
	per, w := set.Per(), width(set)
	each := per / w // values of the column in a sample
	total := set.Len() * each
	m := min(n, total)
	out := make([]float64, m)
	sample, last := make([]float32, per), -1
	for i := range out {
		at := int(float64(i) * (float64(total) / float64(m)))
		if s := at / each; s != last {
			set.Get(sample, s, false)
			last = s
		}
		out[i] = float64(sample[at%each*w+c])
	}
	return out
}

// An estimate is a number with its interval of 95 %; null where it has none.
type estimate struct {
	Value *float64 `json:"value"` // null: infinite
	Lo    *float64 `json:"lo"`    // null: no interval
	Hi    *float64 `json:"hi"`    // null: infinite, or no interval
}

func newEstimate(v float64, i stable.Interval) *estimate {
	if i.Lo == i.Hi {
		return &estimate{Value: finite(v)}
	}
	return &estimate{finite(v), finite(i.Lo), finite(i.Hi)}
}

func finite(v float64) *float64 {
	if math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// A columnReport is what tail tells about one column. Estimates that the data
// do not allow are null, and Note says why.
type columnReport struct {
	Column     int       `json:"column"`
	Name       string    `json:"name,omitempty"` // that the data have for it
	Values     int       `json:"values"`
	Index      *estimate `json:"tail_index"`
	Extremes   int       `json:"extremes,omitempty"`
	Alpha      *estimate `json:"alpha"`
	Nu         *estimate `json:"nu"`
	Scale      float64   `json:"scale,omitempty"`
	Location   float64   `json:"location,omitempty"`
	Regression *estimate `json:"alpha_regression"`
	Quantiles  *estimate `json:"alpha_quantiles"`
	LogMoments *estimate `json:"alpha_log_moments"`
	Beta       *estimate `json:"beta"`
	Preference float64   `json:"stable_over_student"` // Vuong's statistic
	Notes      []string  `json:"notes,omitempty"`

	symmetric stable.StableFit
	student   stable.StudentFit
	hill      stable.TailFit
}

// estimateTail runs every estimator on one column.
func estimateTail(c int, x []float64) columnReport {
	r := columnReport{Column: c, Values: len(x)}
	note := func(err error) bool {
		if err != nil {
			text := strings.TrimPrefix(err.Error(), "stable: ")
			r.Notes = append(r.Notes, text)
		}
		return err == nil
	}
	var err error
	if r.hill, err = stable.TailIndex(x); note(err) {
		r.Index, r.Extremes = newEstimate(r.hill.Alpha, r.hill.Interval), r.hill.K
	}
	k, err := stable.KogonWilliams(x)
	if !note(err) {
		return r // the other estimators would say the same
	}
	r.Regression = newEstimate(k.Alpha, k.AlphaInterval())
	if d := 1.96 * k.SE[1]; k.Alpha < 2 && d < 1 { // near α = 2 there is no telling β; on its bound it has no interval
		r.Beta = newEstimate(k.Beta, stable.Interval{Lo: max(k.Beta-d, -1), Hi: min(k.Beta+d, 1)})
		if math.Abs(k.Beta) > max(d, skewed) {
			r.Notes = append(r.Notes, fmt.Sprintf("skewed, beta %.2g: alpha and nu are those of the nearest symmetric laws, as noise is symmetric; "+
				"if all values are positive, their logarithm may be better data", k.Beta))
		}
	}
	if m, err := stable.McCulloch(x); note(err) {
		r.Quantiles = newEstimate(m.Alpha, m.AlphaInterval())
	}
	if m, err := stable.LogMoments(centred(x, k.Loc)); note(err) {
		r.LogMoments = newEstimate(m.Alpha, m.AlphaInterval())
	}
	r.symmetric, err = stable.FitStable(x, stable.FitOptions{Symmetric: true})
	fitted := note(err)
	if fitted {
		f := r.symmetric
		r.Alpha, r.Scale, r.Location = newEstimate(f.Alpha, f.AlphaInterval()), f.Scale, f.Loc
	}
	r.student, err = stable.FitStudent(x)
	if note(err) {
		r.Nu = newEstimate(r.student.Nu, r.student.Interval)
		if fitted {
			r.Preference = stable.Compare(x, r.symmetric, r.student)
		}
	}
	return r
}

// centred returns x − loc, less what is then 0.
func centred(x []float64, loc float64) []float64 {
	y := make([]float64, 0, len(x))
	for _, v := range x {
		if v != loc {
			y = append(y, v-loc)
		}
	}
	return y
}
