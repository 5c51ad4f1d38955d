package experiment

import (
	"context"
	"fmt"

	"heavytail/diffusion"
	"heavytail/nn"
	"heavytail/recipe"
)

// A helpsMethod is a process with its candidates: settings to choose from, as many for
// each method.
type helpsMethod struct {
	name       string
	noise      helpsNoise
	candidates []helpsCandidate
}

// A helpsNoise says on which side of the question a method stands.
type helpsNoise int

const (
	gaussianNoise helpsNoise = iota
	heavyNoise
	jumpNoise // tails between those: exponential
	bentData  // Gaussian noise, and data with lighter tails
)

// A helpsCandidate is one setting of a method: how the data are scaled, bent and
// learnt, and how samples are drawn with n evaluations of the network.
type helpsCandidate struct {
	label     string
	scaling   string // of recipe
	transform string // of recipe; None: as the scaling leaves them
	rate      float64
	loss      diffusion.LossKind
	grows     bool // the network is the residual MLP whose output may grow
	use       func(*recipe.Recipe)
	bind      func(net diffusion.Denoiser, d, n int) pointSampler
}

// Values that are tried.
var (
	helpsRates  = []float64{3e-3, 1e-2}
	helpsNus    = []float64{2.5, 5}
	helpsAlphas = []float64{1.5, 1.8}
	helpsJumps  = []float64{0.5, 2} // λ; 2 is Laplace noise
	helpsBends  = []string{recipe.SoftLog, recipe.TTF}
)

// helpsRate is the learning rate of methods that have an index to choose in its place.
const helpsRate = 3e-3

// helpsMethods are the methods in the order of the tables; levels is T of the chains in
// training. Each has four candidates: two values of its own, of the learning rate where
// there is no index, in two scalings; of bent data two bends in two processes.
func helpsMethods(levels int) []helpsMethod {
	rates := func(make func(rate float64) helpsCandidate) []helpsCandidate {
		return inScalings(helpsRates, "rate", make)
	}
	alphas := func(make func(alpha float64) helpsCandidate) []helpsCandidate {
		return inScalings(helpsAlphas, "α =", make)
	}
	edm := func(p diffusion.EDM, rate float64) helpsCandidate {
		m := lawMethod{nu: p.Nu, edm: &p}
		return helpsCandidate{rate: rate, loss: diffusion.Squared, use: m.use, bind: func(net diffusion.Denoiser, d, n int) pointSampler {
			return bind(diffusion.EDMSampler{Process: *m.edm, Steps: (n + 1) / 2}, m.edm.Precondition(net), d)
		}}
	}
	flow := func(nu diffusion.Nu, rate float64) helpsCandidate {
		m := flowMethod(nu, diffusion.TargetVelocity)
		return helpsCandidate{rate: rate, loss: diffusion.Squared, use: m.use, bind: func(net diffusion.Denoiser, d, n int) pointSampler {
			return bindFlow(diffusion.FlowSampler{Process: *m.flow, Steps: n / 2}, m.flow.Velocity(net), d)
		}}
	}
	chain := func(sampler string, alpha, rate float64, loss diffusion.LossKind) helpsCandidate {
		return chainCandidate(diffusion.Default(alpha, levels), sampler, rate, loss)
	}
	return []helpsMethod{
		{"EDM", gaussianNoise, rates(func(rate float64) helpsCandidate { return edm(diffusion.TEDM(), rate) })},
		{"flow", gaussianNoise, rates(func(rate float64) helpsCandidate { return flow(nil, rate) })},
		{"DDIM", gaussianNoise, rates(func(rate float64) helpsCandidate { return chain("dlim twice", 2, rate, diffusion.Squared) })},
		{"t-EDM", heavyNoise, inScalings(helpsNus, "ν =", func(nu float64) helpsCandidate { return edm(diffusion.TEDM(nu), helpsRate) })},
		{"t-Flow", heavyNoise, inScalings(helpsNus, "ν =", func(nu float64) helpsCandidate { return flow(diffusion.Nu{nu}, helpsRate) })},
		{"DLPM", heavyNoise, alphas(func(alpha float64) helpsCandidate { return chain("dlpm", alpha, helpsRate, diffusion.Root) })},
		{"DLIM", heavyNoise, alphas(func(alpha float64) helpsCandidate { return chain("dlim twice", alpha, helpsRate, diffusion.Weighted) })},
		{"LIM", heavyNoise, alphas(limCandidate)},
		{"bent", bentData, bentCandidates(edm(diffusion.TEDM(), helpsRate), flow(nil, helpsRate))},
		{"jump", jumpNoise, inScalings(helpsJumps, "λ =", func(rate float64) helpsCandidate {
			return edm(diffusion.EDM{Jump: diffusion.Jump{Rate: rate}, SigmaData: []float64{1}}, helpsRate)
		})},
	}
}

