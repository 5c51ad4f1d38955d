package experiment

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"heavytail/diffusion"
	"heavytail/internal/dmath"
	"heavytail/stable"
)

// scheduleExperiment asks what of a schedule matters: the levels it visits, or the
// steps between them, with exact denoisers on the line.
var scheduleExperiment = Experiment{
	Name:    "schedule",
	Summary: "levels and steps of DLPM and LIM at equal evaluations with exact denoisers: which part is the grid, which the law",
	Plan:    planSchedule,
}

// scheduleColumns: scale is ln of the median of |x| over the data's for stable data,
// r99 that of the 99 % quantile, start what the scale of the first state
// contributes; ks is sup|F_n − F| for two clusters.
var scheduleColumns = []string{"scale", "r99", "start", "ks"}

const (
	scheduleScale = 0.3 // of the stable data
	clusterScale  = 0.1
	clusterShare  = 0.8 // at +1, the others at −1

	scheduleSamples = 6000 // of a row that draws, in the full experiment
)

// scheduleAlphas and scheduleEvaluations are those of the full experiment.
var (
	scheduleAlphas      = []float64{1.3, 1.5, 1.8, 2}
	scheduleEvaluations = []int{10, 20, 40, 80}
)

// A levelGrid gives the levels τ_t = σ̄_t/γ̄_t, t = 1 … n, of an n-step sampler. In
// y = x/γ̄ every process is y_t = x_0 + τ_t·ε, so that τ is all of a schedule that a
// sampler of DLPM's process sees (TestScaleOfTheProcessDoesNotMatter).
type levelGrid struct {
	name string
	tau  func(alpha float64, n int) ([]float64, error)
}

// of returns the levels of a process of package diffusion.
func of(p diffusion.DLPM) ([]float64, error) {
	s, err := p.Schedule(0)
	if err != nil {
		return nil, err
	}
	var out []float64
	for t := 1; t < s.T(); t++ {
		out = append(out, s.SigmaBar[t]/s.GammaBar[t])
	}
	return out, nil
}

// exploding returns the n levels from 0.002 to 80 of exponent ρ.
func exploding(rho float64) func(alpha float64, n int) ([]float64, error) {
	return func(_ float64, n int) ([]float64, error) {
		s := diffusion.EDM{Rho: rho}.Sigmas(n)[:n]
		slices.Reverse(s)
		return s, nil
	}
}

var levelGrids = []levelGrid{
	{"cosine", func(alpha float64, n int) ([]float64, error) { return of(diffusion.Default(alpha, n+1)) }},
	{"cosine quadratic", func(alpha float64, n int) ([]float64, error) {
		p := diffusion.Default(alpha, n+1)
		p.Grid = diffusion.Quadratic
		return of(p)
	}},
	// β rises linearly from 0.1 to 20: ᾱ = exp(−0.1u − 9.95u²), γ̄ = ᾱ^{1/α}
	{"linear beta", func(alpha float64, n int) (out []float64, err error) {
		for i := 1; i <= n; i++ {
			u := float64(i) / float64(n)
			out = append(out, dmath.Pow(dmath.Expm1(float64(0.1*u)+float64(9.95*u*u)), 1/alpha))
		}
		return out, nil
	}},
	// γ itself is the cosine, at equal times to 0.9946
	{"LIM's cosine", func(alpha float64, n int) (out []float64, err error) {
		p := diffusion.LIM{Alpha: alpha}
		for i := 1; i <= n; i++ {
			t := 0.9946 * float64(i) / float64(n)
			out = append(out, p.Sigma(t)/p.Gamma(t))
		}
		return out, nil
	}},
	{"exploding, linear", exploding(1)},
	{"EDM's, rho 7", exploding(7)},
	{"geometric", exploding(100)},
	// the spacing alone: between the first and the last level of the cosine
	{"rho 7 in cosine's range", cosineRange(7)},
	{"geometric in cosine's range", cosineRange(100)},
}

// inRange is the first of the grids between the cosine's ends; they have the spacings
// of the two before them.
const inRange = 7

