package diffusion

import (
	"context"
	"fmt"

	"heavytail/simd"
	"heavytail/stable"
)

// chainOptions are what DLPM, DLIM and DLIM2 have in common.
type chainOptions struct {
	steps                            int // between levels, 0: all of the process
	clip, consistentStart, keepSigma bool
	grid                             Grid // whose levels are visited; empty: the process's
	edit                             *Edit
}

// moves returns the number of steps between levels.
func (o chainOptions) moves(p DLPM) int {
	if o.steps == 0 {
		return p.Steps - 1
	}
	return o.steps
}

// visits returns how many steps are made, repeated ones included.
func (o chainOptions) visits(p DLPM) int {
	n, _ := o.edit.visits(o.moves(p))
	return n
}

func (o chainOptions) validate(name string, p DLPM) error {
	if err := p.Validate(); err != nil {
		return err
	}
	switch n := o.moves(p); {
	case n < 1 || n >= maxSteps:
		return impossible(name, "Steps", n, "use 1 to %d", maxSteps-1)
	case p.IntegerTime && n != p.Steps-1:
		return impossible(name, "Steps", n, "the network knows %d levels of noise only; use %d", p.Steps, p.Steps-1)
	}
	if err := p.CheckSteps(o.moves(p)); err != nil {
		return err
	}
	if err := p.checkGrid(name, o.grid); err != nil {
		return err
	}
	return o.edit.validate(name, true)
}

// A chain is a run through the levels of a schedule, with the factors A of its
// noise. All randomness of sample i is keyed by (seeds[i], 0, t, element).
type chain struct {
	*run[float32] // out holds ε̂, or x̂_0 when clipping or keeping

	proc   DLPM
	sched  *DLPMSchedule
	opt    chainOptions
	noise  stable.Noise
	stride int       // levels per step: 1, or 2 of samplers with a level between
	in     []float32 // scaled network input; x itself without InputScaling

	needA, needVariances bool // what the rule reads of its draw
	a                    []float64
	sums                 sums
}

// A draw is what a rule may use of A_0…A_{T−1} at one step of one sample, or
// of one of its elements.
type draw struct {
	a            float64 // A_t
	sumPrev, sum float64 // Σ_{t−1}, Σ_t
}

// A rule gives the reverse step at t ≥ 1.
type rule func(t int, a draw) Coef

func newChain(ctx context.Context, name string, p DLPM, opt chainOptions, stride int, den Denoiser, x []float32, seeds []uint64) (*chain, error) {
	if err := opt.validate(name, p); err != nil {
		return nil, err
	}
	sched, err := p.on(opt.grid).schedule(ctx, opt.moves(p)+1)
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("diffusion: %s: stopped before the first step: %w", name, err)
		}
		return nil, err
	}
	r := newRun(ctx, name, den, x, seeds, (sched.T()-1)/stride, opt.edit)
	r.mendOutput += ", or bound the input with clamp_a and clamp_eps"
	r.mendState = "set clamp_a (20 is usual) and clamp_eps (200), or clip the denoised estimate"
	c := &chain{run: r, proc: p, sched: sched, opt: opt, noise: p.noise(), stride: stride, in: x}
	if p.InputScaling {
		c.in = make([]float32, len(x))
	}
	r.back = func(i int) error {
		for t := c.level(i+1) + 1; t <= c.level(i); t++ {
			c.rise(t)
		}
		return nil
	}
	return c, nil
}

// level returns t after i steps.
func (c *chain) level(i int) int { return (c.steps - i) * c.stride }

// follow runs a sampler whose step is one of a rule.
func (c *chain) follow(yield func(int, error) bool, rule rule) {
	c.walk(yield, func(t int) error {
		if err := c.denoise(t); err != nil {
			return err
		}
		for i := range c.n {
			c.step(t, i, rule)
		}
		if c.sums.cut {
			return c.ctx.Err()
		}
		return nil
	})
}

// walk makes the start and then the steps; leap takes all samples from x_t to
// x_{t−stride}.
func (c *chain) walk(yield func(int, error) bool, leap func(t int) error) {
	needDenoiser(c.name, c.den == nil)
	if c.n == 0 {
		return
	}
	c.a = make([]float64, c.proc.multipliers(c.d))
	if c.needVariances || c.opt.consistentStart {
		c.sums.init(c)
	}
	c.start(c.level(c.first))
	if c.sums.cut {
		yield(c.steps-c.first, c.stopped(c.first, c.ctx.Err()))
		return
	}
	c.loop(yield, func(i int) error { return leap(c.level(i)) })
}

// rise takes all samples from x_{t−1} to another x_t = γ_t·x_{t−1} + σ_t·√A_t·z:
// with the A_t of the chain for DLPM, whose steps are made for it, with one of
// its own for DLIM.
func (c *chain) rise(t int) {
	g, sg := c.sched.Gamma[t], c.sched.Sigma[t]
	for i := range c.n {
		from := c.factors(i, t)
		if !c.needVariances {
			from = c.fresh(i, backward+t)
		}
		fillMultipliers(c.a, c.noise, from, 0)
		z := c.normal(i, backward+t)
		scaleByRoots(z, c.a)
		x := c.row(c.x, i)
		simd.AxpBy(x, float32(sg), z, float32(g), x)
	}
}

