package experiment

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"heavytail"
	"heavytail/data"
	"heavytail/diffusion"
	"heavytail/diffusion/metrics"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/stable"
	"heavytail/train"
)

// returnsExperiment asks what a model of daily returns given yesterday's volatility
// knows of the next day and of the days that follow, beside two bootstraps.
var returnsExperiment = Experiment{
	Name:    "returns",
	Summary: "daily returns given yesterday's volatility: CRPS, tails and the memory of |r| on days held out, beside bootstraps",
	Plan:    planReturns,
}

// returnsColumns: crps is the mean over held-out days, skill 1 − crps/that of the
// bootstrap with the standard error skill.se over days, high of the fifth of the days
// with the largest volatility; tail the log tail error of all days together, below1
// and above99 the shares of days below and above the forecast's 1 % and 99 %; acf the mean
// autocorrelation of |r| over 20 lags of paths, acf1 at the first.
var returnsColumns = []string{"crps", "skill", "skill.se", "skill.high", "tail", "below1", "above99", "acf", "acf1"}

// What forecasts without a network are called.
const (
	heldMethod      = "days held out"
	bootstrapMethod = "bootstrap"
	filteredMethod  = "filtered bootstrap"
)

// decay is λ of the volatility v² ← λv² + (1−λ)r² ([RiskMetrics 1996]), warm the days
// that it takes to forget where it began.
const (
	decay = 0.94
	warm  = 50
)

// A day is a return and the volatility that was known before it.
type day struct{ r, vol float64 }

// daysOf returns the days of returns after the first warm ones.
func daysOf(r []float64) []day {
	v := 0.0
	for _, x := range r[:warm] {
		v += float64(x*x) / warm
	}
	var out []day
	for _, x := range r[warm:] {
		out = append(out, day{x, math.Sqrt(v)})
		v = float64(decay*v) + float64((1-decay)*x*x)
	}
	return out
}

// A series is the days of one share or index: those trained on, then those held out.
type series struct {
	name        string
	train, held []day
}

func newSeries(name string, r []float64) series {
	days := daysOf(r)
	n := len(days) * 4 / 5
	return series{name, days[:n], days[n:]}
}

// returnsSizes are the numbers that -quick changes.
type returnsSizes struct {
	steps         int // of training
	every, draws  int // of the held-out days each every-th is forecast by so many draws
	paths, length int
}

// A returnsMethod is a process of which a network is trained; blind ones do not know
// the volatility.
type returnsMethod struct {
	title string
	kind  string
	nu    float64
	blind bool
}

func returnsMethods() []returnsMethod {
	return []returnsMethod{
		{"t-EDM given vol", recipe.TEDM, 4, false}, {"EDM given vol", recipe.EDM, 0, false}, {"t-Flow given vol", recipe.TFlow, 4, false},
		{"DLPM given vol", recipe.DLPM, 0, false}, {blindMethod, recipe.TEDM, 4, true},
	}
}

// returnsSets are the files of results/real-data.sh that are daily returns.
var returnsSets = []string{"bmw"}

func planReturns(ctx context.Context, o Options) (*Plan, error) {
	z := returnsSizes{steps: 1000, every: 3, draws: 100, paths: 30, length: 400}
	if o.Quick {
		z = returnsSizes{steps: 60, every: 10, draws: 40, paths: 10, length: 60}
	}
	sets, err := returnsSeries(ctx, o)
	if err != nil {
		return nil, err
	}
	about := ""
	for _, s := range sets {
		if o.Report && o.Data == "" && !o.Quick {
			break // its last day is not known
		}
		about += fmt.Sprintf(", %s %d+%d %.6g", s.name, len(s.train), len(s.held), s.held[len(s.held)-1].r)
	}
	p := &Plan{Settings: fmt.Sprintf("returns 1: %+v%s", z, about), Columns: returnsColumns, Report: func(r *Results) Report { return reportReturns(r, sets) }}
	for _, s := range sets {
		p.Jobs = append(p.Jobs, s.baselines(z, o.Seed))
		for run := range o.RunsOr(3, 1) {
			for _, m := range returnsMethods() {
				p.Jobs = append(p.Jobs, s.job(m, z, o.Seed, run))
			}
		}
	}
	return p, nil
}

