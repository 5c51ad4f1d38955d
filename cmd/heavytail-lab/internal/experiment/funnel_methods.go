package experiment

import (
	"fmt"
	"math"
	"strings"

	"heavytail/diffusion"
	"heavytail/nn"
	"heavytail/recipe"
)

// A lawMethod is one network to train on a target and the samplers that it
// then drives: rows of the same training.
type lawMethod struct {
	nu       diffusion.Nu
	edm      *diffusion.EDM  // one of these two
	flow     *diffusion.Flow // is set
	samplers []lawSampler
	core     bool // measured in all runs before the other methods
}

// stage says when a run of the method is measured: 0 comes first.
func (m lawMethod) stage(run int) int {
	switch {
	case run == 0:
		return 0
	case m.core:
		return 1
	}
	return 2
}

// first makes a method a core one.
func first(m lawMethod) lawMethod {
	m.core = true
	return m
}

// A lawSampler is one way to sample from a trained network.
type lawSampler struct {
	name string // Key.Method
	bind func(m lawMethod, net diffusion.Denoiser, d int) pointSampler
}

// label names ν in keys and tables: 20/4.
func (m lawMethod) label() string {
	if len(m.nu) == 0 {
		return "inf"
	}
	var words []string
	for _, v := range m.nu {
		words = append(words, fmt.Sprintf("%g", v))
	}
	return strings.Join(words, "/")
}

// use puts the process into a recipe.
func (m lawMethod) use(r *recipe.Recipe) { r.EDM, r.Flow = m.edm, m.flow }

// edmMethod is (t-)EDM for standardised data.
func edmMethod(nu diffusion.Nu, samplers ...lawSampler) lawMethod {
	p := diffusion.TEDM(nu...)
	return lawMethod{nu: nu, edm: &p, samplers: samplers}
}

// flowMethod is (t-)Flow with the given target.
func flowMethod(nu diffusion.Nu, target diffusion.Target, samplers ...lawSampler) lawMethod {
	return lawMethod{nu: nu, flow: &diffusion.Flow{Nu: nu, Target: target}, samplers: samplers}
}

// overEDM makes a sampler of package diffusion drive an EDM network.
func overEDM(name string, make func(p diffusion.EDM) dataSampler) lawSampler {
	return lawSampler{name, func(m lawMethod, net diffusion.Denoiser, d int) pointSampler {
		return bind(make(*m.edm), m.edm.Precondition(net), d)
	}}
}

// heun is the ODE of EDM by Heun's method on steps levels.
func heun(name string, steps int) lawSampler {
	return overEDM(name, func(p diffusion.EDM) dataSampler { return diffusion.EDMSampler{Process: p, Steps: steps} })
}

// ancestral is the ancestral sampler, with or without the state's factor.
func ancestral(name string, steps int, drop bool) lawSampler {
	return overEDM(name, func(p diffusion.EDM) dataSampler {
		return diffusion.TEDMAncestral{Process: p, Steps: steps, Eta: 1, DropFactor: drop}
	})
}

// stateSDE is the SDE whose noise depends on the state; for ν = ∞ that is the
// reverse VE-SDE by Euler.
func stateSDE(name string, steps int, coeff diffusion.Nu, constant bool) lawSampler {
	return overEDM(name, func(p diffusion.EDM) dataSampler {
		return diffusion.TEDMSDE{Process: p, Steps: steps, Beta: 1, NuCoeff: coeff, Constant: constant}
	})
}

// flowHeun is the ODE of a Flow by Heun's method on the published knots.
func flowHeun(name string, steps int) lawSampler {
	return lawSampler{name, func(m lawMethod, net diffusion.Denoiser, d int) pointSampler {
		s := diffusion.FlowSampler{Process: *m.flow, Steps: steps, Solver: diffusion.Heun, Rho: 7}
		return bindFlow(s, m.flow.Velocity(net), d)
	}}
}

// crossFlow makes an EDM network drive the sampler of the Flow with its noise:
// the same ODE in another time.
func crossFlow(name string, steps int) lawSampler {
	return lawSampler{name, func(m lawMethod, net diffusion.Denoiser, d int) pointSampler {
		f := diffusion.Flow{Nu: m.nu, Target: diffusion.TargetVelocity}
		s := diffusion.FlowSampler{Process: f, Steps: steps, Solver: diffusion.Heun, Rho: 7, Start: f.Time(80)}
		return bindFlow(s, f.FromData(m.edm.Precondition(net)), d)
	}}
}

