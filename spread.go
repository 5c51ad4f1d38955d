package heavytail

import (
	"context"
	"iter"

	"heavytail/diffusion"
	"heavytail/recipe"
)

// A pair is the sampler of a network with a second output: with makes the one whose
// estimates and variances come from net.
type pair struct {
	sampler // the one without variances, for what does not run
	with    func(net diffusion.Denoiser) (s sampler, mean diffusion.Denoiser)
}

func (p pair) trajectory(ctx context.Context, net diffusion.Denoiser, look diffusion.Change, x []float32, seeds []uint64) iter.Seq2[int, error] {
	s, mean := p.with(net)
	return s.trajectory(ctx, mean, look, x, seeds)
}

func (p pair) from(ctx context.Context, net diffusion.Denoiser, start []float64, x []float32, seeds []uint64) iter.Seq2[int, error] {
	s, mean := p.with(net)
	return s.from(ctx, mean, start, x, seeds)
}

// twice counts what diffusion.WithSpread holds beside the sampler: the two outputs
// and the variances.
func twice(r recipe.Recipe, d int) int64 {
	if !r.Spread() {
		return 0
	}
	return 5 * 4 * int64(d)
}

func makePosterior(o Options, r recipe.Recipe) (sampler, error) {
	if err := o.checkSteps(r.Process); err != nil {
		return nil, err
	}
	s := diffusion.DLPMPosterior{Process: o.bounded(r.Process), Steps: o.Steps, Clip: o.Clip == On, Grid: o.Grid, Edit: o.Edit}
	plain, err := o.chainOf(r.Process, o.Steps+1, s)
	if err != nil || !r.Spread() {
		return plain, err
	}
	return pair{plain, func(net diffusion.Denoiser) (sampler, diffusion.Denoiser) {
		mean, spread := diffusion.WithSpread(net)
		s := s
		s.Spread = spread
		with, _ := o.chainOf(r.Process, o.Steps+1, s) // which had no error above
		return with, mean
	}}, nil
}

// posteriorBytes is chainBytes with the variances and the candidates.
func posteriorBytes(o Options, r recipe.Recipe, d int) int64 {
	o.ConsistentStart = Off
	return chainBytes(o, r, d) + 4*int64(d) + twice(r, d)
}

// moments makes a sampler of data with the second moment that the network gives, if
// it has a second output.
func (o Options) moments(r recipe.Recipe, s func(p diffusion.EDM, m diffusion.SecondMoment) dataSampler) (sampler, error) {
	plain, err := o.data(r, func(p diffusion.EDM) dataSampler { return s(p, nil) })
	if err != nil || !r.Spread() || r.EDM == nil {
		return plain, err
	}
	p, err := o.levels(r)
	return pair{plain, func(net diffusion.Denoiser) (sampler, diffusion.Denoiser) {
		D, m := r.EDM.WithSpread(net)
		return o.ofData(s(p, m), func(diffusion.Denoiser) (diffusion.DataDenoiser, error) { return D, nil }), net
	}}, err
}

// momentBytes is dataBytes with what the second moment is made of.
func momentBytes(o Options, r recipe.Recipe, d int) int64 {
	n := dataBytes(0)(o, r, d)
	if r.Spread() {
		n += twice(r, d) + 12*int64(d)
	}
	return n
}