// inScalings are the candidates of the values in both scalings.
func inScalings(values []float64, name string, make func(v float64) helpsCandidate) (out []helpsCandidate) {
	for _, scaling := range []string{recipe.Robust, recipe.Std} {
		for _, v := range values {
			c := make(v)
			c.label, c.scaling, c.transform = fmt.Sprintf("%s %g, %s", name, v, scaling), scaling, recipe.None
			out = append(out, c)
		}
	}
	return out
}

// bentCandidates are EDM and flow of bent data. The bends follow the robust scaling.
func bentCandidates(edm, flow helpsCandidate) (out []helpsCandidate) {
	for i, c := range []helpsCandidate{edm, flow} {
		for _, bend := range helpsBends {
			c.label, c.scaling, c.transform = bend+", "+[]string{"EDM", "flow"}[i], recipe.Robust, bend
			out = append(out, c)
		}
	}
	return out
}

// chainCandidate is DLPM's process with one of chainSamplers.
func chainCandidate(p diffusion.DLPM, sampler string, rate float64, loss diffusion.LossKind) helpsCandidate {
	c := helpsCandidate{rate: rate, loss: loss, grows: true, use: func(r *recipe.Recipe) { r.Process = p }}
	c.bind = func(net diffusion.Denoiser, d, n int) pointSampler {
		for _, s := range chainSamplers {
			if s.name == sampler {
				made := s.make(p, n)
				return func(ctx context.Context, seeds []uint64) ([]float32, error) { return made.Sample(ctx, net, seeds, d) }
			}
		}
		panic("experiment: no sampler " + sampler) // the names are this file's own
	}
	return c
}

// limCandidate is LIM with its own loss and the ODE, which ends at the data.
func limCandidate(alpha float64) helpsCandidate {
	p := diffusion.LIM{Alpha: alpha, Isotropic: true}
	return helpsCandidate{rate: helpsRate, loss: diffusion.Huber, grows: true, use: func(r *recipe.Recipe) { r.LIM = &p },
		bind: func(net diffusion.Denoiser, d, n int) pointSampler {
			s, eps := diffusion.LIMSampler{Process: p, Steps: n, ODE: true}, p.FromScore(net)
			return func(ctx context.Context, seeds []uint64) ([]float32, error) { return s.Sample(ctx, eps, seeds, d) }
		}}
}

// network is the plain MLP, or the residual one of as many multiply-adds: 17 or 18
// thousand for two elements.
func (c helpsCandidate) network(d int) nn.Config {
	if !c.grows {
		return plain(d, 128, 128)
	}
	return nn.Config{MLP: &nn.MLPConfig{Dim: d, Units: 64, Blocks: 1, TimeEmb: 32}}.Fixed()
}

// A helpsScale brings points to the network's scale and back.
type helpsScale struct {
	scaling    *recipe.Scaling
	transforms []recipe.Transform // nil: none
	mean, std  []float64          // of what the transforms leave; nil without
}

// scaled measures the scale of x, n points of d elements, and returns them scaled.
func (c helpsCandidate) scaled(x []float64, d int) (*helpsScale, []float32, error) {
	points := recipe.Points{Len: len(x) / d, Dim: d, Row: func(dst []float64, i int) { copy(dst, x[i*d:(i+1)*d]) }, Name: func(c int) string { return fmt.Sprint(c) }}
	s := &helpsScale{}
	var err error
	if s.scaling, _, err = recipe.MeasureScaling(c.scaling, points); err != nil {
		return nil, nil, err
	}
	if s.transforms, _, err = recipe.MeasureTransform([]string{c.transform}, s.scaling, points); err != nil {
		return nil, nil, err
	}
	out := make([]float32, len(x))
	for i, v := range x {
		k := i % d
		if v = (v - s.scaling.Center[k]) / s.scaling.Scale[k]; s.transforms != nil {
			v = s.transforms[k].Bend(v)
		}
		out[i] = float32(v)
	}
	if s.transforms != nil {
		s.mean, s.std = standardise(out, d)
	}
	return s, out, nil
}

// undo turns columns of samples into points of the data's scale.
func (s *helpsScale) undo(cols [][]float64) []float64 {
	d := len(cols)
	out := make([]float64, d*len(cols[0]))
	for k, col := range cols {
		for i, v := range col {
			if s.transforms != nil {
				v = s.transforms[k].Unbend(s.mean[k] + float64(s.std[k]*v))
			}
			out[i*d+k] = s.scaling.Center[k] + float64(s.scaling.Scale[k]*v)
		}
	}
	return out
}
