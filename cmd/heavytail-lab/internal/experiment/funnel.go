package experiment

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"
	"sync"

	"heavytail/diffusion"
	"heavytail/diffusion/metrics"
	"heavytail/internal/dmath"
)

// funnel compares EDM, t-EDM, flow matching and t-Flow on two laws whose tails
// are known: Neal's funnel and Student's law with ν = 3.
var funnel = Experiment{
	Name:    "funnel",
	Summary: "Neal's funnel and a Student-t law: EDM, t-EDM, flow and t-Flow and their samplers, judged by the tails",
	Plan:    planFunnel,
}

// Levels of the columns r90 … (ratios of quantiles of |x|) and p99 … (shares
// beyond quantiles of |x|).
var (
	ratioLevels = []float64{0.9, 0.99, 0.999, 0.9999}
	shareLevels = []float64{0.99, 0.995, 0.999, 0.9999}
)

// lawColumns are what is measured of one coordinate. All but std are of |x|,
// w1 is of x; w1 and std are in units of the law's deviation.
var lawColumns = []string{"r90", "r99", "r999", "r9999", "p99", "p995", "p999", "p9999", "w1", "ks", "tail", "std"}

// exactMethod is the row of a second sample of the law itself: what the
// metrics show of a perfect sampler.
const exactMethod = "exact sample"

// lawSizes are the numbers that -quick changes.
type lawSizes struct {
	points, reference int
	steps, generated  map[string]int // steps of training and samples, by target
}

func planFunnel(_ context.Context, o Options) (*Plan, error) {
	z := lawSizes{points: 1 << 21, reference: 2_000_000,
		steps: map[string]int{"funnel": 5859, "student": 10_000}, generated: map[string]int{"funnel": 100_000, "student": 60_000}}
	if o.Quick {
		z = lawSizes{points: 1 << 15, reference: 40_000,
			steps: map[string]int{"funnel": 150, "student": 60}, generated: map[string]int{"funnel": 2048, "student": 2048}}
	}
	runs := o.RunsOr(5, 1)
	p := &Plan{
		Settings: fmt.Sprintf("funnel 4: %d points, generated %v, %d reference, steps %v", z.points, z.generated, z.reference, z.steps),
		Columns:  lawColumns,
		Report:   reportFunnel,
	}
	targets := []lawTarget{funnelTarget(), studentTarget()}
	var refs []*lawReference
	for i, t := range targets {
		refs = append(refs, &lawReference{target: t, n: z.reference, seed: Seed(o.Seed, "reference", t.name)})
		targets[i].train.steps = z.steps[t.name]
	}
	// One run of everything comes first, then the other runs of the methods that
	// the page's claims rest on, so that an experiment that is stopped early
	// leaves the most behind.
	for stage := range 3 {
		for run := range runs {
			for i, t := range targets {
				p.Jobs = append(p.Jobs, t.jobs(stage, run, refs[i], z, o.Seed)...)
			}
		}
	}
	return p, nil
}

// jobs returns the jobs of a run that belong to a stage, see lawMethod.stage.
func (t lawTarget) jobs(stage, run int, ref *lawReference, z lawSizes, seed uint64) []Job {
	var out []Job
	if stage == min(run, 1) {
		out = append(out, exactJob(t, ref, z, seed, run))
	}
	for _, m := range t.methods {
		if m.stage(run) == stage {
			out = append(out, lawJob(t, m, ref, z, seed, run))
		}
	}
	return out
}

// lawKey names a row: coordinates are settings, as the metrics are of one.
func lawKey(method, coord, label string, run int) Key {
	return Key{Method: method, Setting: coord + " " + label, Run: run}
}

// exactJob measures a second sample of the law.
func exactJob(t lawTarget, ref *lawReference, z lawSizes, seed uint64, run int) Job {
	var j Job
	for _, c := range t.coords {
		j.Keys = append(j.Keys, lawKey(exactMethod, c, "-", run))
	}
	j.Do = func(context.Context, *Worker) ([][]float64, error) {
		d := len(t.coords)
		x := make([]float32, z.generated[t.name]*d)
		t.fill(x, Seed(seed, "exact", t.name, run))
		var rows [][]float64
		for c := range d {
			rows = append(rows, ref.row(c, column(x, c, d, 0, 1)))
		}
		return rows, nil
	}
	return j
}

// column returns coordinate c of points of d values as shift + scale·x.
func column(x []float32, c, d int, shift, scale float64) []float64 {
	out := make([]float64, len(x)/d)
	for i := range out {
		out[i] = shift + float64(scale*float64(x[i*d+c]))
	}
	return out
}

