package diffusion

import (
	"context"
	"fmt"
	"math"

	"heavytail/simd"
	"heavytail/stable"
)

// startStep is the step key of the initial noise: not a t of any schedule, so
// that x_{T−1}'s noise is the same for every number of steps.
const startStep uint32 = math.MaxUint32

// A chain is the workspace of one trajectory: n samples of d values. All
// randomness of sample i is keyed by (seeds[i], 0, t, element).
type chain struct {
	name  string
	proc  Process
	sched *Schedule
	opt   Options
	noise stable.Noise

	n, d  int
	seeds []uint64
	x     []float32 // the state
	eps   []float32 // ε̂, or x̂_0 when clipping or keeping
	in    []float32 // scaled network input; x itself without InputScaling
	times []float32 // network time, once per sample
	z     []float32 // one row of noise

	stride int // levels per move: 1, or 2 of samplers with a level between
	repeat int // how often the current move was made before

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

func newChain(name string, p Process, opt Options, x []float32, seeds []uint64) (*chain, error) {
	if err := opt.validate(name, p); err != nil {
		return nil, err
	}
	sched, err := p.Schedule(opt.Steps)
	if err != nil {
		return nil, err
	}
	n := len(seeds)
	if len(x)%max(n, 1) != 0 || (n == 0 && len(x) > 0) {
		panic(fmt.Sprintf("diffusion: %s: %d values do not divide into %d rows", name, len(x), n))
	}
	d := len(x) / max(n, 1)
	opt.Edit.check(name, n, d)
	c := &chain{
		name: name, proc: p, sched: sched, opt: opt, n: n, d: d, seeds: seeds, x: x, in: x,
		noise: p.noise(), stride: 1,
		eps: make([]float32, n*d), times: make([]float32, n), z: make([]float32, d),
	}
	if p.InputScaling {
		c.in = make([]float32, n*d)
	}
	return c, nil
}

// run is the loop for samplers whose move is one step of a rule.
func (c *chain) run(ctx context.Context, den Denoiser, yield func(int, error) bool, rule rule) {
	c.loop(ctx, den, yield, func(t int) error {
		if err := c.denoise(ctx, den, t); err != nil {
			return err
		}
		for i := range c.n {
			c.step(t, i, rule)
		}
		if c.sums.cut {
			return c.stopped(t, ctx.Err())
		}
		return nil
	})
}

// loop is what all samplers of a chain share; leap, which differs, takes all
// samples from x_t to x_{t−stride}.
func (c *chain) loop(ctx context.Context, den Denoiser, yield func(int, error) bool, leap func(t int) error) {
	needContext(c.name, ctx)
	needDenoiser(c.name, den == nil)
	T := c.sched.T()
	if c.n == 0 {
		return
	}
	c.a = make([]float64, c.proc.multipliers(c.d))
	if c.needVariances || c.opt.ConsistentStart {
		c.sums.init(ctx, c)
	}
	moves := (T - 1) / c.stride
	left := moves - c.opt.Edit.first(moves)
	first := left * c.stride
	c.start(first)
	if c.sums.cut {
		yield(left, c.stopped(first, ctx.Err()))
		return
	}
	if err := c.finite(first); err != nil {
		yield(left, err)
		return
	}
	if !yield(left, nil) {
		return
	}
	for ; left > 0; left-- {
		t := left * c.stride
		if err := c.move(t, leap); err != nil {
			yield(left, err)
			return
		}
		if err := c.finite(t - c.stride); err != nil {
			yield(left, err)
			return
		}
		if !yield(left-1, nil) {
			return
		}
	}
}

// move takes all samples from x_t to x_{t−stride}, as often as the edit says.
func (c *chain) move(t int, leap func(t int) error) error {
	defer func() { c.repeat = 0 }()
	for ; ; c.repeat++ {
		if err := leap(t); err != nil {
			return err
		}
		if t == c.stride {
			keep(c.opt.Edit, c.x)
			return nil
		}
		if c.repeat+1 >= c.opt.Edit.repeats() {
			return nil
		}
		for u := t - c.stride + 1; u <= t; u++ {
			c.back(u)
		}
	}
}

// back takes all samples from x_{t−1} to another x_t = γ_t·x_{t−1} + σ_t·√A_t·z:
// with the A_t of the chain for DLPM, whose steps are made for it, with one of
// its own for DLIM.
func (c *chain) back(t int) {
	g, sg := c.sched.Gamma[t], c.sched.Sigma[t]
	for i := range c.n {
		from := c.factors(i, t)
		if !c.needVariances {
			from = c.fresh(i, backward+t)
		}
		fillMultipliers(c.a, c.noise, from, 0)
		c.stream(i, uint32(backward+t)).Normal(c.z, 0)
		scaleByRoots(c.z, c.a)
		x := c.row(c.x, i)
		simd.AxpBy(x, float32(sg), c.z, float32(g), x)
	}
}

// start sets x_last, the noisiest level or that of the edit's strength.
func (c *chain) start(last int) {
	sigma := c.sched.SigmaBar[last]
	free := c.noise // the published start: its own A, without ClampA
	free.ClampA, free.ClampEps = 0, c.proc.ClampEps
	for i := range c.n {
		x, s := c.row(c.x, i), c.stream(i, startStep)
		if !c.opt.ConsistentStart {
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
	addImage(c.opt.Edit, c.x, c.sched.GammaBar[last])
}

// denoise sets eps to ε̂(x_t, t) or, when clipping, to x̂_0 clamped.
func (c *chain) denoise(ctx context.Context, den Denoiser, t int) error {
	if err := ctx.Err(); err != nil {
		return c.stopped(t, err)
	}
	time := c.proc.Time(t, c.sched.T())
	for i := range c.times {
		c.times[i] = time
	}
	gb, sb := c.sched.GammaBar[t], c.sched.SigmaBar[t]
	if c.proc.InputScaling {
		simd.Scale(c.in, c.x, float32(1/(1+sb)))
	}
	if err := den(ctx, c.eps, c.in, c.times); err != nil {
		return c.stopped(t, err)
	}
	if at := nonFinite(c.eps); at >= 0 {
		return fmt.Errorf("diffusion: %s: the denoiser's output for seed %d at time %v (step %d of %d) is not finite: check the model's weights, or bound the input with clamp_a and clamp_eps", c.name, c.seeds[at/c.d], time, c.made(t)+1, c.made(0))
	}
	if c.inData() { // x̂_0 = (x − σ̄·ε̂)/γ̄
		simd.AxpBy(c.eps, float32(-sb/gb), c.eps, float32(1/gb), c.x)
	}
	if c.opt.ClipDenoised {
		simd.Clamp(c.eps, c.eps, -1, 1)
	}
	keep(c.opt.Edit, c.eps)
	return nil
}

// stopped is the error of a chain that err ended at x_t.
func (c *chain) stopped(t int, err error) error {
	return fmt.Errorf("diffusion: %s: stopped at step %d of %d: %w", c.name, c.made(t)+1, c.made(0), err)
}

// made returns how many moves lead from x_{T−1} to x_t; of levels between, to
// the level above.
func (c *chain) made(t int) int { return (c.sched.T() - 1 - t) / c.stride }

// inData tells whether eps holds estimates of the data.
func (c *chain) inData() bool { return c.opt.ClipDenoised || c.opt.Edit.keeps() }

// step sets row i to x_{t−1} = X·x + Eps·ε̂ + Z·z.
func (c *chain) step(t, i int, rule rule) {
	x, e, z := c.row(c.x, i), c.row(c.eps, i), c.z
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
	x, e, z := c.row(c.x, i), c.row(c.eps, i), c.z
	c.stream(i, uint32(t)).Normal(z, 0)
	for j := range x {
		k := c.coef(t, rule, at(a, prev, sum, j))
		v := float32(k.X) * x[j]
		v = simd.FMA(float32(k.Eps), e[j], v)
		x[j] = simd.FMA(float32(k.Z), z[j], v)
	}
}

// coef is the rule, ended at the data and rewritten for x̂_0 where eps holds it.
func (c *chain) coef(t int, rule rule, a draw) Coef {
	k := Coef{}
	if t == 1 && !c.opt.KeepSigmaMin {
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
		if c.opt.ConsistentStart || c.repeat > 0 {
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

func (c *chain) row(m []float32, i int) []float32 { return m[i*c.d : (i+1)*c.d] }

// factors is the stream of the A of sample i at step t, the same at every
// repetition.
func (c *chain) factors(i, t int) stable.Stream {
	return stable.Stream{Seed: c.seeds[i], Step: uint32(t)}
}

// fresh is a stream of other A, one for every repetition.
func (c *chain) fresh(i, t int) stable.Stream {
	s := c.stream(i, uint32(t))
	s.Sample = 1<<56 - 1 // the last key: no sample of a training has it
	return s
}

// stream is that of the normals of sample i at step t, and at each repetition.
func (c *chain) stream(i int, t uint32) stable.Stream {
	return stable.Stream{Seed: c.seeds[i], Step: t + 2*maxSteps*uint32(c.repeat)}
}

// finite reports a state x_t that has run away.
func (c *chain) finite(t int) error {
	at := nonFinite(c.x)
	if at < 0 {
		return nil
	}
	return fmt.Errorf("diffusion: %s: x_%d of seed %d is not finite (step %d of %d): set clamp_a (20 is usual) and clamp_eps (200), or clip the denoised estimate", c.name, t, c.seeds[at/c.d], c.made(t), c.made(0))
}

// nonFinite returns the first index of an infinity or NaN, or −1.
func nonFinite[T float32 | float64](x []T) int {
	for i, v := range x {
		if v-v != 0 {
			return i
		}
	}
	return -1
}
