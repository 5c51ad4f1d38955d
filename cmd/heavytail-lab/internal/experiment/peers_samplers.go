package experiment

import (
	"context"
	"math"
	"slices"

	"heavytail/diffusion"
	"heavytail/internal/dmath"
	"heavytail/stable"
)

// A peersNoise is a law of noise with our samplers that use it.
type peersNoise struct {
	law     func() scaleLaw
	one     stable.Distribution // of a coordinate
	targets []string            // that they are run on
	make    func(n int) []peersSampler
}

// A peersSampler is an exactSampler that knows what it costs.
type peersSampler struct {
	exactSampler
	evaluations int
	// only are the targets that it is run on; nil: those of its noise.
	only []string
	// long says that it is run with the most steps too, on the line, which tells a sampler
	// that ends elsewhere from one whose steps are too long.
	long bool
}

var peersNoises = []peersNoise{
	{func() scaleLaw { return normalLaw(1) }, stable.Law{Alpha: 2, Scale: 1 / math.Sqrt2}, []string{"normal", "student", "stable"}, peersNormal},
	// of ε, as in DLPM's process
	{func() scaleLaw { return normalLaw(2) }, stable.Law{Alpha: 2, Scale: 1}, []string{"normal"}, peersCosine},
	{func() scaleLaw { return studentScale(3) }, stable.StudentT{Nu: 3, Scale: 1}, []string{"student"}, peersStudent},
	{stableNoise[1.5], stable.Law{Alpha: 1.5, Scale: 1}, []string{"stable"}, peersStable},
}

// of are the samplers of n steps for a target in d dimensions.
func (p peersNoise) of(g dimensionTarget, d, n int) (out []peersSampler) {
	if !slices.Contains(p.targets, g.name) {
		return nil
	}
	for _, s := range p.make(n) {
		if (s.only == nil || slices.Contains(s.only, g.name)) && (n <= 64 || s.long && d == 1) {
			out = append(out, s)
		}
	}
	return out
}

// quantiles follows the quantiles of the start, which end at quantiles: ODEs keep the
// order of distances from the centre.
func (s peersSampler) quantiles(ctx context.Context, l *levels, noise peersNoise) ([]float64, error) {
	x := make([]float64, len(peersBeyond)*l.d)
	err := s.trajectory(ctx, l, x, make([]uint64, len(peersBeyond)), func(x []float64) {
		clear(x)
		for i, q := range peersLaw(noise.law(), noise.one, 1, l.d) {
			x[i*l.d] = s.start() * q
		}
	})
	out := make([]float64, len(peersBeyond))
	for i := range out {
		out[i] = math.Abs(x[i*l.d])
	}
	return out, err
}

// peersData is a sampler of EDM's levels that asks for E[x_0 | x].
func peersData(name string, s diffusion.Sampler[diffusion.DataDenoiser, float64]) peersSampler {
	return peersSampler{exactSampler: exactSampler{name: name, start: func() float64 { return diffusion.EDM{}.Sigmas(2)[0] },
		trajectory: func(ctx context.Context, l *levels, x []float64, seeds []uint64, begin func([]float64)) error {
			return follow(s.Trajectory(ctx, l.data, x, seeds), x, begin)
		}}, evaluations: s.Evaluations()}
}

// ordered marks an ODE.
func (s peersSampler) ordered() peersSampler {
	s.ode = true
	return s
}

// longer marks what is run with the most steps, on some targets alone.
func (s peersSampler) longer(only ...string) peersSampler {
	s.long, s.only = true, only
	return s
}

// peersNormal are those of EDM's process, and of DDPM's with the betas, spacing and
// number of levels that diffusers takes unless told otherwise.
func peersNormal(n int) []peersSampler {
	edm := diffusion.EDM{SigmaData: []float64{0.5}}
	p := diffusion.DLPM{Alpha: 2, Isotropic: true, Scale: diffusion.Given, Steps: 1001, Betas: diffusion.Betas{
		Schedule: "linear", Start: 1e-4, End: 0.02, Prediction: "epsilon", Spacing: "leading", Free: true}}
	churn := peersData("heavytail EDM churn 40", diffusion.EDMSampler{Process: edm, Steps: n, Churn: diffusion.Churn{S: 40}})
	churn.only = []string{"normal", "student"}
	ddpm := peersBetas("heavytail DDPM betas", p, n, diffusion.DLPMSampler{Process: p, Steps: n})
	ddpm.only = []string{"student"}
	return []peersSampler{churn, ddpm,
		peersData("heavytail EDM Heun", diffusion.EDMSampler{Process: edm, Steps: n}).ordered(),
		peersData("heavytail EDM Euler", diffusion.EDMSampler{Process: edm, Steps: n, Euler: true}).ordered(),
		peersData("heavytail DPM-Solver++", diffusion.DPMSolver{Process: edm, Steps: n}).ordered(),
		peersBetas("heavytail DDIM betas", p, n, diffusion.DLIM{Process: p, Steps: n}).ordered(),
	}
}