// returnsSeries reads the data, or makes the stand-in of a quick run.
func returnsSeries(ctx context.Context, o Options) ([]series, error) {
	if o.Data == "" && o.Quick {
		return []series{newSeries("garch", garch(1500, Seed(o.Seed, "garch")))}, nil
	}
	if o.Data == "" && o.Report {
		var out []series
		for _, name := range returnsSets {
			out = append(out, newSeries(name, make([]float64, realValues[name])))
		}
		return out, nil
	}
	if o.Data == "" {
		return nil, fmt.Errorf("returns needs data that do not come with the program: fetch them with bash results/real-data.sh runs/real-data, then add -data runs/real-data (-quick runs without)")
	}
	var out []series
	for _, name := range returnsSets {
		path := filepath.Join(o.Data, name+".csv")
		set, err := data.Open(ctx, "csv:"+path, data.Options{})
		if err != nil {
			return nil, fmt.Errorf("%w; bash results/real-data.sh %s writes it", err, o.Data)
		}
		if set.Per() != 1 || set.Len() < 20*warm {
			return nil, fmt.Errorf("%s: %d values in each of %d lines; want one in each of at least %d: bash results/real-data.sh %s writes it", path, set.Per(), set.Len(), 20*warm, o.Data)
		}
		r := make([]float64, set.Len())
		for i := range r {
			set.Float64(r[i:i+1], i)
		}
		out = append(out, newSeries(name, r))
	}
	return out, nil
}

// garch returns n days of GARCH(1,1) with Student's law of 4 degrees of freedom.
func garch(n int, seed uint64) []float64 {
	r := make([]float64, n)
	stable.Key{Seed: seed}.StudentT(r, 4, 0)
	v := 1e-4
	for i, t := range r {
		r[i] = float64(math.Sqrt(v/2) * t) // the variance of t is 2
		v = 2e-6 + float64(0.1*r[i]*r[i]) + float64(0.88*v)
	}
	return r
}

// A forecast draws the next return after each of the volatilities, one for each seed.
type forecast func(ctx context.Context, vol []float64, seeds []uint64) ([]float64, error)

// wholeBelow returns a whole number below n of a seed.
func wholeBelow(seed uint64, n int) int { return int(mix(seed) % uint64(n)) }

// bootstraps returns the forecasts without a network: a return of training, and one in
// units of its volatility times today's (filtered historical simulation, [Barone-Adesi
// et al. 1999]).
func (s series) bootstraps() map[string]forecast {
	draw := func(value func(d day, vol float64) float64) forecast {
		return func(_ context.Context, vol []float64, seeds []uint64) ([]float64, error) {
			out := make([]float64, len(vol))
			for i, v := range vol {
				out[i] = value(s.train[wholeBelow(seeds[i], len(s.train))], v)
			}
			return out, nil
		}
	}
	return map[string]forecast{
		bootstrapMethod: draw(func(d day, _ float64) float64 { return d.r }),
		filteredMethod:  draw(func(d day, vol float64) float64 { return d.r / d.vol * vol }),
	}
}

