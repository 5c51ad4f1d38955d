package experiment

import (
	"context"
	"fmt"
	"math"
	"slices"

	"heavytail"
	"heavytail/diffusion"
	"heavytail/diffusion/rare"
	"heavytail/internal/dmath"
	"heavytail/nn"
	"heavytail/recipe"
)

// trainedExperiment asks of trained networks what dimension asks of exact denoisers,
// and how wrong the probabilities of rare events are that they say.
var trainedExperiment = Experiment{
	Name:    "trained",
	Summary: "trained networks in 1 to 128 dimensions on laws that are known: tails, and probabilities down to 1e-6",
	Plan:    planTrained,
}

// trainedEvents are the probabilities of |x| > r that are asked for.
var trainedEvents = []float64{1e-3, 1e-4, 1e-6}

// trainedColumns: tail and rQ are dimension's, of |x|; of the events guidedK is the
// probability that Guided says over the right one, insideK 1 where its interval holds
// that, effectiveK its effective number of samples, and fittedK is Tail's probability
// over the right one; K is −log10 of the event's.
var trainedColumns = func() []string {
	out := []string{"tail", "r50", "r90", "r99", "r999"}
	for _, p := range trainedEvents {
		k := decades(p)
		out = append(out, "guided"+k, "inside"+k, "effective"+k, "fitted"+k)
	}
	return out
}()

func decades(p float64) string { return fmt.Sprint(int(math.Round(-math.Log10(p)))) }

// trainedTargets are isotropic laws about 0, those of dimension.
var trainedTargets = []dimensionTarget{dimensionTargets[0], dimensionTargets[3]}

// A trainedMethod is a process with its loss and network, as in real: DLPM's is the
// residual one whose output may grow.
type trainedMethod struct {
	name string
	use  func(*recipe.Recipe)
	loss diffusion.Loss
	grow bool
}

func trainedMethods() []trainedMethod {
	squared := diffusion.Loss{Kind: diffusion.Squared}
	chain := func(r *recipe.Recipe) { r.Process = diffusion.Default(1.7, 200) }
	edm := func(nu diffusion.Nu) func(*recipe.Recipe) { return edmMethod(nu).use }
	flow := func(nu diffusion.Nu) func(*recipe.Recipe) { return flowMethod(nu, diffusion.TargetVelocity).use }
	return []trainedMethod{
		{"DLPM 1.7 weighted", chain, diffusion.Loss{Kind: diffusion.Weighted}, true},
		{"DLPM 1.7", chain, diffusion.DefaultLoss(1.7), true},
		{"t-EDM 3", edm(diffusion.Nu{3}), squared, false},
		{"EDM", edm(nil), squared, false},
		{"t-Flow 3", flow(diffusion.Nu{3}), squared, false},
		{"flow", flow(nil), squared, false},
	}
}

// A trainedSize is how much is trained and drawn.
type trainedSize struct {
	dims                          []int
	points, steps, batch, samples int
	guided, units, methods        int
}

func planTrained(_ context.Context, o Options) (*Plan, error) {
	z := trainedSize{dims: []int{1, 8, 32, 128}, points: 20000, steps: 2000, batch: 512, samples: 20000, guided: 10000, units: 128, methods: 6}
	targets := trainedTargets
	if o.Quick {
		z = trainedSize{dims: []int{1, 8}, points: 500, steps: 20, batch: 64, samples: 1000, guided: 1000, units: 16, methods: 3}
		targets = targets[:1]
	}
	p := &Plan{
		Settings: fmt.Sprintf("trained 1: %+v", z), Columns: trainedColumns,
		Report: func(r *Results) Report { return reportTrained(r, z, targets) },
	}
	for run := range o.RunsOr(3, 1) {
		for _, g := range targets {
			for _, d := range z.dims {
				p.Jobs = append(p.Jobs, Job{Keys: []Key{{freshData, trainedSetting(g, d), run}}, Do: func(context.Context, *Worker) ([][]float64, error) {
					return [][]float64{z.fresh(g, d, o.Seed, run)}, nil
				}})
				for _, m := range trainedMethods()[:z.methods] {
					j := Job{Keys: []Key{{m.name, trainedSetting(g, d), run}}}
					j.Do = func(ctx context.Context, w *Worker) ([][]float64, error) {
						row, err := z.measure(ctx, w, g, m, d, o.Seed, run)
						return [][]float64{row}, err
					}
					p.Jobs = append(p.Jobs, j)
				}
			}
		}
	}
	return p, nil
}

func trainedSetting(g dimensionTarget, d int) string { return fmt.Sprintf("%s %d", g.name, d) }

