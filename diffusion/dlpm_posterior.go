package diffusion

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"heavytail/internal/dmath"
	"heavytail/simd"
	"heavytail/stable"
)

// A Spread sets v ← Var[ε | x_t], element by element, for a batch as a Denoiser's:
// row i of x and v (row-major [len(t)][d]) belongs to the network time t[i].
//
// It is finite for α < 2, though Var[ε] is not: given x_t, ε can only be large
// where x_0 is as large the other way, so that its density falls with the product
// of both tails, as |ε|^{−2−α−a} on the line for data of tail index a, and the
// second moment needs α + a > 1 (in d dimensions less). It grows as |x_t|²,
// though: of two large terms, only one is. For stable data of scale s and the
// noise's α, with S^α = (γ̄·s)^α + σ̄^α, ρ = σ̄/S and y = x_t/S,
//
//	E[ε | x_t] = ρ^{α−1}·y,  Var[ε | x_t] = α(α−1)·ρ^{α−2}·(1−ρ^α)·G(y)
//	G(y) = ∫cos(vy)·v^{α−2}·exp(−v^α) dv / ∫cos(vy)·exp(−v^α) dv
//
// over v > 0, from the second derivative of exp(−|u|^α), integrated by parts.
type Spread func(ctx context.Context, v, x, t []float32) error

// A DLPMPosterior samples with the posterior of DLPM's chain given the state
// alone. DLPMSampler takes x̂_0 for x_0, which leaves the spread of x_0 given x_t
// out, and factors A that were drawn without regard to x_t. Here every step draws
// both from what x_t says of them:
//
//	ε = ε̂(x_t, t) + √v·z′,  v = Var[ε | x_t]
//	K times A, A′ ~ S(α/2):  Σ_{t−1} = σ̄_{t−1}²·A,  Σ_t = σ_t²·A′ + γ_t²·Σ_{t−1}
//	one of them, with weights Σ_t^{−d/2}·exp(−|σ̄_t·ε|²/(2Σ_t))
//	Γ_t = 1 − γ_t²·Σ_{t−1}/Σ_t
//	x_{t−1} = (x_t − Γ_t·σ̄_t·ε)/γ_t + √(Γ_t·Σ_{t−1})·z
//
// and x̂_0 at the end. With ε from its law given x_t and K → ∞ that is a draw from
// p(x_{t−1} | x_t) for every number of steps; the normal law with the right mean
// and variance takes its place. It costs one evaluation a level, and K draws of A
// beside it. A DLPMPosterior is an immutable value.
type DLPMPosterior struct {
	Process      DLPM   // the noise and its schedule
	Steps        int    // this and what follows Candidates are as in DLPMSampler
	Spread       Spread // nil: v = 0
	Candidates   int    // K; 0 means 32
	Clip         bool
	KeepSigmaMin bool
	Grid         Grid
	Edit         *Edit
}

// Trajectory is DLPM's with these steps.
func (s DLPMPosterior) Trajectory(ctx context.Context, den Denoiser, x []float32, seeds []uint64) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		if err := s.Validate(); err != nil {
			yield(0, err)
			return
		}
		c, err := newChain(ctx, "DLPM posterior", s.Process, s.options(), 1, den, x, seeds)
		if err != nil {
			yield(0, err)
			return
		}
		k := s.candidates()
		p := &posterior{chain: c, spread: s.Spread, v: make([]float32, len(x)), e: make([]float32, c.d),
			a: make([]float64, 2*k), p: make([]float64, k), draws: make([]float32, 2*k)}
		c.walk(yield, func(t int) error {
			if err := c.denoise(t); err != nil {
				return err
			}
			if err := p.variances(t); err != nil {
				return err
			}
			for i := range c.n {
				p.step(t, i)
			}
			return nil
		})
	}
}

// A posterior is the run of a DLPMPosterior. Its groups of elements share an A:
// the sample's all, or each its own.
type posterior struct {
	*chain
	spread Spread
	v      []float32 // Var[ε | x_t]
	e      []float32 // ε of one sample
	a, p   []float64 // of a group's candidates: Σ_{t−1} and Σ_t in turn, and the sums of their weights
	draws  []float32
}

