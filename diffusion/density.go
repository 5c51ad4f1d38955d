package diffusion

import (
	"context"
	"fmt"
	"math"

	"heavytail/internal/dmath"
	"heavytail/stable"
)

// A DataDerivative is a DataDenoiser with its derivative: for every row it sets
// data ← D(x; σ) and product ← (∂D/∂x)ᵀ·probe, the vector–Jacobian product that a
// backward pass gives.
type DataDerivative func(ctx context.Context, data, product, x, probe, sigma []float64) error

// A Derivative is a Denoiser with its derivative, likewise in float32:
// eps ← ε̂(x, t), product ← (∂ε̂/∂x)ᵀ·probe.
type Derivative func(ctx context.Context, eps, product, x, probe, t []float32) error

// A Density computes the log-density of points under a model. With y = x/γ̄ and
// τ = σ̄/γ̄ every process here is y = x_0 + τ·n, and its probability-flow ODE is
//
//	dy/dτ = n̂(y, τ) = E[n | y]
//
// (EDM's and t-EDM's (x−D)/σ; that of which DLIM with η = 0 and LIM's ODE are Euler's
// method; flow's in another time). Along it, by the change of variables of a flow,
//
//	ln p_0(y_0) = ln p_end(y_end) + ∫ tr(∂n̂/∂y) dτ
//
// where p_end is the law of τ_end·n, from which samplers start too ([Chen et al.
// 2018], [Song et al. 2021]). Heun's method takes y up, and the trapezoid rule τ·tr
// in ln τ; both have order 2 in the steps. A point is taken for a state at the
// lowest level, so the density is that of the data plus noise of that level.
//
// A Density is an immutable value: any number of goroutines may use one.
type Density struct {
	Steps int // N
	// Probes is the number of random signs v in Hutchinson's estimate vᵀ·J·v of the
	// trace, at least 2. 0: the exact trace, which takes d products.
	Probes int
	Seed   uint64 // of the signs
}

// A LogDensity is ln p of a point, in nats for the units of the point.
type LogDensity struct {
	Value float64 // ln p
	// Error is the standard error of Hutchinson's estimate, from the spread of the
	// probes; 0 with the exact trace. It knows nothing of the ODE's error.
	Error float64
}

// Validate reports the first impossible field, its value and the remedy.
func (s Density) Validate() error {
	if err := checkSteps("density", s.Steps); err != nil {
		return err
	}
	if s.Probes < 0 || s.Probes == 1 || s.Probes > 1<<16 {
		return impossible("density", "Probes", s.Probes, "use 0 (exact trace), or 2 to 65536: the error needs two")
	}
	return nil
}

// A marginalPath is the ODE of a process on levels that rise.
type marginalPath struct {
	name  string
	tau   []float64
	noise func(ctx context.Context, level int, n, product, y, probe []float64) error
	law   UnitNoise
}

// EDM returns ln p of the points x, row-major [len(x)/d][d], under EDM or t-EDM, on the
// levels of p.Sigmas(Steps+1) above 0. den is EDM.PreconditionDerivative of a network
// or, of a flow, Flow.DataDerivative, which makes it a denoiser of the same process. It
// returns an error if the settings are impossible, ctx is done, den fails or a state
// stops being finite. Of no points it returns none and does not call den. It panics if x
// does not divide into rows and if ctx or den is nil.
func (s Density) EDM(ctx context.Context, p EDM, den DataDerivative, x []float64, d int) ([]LogDensity, error) {
	if err := s.check(ctx, "density of EDM", den == nil, p.Validate, len(x), d); err != nil {
		return nil, err
	}
	if err := checkRow("density", p.channels(), d); err != nil {
		return nil, err
	}
	sigma := p.Sigmas(s.Steps + 1)
	path := marginalPath{name: "density of EDM", law: p.UnitNoise(d)}
	for i := s.Steps; i >= 0; i-- {
		path.tau = append(path.tau, sigma[i])
	}
	level := make([]float64, len(x)/d)
	path.noise = func(ctx context.Context, k int, n, product, y, probe []float64) error {
		tau := path.tau[k]
		for i := range level {
			level[i] = tau
		}
		if err := den(ctx, n, product, y, probe, level); err != nil {
			return err
		}
		for j := range y {
			n[j], product[j] = (y[j]-n[j])/tau, (probe[j]-product[j])/tau
		}
		return nil
	}
	return s.follow(ctx, path, x, d)
}

