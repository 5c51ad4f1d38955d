// Package eval compares samples with real data by many measures at once, as the command
// heavytail eval does; package diffusion/metrics has each of them alone.
package eval

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"heavytail"
	"heavytail/diffusion/metrics"
	"heavytail/internal/classifier"
)

// The extractors of features of images, by name.
const (
	Fashion = "fashion" // a classifier trained on Fashion-MNIST, of 28×28 grey images
	Random  = "random"  // means and deviations of fixed random convolutions, of any images
)

// Least is the least number of samples that are compared.
const Least = 20

// Options of a comparison; Defaults has those of the command.
type Options struct {
	Seed      uint64  // of metrics that draw random numbers
	Pairs     int     // most samples in metrics whose time grows with the square of their number
	K         int     // neighbours of precision, recall, density and coverage
	Xi        float64 // points: level above which MSLE and the Wasserstein distance of tails look
	Q         float64 // points: level above which the KS distance of tails looks
	Extractor string  // images: Fashion or Random; empty: Fashion where it takes them, else Random
	Threads   int     // goroutines; 0: all processors
}

// Defaults returns the options of the command.
func Defaults() Options { return Options{Pairs: 5000, K: 5, Xi: 0.95, Q: 0.99} }

// Validate returns an error, a *heavytail.OptionError, that names the first impossible
// option.
func (o Options) Validate() error {
	for _, c := range []struct {
		field    string
		value    any
		possible bool
		want     string
	}{
		{"K", o.K, o.K >= 1 && o.K < Least, fmt.Sprintf("1 to %d", Least-1)},
		{"Pairs", o.Pairs, o.Pairs >= Least, fmt.Sprintf("at least %d", Least)},
		{"Xi", o.Xi, o.Xi >= 0 && o.Xi < 1, "0 or more and below 1"},
		{"Q", o.Q, o.Q >= 0 && o.Q < 1, "0 or more and below 1"},
		{"Extractor", o.Extractor, o.Extractor == "" || o.Extractor == Fashion || o.Extractor == Random, Fashion + " or " + Random},
		{"Threads", o.Threads, o.Threads >= 0 && o.Threads <= 1<<12, fmt.Sprintf("0 (all processors) to %d", 1<<12)},
	} {
		if !c.possible {
			text := fmt.Sprintf("eval: %s is %v: want %s", c.field, c.value, c.want)
			if v, ok := c.value.(string); ok {
				text = fmt.Sprintf("eval: %s is %q: want %s", c.field, v, c.want)
			}
			return &heavytail.OptionError{Field: c.field, Value: c.value, Want: c.want, Text: text}
		}
	}
	return nil
}

// Scores are what a comparison finds.
type Scores struct {
	Used      int      `json:"used"` // how many samples of each set
	Seed      uint64   `json:"seed"`
	Extractor string   `json:"extractor,omitempty"`
	Metrics   []Metric `json:"metrics"`
	Columns   []Column `json:"columns,omitempty"`
	Xi        float64  `json:"xi,omitempty"` // level of msle and tail_wasserstein1
	Q         float64  `json:"q,omitempty"`  // level of tail_ks
	Notes     []string `json:"notes,omitempty"`
}

// A Score is a float64 whose JSON is null where it is not finite.
type Score float64

// MarshalJSON implements json.Marshaler.
func (n Score) MarshalJSON() ([]byte, error) {
	if v := float64(n); v-v == 0 {
		return json.Marshal(v)
	}
	return []byte("null"), nil
}

// A Metric is one number about all of the samples.
type Metric struct {
	Name  string `json:"name"` // in JSON, such as sliced_wasserstein
	Label string `json:"-"`    // for people
	Value Score  `json:"value"`
	Best  string `json:"best"` // what equal laws would have
	Used  int    `json:"used"` // samples of each set
}

// A Column compares one column, or the norms of the points. Tails are
// those of |x − median of the real column|, and of the norms as they are.
type Column struct {
	Column           string `json:"column"`             // its name, or that of the norms
	KS               Score  `json:"ks"`                 // the Kolmogorov-Smirnov distance, of the whole law
	Wasserstein1     Score  `json:"wasserstein1"`       // the distance W₁, in the unit of the column
	TailKS           Score  `json:"tail_ks"`            // the Kolmogorov-Smirnov distance of the tails
	MSLE             Score  `json:"msle"`               // metrics.MSLE: the squared error of the logarithms of the quantiles above ξ, integrated
	MSLEMean         Score  `json:"msle_mean"`          // that divided by 1−ξ
	MSLELevels       Score  `json:"msle_levels"`        // metrics.MSLELevels: a later definition, for levels above ξ
	TailWasserstein1 Score  `json:"tail_wasserstein1"`  // the distance W₁ of the tails above ξ, in the unit of the column
	TailError        Score  `json:"tail_error"`         // metrics.TailError, of the logarithm of P(X > x)
	GlobalL1         Score  `json:"global_l1"`          // metrics.GlobalL1, in the unit of the column
	Ratio99          Score  `json:"quantile_ratio_99"`  // generated over real quantile at 0.99; 1 is right
	Ratio999         Score  `json:"quantile_ratio_999"` // at 0.999
	KurtosisRatio    Score  `json:"kurtosis_ratio"`     // |1 − generated over real kurtosis|
	SkewnessRatio    Score  `json:"skewness_ratio"`     // |1 − generated over real skewness|
	HillReal         Score  `json:"hill_real"`          // Hill's index of the tails of the real values
	HillGenerated    Score  `json:"hill_generated"`     // and of the generated ones
}

