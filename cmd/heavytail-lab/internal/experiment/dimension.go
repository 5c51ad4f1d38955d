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

// dimensionExperiment asks how the errors of samplers grow with the dimension where
// the denoiser is exact, so that nothing but the sampler errs.
var dimensionExperiment = Experiment{
	Name:    "dimension",
	Summary: "samplers with exact denoisers in 2 to 512 dimensions: tails, modes and the steps they take",
	Plan:    planDimension,
}

// dimensionColumns: tail is the mean of |ln ratio| of 20 quantiles of |x| from 90 to
// 99.5 % (of |x_1| for clusters), rQ ratios of quantiles generated to exact, mode
// the share of x_1 > 0 less the exact one, ks Kolmogorov's √n·sup|F_n − F| of x_1.
// Rows that draw nothing have no ks.
var dimensionColumns = []string{"tail", "r50", "r90", "r99", "r999", "r9999", "r99999", "mode", "ks"}

// beyond are the probabilities beyond the quantiles of a row: first those of the
// columns rQ, then the 20 of tail.
var beyond = func() []float64 {
	out := []float64{0.5, 0.1, 0.01, 1e-3, 1e-4, 1e-5}
	for i := range 20 {
		out = append(out, 0.1*dmath.Exp(-float64(i)/19*dmath.Log(20)))
	}
	return out
}()

const farColumns = 6 // of beyond are columns

// dimensionSizes are the numbers that -quick changes.
type dimensionSizes struct {
	dims, evaluations []int
	drawn             []int // evaluations of the samplers whose ends are drawn
	samples           int
	targets           int // the first so many
}

// of are the sizes of a target: the first has all; drawing 160 evaluations is half of
// all work, stable data below stable noise the other half, and independent elements
// cost a sum over A for each element.
func (z dimensionSizes) of(g dimensionTarget) dimensionSizes {
	middle := z.drawn[len(z.drawn)/2]
	switch g.name {
	case "clusters":
		z.drawn = z.drawn[:(len(z.drawn)+1)/2]
	case "independent":
		z.dims, z.evaluations, z.drawn = z.dims[:min(len(z.dims), 4)], []int{middle}, []int{middle}
	case "stable":
		z.evaluations, z.drawn = []int{middle}, nil
	}
	return z
}

// samplesOf is the number of samples of a run: elements are what is measured of
// independent ones.
func (z dimensionSizes) samplesOf(g dimensionTarget, d int) int {
	if g.independent {
		return 3000 / d
	}
	return z.samples
}

// A noiseProcess is a law of noise with the samplers that use it.
type noiseProcess struct {
	name  string
	noise func() scaleLaw
	// alpha of DLPM's process, or nu of EDM's and the flow's.
	alpha, nu float64
}

var stableNoise = map[float64]func() scaleLaw{1.5: sync.OnceValue(func() scaleLaw { return stableScale(1.5) }), 1.8: sync.OnceValue(func() scaleLaw { return stableScale(1.8) })}

var noiseProcesses = []noiseProcess{
	{"S 1.5", stableNoise[1.5], 1.5, 0},
	{"S 1.8", stableNoise[1.8], 1.8, 0},
	{"t 3", func() scaleLaw { return studentScale(3) }, 0, 3},
	{"normal", func() scaleLaw { return normalLaw(1) }, 0, math.Inf(1)},
}

// studentTable is that of the independent elements.
var studentTable = sync.OnceValue(func() *productTable { return newProductTable(studentScale(3), 0.5/math.Sqrt(3)) })

// A dimensionTarget is a mixture with the law of its first coordinate.
type dimensionTarget struct {
	mixture
	data func() scaleLaw
	one  stable.Distribution // of a coordinate of a cluster, about 0
	// independent elements of the law one in place of isotropic vectors; what is
	// measured are all elements.
	independent bool
}

// fill draws the rows of x.
func (g dimensionTarget) fill(x []float64, d int, seed uint64) {
	if !g.independent {
		g.mixture.fill(x, d, seed)
		return
	}
	law := g.one.(stable.StudentT)
	for i := range len(x) / d {
		row := x[i*d : (i+1)*d]
		stable.Key{Seed: seed, Sample: uint64(i)}.StudentT(row, law.Nu, 0)
		for j := range row {
			row[j] *= law.Scale
		}
	}
}

// samplers are those of a process that the target asks for.
func (g dimensionTarget) samplers(p noiseProcess, n int) []exactSampler {
	all := p.samplers(n)
	if !g.independent {
		return all
	}
	var out []exactSampler
	for _, s := range all {
		switch s.name {
		case "EDM", "flow", "t-EDM", "DLIM 1.5", "DLPM 1.5":
			s.ode = false // elements do not keep their directions
			out = append(out, s)
		}
	}
	if p.name == "normal" {
		return out
	}
	return append(out, p.each(n)...)
}