// funnelMethods are the rows of Neal's funnel; coordinate 0 is v and 1 is x.
func funnelMethods() []lawMethod {
	noise, velocity := diffusion.TargetNoise, diffusion.TargetVelocity
	return []lawMethod{
		first(edmMethod(nil, heun("EDM", 18), heun("EDM 64 steps", 64), stateSDE("VE-SDE", 128, nil, false))),
		first(edmMethod(diffusion.Nu{20, 4}, heun("t-EDM", 18), heun("t-EDM 64 steps", 64), ancestral("t-EDM ancestral", 64, false),
			ancestral("t-EDM ancestral factor dropped", 64, true), stateSDE("t-EDM SDE", 128, nil, false), crossFlow("t-EDM network in t-Flow", 18))),
		first(edmMethod(diffusion.Nu{20, 7}, heun("t-EDM", 18))),
		first(edmMethod(diffusion.Nu{20, 10}, heun("t-EDM", 18))),
		edmMethod(diffusion.Nu{3}, heun("t-EDM joint", 18)),
		edmMethod(diffusion.Nu{4}, heun("t-EDM joint", 18)),
		edmMethod(diffusion.Nu{5}, heun("t-EDM joint", 18)),
		edmMethod(diffusion.Nu{7}, heun("t-EDM joint", 18)),
		edmMethod(diffusion.Nu{4, 20}, heun("t-EDM swapped", 18)),
		flowMethod(nil, noise, flowHeun("flow noise", 18)),
		flowMethod(diffusion.Nu{20, 4}, noise, flowHeun("t-Flow noise", 18)),
		first(flowMethod(nil, velocity, flowHeun("flow velocity", 18), flowHeun("flow velocity 64 steps", 64))),
		first(flowMethod(diffusion.Nu{20, 4}, velocity, flowHeun("t-Flow velocity", 18), flowHeun("t-Flow velocity 64 steps", 64))),
	}
}

// studentMethods are the rows of the Student-t toy.
func studentMethods() []lawMethod {
	velocity := diffusion.TargetVelocity
	return []lawMethod{
		first(edmMethod(nil, stateSDE("VE-SDE", 128, nil, false), heun("EDM ODE", 64))),
		first(edmMethod(diffusion.Nu{3}, heun("t-ODE", 64), heun("t-ODE 18 steps", 18), stateSDE("t-SDE 2.5", 128, diffusion.Nu{2.5}, false),
			stateSDE("t-SDE", 128, nil, false), stateSDE("ablated", 128, diffusion.Nu{2.5}, true), ancestral("ancestral", 64, false))),
		edmMethod(diffusion.Nu{5}, heun("t-ODE", 64)),
		edmMethod(diffusion.Nu{7}, heun("t-ODE", 64)),
		flowMethod(nil, velocity, flowHeun("flow velocity", 64)),
		flowMethod(diffusion.Nu{3}, velocity, flowHeun("t-Flow velocity", 64)),
	}
}

// lawTarget is a law that networks are trained on.
type lawTarget struct {
	name   string
	coords []string  // names of the coordinates
	scale  []float64 // their deviations under the law
	// fill sets the rows of x to independent draws.
	fill func(x []float32, seed uint64)
	// tail gives exact two-sided tail quantiles of a coordinate where there are
	// any: P(|x| > tail(p)) = p. nil: those of the reference sample.
	tail    func(p float64) float64
	train   pointTraining // but for the seed
	methods []lawMethod
}

func plain(dim int, hidden ...int) nn.Config {
	return nn.Config{MLP: &nn.MLPConfig{Dim: dim, Hidden: hidden}}
}

// funnelTarget is Neal's funnel, v ~ N(0, 9), x | v ~ N(0, e^v), with the
// training settings of the t-EDM paper's toy.
func funnelTarget() lawTarget {
	return lawTarget{
		name: "funnel", coords: []string{"v", "x"}, scale: []float64{3, math.Sqrt(math.Exp(4.5))}, fill: fillFunnel,
		train:   pointTraining{net: plain(2, 64, 64), batch: 512, rate: 1e-3, loss: diffusion.Loss{Kind: diffusion.Squared}},
		methods: funnelMethods(),
	}
}

// studentTarget is Student's law with ν = 3 on the line, with the training
// settings of arXiv 2606.01645.
func studentTarget() lawTarget {
	return lawTarget{
		name: "student", coords: []string{"t"}, scale: []float64{math.Sqrt(3)}, fill: fillStudent, tail: studentTail,
		train:   pointTraining{net: plain(1, 128, 128), batch: 1000, rate: 2e-4, loss: diffusion.Loss{Kind: diffusion.Squared}},
		methods: studentMethods(),
	}
}