// cosineRange spaces the levels between the cosine's ends by the exponent ρ.
func cosineRange(rho float64) func(alpha float64, n int) ([]float64, error) {
	return func(alpha float64, n int) ([]float64, error) {
		ends, err := of(diffusion.Default(alpha, n+1))
		if err != nil {
			return nil, err
		}
		s := diffusion.EDM{Rho: rho, SigmaMin: ends[0], SigmaMax: ends[n-1]}.Sigmas(n)[:n]
		slices.Reverse(s)
		return s, nil
	}
}

// schedule makes a scale-preserving schedule of levels, or an exploding one, whose
// level 0 is the data.
func scheduleOf(alpha float64, tau []float64, preserving bool) *diffusion.DLPMSchedule {
	n := len(tau) + 1
	s := &diffusion.DLPMSchedule{Alpha: alpha, Gamma: make([]float64, n), GammaBar: make([]float64, n), Sigma: make([]float64, n), SigmaBar: make([]float64, n)}
	s.Gamma[0], s.GammaBar[0] = 1, 1
	below := 0.0
	for t := 1; t < n; t++ {
		v := tau[t-1]
		power := dmath.Pow(v, alpha)
		s.GammaBar[t] = 1
		if preserving {
			s.GammaBar[t] = dmath.Exp(-dmath.Log1p(power) / alpha)
		}
		s.Gamma[t] = s.GammaBar[t] / s.GammaBar[t-1]
		s.SigmaBar[t] = v * s.GammaBar[t]
		// σ_t^α = σ̄_t^α − (γ_t·σ̄_{t−1})^α = γ̄_t^α·(τ_t^α − τ_{t−1}^α)
		s.Sigma[t] = s.GammaBar[t] * dmath.Pow(power-below, 1/alpha)
		below = power
	}
	return s
}

// A stepForm is a sampler as the steps that it makes of a schedule.
type stepForm struct {
	name string
	// coef is the step from t to t−1 for a factor a of its noise; nil: two levels in one,
	// by DLIM2.
	coef func(s *diffusion.DLPMSchedule, t int, a float64) diffusion.Coef
	// chain says that steps depend on the factors of the whole trajectory: DLPM.
	chain bool
	ode   bool
}

// limCoef is LIM's step with the drift times times that of its ODE. In x, which must be
// scale-preserving, a = γ̄_{t−1}/γ̄_t: X = a, Eps = −(a−1)·σ̄_t^{1−α}.
func limCoef(times func(alpha float64) float64, noise bool) func(*diffusion.DLPMSchedule, int, float64) diffusion.Coef {
	return func(s *diffusion.DLPMSchedule, t int, a float64) diffusion.Coef {
		rise := 1/s.Gamma[t] - 1
		c := diffusion.Coef{X: 1 + rise, Eps: -float64(times(s.Alpha)*rise) * dmath.Pow(s.SigmaBar[t], 1-s.Alpha)}
		if noise {
			c.Z = dmath.Pow(dmath.Expm1(-s.Alpha*dmath.Log(s.Gamma[t])), 1/s.Alpha) * math.Sqrt(a)
		}
		return c
	}
}

var stepForms = []stepForm{
	{name: "DLIM", ode: true, coef: func(s *diffusion.DLPMSchedule, t int, _ float64) diffusion.Coef { return s.DLIM(t, 0, 0) }},
	{name: "DLIM2", ode: true},
	{name: "LIM ODE", ode: true, coef: limCoef(func(float64) float64 { return 1 }, false)},
	{name: "DLIM SDE", coef: func(s *diffusion.DLPMSchedule, t int, a float64) diffusion.Coef { return s.DLIMSDE(t, a) }},
	{name: "LIM mended", coef: limCoef(func(float64) float64 { return 2 }, true)},
	{name: "LIM published", coef: limCoef(func(alpha float64) float64 { return alpha }, true)},
	{name: "DLPM", chain: true},
}