// dimensionTargets have deviation ½ where they have one, EDM's σ_data.
var dimensionTargets = []dimensionTarget{
	{mixture{name: "student", scale: 0.5 / math.Sqrt(3), centres: []float64{0}, shares: []float64{1}},
		func() scaleLaw { return studentScale(3) }, stable.StudentT{Nu: 3, Scale: 0.5 / math.Sqrt(3)}, false},
	{mixture{name: "clusters", scale: 0.2, centres: []float64{-1, 1}, shares: []float64{0.2, 0.8}},
		func() scaleLaw { return studentScale(3) }, stable.StudentT{Nu: 3, Scale: 0.2}, false},
	{mixture{name: "independent", scale: 0.5 / math.Sqrt(3), centres: []float64{0}, shares: []float64{1}},
		func() scaleLaw { return studentScale(3) }, stable.StudentT{Nu: 3, Scale: 0.5 / math.Sqrt(3)}, true},
	{mixture{name: "stable", scale: 0.25, centres: []float64{0}, shares: []float64{1}},
		stableNoise[1.5], stable.Law{Alpha: 1.5, Scale: 0.25}, false},
}

func planDimension(_ context.Context, o Options) (*Plan, error) {
	z := dimensionSizes{dims: []int{2, 8, 32, 128, 512}, evaluations: []int{10, 20, 40, 80, 160},
		drawn: []int{10, 40, 160}, samples: 2500, targets: 4}
	if o.Quick {
		z = dimensionSizes{dims: []int{2, 32}, evaluations: []int{10}, drawn: []int{10}, samples: 300, targets: 2}
	}
	runs := o.RunsOr(3, 1)
	p := &Plan{
		Settings: fmt.Sprintf("dimension 1: %+v", z),
		Columns:  dimensionColumns,
		Report:   func(r *Results) Report { return reportDimension(r, z) },
	}
	for _, g := range dimensionTargets[:z.targets] {
		z := z.of(g)
		p.Jobs = append(p.Jobs, freshJob(g, z, o.Seed, runs))
		for _, n := range z.evaluations {
			for _, noise := range noiseProcesses {
				if j := processJob(g, noise, n, z, o.Seed, runs); len(j.Keys) > 0 {
					p.Jobs = append(p.Jobs, j)
				}
			}
		}
	}
	return p, nil
}

// dimensionSetting names target, dimension and evaluations.
func dimensionSetting(target string, d, n int) string { return fmt.Sprintf("%s %d %d", target, d, n) }

// freshJob measures a draw of the data themselves.
func freshJob(g dimensionTarget, z dimensionSizes, seed uint64, runs int) Job {
	var j Job
	for _, d := range z.dims {
		for run := range runs {
			j.Keys = append(j.Keys, Key{freshData, dimensionSetting(g.name, d, 0), run})
		}
	}
	j.Do = func(context.Context, *Worker) (rows [][]float64, err error) {
		g.law = g.data()
		for _, d := range z.dims {
			judge := newJudge(g, d)
			for run := range runs {
				x := make([]float64, z.samplesOf(g, d)*d)
				g.fill(x, d, Seed(seed, "dimension", g.name, d, run))
				rows = append(rows, judge.row(x))
			}
		}
		return rows, nil
	}
	return j
}

// An exactSampler draws from a target, whose denoiser it makes of the levels.
type exactSampler struct {
	name string
	// ode says that the distance from the centre grows with that at the start, so that
	// quantiles end at quantiles: for one cluster nothing is drawn.
	ode bool
	// start returns the scale of the noise at the start.
	start func() float64
	// each says that the noise is independent from element to element.
	each bool
	// trajectory runs over rows of the values of x.
	trajectory func(ctx context.Context, l *levels, x []float64, seeds []uint64, first func(x []float64)) error
}