// DLPM returns ln p as EDM does, for a network of DLPM that estimates ε̂
// (DLPM.FromNetwork): on the Steps+1 levels above 0 of a schedule or, of a process with
// integer time, on those of its own. The bounds ClampA and ClampEps of the noise are
// left out.
func (s Density) DLPM(ctx context.Context, p DLPM, den Derivative, x []float64, d int) ([]LogDensity, error) {
	if p.IntegerTime {
		s.Steps = p.Steps - 1
	}
	if err := s.check(ctx, "density of DLPM", den == nil, p.Validate, len(x), d); err != nil {
		return nil, err
	}
	sched, err := p.schedule(ctx, s.Steps+1)
	if err != nil {
		return nil, err
	}
	first := 0
	if sched.SigmaBar[0] == 0 { // no noise there
		if first = 1; !p.IntegerTime {
			if sched, err = p.schedule(ctx, s.Steps+2); err != nil {
				return nil, err
			}
		}
	}
	path := marginalPath{name: "density of DLPM", law: p.UnitNoise(d)}
	for t := first; t < sched.T(); t++ {
		path.tau = append(path.tau, sched.SigmaBar[t]/sched.GammaBar[t])
	}
	path.noise = noiseOf(den, len(x)/d, func(k int) (scale float64, time float32) {
		t := k + first
		scale = sched.GammaBar[t]
		if p.InputScaling {
			scale /= 1 + sched.SigmaBar[t]
		}
		return scale, p.Time(t, sched.T())
	})
	return s.follow(ctx, path, x, d)
}

// LIM returns ln p as EDM does, for a network of LIM that estimates ε̂ (LIM.FromScore),
// at the times of a LIMSampler with so many steps.
func (s Density) LIM(ctx context.Context, p LIM, den Derivative, x []float64, d int) ([]LogDensity, error) {
	if err := s.check(ctx, "density of LIM", den == nil, p.Validate, len(x), d); err != nil {
		return nil, err
	}
	sampler := LIMSampler{Process: p, Steps: s.Steps}
	path := marginalPath{name: "density of LIM", law: p.UnitNoise(d)}
	for k := range s.Steps + 1 {
		t := sampler.time(s.Steps - k)
		path.tau = append(path.tau, p.Sigma(t)/p.Gamma(t))
	}
	path.noise = noiseOf(den, len(x)/d, func(k int) (scale float64, time float32) {
		t := sampler.time(s.Steps - k)
		return p.Gamma(t), float32(t)
	})
	return s.follow(ctx, path, x, d)
}

// check validates the settings and the process.
func (s Density) check(ctx context.Context, name string, none bool, process func() error, n, d int) error {
	needContext(name, ctx)
	needDenoiser(name, none)
	if err := s.Validate(); err != nil {
		return err
	}
	if d < 1 || n%d != 0 {
		panic(fmt.Sprintf("diffusion: density: %d values do not divide into points of %d", n, d))
	}
	return process()
}

// noiseOf makes n̂(y) = ε̂(scale·y, time) of a network in float32.
func noiseOf(den Derivative, rows int, at func(level int) (scale float64, time float32)) func(ctx context.Context, level int, n, product, y, probe []float64) error {
	var eps, prod, in, v []float32
	times := make([]float32, rows)
	return func(ctx context.Context, level int, n, product, y, probe []float64) error {
		if len(in) != len(y) {
			eps, prod, in, v = make([]float32, len(y)), make([]float32, len(y)), make([]float32, len(y)), make([]float32, len(y))
		}
		scale, time := at(level)
		for j := range y {
			in[j], v[j] = float32(scale*y[j]), float32(probe[j])
		}
		for i := range times {
			times[i] = time
		}
		if err := den(ctx, eps, prod, in, v, times); err != nil {
			return err
		}
		for j := range y {
			n[j], product[j] = float64(eps[j]), float64(scale*float64(prod[j]))
		}
		return nil
	}
}