// String returns four digits, - for what does not exist.
func (n Score) String() string {
	if v := float64(n); v-v != 0 {
		return "-"
	}
	return fmt.Sprintf("%.4g", float64(n))
}

// Points compares as many generated points as real ones, of d values each, row by row:
// the columns of the given numbers, called by name, and all of them together, in units of
// half the interquartile range of the real ones. It returns an error for impossible
// options and numbers of samples, and ctx's, which it looks at between metrics. It panics
// if the lengths do not fit, without a context and for a column that is not there.
func Points(ctx context.Context, real, gen []float64, d int, columns []int, name func(c int) string, o Options) (*Scores, error) {
	if name == nil && len(columns) > 0 {
		panic("eval: Points of columns without a function that names them")
	}
	r, err := o.begin(ctx, "Points", len(real), len(gen), d)
	if err != nil {
		return nil, err
	}
	r.Xi, r.Q = o.Xi, o.Q
	mid, unit := frame(real, d)
	if d == 1 && unit[0] != 1 {
		r.Notes = append(r.Notes, fmt.Sprintf("distances and neighbours are in units of %.4g, half the interquartile range: float32 does not hold squares of the values", unit[0]))
	}
	x, y := framed(real, mid, unit), framed(gen, mid, unit)
	if err := o.distances(ctx, r, x, y, d); err != nil {
		return nil, err
	}
	for _, c := range columns {
		if c < 0 || c >= d {
			panic(fmt.Sprintf("eval: Points: column %d of %d, numbered from 0", c, d))
		}
		a, b := part(real, d, c), part(gen, d, c)
		mid := metrics.Quantiles(a, []float64{0.5})[0]
		for i := range a { // moments far from 0 lose digits, too
			a[i], b[i] = a[i]-mid, b[i]-mid
		}
		r.Columns = append(r.Columns, o.column(name(c), a, b, distance(a, 0), distance(b, 0)))
	}
	if d > 1 {
		a, b := norms(x, d), norms(y, d)
		norm := "norm"
		if slices.ContainsFunc(columns, func(c int) bool { return name(c) == norm }) {
			norm = "norm of the points"
		}
		r.Columns = append(r.Columns, o.column(norm, a, b, a, b))
	}
	return r, nil
}

// begin checks what both comparisons are given.
func (o Options) begin(ctx context.Context, what string, x, y, d int) (*Scores, error) {
	if ctx == nil || d < 1 || x != y || x%d != 0 {
		panic(fmt.Sprintf("eval: %s of %d real and %d generated values: want whole samples of %d values, as many of each, and a context", what, x, y, d))
	}
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if x/d < Least {
		return nil, fmt.Errorf("eval: %d samples of each: want at least %d", x/d, Least)
	}
	return &Scores{Used: x / d, Seed: o.Seed}, ctx.Err()
}

// frame returns the place and the unit of each column in which points are
// compared as a whole: the median of the real ones, about which float32 has the
// digits that it lacks far from 0, and, where there are several columns, half
// their interquartile range (the deviation, or 1, where that is 0), so that a
// column of small unit counts as much as others.
func frame(real []float64, d int) (mid, unit []float64) {
	for c := range d {
		x := part(real, d, c)
		q := metrics.Quantiles(x, []float64{0.25, 0.5, 0.75})
		u := float64(q[2]/2) - float64(q[0]/2)
		if u == 0 {
			u = deviation(x, q[1])
		}
		if d == 1 && u > 1/ordinary && u < ordinary || u == 0 {
			u = 1
		}
		mid, unit = append(mid, q[1]), append(unit, u)
	}
	return mid, unit
}

// ordinary bounds units in which one column is compared as it is: squares and
// products of values about as large are float32.
const ordinary = 1e15