func planSchedule(_ context.Context, o Options) (*Plan, error) {
	alphas, evaluations, samples := scheduleAlphas, scheduleEvaluations, scheduleSamples
	if o.Quick {
		alphas, evaluations, samples = []float64{1.5}, []int{10}, 500
	}
	runs := o.RunsOr(3, 1)
	p := &Plan{
		Settings: fmt.Sprintf("schedule 1: %d grids, alphas %v, evaluations %v, %d samples", len(levelGrids), alphas, evaluations, samples),
		Columns:  scheduleColumns,
		Report:   func(r *Results) Report { return reportSchedule(r, alphas, evaluations) },
	}
	for _, n := range evaluations {
		for _, alpha := range alphas {
			shared := sync.OnceValues(func() (*stable.Table, error) { return stable.NewTable(stable.Symmetric(alpha)) })
			for _, g := range levelGrids {
				for _, f := range stepForms {
					p.Jobs = append(p.Jobs, scheduleJob(g, f, shared, alpha, n, samples, o.Seed, runs))
				}
			}
		}
	}
	return p, nil
}

func scheduleSetting(grid string, alpha float64, n int) string {
	return fmt.Sprintf("%s %g %d", grid, alpha, n)
}

// scheduleJob measures a form on a grid, several times where it draws.
func scheduleJob(g levelGrid, f stepForm, shared func() (*stable.Table, error), alpha float64, n, samples int, seed uint64, runs int) Job {
	if f.ode {
		runs = 1
	}
	j := Job{}
	for run := range runs {
		j.Keys = append(j.Keys, Key{f.name, scheduleSetting(keyed(g.name), alpha, n), run})
	}
	j.Do = func(ctx context.Context, _ *Worker) (rows [][]float64, err error) {
		table, err := shared()
		if err != nil {
			return nil, err
		}
		tau, err := g.tau(alpha, n)
		if err != nil {
			return nil, err
		}
		line := &lineTarget{alpha: alpha, table: table, s: scheduleOf(alpha, tau, true)}
		for run := range runs {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			rows = append(rows, line.row(f, samples, Seed(seed, "schedule", f.name, g.name, alpha, n, run)))
		}
		return rows, nil
	}
	return j
}

// keyed is a name without the commas that keys cannot have.
func keyed(name string) string {
	return string(slices.DeleteFunc([]byte(name), func(c byte) bool { return c == ',' }))
}

// A lineTarget has exact denoisers on the line, of stable data of the noise's α and
// of two clusters of such.
type lineTarget struct {
	alpha float64
	table *stable.Table // of the unit law
	s     *diffusion.DLPMSchedule
}

// slope is E[ε | x_t]/(x_t − γ̄μ) for one cluster of the scale, and size that of x_t.
func (l *lineTarget) slope(t int, scale float64) (slope, size float64) {
	total := dmath.Pow(l.s.GammaBar[t]*scale, l.alpha) + dmath.Pow(l.s.SigmaBar[t], l.alpha)
	return dmath.Pow(l.s.SigmaBar[t], l.alpha-1) / total, dmath.Pow(total, 1/l.alpha)
}

// clusters returns E[ε | x_t] of two clusters at ±1.
func (l *lineTarget) clusters(t int) func(x float64) float64 {
	slope, size := l.slope(t, clusterScale)
	g := l.s.GammaBar[t]
	odds := dmath.Log((1 - clusterShare) / clusterShare)
	return func(x float64) float64 {
		w := 1 / (1 + dmath.Exp(odds+l.table.LogDensity((x+g)/size)-l.table.LogDensity((x-g)/size)))
		return slope * (x - float64(g*(float64(2*w)-1)))
	}
}

// one returns E[ε | x_t] of stable data.
func (l *lineTarget) one(t int) func(x float64) float64 {
	slope, _ := l.slope(t, scheduleScale)
	return func(x float64) float64 { return slope * x }
}

