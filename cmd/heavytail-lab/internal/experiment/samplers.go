package experiment

import (
	"context"
	"fmt"
	"math"
	"slices"

	"heavytail/diffusion"
	"heavytail/diffusion/metrics"
	"heavytail/nn"
	"heavytail/recipe"
)

// samplersExperiment asks which loss and which sampler of DLPM's process keep the
// data's law, with as many evaluations of the network for every sampler, on the
// data of the other experiments.
var samplersExperiment = Experiment{
	Name:    "samplers",
	Summary: "losses and samplers of DLPM's process at equal evaluations, on the data of tails, grid, funnel and real",
	Plan:    planSamplers,
}

// samplersColumns: error is 1 − F₁ on the grid, elsewhere the log tail error of
// real; rQ are ratios of quantiles of |x| and outside is the grid's, NaN where a
// set has none.
var samplersColumns = []string{"error", "r90", "r95", "r99", "r995", "outside"}

var samplersAlphas = []float64{1.7, 1.3, 1.9}

// trainingData is the row of the points that the networks are trained on, judged
// as samples are.
const trainingData = "training data"

// samplersLosses are the losses of α < 2, by their names in keys.
var samplersLosses = []diffusion.LossKind{diffusion.Root, diffusion.Weighted}

// A chainSampler is a sampler of DLPM's process by its name in keys.
type chainSampler struct {
	name  string
	title string
	make  func(p diffusion.DLPM, evaluations int) diffusion.Sampler[diffusion.Denoiser, float32]
}

// chainSamplers evaluate the network as often as they are told, or once less.
var chainSamplers = []chainSampler{
	{"dlpm", "DLPM", func(p diffusion.DLPM, n int) diffusion.Sampler[diffusion.Denoiser, float32] {
		return diffusion.DLPMSampler{Process: p, Steps: n, ConsistentStart: true}
	}},
	{"dlim", "DLIM", func(p diffusion.DLPM, n int) diffusion.Sampler[diffusion.Denoiser, float32] {
		return diffusion.DLIM{Process: p, Steps: n, ConsistentStart: true}
	}},
	{"dlim twice", "DLIM, two visits", func(p diffusion.DLPM, n int) diffusion.Sampler[diffusion.Denoiser, float32] {
		return diffusion.DLIM{Process: p, Steps: (n + 1) / 2, ConsistentStart: true, Edit: twoVisits}
	}},
	{"dlim-sde", "DLIM SDE", func(p diffusion.DLPM, n int) diffusion.Sampler[diffusion.Denoiser, float32] {
		return diffusion.DLIMSDE{Process: p, Steps: n, ConsistentStart: true}
	}},
}

var twoVisits = &diffusion.Edit{Resample: 2}

// samplersSizes are the numbers that -quick changes.
type samplersSizes struct {
	points, reference  int // drawn of a known law to train on, and to judge by
	steps, batch       int
	generated          int
	levels, evaluation int // T of the training; evaluations of a sample
}

func planSamplers(ctx context.Context, o Options) (*Plan, error) {
	z := samplersSizes{points: 20_000, reference: 100_000, steps: 1500, batch: 256, generated: 3000, levels: 200, evaluation: 100}
	if o.Quick {
		z = samplersSizes{points: 2000, reference: 10_000, steps: 20, batch: 128, generated: 500, levels: 20, evaluation: 20}
	}
	real, err := realSetsOf(ctx, o)
	if err != nil {
		return nil, err
	}
	sets := samplersSets(real)
	p := &Plan{
		Settings: fmt.Sprintf("samplers 1: %+v, %d sets", z, len(sets)),
		Columns:  samplersColumns,
		Report:   func(r *Results) Report { return reportSamplers(r, sets) },
	}
	// The values of α come one after the other: what is stopped early compares all
	// on the first of them.
	alphas := samplersAlphas
	if o.Quick {
		alphas = alphas[:1]
	}
	for i, alpha := range alphas {
		for run := range o.RunsOr(5, 1) {
			for _, s := range sets {
				if i == 0 {
					p.Jobs = append(p.Jobs, s.baseline(z, o.Seed, run))
				}
				for _, loss := range samplersLosses {
					p.Jobs = append(p.Jobs, s.job(alpha, loss, z, o.Seed, run))
				}
			}
		}
	}
	return p, nil
}

// A samplersSet is data that networks are trained on and that judge samples.
type samplersSet struct {
	name string
	d    int
	// draw returns the points of a run as the network sees them, and what
	// measures others: a row of samplersColumns.
	draw func(z samplersSizes, seed uint64, run int) (x []float32, row func(gen []float32) []float64, err error)
}

// samplersSets are those of the other experiments.
func samplersSets(real []realSet) []samplersSet {
	out := []samplersSet{{"tails", 2, drawTails}, {"grid", 2, drawGrid}, {"funnel", 2, drawFunnel}}
	for _, s := range real {
		out = append(out, samplersSet{s.name, 1, s.drawHalf})
	}
	return out
}

// tailRow measures ascending values against those of the data.
func tailRow(ref, abs []float64) []float64 {
	row := append([]float64{logSurvivalError(ref, abs, 0.9, 0.995)}, metrics.QuantileRatios(ref, abs, []float64{0.9, 0.95, 0.99, 0.995})...)
	return append(row, math.NaN())
}