// deviation returns the root mean square of x − mid.
func deviation(x []float64, mid float64) float64 {
	most := 0.0
	for _, v := range x {
		most = max(most, math.Abs(v-mid))
	}
	if most == 0 || most > 1/ordinary && most < ordinary {
		most = 1 // no square is beyond float64
	}
	sum := 0.0
	for _, v := range x {
		z := (v - mid) / most
		sum += float64(z * z)
	}
	return math.Sqrt(sum/float64(len(x))) * most
}

// distances adds the metrics of all columns together, of points in their frame.
func (o Options) distances(ctx context.Context, r *Scores, real, gen []float64, d int) error {
	x, y := floats(real), floats(gen)
	prd := metrics.PRD(x, y, d, metrics.PRDOptions{Seed: o.Seed, Threads: o.Threads})
	r.add("prd_precision", "precision, PRD F1/8", prd.Precision, "1", r.Used)
	r.add("prd_recall", "recall, PRD F8", prd.Recall, "1", r.Used)
	r.add("prd_f1", "F1 of the two", prd.F1, "1", r.Used)
	o.neighbours(r, x, y, d)
	if err := ctx.Err(); err != nil {
		return err
	}
	few := min(r.Used, o.Pairs)
	r.add("mmd", "MMD, squared", metrics.MMD(thin(x, d, few), thin(y, d, few), d, o.Threads), "0", few)
	sliced := metrics.SlicedWasserstein(x, y, d, metrics.SlicedOptions{Seed: o.Seed, Threads: o.Threads})
	r.add("sliced_wasserstein", "sliced Wasserstein", sliced, "0", r.Used)
	return nil
}

// framed returns the rows x less mid, divided by unit.
func framed(x, mid, unit []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = (v - mid[i%len(mid)]) / unit[i%len(unit)]
	}
	return out
}

func floats(x []float64) []float32 {
	out := make([]float32, len(x))
	const most = 1e18 // its square is a float32: one far out must not hide the others, as +Inf does
	for i, v := range x {
		out[i] = float32(min(max(v, -most), most))
	}
	return out
}

// features returns the extractor of images of a shape: the one that o names, else the
// classifier for images such as it was trained on and random features for all others.
func (o Options) features(shape []int) (metrics.Extractor, error) {
	fashion, err := classifier.Default(o.Threads)
	if err != nil {
		return nil, err
	}
	fits := slices.Equal(shape, fashion.Shape())
	if o.Extractor == Fashion && !fits {
		return nil, &ExtractorError{Takes: fashion.Shape(), Has: slices.Clone(shape)}
	}
	if fits && o.Extractor != Random {
		return fashion, nil
	}
	return classifier.NewRandom(shape[0], shape[1], shape[2], o.Threads)
}

// An ExtractorError is the error of images that Options.Extractor does not take.
type ExtractorError struct {
	Takes, Has []int // the shapes [H,W,C] that it takes, and of these images
}

// Error says what happened and what to do.
func (e *ExtractorError) Error() string {
	return fmt.Sprintf("eval: extractor fashion takes images of %v, these are %v: scale them, or take random", e.Takes, e.Has)
}

// Images compares as many generated images as real ones, of a shape [height, width,
// channels], values in [−1,1], by their features and their pixels. Errors and panics are
// as of Points; an *ExtractorError is that of images which the extractor does not take.
func Images(ctx context.Context, real, gen []float32, shape []int, o Options) (*Scores, error) {
	if len(shape) != 3 {
		panic(fmt.Sprintf("eval: Images of shape %v; want [height width channels]", shape))
	}
	d := shape[0] * shape[1] * shape[2]
	if len(real)%d != 0 || len(gen)%d != 0 {
		panic(fmt.Sprintf("eval: Images of %d real and %d generated values: want whole images of %d", len(real), len(gen), d))
	}
	return ImagesFrom(ctx, slice{real, d}, slice{gen, d}, shape, o)
}