// lawJob trains a method's network once and measures all its samplers. The
// data of a run are the same for every method.
func lawJob(t lawTarget, m lawMethod, ref *lawReference, z lawSizes, seed uint64, run int) Job {
	var j Job
	d := len(t.coords)
	for _, s := range m.samplers {
		for _, c := range t.coords {
			j.Keys = append(j.Keys, lawKey(s.name, c, m.label(), run))
		}
	}
	j.Do = func(ctx context.Context, w *Worker) ([][]float64, error) {
		points := make([]float32, z.points*d)
		t.fill(points, Seed(seed, "data", t.name, run))
		mean, std := standardise(points, d)
		train := t.train
		train.seed = Seed(seed, "train", t.name, m.samplers[0].name, m.label(), run)
		net, err := train.fit(ctx, w.Dev, m.use, points, d)
		if err != nil {
			return nil, err
		}
		var rows [][]float64
		for _, s := range m.samplers {
			cols, err := sampleColumns(ctx, s.bind(m, net, d), z.generated[t.name], d, Seed(train.seed, "sample"))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			for c, x := range cols {
				for i, v := range x {
					x[i] = mean[c] + float64(std[c]*v)
				}
				rows = append(rows, ref.row(c, x))
			}
		}
		return rows, nil
	}
	return j
}

// A lawReference is a large sample of a law that generated ones are compared
// with; it is drawn when it is first needed.
type lawReference struct {
	target lawTarget
	n      int
	seed   uint64

	once   sync.Once
	signed [][]float64 // by coordinate, ascending
	folded [][]float64 // absolute values, ascending
}

func (r *lawReference) draw() {
	d := len(r.target.coords)
	x := make([]float32, r.n*d)
	r.target.fill(x, r.seed)
	for c := range d {
		s := column(x, c, d, 0, 1)
		a := make([]float64, len(s))
		for i, v := range s {
			a[i] = math.Abs(v)
		}
		slices.Sort(s)
		slices.Sort(a)
		r.signed, r.folded = append(r.signed, s), append(r.folded, a)
	}
}

// row measures x, which it sorts, as coordinate c: the values of lawColumns.
func (r *lawReference) row(c int, x []float64) []float64 {
	r.once.Do(r.draw)
	scale := r.target.scale[c]
	sum, sq := 0.0, 0.0
	for _, v := range x {
		sum += v
		sq += float64(v * v)
	}
	n := float64(len(x))
	abs := make([]float64, len(x))
	for i, v := range x {
		abs[i] = math.Abs(v)
	}
	slices.Sort(x)
	slices.Sort(abs)
	out := metrics.QuantileRatios(r.folded[c], abs, ratioLevels)
	at := metrics.Quantiles(r.folded[c], shareLevels)
	for i, level := range shareLevels {
		if r.target.tail != nil {
			at[i] = r.target.tail(1 - level)
		}
		out = append(out, share(abs, at[i]))
	}
	return append(out, metrics.Wasserstein1(r.signed[c], x)/scale,
		metrics.TailKS(r.folded[c], abs, metrics.Right, 0.99), logSurvivalError(r.folded[c], abs, 0.95, 0.999),
		math.Sqrt(sq/n-float64(sum/n*(sum/n)))/scale)
}

// logSurvivalError is the mean, over 20 levels from lo to hi of ref's quantiles
// t, of |ln((k_gen+½)/(n_gen+1)) − ln((k_ref+½)/(n_ref+1))|, k being the numbers
// of values above t. The halves keep the logarithm of an empty tail finite.
// Both samples are ascending.
func logSurvivalError(ref, gen []float64, lo, hi float64) float64 {
	const levels = 20
	logShare := func(x []float64, t float64) float64 {
		n := float64(len(x))
		return dmath.Log((float64(share(x, t)*n) + 0.5) / (n + 1))
	}
	p := make([]float64, levels)
	for i := range p {
		p[i] = lo + float64((hi-lo)*float64(i)/(levels-1))
	}
	sum := 0.0
	for _, t := range metrics.Quantiles(ref, p) {
		sum += math.Abs(logShare(gen, t) - logShare(ref, t))
	}
	return sum / levels
}

// share returns the share of the ascending values x above t.
func share(x []float64, t float64) float64 {
	i := sort.Search(len(x), func(i int) bool { return x[i] > t })
	return float64(len(x)-i) / float64(len(x))
}

// bindFlow makes a pointSampler of a flow's sampler and its field.
func bindFlow(s diffusion.FlowSampler, v diffusion.Velocity, d int) pointSampler {
	return func(ctx context.Context, seeds []uint64) ([]float32, error) { return s.Sample(ctx, v, seeds, d) }
}