func sortedNorms(x []float32) []float64 {
	n := norms(x)
	slices.Sort(n)
	return n
}

// drawTails draws the points of tails, and judges by |x|.
func drawTails(z samplersSizes, seed uint64, run int) ([]float32, func([]float32) []float64, error) {
	ref := sortedNorms(tailsPoints(z.reference, Seed(seed, "tails reference", run)))
	return tailsPoints(z.points, Seed(seed, "tails data", run)), func(gen []float32) []float64 { return tailRow(ref, sortedNorms(gen)) }, nil
}

// drawGrid draws the points of grid, and judges by F₁.
func drawGrid(z samplersSizes, seed uint64, run int) ([]float32, func([]float32) []float64, error) {
	x, err := gridPoints(z.points, Seed(seed, "grid data", run))
	if err != nil {
		return nil, nil, err
	}
	other, err := gridPoints(z.points, Seed(seed, "grid reference", run))
	return x, func(gen []float32) []float64 {
		n := min(len(gen), len(other))
		s := gridRow(other[:n], gen[:n], Seed(seed, "grid score", run))
		nan := math.NaN()
		return []float64{1 - s[0], nan, nan, nan, nan, s[4]}
	}, err
}

// drawFunnel draws points of the funnel, scaled to deviation 1, and judges by
// the heavy coordinate.
func drawFunnel(z samplersSizes, seed uint64, run int) ([]float32, func([]float32) []float64, error) {
	x, ref := make([]float32, 2*z.points), make([]float32, 2*z.reference)
	fillFunnel(x, Seed(seed, "funnel data", run))
	fillFunnel(ref, Seed(seed, "funnel reference", run))
	mean, std := standardise(x, 2)
	heavy := func(x []float32, shift, scale float64) []float64 {
		c := column(x, 1, 2, shift, scale)
		for i, v := range c {
			c[i] = math.Abs(v)
		}
		slices.Sort(c)
		return c
	}
	want := heavy(ref, 0, 1)
	return x, func(gen []float32) []float64 { return tailRow(want, heavy(gen, mean[1], std[1])) }, nil
}

// drawHalf cuts a set into the halves of the experiment real.
func (s realSet) drawHalf(_ samplersSizes, seed uint64, run int) ([]float32, func([]float32) []float64, error) {
	h := s.split(seed, run)
	x := make([]float32, len(h.train))
	for i, v := range h.train {
		x[i] = float32((v - h.median) / h.half)
	}
	mean, std := standardise(x, 1)
	return x, func(gen []float32) []float64 {
		r := h.row(column(gen, 0, 1, h.median+float64(h.half*mean[0]), h.half*std[0]))
		return []float64{r[0], r[4], r[5], r[6], r[7], math.NaN()}
	}, nil
}

// methodOf names a row: root dlpm.
func methodOf(loss diffusion.LossKind, s chainSampler) string { return string(loss) + " " + s.name }

func (s samplersSet) baseline(z samplersSizes, seed uint64, run int) Job {
	return Job{Keys: []Key{{trainingData, s.name + " -", run}}, Do: func(context.Context, *Worker) ([][]float64, error) {
		x, row, err := s.draw(z, seed, run)
		if err != nil {
			return nil, err
		}
		return [][]float64{row(x)}, nil
	}}
}

// job trains one network and draws from it with every sampler.
func (s samplersSet) job(alpha float64, loss diffusion.LossKind, z samplersSizes, seed uint64, run int) Job {
	var j Job
	for _, c := range chainSamplers {
		j.Keys = append(j.Keys, Key{methodOf(loss, c), setting(s.name, alpha), run})
	}
	j.Do = func(ctx context.Context, w *Worker) ([][]float64, error) {
		x, row, err := s.draw(z, seed, run)
		if err != nil {
			return nil, err
		}
		p := diffusion.Default(alpha, z.levels)
		net := nn.MLPConfig{Dim: s.d, Units: 64, Blocks: 1, TimeEmb: 32}
		// Both losses see the same samples and noise.
		train := pointTraining{net: nn.Config{MLP: &net}.Fixed(), steps: z.steps, batch: z.batch, rate: 3e-3, cosine: true, clip: 1,
			loss: diffusion.Loss{Kind: loss}, seed: Seed(seed, "samplers", s.name, alpha, run)}
		den, err := train.fit(ctx, w.Dev, func(r *recipe.Recipe) { r.Process = p }, x, s.d)
		if err != nil {
			return nil, err
		}
		var rows [][]float64
		for _, c := range chainSamplers {
			sampler := c.make(p, z.evaluation)
			draw := func(ctx context.Context, seeds []uint64) ([]float32, error) {
				return sampler.Sample(ctx, den, seeds, s.d)
			}
			cols, err := sampleColumns(ctx, draw, z.generated, s.d, Seed(train.seed, "sample"))
			if err != nil {
				return nil, err
			}
			gen := make([]float32, z.generated*s.d)
			for i := range gen {
				gen[i] = float32(cols[i%s.d][i/s.d])
			}
			rows = append(rows, row(gen))
		}
		return rows, nil
	}
	return j
}