// points64 are those that all methods of a run are trained on.
func (z trainedSize) points64(g dimensionTarget, d int, seed uint64, run int) []float64 {
	g.law = g.data()
	x := make([]float64, z.points*d)
	g.fill(x, d, Seed(seed, "trained", g.name, d, run))
	return x
}

// fresh judges the training data: their quantiles, and the tail that is fitted to as many
// of their values as are drawn of a network.
func (z trainedSize) fresh(g dimensionTarget, d int, seed uint64, run int) []float64 {
	x := z.points64(g, d, seed, run)
	values := make([]float64, z.points)
	for i := range values {
		values[i] = normOf(x[i*d : (i+1)*d])
	}
	quantile := g.quantiles(d)
	row := trainedRow(values, quantile)
	for _, p := range trainedEvents {
		row = append(row, math.NaN(), math.NaN(), math.NaN(), fitted(values, quantile(p), p))
	}
	return row
}

// measure trains a network and asks its sampler without noise in its steps.
func (z trainedSize) measure(ctx context.Context, w *Worker, g dimensionTarget, m trainedMethod, d int, seed uint64, run int) ([]float64, error) {
	x := z.points64(g, d, seed, run)
	x32 := make([]float32, len(x))
	for i, v := range x {
		x32[i] = float32(v)
	}
	own := Seed(seed, "trained", m.name, g.name, d, run)
	net := plain(d, z.units, z.units)
	if m.grow {
		net = nn.Config{MLP: &nn.MLPConfig{Dim: d, Units: z.units, Blocks: 2, TimeEmb: 32}}.Fixed()
	}
	train := pointTraining{net: net, steps: z.steps, batch: z.batch, rate: 3e-3, cosine: true, clip: 1, loss: m.loss, seed: own}
	fit, r, err := train.network(ctx, w.Dev, m.use, x32, d)
	if err != nil {
		return nil, err
	}
	trained, err := heavytail.New(fit, r)
	if err != nil {
		return nil, err
	}
	way, err := trained.Way(heavytail.Options{Batch: 256})
	if err != nil {
		return nil, err
	}
	defer way.Close()
	model := way.Model
	event := rare.Event{Value: normOf}
	values, err := rare.Values(ctx, model, event, z.samples, mix(own))
	if err != nil {
		return nil, err
	}
	quantile := g.quantiles(d)
	row := trainedRow(values, quantile)
	for i, p := range trainedEvents {
		event.Threshold = quantile(p)
		e, err := rare.Guided(ctx, model, event, z.guided, mix(own^uint64(i+1)))
		if ctx.Err() != nil {
			return nil, err
		}
		cells := []float64{e.P / p, 0, e.Effective}
		if e.Lo <= p && p <= e.Hi {
			cells[1] = 1
		}
		if err != nil { // no pilot reaches the event, or more dimensions than it takes
			cells = []float64{math.NaN(), math.NaN(), math.NaN()}
		}
		row = append(append(row, cells...), fitted(values, event.Threshold, p))
	}
	return row, nil
}

// fitted is the probability that a power tail fitted to the values says, over p.
func fitted(values []float64, threshold, p float64) float64 {
	e, err := rare.Tail(values, threshold)
	if err != nil {
		return math.NaN()
	}
	return e.P / p
}

// quantiles is the radius beyond which |x| lies with probability p.
func (g dimensionTarget) quantiles(d int) func(p float64) float64 {
	if d == 1 {
		law := g.one.(interface{ SurvivalQuantile(float64) float64 })
		return func(p float64) float64 { return law.SurvivalQuantile(p / 2) }
	}
	return radiusOf(g.data(), g.scale, d).quantile
}

// normOf is |x|.
func normOf(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v * v)
	}
	return math.Sqrt(sum)
}

// trainedRow compares quantiles of the values with the law's: the mean of |ln ratio| over
// dimension's 20 levels from 90 to 99.5 %, and ratios.
func trainedRow(values []float64, quantile func(p float64) float64) []float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	ratio := func(p float64) float64 { return upperQuantile(sorted, p) / quantile(p) }
	sum := 0.0
	for _, p := range beyond[farColumns:] {
		sum += math.Abs(dmath.Log(ratio(p)))
	}
	return []float64{sum / float64(len(beyond)-farColumns), ratio(0.5), ratio(0.1), ratio(0.01), ratio(1e-3)}
}

// upperQuantile is the value of ascending ones beyond which a share p lies, NaN where
// that is less than one of them.
func upperQuantile(sorted []float64, p float64) float64 {
	n := float64(len(sorted))
	if float64(n*p) < 1 {
		return math.NaN()
	}
	at := float64(n*(1-p)) - 0.5
	k := min(max(int(at), 0), len(sorted)-2)
	return sorted[k] + float64((at-float64(k))*(sorted[k+1]-sorted[k]))
}