// images adds the metrics of images.
func (o Options) images(ctx context.Context, r *Scores, shape []int, d int, real, gen Pictures) error {
	e, err := o.features(shape)
	if err != nil {
		return err
	}
	few := min(r.Used, o.Pairs)
	x, err := look(ctx, real, d, few, e)
	if err != nil {
		return err
	}
	y, err := look(ctx, gen, d, few, e)
	if err != nil {
		return err
	}
	r.Extractor = e.Name()
	f, err := metrics.Frechet(x.features, y.features, o.Threads)
	if err != nil {
		return err
	}
	r.add("frechet", "Fréchet distance", f.Value, "0", r.Used)
	if err := ctx.Err(); err != nil {
		return err
	}
	k := metrics.KID(x.features, y.features, metrics.KIDOptions{Size: min(1000, r.Used/2), Seed: o.Seed, Threads: o.Threads})
	r.add("kid", "kernel distance", k.Value, "0", k.Size)
	r.add("kid_deviation", "  its deviation between subsets", k.Deviation, "", k.Size)
	o.neighbours(r, x.features.X, y.features.X, e.Dim())
	sliced := metrics.SlicedWasserstein(x.few, y.few, d, metrics.SlicedOptions{Seed: o.Seed, Threads: o.Threads})
	r.add("pixel_sliced_wasserstein", "pixels: sliced Wasserstein", sliced, "0", few)
	r.add("pixel_wasserstein1", "pixels: Wasserstein of all values", metrics.TallyWasserstein1(&x.tally, &y.tally), "0", r.Used)
	r.add("pixel_ks", "pixels: KS of all values", metrics.TallyKS(&x.tally, &y.tally), "0", r.Used)
	r.add("pixel_kurtosis_ratio", "pixels: |1 - kurtosis ratio|", math.Abs(1-y.moments.Kurtosis()/x.moments.Kurtosis()), "0", r.Used)
	r.add("pixel_skewness_ratio", "pixels: |1 - skewness ratio|", math.Abs(1-y.moments.Skewness()/x.moments.Skewness()), "0", r.Used)
	return nil
}

// neighbours adds precision, recall, density and coverage.
func (o Options) neighbours(r *Scores, x, y []float32, d int) {
	few := min(r.Used, o.Pairs)
	s := metrics.PRDC(thin(x, d, few), thin(y, d, few), d, o.K, o.Threads)
	for _, m := range []struct {
		name  string
		value float64
	}{{"precision", s.Precision}, {"recall", s.Recall}, {"density", s.Density}, {"coverage", s.Coverage}} {
		r.add(m.name, fmt.Sprintf("%s, %d neighbours", m.name, o.K), m.value, "1", few)
	}
}

func (r *Scores) add(name, label string, v float64, best string, used int) {
	r.Metrics = append(r.Metrics, Metric{name, label, Score(v), best, used})
}

// column compares the samples x and y of one quantity and their tails.
func (o Options) column(name string, x, y, tailX, tailY []float64) Column {
	msle := metrics.MSLE(tailX, tailY, o.Xi)
	ratios := metrics.QuantileRatios(tailX, tailY, []float64{0.99, 0.999})
	hill := func(x []float64) Score {
		h, err := metrics.HillIndex(x, metrics.Right)
		if err != nil {
			return Score(math.NaN())
		}
		return Score(h.Hill)
	}
	return Column{
		Column: name,
		KS:     Score(metrics.KS(x, y)), Wasserstein1: Score(metrics.Wasserstein1(x, y)),
		TailKS: Score(metrics.TailKS(tailX, tailY, metrics.Right, o.Q)),
		MSLE:   Score(msle.Integral), MSLEMean: Score(msle.Mean), MSLELevels: Score(metrics.MSLELevels(tailX, tailY, o.Xi)),
		TailWasserstein1: Score(metrics.TailWasserstein1(tailX, tailY, metrics.Right, o.Xi)),
		TailError:        Score(metrics.TailError(tailX, tailY, metrics.Right)), GlobalL1: Score(metrics.GlobalL1(tailX, tailY)),
		Ratio99: Score(ratios[0]), Ratio999: Score(ratios[1]),
		KurtosisRatio: Score(metrics.KurtosisRatio(x, y)), SkewnessRatio: Score(metrics.SkewnessRatio(x, y)),
		HillReal: hill(tailX), HillGenerated: hill(tailY),
	}
}

// thin returns n of the samples of d values, spread evenly.
func thin(x []float32, d, n int) []float32 {
	all := len(x) / d
	if n >= all {
		return x
	}
	out := make([]float32, 0, n*d)
	for i := range n {
		at := thinned(i, all, n)
		out = append(out, x[at*d:(at+1)*d]...)
	}
	return out
}

// thinned returns the number of sample i of n, of so many in all.
func thinned(i, all, n int) int { return int(float64(i) * (float64(all) / float64(n))) }

// part returns column c of points of d values.
func part[T float32 | float64](x []T, d, c int) []float64 {
	out := make([]float64, len(x)/d)
	for i := range out {
		out[i] = float64(x[i*d+c])
	}
	return out
}

// distance returns |x − from|.
func distance(x []float64, from float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Abs(v - from)
	}
	return out
}

// norms returns the Euclidean norm of every point.
func norms(x []float64, d int) []float64 {
	out := make([]float64, len(x)/d)
	for i := range out {
		s := 0.0
		for _, v := range x[i*d : (i+1)*d] {
			s += float64(v * v)
		}
		out[i] = math.Sqrt(s)
	}
	return out
}