// peersBetas is a sampler on the levels of betas, whose network estimates noise of
// variance 1 and is told the number of the level.
func peersBetas(name string, p diffusion.DLPM, n int, s diffusion.Sampler[diffusion.Denoiser, float32]) peersSampler {
	logBar := make([]float64, 1000) // ln ᾱ
	sum := 0.0
	for i := range logBar {
		sum += dmath.Log1p(-(1e-4 + float64(float64(i)*((0.02-1e-4)/999))))
		logBar[i] = sum
	}
	first := logBar[(n-1)*(1000/n)] // leading: of the highest level
	return peersSampler{exactSampler: exactSampler{name: name, start: func() float64 { return math.Sqrt(-dmath.Expm1(first)) },
		trajectory: func(ctx context.Context, l *levels, x []float64, seeds []uint64, begin func([]float64)) error {
			D, row := make([]float64, l.d), make([]float64, l.d)
			den := func(ctx context.Context, eps, y, times []float32) error {
				for i := range times {
					v := logBar[int(math.Round(float64(times[i])))]
					g, s := dmath.Exp(v/2), math.Sqrt(-dmath.Expm1(v))
					for j := range row {
						row[j] = float64(y[i*l.d+j]) / g
					}
					l.estimate(s/g, D, row)
					for j := range row {
						eps[i*l.d+j] = float32((row[j] - D[j]) * g / s)
					}
				}
				return ctx.Err()
			}
			return narrow(ctx, s, p.FromNetwork(den), x, seeds, begin)
		}}, evaluations: s.Evaluations()}
}

// peersCosine are DDPM and DDIM on the cosine schedule, whose last level has next to
// nothing of the data left.
func peersCosine(n int) []peersSampler {
	p := diffusion.Default(2, n+1)
	return []peersSampler{
		peersChain("heavytail DDPM cosine", p, n, diffusion.DLPMSampler{Process: p}),
		peersChain("heavytail DDIM cosine", p, n, diffusion.DLIM{Process: p}).ordered(),
	}
}

// peersChain is a sampler of DLPM's process.
func peersChain(name string, p diffusion.DLPM, n int, s diffusion.Sampler[diffusion.Denoiser, float32]) peersSampler {
	sched, err := p.Schedule(0)
	if err != nil {
		panic(err)
	}
	return peersSampler{exactSampler: exactSampler{name: name, start: func() float64 { return sched.SigmaBar[n] },
		trajectory: func(ctx context.Context, l *levels, x []float64, seeds []uint64, begin func([]float64)) error {
			return narrow(ctx, s, l.eps(sched), x, seeds, begin)
		}}, evaluations: s.Evaluations()}
}

// narrow runs a sampler of float32 to its end in x; begin, if there is one, changes the
// start.
func narrow(ctx context.Context, s diffusion.Sampler[diffusion.Denoiser, float32], den diffusion.Denoiser, x []float64, seeds []uint64, begin func([]float64)) error {
	y := make([]float32, len(x))
	var first func([]float32)
	if begin != nil {
		first = func(y []float32) {
			begin(x)
			for i, v := range x {
				y[i] = float32(v)
			}
		}
	}
	err := follow(s.Trajectory(ctx, den, y, seeds), y, first)
	for i, v := range y {
		x[i] = float64(v)
	}
	return err
}

// peersStudent are those of t-EDM with ν = 3: what is published, and what ends at the
// data.
func peersStudent(n int) []peersSampler {
	edm := diffusion.EDM{Nu: diffusion.Nu{3}, SigmaData: []float64{0.5}}
	exact := peersData("heavytail t-EDM ancestral with the moment", diffusion.TEDMAncestral{Process: edm, Steps: n, Eta: 1}).longer("student")
	exact.trajectory = func(ctx context.Context, l *levels, x []float64, seeds []uint64, begin func([]float64)) error {
		s := diffusion.TEDMAncestral{Process: edm, Steps: n, Eta: 1, Moment: l.moment}
		return follow(s.Trajectory(ctx, l.data, x, seeds), x, begin)
	}
	return []peersSampler{exact,
		peersData("heavytail t-EDM Heun", diffusion.EDMSampler{Process: edm, Steps: n}).ordered(),
		peersData("heavytail t-EDM churn 40", diffusion.EDMSampler{Process: edm, Steps: n, Churn: diffusion.Churn{S: 40}}),
		peersData("heavytail t-EDM churn 40 independent", diffusion.EDMSampler{Process: edm, Steps: n, Churn: diffusion.Churn{S: 40}, IndependentNoise: true}).longer("student"),
		peersData("heavytail t-EDM ancestral as published", diffusion.TEDMAncestral{Process: edm, Steps: n, Eta: 1, DropFactor: true}).longer("student"),
	}
}

// peersStable are those of DLPM's process with α = 1.5.
func peersStable(n int) []peersSampler {
	p := diffusion.Default(1.5, n+1)
	return []peersSampler{
		peersChain("heavytail DLPM as published", p, n, diffusion.DLPMSampler{Process: p}).longer("stable"),
		peersChain("heavytail DLIM", p, n, diffusion.DLIM{Process: p}).ordered(),
		peersChain("heavytail DLIM2", p, n, diffusion.DLIM2{Process: p, Steps: n / 2}).ordered(),
		peersChain("heavytail DLIM SDE", p, n, diffusion.DLIMSDE{Process: p, ConsistentStart: true}).longer("stable"),
	}
}
