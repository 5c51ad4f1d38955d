package heavytail

import (
	"fmt"

	"heavytail/diffusion"
	"heavytail/recipe"
)

// The samplers of the registry, from the options.

// chainOf makes a sampler that asks the network itself and goes through that
// number of levels.
func (o Options) chainOf(p diffusion.DLPM, levels int, s diffusion.Sampler[diffusion.Denoiser, float32]) (sampler, error) {
	raw := func(net diffusion.Denoiser) (diffusion.Denoiser, error) { return p.FromNetwork(net), nil }
	return bind(s, raw, func(net diffusion.Denoiser, look diffusion.Change) (diffusion.Denoiser, error) {
		return p.Through(net, levels, o.Grid, func(j int, x0 float64) float64 {
			if o.Clip == On { // which the sampler does itself
				look(j, min(max(x0, -1), 1))
			} else {
				look(j, x0)
			}
			return x0
		})
	}), nil
}

func makeDLPM(o Options, r recipe.Recipe) (sampler, error) {
	if err := o.checkSteps(r.Process); err != nil {
		return nil, err
	}
	return o.chainOf(r.Process, o.Steps+1, diffusion.DLPMSampler{Process: o.bounded(r.Process), Steps: o.Steps, Clip: o.Clip == On, ConsistentStart: o.ConsistentStart != Off, Grid: o.Grid, Edit: o.Edit})
}

func makeDLIM(o Options, r recipe.Recipe) (sampler, error) {
	if err := o.checkSteps(r.Process); err != nil {
		return nil, err
	}
	return o.chainOf(r.Process, o.Steps+1, diffusion.DLIM{Process: o.bounded(r.Process), Eta: o.Eta, Steps: o.Steps, Clip: o.Clip == On, ConsistentStart: o.ConsistentStart != Off, Grid: o.Grid, Edit: o.Edit})
}

func makeDLIMSDE(o Options, r recipe.Recipe) (sampler, error) {
	if err := o.checkSteps(r.Process); err != nil {
		return nil, err
	}
	return o.chainOf(r.Process, o.Steps+1, diffusion.DLIMSDE{Process: o.bounded(r.Process), Steps: o.Steps, Clip: o.Clip == On, ConsistentStart: o.ConsistentStart != Off, Grid: o.Grid, Edit: o.Edit})
}

func makeDLIM2(o Options, r recipe.Recipe) (sampler, error) {
	return o.chainOf(r.Process, 2*o.Steps+1, diffusion.DLIM2{Process: o.bounded(r.Process), Steps: o.Steps, Clip: o.Clip == On, ConsistentStart: o.ConsistentStart != Off, Grid: o.Grid, Edit: o.Edit})
}

// maxSteps lead through as many levels as package diffusion takes.
const maxSteps = 1<<20 - 1

// checkSteps returns an error unless a chain can have these steps, in words of
// steps: package diffusion counts the levels that they join.
func (o Options) checkSteps(p diffusion.DLPM) error {
	switch {
	case o.Steps < 1 || o.Steps > maxSteps:
		return impossible("Steps", o.Steps, fmt.Sprintf("1 to %d", maxSteps), "%d sampling steps; want 1 to %d", o.Steps, maxSteps)
	case p.IntegerTime && o.Steps != p.Steps-1:
		return impossible("Steps", o.Steps, fmt.Sprint(p.Steps-1), "%d sampling steps with a network that knows %d levels of noise only; want %d, or leave it out", o.Steps, p.Steps, p.Steps-1)
	}
	return nil
}

// bounded returns p with the tighter of the two bounds on A.
func (o Options) bounded(p diffusion.DLPM) diffusion.DLPM {
	if o.ClampA > 0 && (p.ClampA == 0 || o.ClampA < p.ClampA) {
		p.ClampA = o.ClampA
	}
	return p
}

func makeLIM(o Options, r recipe.Recipe) (sampler, error) {
	return o.lim(diffusion.LIMSampler{Process: *r.LIM}), nil
}

func makeLIMMended(o Options, r recipe.Recipe) (sampler, error) {
	return o.lim(diffusion.LIMSampler{Process: *r.LIM, Mended: true}), nil
}

func makeLIMODE(o Options, r recipe.Recipe) (sampler, error) {
	return o.lim(diffusion.LIMSampler{Process: *r.LIM, ODE: true}), nil
}

