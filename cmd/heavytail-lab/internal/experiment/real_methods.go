package experiment

import (
	"context"
	"fmt"
	"math"

	"heavytail/diffusion"
	"heavytail/internal/dmath"
	"heavytail/nn"
	"heavytail/recipe"
)

// The values of ν and α that are tried.
var (
	realNu     = []float64{2.5, 3, 5, 10, math.Inf(1)}
	realFlowNu = []float64{3, 5, math.Inf(1)}
	realAlpha  = []float64{1.3, 1.5, 1.7, 1.9, 2}
)

// Families of methods in keys and tables.
const (
	tEDM    = "t-EDM"
	tFlow   = "t-Flow"
	dlpm    = "DLPM"
	logEDM  = "EDM of logarithms"
	logFlow = "flow of logarithms"
)

// A realMethod is a process and the sampler that it is judged with.
type realMethod struct {
	family string
	value  float64 // ν or α
	use    func(*recipe.Recipe)
	net    nn.Config
	loss   diffusion.Loss
	bind   func(net diffusion.Denoiser) pointSampler
	// compress trains on sign(x)·ln(1+|x|), x from the median in units of half
	// the interquartile range, and maps samples back.
	compress bool
	// bend is the recipe's transform of x in these units; empty: none.
	bend string
	// fitted starts samples from a law fitted to what the network is trained on.
	fitted bool
}

// realMethods are the methods in the order of the tables. The networks see the
// same number of samples; DLPM's is the residual MLP whose output may grow like
// x/t, which predicting noise at small t needs, the others' is the plain one.
// levels is T of DLPM.
func realMethods(levels int) []realMethod {
	var out []realMethod
	for _, nu := range realNu {
		out = append(out, realEDM(tEDM, nu))
	}
	for _, nu := range realFlowNu {
		out = append(out, realFlow(tFlow, nu))
	}
	for _, alpha := range realAlpha {
		out = append(out, realDLPM(alpha, levels))
	}
	last := realEDM(logEDM, math.Inf(1))
	last.compress = true
	return append(out, last)
}

// realDLPM is DLPM of so many levels.
func realDLPM(alpha float64, levels int) realMethod {
	p := diffusion.Default(alpha, levels)
	net := nn.MLPConfig{Dim: 1, Units: 64, Blocks: 1, TimeEmb: 32}
	return realMethod{family: dlpm, value: alpha, use: func(r *recipe.Recipe) { r.Process = p },
		net: nn.Config{MLP: &net}.Fixed(), loss: diffusion.DefaultLoss(alpha),
		bind: func(net diffusion.Denoiser) pointSampler {
			s := diffusion.DLPMSampler{Process: p, ConsistentStart: true}
			return func(ctx context.Context, seeds []uint64) ([]float32, error) { return s.Sample(ctx, net, seeds, 1) }
		}}
}

// realEDM is t-EDM on the line with the ODE by Heun's method.
func realEDM(family string, nu float64) realMethod {
	m := edmMethod(finite(nu), heun("", 64))
	return realMethod{family: family, value: nu, use: m.use, net: plain(1, 64, 64), loss: diffusion.Loss{Kind: diffusion.Squared},
		bind: func(net diffusion.Denoiser) pointSampler { return m.samplers[0].bind(m, net, 1) }}
}

// realFlow is t-Flow of the velocity with the ODE by Heun's method.
func realFlow(family string, nu float64) realMethod {
	m := flowMethod(finite(nu), diffusion.TargetVelocity, flowHeun("", 64))
	return realMethod{family: family, value: nu, use: m.use, net: plain(1, 64, 64), loss: diffusion.Loss{Kind: diffusion.Squared},
		bind: func(net diffusion.Denoiser) pointSampler { return m.samplers[0].bind(m, net, 1) }}
}

// finite returns ν as a list, empty for ∞.
func finite(nu float64) diffusion.Nu {
	if math.IsInf(nu, 1) {
		return nil
	}
	return diffusion.Nu{nu}
}

// setting names a set and a value in keys: danish 1.7.
func setting(set string, value float64) string { return fmt.Sprintf("%s %g", set, value) }

// job trains m on one half of the set and measures samples against the other.
func (s realSet) job(m realMethod, z realSizes, seed uint64, run int) Job {
	return s.train(m, z, 512, Seed(seed, "train", s.name, m.family, m.value, run), seed, run)
}

// train is job with so many samples a step and a seed of the training.
func (s realSet) train(m realMethod, z realSizes, batch int, trainSeed, seed uint64, run int) Job {
	j := Job{Keys: []Key{{m.family, setting(s.name, m.value), run}}}
	j.Do = func(ctx context.Context, w *Worker) ([][]float64, error) {
		h := s.split(seed, run)
		x, back, err := m.prepare(h)
		if err != nil {
			return nil, err
		}
		train := pointTraining{net: m.net, steps: z.steps, batch: batch, rate: 3e-3, cosine: true, clip: 1, loss: m.loss, seed: trainSeed}
		net, err := train.fit(ctx, w.Dev, m.use, x, 1)
		if err != nil {
			return nil, err
		}
		draw := m.bind(net)
		if m.fitted {
			if draw, err = fromFitted(net, x); err != nil {
				return nil, err
			}
		}
		cols, err := sampleColumns(ctx, draw, z.generated, 1, Seed(train.seed, "sample"))
		if err != nil {
			return nil, err
		}
		for i, v := range cols[0] {
			cols[0][i] = back(v)
		}
		return [][]float64{padded(h.row(cols[0]))}, nil
	}
	return j
}

// prepare returns the training half as the network sees it, and what brings a sample
// back to the data.
func (m realMethod) prepare(h split) (x []float32, back func(v float64) float64, err error) {
	bend := recipe.Transform{}
	if m.bend != "" {
		if bend, err = h.bendOf(m.bend); err != nil {
			return nil, nil, err
		}
	}
	x = make([]float32, len(h.train))
	for i, v := range h.train {
		if v = bend.Bend((v - h.median) / h.half); m.compress {
			v = math.Copysign(dmath.Log1p(math.Abs(v)), v)
		}
		x[i] = float32(v)
	}
	mean, std := standardise(x, 1)
	return x, func(v float64) float64 {
		if v = mean[0] + float64(std[0]*v); m.compress {
			v = math.Copysign(dmath.Exp(math.Abs(v))-1, v)
		}
		return h.median + float64(h.half*bend.Unbend(v))
	}, nil
}