// row measures a form.
func (l *lineTarget) row(f stepForm, samples int, seed uint64) []float64 {
	n := l.s.T() - 1
	_, size := l.slope(n, scheduleScale)
	row := []float64{math.NaN(), math.NaN(), dmath.Log(l.s.SigmaBar[n] / size), math.NaN()}
	unit := stable.Symmetric(l.alpha)
	middle, far := unit.Quantile(0.75)*scheduleScale, unit.SurvivalQuantile(0.005)*scheduleScale
	start := make([]float64, samples)
	for i := range start {
		if f.ode { // the quantiles of the start end at the quantiles
			start[i] = l.table.Quantile((float64(i)+0.5)/float64(samples)) * l.s.SigmaBar[n]
		}
	}
	if !f.chain {
		v := dmath.Log(l.scale(f) / scheduleScale)
		row[0], row[1] = v, v
	} else {
		x := slices.Clone(start)
		l.run(f, x, l.one, seed)
		for i, v := range x {
			x[i] = math.Abs(v)
		}
		slices.Sort(x)
		row[0], row[1] = dmath.Log(x[samples/2]/middle), dmath.Log(x[samples*99/100]/far)
	}
	x := start
	l.run(f, x, l.clusters, mix(seed))
	slices.Sort(x)
	cdf := func(v float64) float64 {
		return float64(clusterShare*l.table.CDF((v-1)/clusterScale)) + float64((1-clusterShare)*l.table.CDF((v+1)/clusterScale))
	}
	ks := 0.0
	for i, v := range x {
		p := cdf(v)
		ks = max(ks, (float64(i)+1)/float64(samples)-p, p-float64(i)/float64(samples))
	}
	row[3] = ks
	return row
}

// scale is that of the end for stable data of scale scheduleScale: the estimate is
// linear, and independent stable variates add up to one. DLPM's steps are not
// independent of each other.
func (l *lineTarget) scale(f stepForm) float64 {
	s, n := l.s, l.s.T()-1
	size := dmath.Pow(s.SigmaBar[n], l.alpha)
	if f.coef == nil {
		for t := n; t >= 2; t -= 2 {
			half, whole := s.DLIM2(t)
			a, _ := l.slope(t, scheduleScale)
			b, _ := l.slope(t-1, scheduleScale)
			factor := whole.X + float64(whole.First*a) + float64(whole.Second*b*(half.X+float64(half.Eps*a)))
			size *= dmath.Pow(math.Abs(factor), l.alpha)
		}
		return dmath.Pow(size, 1/l.alpha)
	}
	for t := n; t >= 1; t-- {
		c := f.coef(s, t, 1)
		slope, _ := l.slope(t, scheduleScale)
		size = float64(dmath.Pow(math.Abs(c.X+float64(c.Eps*slope)), l.alpha)*size) + dmath.Pow(c.Z, l.alpha)
	}
	return dmath.Pow(size, 1/l.alpha)
}

// run moves x, which samplers that draw begin themselves, to the data.
func (l *lineTarget) run(f stepForm, x []float64, estimate func(t int) func(x float64) float64, seed uint64) {
	s, n := l.s, l.s.T()-1
	eps := make([]func(float64) float64, n+1)
	for t := 1; t <= n; t++ {
		eps[t] = estimate(t)
	}
	sum, z := make([]float64, n+1), make([]float64, n+1)
	for i := range x {
		if f.coef == nil && !f.chain {
			for t := n; t >= 2; t -= 2 {
				half, whole := s.DLIM2(t)
				first := eps[t](x[i])
				second := eps[t-1](float64(half.X*x[i]) + float64(half.Eps*first))
				x[i] = float64(whole.X*x[i]) + float64(whole.First*first) + float64(whole.Second*second)
			}
			continue
		}
		key := stable.Key{Seed: seed, Sample: uint64(i)}
		if !f.ode {
			key.Normal64(z, 0)
			for t := 1; t <= n; t++ {
				key.Step = uint32(t)
				sum[t] = key.Multiplier(l.alpha)
			}
			key.Step = uint32(n + 1)
			x[i] = s.SigmaBar[n] * math.Sqrt(key.Multiplier(l.alpha)) * z[n]
		}
		if f.chain {
			s.Variances(sum, sum)
			x[i] = math.Sqrt(sum[n]) * z[n]
		}
		for t := n; t >= 1; t-- {
			var c diffusion.Coef
			if f.chain {
				c = s.DLPM(t, sum[t-1], sum[t])
			} else {
				c = f.coef(s, t, sum[t])
			}
			x[i] = float64(c.X*x[i]) + float64(c.Eps*eps[t](x[i])) + float64(c.Z*z[t-1])
		}
	}
}