// start sets x_last, the noisiest level or that of the edit's strength.
func (c *chain) start(last int) {
	sigma := c.sched.SigmaBar[last]
	free := c.noise // the published start: its own A, without ClampA
	free.ClampA, free.ClampEps = 0, c.proc.ClampEps
	for i := range c.n {
		x, s := c.row(c.x, i), c.stream(i, startStep)
		if !c.opt.consistentStart {
			free.Fill(x, s)
			simd.Scale(x, x, float32(sigma))
			continue
		}
		s.Normal(x, 0)
		_, sum := c.sums.at(last, i)
		scaleByRoots(x, sum)
		if c.proc.ClampEps > 0 {
			bound := float32(c.proc.ClampEps * sigma)
			simd.Clamp(x, x, -bound, bound)
		}
	}
	addImage(c.opt.edit, c.x, c.sched.GammaBar[last])
}

// denoise sets out to ε̂(x_t, t) or, when clipping or keeping, to x̂_0.
func (c *chain) denoise(t int) error {
	gb, sb := c.sched.GammaBar[t], c.sched.SigmaBar[t]
	if c.proc.InputScaling {
		simd.Scale(c.in, c.x, float32(1/(1+sb)))
	}
	if err := c.eval(c.out, c.in, c.proc.timeOn(c.opt.grid, t, c.sched.T())); err != nil {
		return err
	}
	if c.inData() { // x̂_0 = (x − σ̄·ε̂)/γ̄
		simd.AxpBy(c.out, float32(-sb/gb), c.out, float32(1/gb), c.x)
	}
	if c.opt.clip {
		simd.Clamp(c.out, c.out, -1, 1)
	}
	keep(c.edit, c.out)
	return nil
}

// inData tells whether out holds estimates of the data.
func (c *chain) inData() bool { return c.opt.clip || c.opt.edit.keeps() }

// step sets row i to x_{t−1} = X·x + Eps·ε̂ + Z·z.
func (c *chain) step(t, i int, rule rule) {
	x, e, z := c.row(c.x, i), c.row(c.out, i), c.z
	a, prev, sum := c.draws(t, i)
	if len(a) > 1 || len(sum) > 1 {
		c.stepElements(t, i, rule, a, prev, sum)
		return
	}
	k := c.coef(t, rule, at(a, prev, sum, 0))
	if k.Z == 0 {
		simd.AxpBy(x, float32(k.Eps), e, float32(k.X), x)
		return
	}
	c.stream(i, uint32(t)).Normal(z, 0)
	simd.LinComb3(x, float32(k.X), x, float32(k.Eps), e, float32(k.Z), z)
}

// stepElements is step with an A, and so a Coef, per element.
func (c *chain) stepElements(t, i int, rule rule, a, prev, sum []float64) {
	x, e, z := c.row(c.x, i), c.row(c.out, i), c.z
	c.stream(i, uint32(t)).Normal(z, 0)
	for j := range x {
		k := c.coef(t, rule, at(a, prev, sum, j))
		v := float32(k.X) * x[j]
		v = simd.FMA(float32(k.Eps), e[j], v)
		x[j] = simd.FMA(float32(k.Z), z[j], v)
	}
}

// coef is the rule, ended at the data and rewritten for x̂_0 where out holds it.
func (c *chain) coef(t int, rule rule, a draw) Coef {
	k := Coef{}
	if t == 1 && !c.opt.keepSigma {
		k = c.sched.Clean()
	} else {
		k = rule(t, a)
	}
	if c.inData() {
		// ε̂ = (x − γ̄·x̂_0)/σ̄ inserted: mixing x and x̂_0 directly does not lose
		// digits where σ̄ is small, as forming ε̂ again would.
		gb, sb := c.sched.GammaBar[t], c.sched.SigmaBar[t]
		k.X, k.Eps = k.X+k.Eps/sb, -k.Eps*gb/sb
	}
	return k
}

// draws returns what the rule needs of sample i at step t; nil for the rest.
func (c *chain) draws(t, i int) (a, prev, sum []float64) {
	if c.needA {
		// DLIM's A_t must be independent of the state, in which a consistent
		// start and the visits before have mixed the chain's.
		from := c.factors(i, t)
		if c.opt.consistentStart || c.repeat > 0 {
			from = c.fresh(i, t)
		}
		a = c.a
		fillMultipliers(a, c.noise, from, 0)
	}
	if c.needVariances {
		prev, sum = c.sums.at(t, i)
	}
	return a, prev, sum
}

// at gathers element j.
func at(a, prev, sum []float64, j int) (v draw) {
	if a != nil {
		v.a = a[j]
	}
	if sum != nil {
		v.sumPrev, v.sum = prev[j], sum[j]
	}
	return v
}

// factors is the stream of the A of sample i at step t, the same at every
// repetition.
func (c *chain) factors(i, t int) stable.Key {
	return stable.Key{Seed: c.seeds[i], Step: uint32(t)}
}

// fresh is a stream of other A, one for every repetition.
func (c *chain) fresh(i, t int) stable.Key {
	s := c.stream(i, uint32(t))
	s.Sample = 1<<56 - 1 // the last key: no sample of a training has it
	return s
}