// variances sets v, 0 for known elements.
func (p *posterior) variances(t int) error {
	if p.spread == nil || t == 1 && !p.opt.keepSigma {
		return nil
	}
	if err := p.spread(p.ctx, p.v, p.in, p.times); err != nil {
		return err
	}
	if at := nonFinite(p.v); at >= 0 {
		return fmt.Errorf("the variance for seed %d at level %d is not finite: %s", p.seeds[at/p.d], t, p.mendOutput)
	}
	for j := range p.v {
		if p.v[j] < 0 || p.edit.isKnown(j) {
			p.v[j] = 0
		}
	}
	return nil
}

// step sets row i to x_{t−1}.
func (p *posterior) step(t, i int) {
	x, e, z := p.row(p.x, i), p.e, p.z
	gb, sb := p.sched.GammaBar[t], p.sched.SigmaBar[t]
	copy(e, p.row(p.out, i))
	if p.inData() {
		simd.AxpBy(e, float32(-gb/sb), e, float32(1/sb), x)
	}
	if t == 1 && !p.opt.keepSigma {
		k := p.sched.Clean()
		simd.AxpBy(x, float32(k.Eps), e, float32(k.X), x)
		return
	}
	from := p.fresh(i, t)
	from.Normal(z, 0)
	for j, v := range p.row(p.v, i) {
		e[j] += float32(math.Sqrt(float64(v)) * float64(z[j]))
	}
	p.stream(i, uint32(t)).Normal(z, 0)
	w := p.proc.multipliers(p.d)
	for g := range w {
		of := p.d / w
		prev, sum := p.choose(from, t, g, e[g*of:(g+1)*of])
		k := p.sched.DLPM(t, prev, sum)
		at := x[g*of : (g+1)*of]
		simd.LinComb3(at, float32(k.X), at, float32(k.Eps), e[g*of:(g+1)*of], float32(k.Z), z[g*of:(g+1)*of])
	}
}

// choose returns Σ_{t−1} and Σ_t of group g, drawn from K candidates by what their
// noise ε, e, says of them.
func (p *posterior) choose(from stable.Key, t, g int, e []float32) (prev, sum float64) {
	sb, before := p.sched.SigmaBar[t], p.sched.SigmaBar[t-1]
	r2 := 0.0
	for _, v := range e {
		r2 += float64(float64(v) * float64(v))
	}
	r2 *= float64(sb * sb)
	free := p.noise
	free.Isotropic = false // a draw for each candidate
	free.Multipliers(p.draws, from, g*len(p.draws))
	best := math.Inf(-1)
	for c := range p.p {
		s0 := before * before * float64(p.draws[2*c])
		s1 := p.sched.nextVariance(t, s0, float64(p.draws[2*c+1]))
		p.a[2*c], p.a[2*c+1] = s0, s1
		p.p[c] = -0.5 * (float64(float64(len(e))*dmath.Log(s1)) + r2/s1)
		best = max(best, p.p[c])
	}
	total := 0.0
	for c, l := range p.p {
		total += dmath.Exp(l - best)
		p.p[c] = total
	}
	var u [1]float64
	from.Uniform64(u[:], g)
	c, _ := slices.BinarySearch(p.p, u[0]*total)
	c = min(c, len(p.p)-1)
	return p.a[2*c], p.a[2*c+1]
}

// candidates returns K; at α = 2 all are the same.
func (s DLPMPosterior) candidates() int {
	if s.Process.Alpha == 2 {
		return 1
	}
	if s.Candidates == 0 {
		return 32
	}
	return s.Candidates
}

// Sample draws one sample of d values per seed, row-major [len(seeds)][d]; see
// Trajectory.
func (s DLPMPosterior) Sample(ctx context.Context, den Denoiser, seeds []uint64, d int) ([]float32, error) {
	x := states[float32]("DLPM posterior", len(seeds), d)
	return last(x, s.Trajectory(ctx, den, x, seeds))
}

// Validate reports the first impossible field, its value and the remedy.
func (s DLPMPosterior) Validate() error {
	if !(s.Candidates >= 0 && s.Candidates <= 1<<16) {
		return impossible("DLPM posterior", "Candidates", s.Candidates, "use 1 to %d, or 0 for 32", 1<<16)
	}
	return s.options().validate("DLPM posterior", s.Process)
}

// Moves implements Sampler: Steps, or the edit's part of them.
func (s DLPMPosterior) Moves() int { return s.Edit.Steps(s.options().moves(s.Process)) }

// Evaluations implements Sampler: one at every move.
func (s DLPMPosterior) Evaluations() int { return s.options().visits(s.Process) }

func (s DLPMPosterior) options() chainOptions {
	return chainOptions{s.Steps, s.Clip, false, s.KeepSigmaMin, s.Grid, s.Edit}
}