// lim gives s its options.
func (o Options) lim(s diffusion.LIMSampler) sampler {
	p := s.Process
	s.Steps, s.Clamps, s.PublishedStart, s.Edit = o.Steps, p.Clamps, o.PublishedStart, o.Edit
	if o.LIMClamps != nil {
		s.Clamps = *o.LIMClamps
	}
	if c := &s.Clamps; o.ClampA > 0 && (c.A == 0 || o.ClampA < c.A) {
		c.A = o.ClampA
	}
	return bind(s, func(net diffusion.Denoiser) (diffusion.Denoiser, error) {
		den := p.FromScore(net)
		if o.Clip == On {
			den = p.Clamp(den, 1)
		}
		return den, nil
	}, func(den diffusion.Denoiser, look diffusion.Change) (diffusion.Denoiser, error) {
		return p.Through(den, look), nil
	})
}

// data makes a sampler that asks for estimates of the data on EDM's levels.
func (o Options) data(r recipe.Recipe, s func(p diffusion.EDM) dataSampler) (sampler, error) {
	p, err := o.levels(r)
	if err != nil {
		return nil, err
	}
	return o.ofData(s(p), func(net diffusion.Denoiser) (diffusion.DataDenoiser, error) { return dataOf(r, net) }), nil
}

// ofData makes a sampler that asks for the estimates that from makes of a network.
func (o Options) ofData(s dataSampler, from func(net diffusion.Denoiser) (diffusion.DataDenoiser, error)) sampler {
	return bind(s, func(net diffusion.Denoiser) (diffusion.DataDenoiser, error) {
		D, err := from(net)
		if err == nil && o.Clip == On {
			D = D.Clamp(1)
		}
		return D, err
	}, func(D diffusion.DataDenoiser, look diffusion.Change) (diffusion.DataDenoiser, error) {
		return D.Through(look), nil
	})
}

// A dataSampler asks for estimates of the data.
type dataSampler = diffusion.Sampler[diffusion.DataDenoiser, float64]

func makeEDM(o Options, r recipe.Recipe) (sampler, error) {
	return o.data(r, func(p diffusion.EDM) dataSampler {
		return diffusion.EDMSampler{Process: p, Steps: o.Steps, Euler: o.Solver == "euler", Churn: o.Churn, IndependentNoise: o.IndependentNoise, Edit: o.Edit}
	})
}

func makeAncestral(o Options, r recipe.Recipe) (sampler, error) {
	return o.moments(r, func(p diffusion.EDM, m diffusion.SecondMoment) dataSampler {
		return diffusion.TEDMAncestral{Process: p, Steps: o.Steps, Eta: 1, DropFactor: o.DropFactor, Moment: m, IndependentNoise: o.IndependentNoise, Edit: o.Edit}
	})
}

func makeSDE(o Options, r recipe.Recipe) (sampler, error) {
	return o.moments(r, func(p diffusion.EDM, m diffusion.SecondMoment) dataSampler {
		return diffusion.TEDMSDE{Process: p, Steps: o.Steps, Beta: 1, NuCoeff: o.NuCoeff, Constant: o.Constant, Moment: m, Edit: o.Edit}
	})
}

func makeJump(o Options, r recipe.Recipe) (sampler, error) {
	return o.data(r, func(p diffusion.EDM) dataSampler {
		return diffusion.JumpSampler{Process: p, Steps: o.Steps, Edit: o.Edit}
	})
}

func makeDPM(o Options, r recipe.Recipe) (sampler, error) {
	return o.data(r, func(p diffusion.EDM) dataSampler {
		return diffusion.DPMSolver{Process: p, Steps: o.Steps, Edit: o.Edit}
	})
}

func makeFlow(o Options, r recipe.Recipe) (sampler, error) {
	p, err := o.levels(r)
	if err != nil {
		return nil, err
	}
	if r.Flow != nil && o.SigmaMax != 0 {
		return nil, impossible("SigmaMax", o.SigmaMax, "none of models of flow", "a highest level σ with a model of %s, which runs from noise to the data: leave it out (a model of edm starts there)", r.Noise())
	}
	if err := p.Validate(); err != nil { // of which the field takes the start
		return nil, err
	}
	f, start, _, err := o.field(r, nil)
	if err != nil {
		return nil, err
	}
	s := diffusion.FlowSampler{Process: f, Steps: o.Steps, Solver: diffusion.Solver(o.Solver), Start: start, Rho: o.Rho, Edit: o.Edit}
	return bind(s, func(net diffusion.Denoiser) (diffusion.Velocity, error) {
		_, _, v, err := o.field(r, net)
		if err == nil && o.Clip == On {
			v = f.Clamp(v, 1)
		}
		return v, err
	}, func(v diffusion.Velocity, look diffusion.Change) (diffusion.Velocity, error) {
		return f.Through(v, look), nil
	}), nil
}
