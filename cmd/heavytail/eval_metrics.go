package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"heavytail/data"
	"heavytail/diffusion/metrics"
	"heavytail/internal/classifier"
	"heavytail/internal/cli"
)

// A score is a float64 whose JSON is null where it is not finite.
type score float64

// MarshalJSON implements json.Marshaler.
func (n score) MarshalJSON() ([]byte, error) {
	if v := float64(n); v-v == 0 {
		return json.Marshal(v)
	}
	return []byte("null"), nil
}

// An evalSource says what was compared.
type evalSource struct {
	Data    string `json:"data"`
	Samples int    `json:"samples"`
	Model   string `json:"model,omitempty"`   // file name, or built-in
	Weights string `json:"weights,omitempty"` // as -weights
	Method  string `json:"method,omitempty"`
	Steps   int    `json:"steps,omitempty"` // moves of the sampler; of dlpm and dlim, before 0.3.0, one more
	// Evaluations is how often the network was asked for one sample.
	Evaluations int    `json:"evaluations,omitempty"`
	Classes     string `json:"classes,omitempty"` // of a model's samples: as real, or in turn
	Mode        string `json:"mode,omitempty"`    // of the GPU that drew them, if it gives other bytes than a CPU
}

// An evalReport is what eval tells.
type evalReport struct {
	Program   string       `json:"program"`
	Kind      string       `json:"kind"` // points or images
	Real      evalSource   `json:"real"`
	Generated evalSource   `json:"generated"`
	Used      int          `json:"used"` // samples of each
	Seed      uint64       `json:"seed"`
	Extractor string       `json:"extractor,omitempty"`
	Metrics   []evalMetric `json:"metrics"`
	Columns   []evalColumn `json:"columns,omitempty"`
	Xi        float64      `json:"xi,omitempty"` // level of msle and tail_wasserstein1
	Q         float64      `json:"q,omitempty"`  // level of tail_ks
	Notes     []string     `json:"notes,omitempty"`
}

// An evalMetric is one number about all of the samples.
type evalMetric struct {
	Name  string `json:"name"`
	label string // in the table
	Value score  `json:"value"`
	Best  string `json:"best"` // what equal laws would have
	Used  int    `json:"used"` // samples of each set
}

// An evalColumn compares one column, or the norms of the points. Tails are
// those of |x − median of the real column|, and of the norms as they are.
type evalColumn struct {
	Column           string `json:"column"`
	KS               score  `json:"ks"`
	Wasserstein1     score  `json:"wasserstein1"`
	TailKS           score  `json:"tail_ks"`
	MSLE             score  `json:"msle"`        // the integral
	MSLEMean         score  `json:"msle_mean"`   // divided by 1−ξ
	MSLELevels       score  `json:"msle_levels"` // the later definition, for levels above ξ
	TailWasserstein1 score  `json:"tail_wasserstein1"`
	TailError        score  `json:"tail_error"` // of the logarithm of P(X > x)
	GlobalL1         score  `json:"global_l1"`
	Ratio99          score  `json:"quantile_ratio_99"`
	Ratio999         score  `json:"quantile_ratio_999"`
	KurtosisRatio    score  `json:"kurtosis_ratio"`
	SkewnessRatio    score  `json:"skewness_ratio"`
	HillReal         score  `json:"hill_real"`
	HillGenerated    score  `json:"hill_generated"`
}