// processJob runs the samplers of a process with n evaluations in all dimensions.
func processJob(g dimensionTarget, noise noiseProcess, n int, z dimensionSizes, seed uint64, runs int) Job {
	var j Job
	samplers := g.samplers(noise, n)
	one := len(g.centres) == 1
	if !slices.Contains(z.drawn, n) {
		samplers = slices.DeleteFunc(samplers, func(s exactSampler) bool { return !s.ode || !one })
	}
	for _, d := range z.dims {
		for _, s := range samplers {
			for run := range runs {
				if run == 0 || !s.ode || !one {
					j.Keys = append(j.Keys, Key{s.name, dimensionSetting(g.name, d, n), run})
				}
			}
		}
	}
	j.Do = func(ctx context.Context, _ *Worker) (rows [][]float64, err error) {
		g.law = g.data()
		l := &levels{target: g.mixture, noise: noise.noise(), nodes: map[float64][]node{}}
		if g.independent {
			l.table = studentTable()
		}
		for _, d := range z.dims {
			l.dimension(d)
			judge := newJudge(g, d)
			for _, s := range samplers {
				if s.ode && one {
					row, err := judge.quantiles(ctx, l, s)
					if err != nil {
						return nil, err
					}
					rows = append(rows, row)
					continue
				}
				for run := range runs {
					x, err := drawExact(ctx, l, s, z.samplesOf(g, d), Seed(seed, "dimension", s.name, g.name, d, n, run))
					if err != nil {
						return nil, fmt.Errorf("%s: %w", s.name, err)
					}
					rows = append(rows, judge.row(x))
				}
			}
		}
		return rows, nil
	}
	return j
}

// drawExact draws n samples.
func drawExact(ctx context.Context, l *levels, s exactSampler, n int, seed uint64) ([]float64, error) {
	if l.each != s.each {
		l.each = s.each
		l.dimension(l.d)
	}
	x := make([]float64, n*l.d)
	const batch = 500
	seeds := make([]uint64, batch)
	for lo := 0; lo < n; lo += batch {
		seeds = seeds[:min(batch, n-lo)]
		for i := range seeds {
			seeds[i] = mix(seed ^ uint64(lo+i))
		}
		if err := s.trajectory(ctx, l, x[lo*l.d:(lo+len(seeds))*l.d], seeds, nil); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// levels makes the denoisers of a target: what it knows of every level is made once.
type levels struct {
	target mixture
	noise  scaleLaw
	d      int
	nodes  map[float64][]node
	known  map[float64]*radial
	// table is of data of independent elements; each says that their noise is, too.
	table *productTable
	each  bool
}

// estimate sets data to E[x_0 | x_0 + τ·n = x] of one row, and returns E|x − x_0|², NaN
// for independent elements.
func (l *levels) estimate(tau float64, data, x []float64) (moment float64) {
	switch {
	case l.table == nil:
		return l.target.estimate(l.at(tau), data, x)
	case l.each:
		t := l.at(tau)
		for j := range x {
			l.target.estimate(t, data[j:j+1], x[j:j+1])
		}
	default:
		l.table.estimate(l.noise, tau, data, x)
	}
	return math.NaN()
}

// dimension begins with another number of dimensions.
func (l *levels) dimension(d int) { l.d, l.known = d, map[float64]*radial{} }

// at returns what is known at noise of scale tau beside data of scale 1.
func (l *levels) at(tau float64) *radial {
	t := l.known[tau]
	if t == nil {
		nodes := l.nodes[tau]
		if nodes == nil {
			nodes = mixtureNodes(l.target.law, l.noise, l.target.scale, tau)
			l.nodes[tau] = nodes
		}
		d := l.d
		if l.each {
			d = 1
		}
		t = newRadial(nodes, d, l.noise.constant > 0 || l.target.law.constant > 0)
		l.known[tau] = t
	}
	return t
}

// data is E[x_0 | x] as samplers of EDM's process ask for it; rows have d values, or
// one where the others are 0.
func (l *levels) data(ctx context.Context, data, x, sigma []float64) error {
	d := len(x) / len(sigma)
	for i, s := range sigma {
		l.estimate(s, data[i*d:(i+1)*d], x[i*d:(i+1)*d])
	}
	return ctx.Err()
}

// moment is E[|x − x_0|² | x]/σ².
func (l *levels) moment(ctx context.Context, m, x, sigma []float64) error {
	d := len(x) / len(sigma)
	ignored := make([]float64, d)
	for i, s := range sigma {
		m[i] = l.estimate(s, ignored, x[i*d:(i+1)*d]) / (s * s)
	}
	return ctx.Err()
}

// eps is E[ε | x_t] of DLPM's process on a schedule.
func (l *levels) eps(s *diffusion.DLPMSchedule) diffusion.Denoiser {
	var y, D []float64
	return func(ctx context.Context, eps, x, times []float32) error {
		t := int(math.Round(float64(times[0]) * float64(s.T())))
		g, tau := s.GammaBar[t], s.SigmaBar[t]/s.GammaBar[t]
		d := len(x) / len(times)
		if len(y) != d {
			y, D = make([]float64, d), make([]float64, d)
		}
		for i := range times {
			for j := range y {
				y[j] = float64(x[i*d+j]) / g
			}
			l.estimate(tau, D, y)
			for j := range y {
				eps[i*d+j] = float32((y[j] - D[j]) / tau)
			}
		}
		return ctx.Err()
	}
}