// follow takes the points up the path.
func (s Density) follow(ctx context.Context, p marginalPath, x []float64, d int) ([]LogDensity, error) {
	if len(x) == 0 {
		return []LogDensity{}, nil
	}
	K := max(s.Probes, 1)
	w := &climb{Density: s, p: p, d: d, product: make([]float64, len(x)), probe: make([]float64, len(x))}
	y, next := append([]float64(nil), x...), make([]float64, len(x))
	n1, n2 := make([]float64, len(x)), make([]float64, len(x))
	rows := len(x) / d
	sum := make([]float64, rows*K)
	tr1, tr2 := make([]float64, rows*K), make([]float64, rows*K)
	for k := range len(p.tau) - 1 {
		if err := w.slope(ctx, k, n1, tr1, y); err != nil {
			return nil, err
		}
		h := p.tau[k+1] - p.tau[k]
		axpy(next, y, h, n1)
		if err := w.slope(ctx, k+1, n2, tr2, next); err != nil {
			return nil, err
		}
		for j := range y {
			y[j] += float64(h / 2 * (n1[j] + n2[j]))
		}
		log := dmath.Log(p.tau[k+1] / p.tau[k])
		for i := range sum {
			sum[i] += float64(log / 2 * (float64(p.tau[k]*tr1[i]) + float64(p.tau[k+1]*tr2[i])))
		}
	}
	end := p.tau[len(p.tau)-1]
	out := make([]LogDensity, rows)
	for i := range out {
		for j := range d {
			next[j] = y[i*d+j] / end
		}
		mean, spread := meanSpread(sum[i*K : (i+1)*K])
		out[i] = LogDensity{Value: p.law.LogDensity(next[:d]) - float64(float64(d)*dmath.Log(end)) + mean, Error: spread}
		if v := out[i].Value; v-v != 0 {
			return nil, fmt.Errorf("diffusion: %s: the log-density of point %d is not finite: check the point and the model's weights, or use more steps", p.name, i)
		}
	}
	return out, nil
}

// meanSpread returns the mean and its standard error, 0 for one value.
func meanSpread(v []float64) (mean, spread float64) {
	for _, u := range v {
		mean += u / float64(len(v))
	}
	if len(v) == 1 {
		return mean, 0
	}
	square := 0.0
	for _, u := range v {
		square += float64((u - mean) * (u - mean))
	}
	return mean, math.Sqrt(square / float64(len(v)*(len(v)-1)))
}

// A climb is the workspace of follow.
type climb struct {
	Density
	p              marginalPath
	d              int
	product, probe []float64
}

// slope sets n to n̂ and tr, of every row and probe, to the trace of its derivative.
func (w *climb) slope(ctx context.Context, level int, n, tr, y []float64) error {
	clear(tr)
	K, products := max(w.Probes, 1), w.Probes
	if products == 0 {
		products = w.d
	}
	for k := range products {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("diffusion: %s: stopped at level %d of %d: %w", w.p.name, level, len(w.p.tau), err)
		}
		w.setProbe(k)
		if err := w.p.noise(ctx, level, n, w.product, y, w.probe); err != nil {
			return fmt.Errorf("diffusion: %s: level %d of %d: %w", w.p.name, level, len(w.p.tau), err)
		}
		for i := range len(y) / w.d {
			dot := 0.0
			for j := i * w.d; j < (i+1)*w.d; j++ {
				dot += float64(w.probe[j] * w.product[j])
			}
			tr[i*K+k%K] += dot
		}
	}
	return nil
}

// setProbe sets all rows to probe k: the unit vector k, or random signs that stay the
// same along the path.
func (w *climb) setProbe(k int) {
	clear(w.probe)
	if w.Probes == 0 {
		for j := k; j < len(w.probe); j += w.d {
			w.probe[j] = 1
		}
		return
	}
	words := make([]uint32, w.d)
	for i := range len(w.probe) / w.d {
		stable.Key{Seed: w.Seed, Sample: uint64(i), Step: uint32(k)}.Uint32(words, 0)
		for j, word := range words {
			w.probe[i*w.d+j] = 1 - 2*float64(word>>31)
		}
	}
}