// measure computes everything that suits the kind of data.
func (o evalOptions) measure(ctx context.Context, r *evalReport, set *data.Set, x, y samples) error {
	if set.Images() {
		return o.images(ctx, r, set.Shape, x.pixels, y.pixels)
	}
	d := set.Per()
	columns, err := tailOptions{columns: o.columns}.choose(set)
	if err != nil {
		return err
	}
	r.Xi, r.Q = o.xi, o.q
	mid, unit := frame(x.points, d)
	if d == 1 && unit[0] != 1 {
		r.Notes = append(r.Notes, fmt.Sprintf("distances and neighbours are in units of %.4g, half the interquartile range: float32 does not hold squares of the values", unit[0]))
	}
	real, gen := framed(x.points, mid, unit), framed(y.points, mid, unit)
	if err := o.distances(ctx, r, real, gen, d); err != nil {
		return err
	}
	for _, c := range columns {
		a, b := part(x.points, d, c), part(y.points, d, c)
		mid := metrics.Quantiles(a, []float64{0.5})[0]
		for i := range a { // moments far from 0 lose digits, too
			a[i], b[i] = a[i]-mid, b[i]-mid
		}
		r.Columns = append(r.Columns, o.column(set.ColumnName(c), a, b, distance(a, 0), distance(b, 0)))
	}
	if d > 1 {
		a, b := norms(real, d), norms(gen, d)
		r.Columns = append(r.Columns, o.column("norm", a, b, a, b))
	}
	return nil
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
func (o evalOptions) distances(ctx context.Context, r *evalReport, real, gen []float64, d int) error {
	x, y := floats(real), floats(gen)
	prd := metrics.PRD(x, y, d, metrics.PRDOptions{Seed: o.seed, Threads: o.threads})
	r.add("prd_precision", "precision, PRD F1/8", prd.Precision, "1", r.Used)
	r.add("prd_recall", "recall, PRD F8", prd.Recall, "1", r.Used)
	r.add("prd_f1", "F1 of the two", prd.F1, "1", r.Used)
	o.neighbours(r, x, y, d)
	if err := ctx.Err(); err != nil {
		return err
	}
	few := min(r.Used, o.pairs)
	r.add("mmd", "MMD, squared", metrics.MMD(thin(x, d, few), thin(y, d, few), d, o.threads), "0", few)
	sliced := metrics.SlicedWasserstein(x, y, d, metrics.SlicedOptions{Seed: o.seed, Threads: o.threads})
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

// features returns the extractor of images of a shape: the one that -extractor
// names, else the classifier for images such as it was trained on and random
// features for all others.
func (o evalOptions) features(shape []int) (metrics.Extractor, error) {
	fashion, err := classifier.Default(o.threads)
	if err != nil {
		return nil, err
	}
	fits := slices.Equal(shape, fashion.Shape())
	if o.extractor == "fashion" && !fits {
		return nil, cli.Usage("-extractor fashion takes images of %v, these are %v: scale them with -size %d -channels %d, or take -extractor random",
			fashion.Shape(), shape, fashion.Shape()[0], fashion.Shape()[2])
	}
	if fits && o.extractor != "random" {
		return fashion, nil
	}
	return classifier.NewRandom(shape[0], shape[1], shape[2], o.threads)
}

// images compares images by their features and their pixels.
func (o evalOptions) images(ctx context.Context, r *evalReport, shape []int, x, y []float32) error {
	e, err := o.features(shape)
	if err != nil {
		return err
	}
	d := shape[0] * shape[1] * shape[2]
	real, gen := metrics.Extract(e, x), metrics.Extract(e, y)
	r.Extractor = e.Name()
	f, err := metrics.Frechet(real, gen, o.threads)
	if err != nil {
		return err
	}
	r.add("frechet", "Fréchet distance", f.Value, "0", r.Used)
	if err := ctx.Err(); err != nil {
		return err
	}
	k := metrics.KID(real, gen, metrics.KIDOptions{Size: min(1000, r.Used/2), Seed: o.seed, Threads: o.threads})
	r.add("kid", "kernel distance", k.Value, "0", k.Size)
	r.add("kid_deviation", "  its deviation between subsets", k.Deviation, "", k.Size)
	o.neighbours(r, real.X, gen.X, e.Dim())
	few := min(r.Used, o.pairs)
	sliced := metrics.SlicedWasserstein(thin(x, d, few), thin(y, d, few), d, metrics.SlicedOptions{Seed: o.seed, Threads: o.threads})
	r.add("pixel_sliced_wasserstein", "pixels: sliced Wasserstein", sliced, "0", few)
	a, b := part(x, 1, 0), part(y, 1, 0)
	r.add("pixel_wasserstein1", "pixels: Wasserstein of all values", metrics.Wasserstein1(a, b), "0", r.Used)
	r.add("pixel_ks", "pixels: KS of all values", metrics.KS(a, b), "0", r.Used)
	r.add("pixel_kurtosis_ratio", "pixels: kurtosis ratio", metrics.KurtosisRatio(a, b), "0", r.Used)
	r.add("pixel_skewness_ratio", "pixels: skewness ratio", metrics.SkewnessRatio(a, b), "0", r.Used)
	return nil
}

// neighbours adds precision, recall, density and coverage.
func (o evalOptions) neighbours(r *evalReport, x, y []float32, d int) {
	few := min(r.Used, o.pairs)
	s := metrics.PRDC(thin(x, d, few), thin(y, d, few), d, o.k, o.threads)
	for _, m := range []struct {
		name  string
		value float64
	}{{"precision", s.Precision}, {"recall", s.Recall}, {"density", s.Density}, {"coverage", s.Coverage}} {
		r.add(m.name, fmt.Sprintf("%s, %d neighbours", m.name, o.k), m.value, "1", few)
	}
}

func (r *evalReport) add(name, label string, v float64, best string, used int) {
	r.Metrics = append(r.Metrics, evalMetric{name, label, score(v), best, used})
}

// column compares the samples x and y of one quantity and their tails.
func (o evalOptions) column(name string, x, y, tailX, tailY []float64) evalColumn {
	msle := metrics.MSLE(tailX, tailY, o.xi)
	ratios := metrics.QuantileRatios(tailX, tailY, []float64{0.99, 0.999})
	hill := func(x []float64) score {
		h, err := metrics.HillIndex(x, metrics.Right)
		if err != nil {
			return score(math.NaN())
		}
		return score(h.Hill)
	}
	return evalColumn{
		Column: name,
		KS:     score(metrics.KS(x, y)), Wasserstein1: score(metrics.Wasserstein1(x, y)),
		TailKS: score(metrics.TailKS(tailX, tailY, metrics.Right, o.q)),
		MSLE:   score(msle.Integral), MSLEMean: score(msle.Mean), MSLELevels: score(metrics.MSLELevels(tailX, tailY, o.xi)),
		TailWasserstein1: score(metrics.TailWasserstein1(tailX, tailY, metrics.Right, o.xi)),
		TailError:        score(metrics.TailError(tailX, tailY, metrics.Right)), GlobalL1: score(metrics.GlobalL1(tailX, tailY)),
		Ratio99: score(ratios[0]), Ratio999: score(ratios[1]),
		KurtosisRatio: score(metrics.KurtosisRatio(x, y)), SkewnessRatio: score(metrics.SkewnessRatio(x, y)),
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
		at := int(float64(i) * (float64(all) / float64(n)))
		out = append(out, x[at*d:(at+1)*d]...)
	}
	return out
}

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

// print writes the tables.
func (r *evalReport) print(w io.Writer) error {
	fmt.Fprintf(w, "real       %s: %d samples\n", r.Real.Data, r.Real.Samples)
	g := r.Generated
	if g.Model == "" {
		fmt.Fprintf(w, "generated  %s: %d samples\n", g.Data, g.Samples)
	} else {
		fmt.Fprintf(w, "generated  %s: %d samples by %s in %d steps, %d evaluations, seed %d", g.Model, g.Samples, g.Method, g.Steps, g.Evaluations, r.Seed)
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
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\n", m.label, m.Value.text(), m.Best, m.Used)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(r.Columns) > 0 {
		fmt.Fprintf(t, "\n%s\tKS\tW1\ttail KS %g\tMSLE %g\ttail error\tQ.99 ratio\tQ.999 ratio\tkurtosis ratio\tHill real\tHill gen.\n", "column", r.Q, r.Xi)
		for _, c := range r.Columns {
			fmt.Fprintf(t, "%s", c.Column)
			for _, v := range []score{c.KS, c.Wasserstein1, c.TailKS, c.MSLE, c.TailError, c.Ratio99, c.Ratio999, c.KurtosisRatio, c.HillReal, c.HillGenerated} {
				fmt.Fprintf(t, "\t%s", v.text())
			}
			fmt.Fprintln(t)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintln(w, n)
	}
	return nil
}

// text returns four digits, - for what does not exist.
func (n score) text() string {
	if v := float64(n); v-v != 0 {
		return "-"
	}
	return fmt.Sprintf("%.4g", float64(n))
}