// baselines measures what needs no network, and the paths that the held-out days are.
func (s series) baselines(z returnsSizes, seed uint64) Job {
	names := []string{heldMethod, bootstrapMethod, filteredMethod}
	j := Job{}
	for _, name := range names {
		j.Keys = append(j.Keys, Key{name, s.name, 0})
	}
	j.Do = func(ctx context.Context, _ *Worker) ([][]float64, error) {
		nan := math.NaN()
		abs := make([]float64, len(s.held))
		for i, d := range s.held {
			abs[i] = math.Abs(d.r)
		}
		mean, first := memory([][]float64{abs})
		rows := [][]float64{{nan, nan, nan, nan, nan, nan, nan, mean, first}}
		for _, name := range names[1:] {
			row, err := s.measure(ctx, s.bootstraps()[name], z, Seed(seed, "draw", s.name, name))
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
		return rows, nil
	}
	return j
}

// job trains a network and measures it.
func (s series) job(m returnsMethod, z returnsSizes, seed uint64, run int) Job {
	return Job{Keys: []Key{{m.title, s.name, run}}, Do: func(ctx context.Context, w *Worker) ([][]float64, error) {
		f, err := s.fit(ctx, w, m, z.steps, Seed(seed, "train", s.name, run))
		if err != nil {
			return nil, err
		}
		row, err := s.measure(ctx, f, z, Seed(seed, "draw", s.name, m.title, run))
		return [][]float64{row}, err
	}}
}

// fit trains on the table of the days, as the command does.
func (s series) fit(ctx context.Context, w *Worker, m returnsMethod, steps int, seed uint64) (forecast, error) {
	r, err := recipe.Preset("toy")
	if err != nil {
		return nil, err
	}
	if err := r.Use(m.kind); err != nil {
		return nil, err
	}
	if m.nu > 0 && r.EDM != nil {
		r.EDM.Nu = diffusion.Nu{m.nu}
	} else if m.nu > 0 {
		r.Flow.Nu = diffusion.Nu{m.nu}
	}
	var table strings.Builder
	table.WriteString("r,vol\n")
	for _, d := range s.train {
		fmt.Fprintf(&table, "%.17g,%.17g\n", d.r, d.vol)
	}
	path := filepath.Join(w.Dir, s.name+".csv")
	if _, err := os.Stat(path); err != nil {
		if err := writeText(path, table.String()); err != nil {
			return nil, err
		}
	}
	d := &r.Data
	d.Spec, d.Rules, d.Select = "csv:"+path, data.Rules, []string{"r"}
	if !m.blind {
		d.Given = &recipe.Given{Select: []string{"vol"}}
	}
	t := &r.Train
	t.Seed, t.Steps, t.Batch = seed, steps, 256
	t.Rate = nn.Schedule{Kind: nn.Cosine, LR: 3e-3, Warmup: min(20, steps/10)}
	set, err := train.Open(ctx, &r)
	if err != nil {
		return nil, err
	}
	if _, err := train.Prepare(&r, set); err != nil {
		return nil, err
	}
	tr, err := train.Fit(ctx, r, set, train.Options{Device: w.Dev})
	if err != nil {
		return nil, err
	}
	tr.Net.Params().CopyFrom(tr.EMA[0].Shadow)
	return m.forecast(tr.Net, r)
}

// forecast draws days of a network that is trained, given the volatility of the day
// before.
func (m returnsMethod) forecast(net *nn.Net, r recipe.Recipe) (forecast, error) {
	model, err := heavytail.New(net, r)
	if err != nil {
		return nil, err
	}
	o := heavytail.Options{Batch: pointBatch}
	if r.Kind() == recipe.DLPM {
		o.ConsistentStart = heavytail.Off // as in the results of 0.3.0
	}
	return func(ctx context.Context, vol []float64, seeds []uint64) (out []float64, err error) {
		o := o
		if o.Seeds = seeds; !m.blind {
			o.Given = vol
		}
		err = model.Stream64(ctx, o, func(_ int, x []float64) error {
			out = append(out, x...)
			return nil
		})
		return out, err
	}, nil
}

// measure returns a forecast's row of returnsColumns.
func (s series) measure(ctx context.Context, f forecast, z returnsSizes, seed uint64) ([]float64, error) {
	row, err := s.nextDays(ctx, f, z, Seed(seed, "days"))
	if err != nil {
		return nil, err
	}
	paths, err := s.paths(ctx, f, z, Seed(seed, "paths"))
	if err != nil {
		return nil, err
	}
	mean, first := memory(paths)
	return append(row, mean, first), nil
}

// nextDays judges the forecasts of the held-out days by what came.
func (s series) nextDays(ctx context.Context, f forecast, z returnsSizes, seed uint64) ([]float64, error) {
	all := make([]float64, len(s.train)) // the bootstrap's law, exactly
	for i, d := range s.train {
		all[i] = d.r
	}
	var vol []float64
	var seeds []uint64
	var days []day
	for i := 0; i < len(s.held); i += z.every {
		days = append(days, s.held[i])
		for range z.draws {
			vol, seeds = append(vol, s.held[i].vol), append(seeds, mix(seed^uint64(len(seeds))))
		}
	}
	x, err := f(ctx, vol, seeds)
	if err != nil {
		return nil, err
	}
	var vols, own, boot []float64
	below, above := 0.0, 0.0
	for i, d := range days {
		draws := x[i*z.draws : (i+1)*z.draws]
		q := metrics.Quantiles(draws, []float64{0.01, 0.99})
		if d.r < q[0] {
			below++
		}
		if d.r > q[1] {
			above++
		}
		vols, own, boot = append(vols, d.vol), append(own, metrics.CRPS(draws, d.r)), append(boot, metrics.CRPS(all, d.r))
	}
	edge, highOwn, highBoot := metrics.Quantiles(vols, []float64{0.8})[0], 0.0, 0.0
	diff := make([]float64, len(own))
	for i := range own {
		diff[i] = boot[i] - own[i]
		if vols[i] > edge {
			highOwn, highBoot = highOwn+own[i], highBoot+boot[i]
		}
	}
	base, gain := Summarise(boot).Mean, Summarise(diff)
	n := float64(len(days))
	return []float64{Summarise(own).Mean, gain.Mean / base, gain.Std / math.Sqrt(n) / base, 1 - highOwn/highBoot,
		logSurvivalError(absolute(returnsOf(s.held)), absolute(x), 0.9, 0.995), below / n, above / n}, nil
}
