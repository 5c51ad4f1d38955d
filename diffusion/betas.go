package diffusion

import (
	"context"
	"fmt"
	"math"
	"sort"

	"heavytail/internal/dmath"
)

// Given is the scale of a process whose levels a list of β_t gives: see Betas.
const Given Scale = "betas"

// Betas say what DDPM's schedule is in the terms of the diffusers library, for models
// trained with that: DLPM's scale Given, α = 2, and Steps one more than the T steps of
// training, for level 0 is the data. With noise n of variance 1,
//
//	x_t = √ᾱ_t·x_0 + √(1−ᾱ_t)·n,  ᾱ_t = (1−β_1)⋯(1−β_t),  t = 1…T
//
// so that γ̄_t = √ᾱ_t and, as ε has the variance 2, σ̄_t = √((1−ᾱ_t)/2). The network is
// told the number of the level, t−1, from 0 on. The fields are those of
// scheduler_config.json.
type Betas struct {
	// Schedule is linear, β_t = a + (b−a)·(t−1)/(T−1) with a = Start and b = End;
	// scaled_linear, √β_t linear from √a to √b; squaredcos_cap_v2, ᾱ_t a squared cosine
	// and β_t at most 0.999; sigmoid, a + (b−a)/(1+e^(−u)) with u from −6 to 6.
	Schedule string  `json:"beta_schedule,omitempty"`
	Start    float64 `json:"beta_start,omitempty"`
	End      float64 `json:"beta_end,omitempty"`
	// Prediction is what the network estimates: epsilon, n; sample, x_0; v_prediction,
	// √ᾱ·n − √(1−ᾱ)·x_0.
	Prediction string `json:"prediction_type,omitempty"`
	// Spacing says which N of the levels a sampler of N steps visits: leading, every
	// ⌊T/N⌋th from 0 (plus Offset) on; trailing, every T/N-th back from T−1; linspace,
	// from 0 to T−1. All T levels are those of training, whatever it says.
	Spacing string `json:"timestep_spacing,omitempty"`
	Offset  int    `json:"steps_offset,omitempty"`
	// Large gives the steps of DLPMSampler noise of variance β_t, fixed_large, and not
	// that of the posterior.
	Large bool `json:"fixed_large,omitempty"`
	// Free says that estimates of images are not clamped to [−1, 1] where nobody asks
	// for it.
	Free bool `json:"unclipped,omitempty"`
}

func (p DLPM) validateBetas() error {
	b := p.Betas
	bad := func(field string, value any, remedy string, args ...any) error {
		return impossible("process", "Betas."+field, value, remedy, args...)
	}
	if p.Scale != Given {
		if b != (Betas{}) {
			return bad("Schedule", b.Schedule, "it needs scale %q; leave it out", Given)
		}
		return nil
	}
	cosine := b.Schedule == "squaredcos_cap_v2"
	switch {
	case p.Alpha != 2 || !p.Isotropic:
		return impossible("process", "Alpha", p.Alpha, "with scale %q use 2, isotropic: it is DDPM's", Given)
	case p.Grid == Quadratic || p.IntegerTime || p.ClampA != 0 || p.ClampEps != 0:
		return impossible("process", "Scale", p.Scale, "it has no quadratic grid, integer time or bounds on A and ε; leave them out")
	case b.Schedule != "linear" && b.Schedule != "scaled_linear" && b.Schedule != "sigmoid" && !cosine:
		return bad("Schedule", b.Schedule, "use linear, scaled_linear, squaredcos_cap_v2 or sigmoid")
	case cosine && (b.Start != 0 || b.End != 0):
		return bad("Start", b.Start, "squaredcos_cap_v2 has neither start nor end; leave them out")
	case !cosine && !(b.Start >= 1e-9 && b.Start <= b.End && b.End < 1):
		return bad("Start", b.Start, "use a start from 1e-9 up to the end (%v), which is below 1", b.End)
	case b.Prediction != "epsilon" && b.Prediction != "sample" && b.Prediction != "v_prediction":
		return bad("Prediction", b.Prediction, "use epsilon, sample or v_prediction")
	case b.Spacing != "leading" && b.Spacing != "trailing" && b.Spacing != "linspace":
		return bad("Spacing", b.Spacing, "use leading, trailing or linspace")
	case b.Offset < 0 || b.Offset >= p.Steps-1 || b.Offset > 0 && b.Spacing != "leading":
		return bad("Offset", b.Offset, "use 0, or with spacing leading a number of levels")
	case p.Steps < 3 || p.Steps > maxBetas:
		return impossible("process", "Steps", p.Steps, "use 3 to %d with scale %q, one more than there are betas", maxBetas, Given)
	}
	if end := p.logBars()[p.Steps-1]; !(sigmaOf(end) <= 1e6) { // what EDM's samplers take
		return bad("End", b.End, "the last level keeps nothing of the data (ᾱ = exp(%.0f)): use smaller betas or fewer levels", end)
	}
	return nil
}

// maxBetas bounds T+1, whose levels are computed wherever one is needed.
const maxBetas = 1 << 16

// beta returns β_t, t ≥ 1.
func (p DLPM) beta(t int) float64 {
	b, T := p.Betas, p.Steps-1
	u := float64(t-1) / float64(max(T-1, 1))
	switch b.Schedule {
	case "scaled_linear":
		lo, hi := math.Sqrt(b.Start), math.Sqrt(b.End)
		v := lo + float64(u*(hi-lo))
		return v * v
	case "squaredcos_cap_v2":
		_, q := cosineRatio(float64(t)/float64(T), float64(t-1)/float64(T))
		return min(q, 0.999)
	case "sigmoid":
		return b.Start + (b.End-b.Start)/(1+dmath.Exp(6-float64(12*u)))
	}
	return b.Start + float64(u*(b.End-b.Start))
}

// logBars returns ln ᾱ_t of all levels.
func (p DLPM) logBars() []float64 {
	out := make([]float64, p.Steps)
	for t := 1; t < p.Steps; t++ {
		out[t] = out[t-1] + dmath.Log1p(-p.beta(t))
	}
	return out
}

// timestep returns what the network is told at level t ≥ 1 of N+1, as diffusers chooses
// it, in float64 as numpy computes it.
func (p DLPM) timestep(t, N int) int {
	T := p.Steps - 1
	switch {
	case N == T:
		return t - 1
	case p.Betas.Spacing == "trailing":
		step := -(float64(T) - (float64(T) - float64(T)/float64(N))) // what numpy.arange adds
		return int(math.RoundToEven(float64(T)+float64(float64(N-t)*step))) - 1
	case p.Betas.Spacing == "linspace":
		if N == 1 {
			return 0
		}
		return int(math.RoundToEven(float64(t-1) * (float64(T-1) / float64(N-1))))
	}
	return (t-1)*(T/N) + p.Betas.Offset
}

// CheckSteps returns an error unless a sampler can visit N levels above the data: where
// the scale is Given, there are not more of them than in training.
func (p DLPM) CheckSteps(N int) error {
	if N < 1 {
		return checkSteps("DLPM", N)
	}
	if p.Scale != Given {
		return nil
	}
	T := p.Steps - 1
	text := ""
	switch {
	case N > T:
		text = fmt.Sprintf("the network knows %d levels; use at most as many", T)
	case p.timestep(N, N) >= T:
		text = fmt.Sprintf("every %s of %d levels, %d further up (steps_offset), is beyond the last; use fewer, or all %d", ordinal(T/N), T, p.Betas.Offset, T)
	default:
		return nil
	}
	return &OptionError{Field: "Steps", Value: N, Want: fmt.Sprintf("1 to %d", T), Text: fmt.Sprintf("diffusion: %d steps: %s", N, text)}
}

func ordinal(n int) string {
	if n == 1 {
		return "one"
	}
	return fmt.Sprintf("%dth", n)
}

// betaSchedule is the schedule of p's levels that N = steps−1 steps visit.
func betaSchedule(ctx context.Context, p DLPM, steps int) (*DLPMSchedule, error) {
	if err := p.CheckSteps(steps - 1); err != nil {
		return nil, err
	}
	if err := ended(ctx, 0); err != nil {
		return nil, err
	}
	all := p.logBars()
	level := p
	level.Steps = steps
	sch := newSchedule(level)
	sch.Large = p.Betas.Large
	sch.Gamma[0], sch.GammaBar[0] = 1, 1
	prev := 0.0
	for t := 1; t < steps; t++ {
		l := all[p.timestep(t, steps-1)+1]
		sch.Gamma[t], sch.Sigma[t] = dmath.Exp((l-prev)/2), math.Sqrt(-dmath.Expm1(l-prev)/2)
		sch.GammaBar[t], sch.SigmaBar[t] = dmath.Exp(l/2), math.Sqrt(-dmath.Expm1(l)/2)
		prev = l
	}
	return sch, nil
}

// levelOf returns the level of N+1 whose timestep a network was told.
func (p DLPM) levelOf(time float32, N int) int {
	return sort.Search(N, func(i int) bool { return float64(p.timestep(i+1, N)) >= float64(time)-0.5 }) + 1
}

// A mixture writes what the network estimates as a linear map: n̂ = X·x + Y·y, x̂_0 =
// DX·x + DY·y of its input x and its output y.
type mixture struct{ X, Y, DX, DY float64 }

// noise returns ε̂ = √2·n̂.
func (m mixture) noise(x, y float32) float32 {
	return float32(math.Sqrt2 * (float64(m.X*float64(x)) + float64(m.Y*float64(y))))
}

// mixture returns that at γ̄ = √ᾱ and s = √(1−ᾱ) > 0.
func (b Betas) mixture(g, s float64) mixture {
	switch b.Prediction {
	case "sample":
		return mixture{1 / s, -g / s, 0, 1}
	case "v_prediction":
		return mixture{s, g, g, -s}
	}
	return mixture{0, 1, 1 / g, -s / g}
}

// mixtures returns the mixture by what the network is told.
func (p DLPM) mixtures() []mixture {
	out := make([]mixture, p.Steps-1)
	for t, l := range p.logBars()[1:] {
		out[t] = p.Betas.mixture(dmath.Exp(l/2), math.Sqrt(-dmath.Expm1(l)))
	}
	return out
}

// mixtureAt returns the mixture for a time.
func mixtureAt(all []mixture, time float32) mixture {
	return all[int(min(max(math.Round(float64(time)), 0), float64(len(all)-1)))]
}

// FromNetwork returns ε̂, which the samplers ask for, of a network of this process: the
// network's output itself, unless the scale is Given. It panics if p is not valid.
func (p DLPM) FromNetwork(net Denoiser) Denoiser {
	if p.Scale != Given {
		return net
	}
	all := p.mustMixtures()
	return func(ctx context.Context, eps, x, t []float32) error {
		needDenoiser("DLPM.FromNetwork", net == nil)
		if err := net(ctx, eps, x, t); err != nil {
			return err
		}
		d := len(x) / max(len(t), 1)
		for i, time := range t {
			m := mixtureAt(all, time)
			for j := i * d; j < (i+1)*d; j++ {
				eps[j] = m.noise(x[j], eps[j])
			}
		}
		return nil
	}
}

// FromNetworkDerivative is FromNetwork with the derivative.
func (p DLPM) FromNetworkDerivative(net Derivative) Derivative {
	if p.Scale != Given {
		return net
	}
	all := p.mustMixtures()
	return func(ctx context.Context, eps, product, x, probe, t []float32) error {
		needDenoiser("DLPM.FromNetworkDerivative", net == nil)
		if err := net(ctx, eps, product, x, probe, t); err != nil {
			return err
		}
		d := len(x) / max(len(t), 1)
		for i, time := range t {
			m := mixtureAt(all, time)
			for j := i * d; j < (i+1)*d; j++ {
				eps[j] = m.noise(x[j], eps[j])
				product[j] = m.noise(probe[j], product[j])
			}
		}
		return nil
	}
}

func (p DLPM) mustMixtures() []mixture {
	if err := p.Validate(); err != nil {
		panic(err)
	}
	return p.mixtures()
}

// betaDenoiser is DataDenoiser: D(y; σ) at x = γ̄·y, γ̄ = 1/√(1+σ²), told the time where
// the levels have that σ, between them by ln σ.
func (p DLPM) betaDenoiser(net Denoiser) DataDenoiser {
	var b netBuffer
	time := p.betaTime()
	return func(ctx context.Context, data, y, sigma []float64) error {
		needDenoiser("DLPM.DataDenoiser", net == nil)
		d := b.resize(len(y), len(sigma))
		for i, s := range sigma {
			g := 1 / math.Sqrt(1+float64(s*s))
			b.times[i] = time(s)
			for j := i * d; j < (i+1)*d; j++ {
				b.in[j] = float32(g * y[j])
			}
		}
		if err := net(ctx, b.out, b.in, b.times); err != nil {
			return err
		}
		for i, s := range sigma {
			g := 1 / math.Sqrt(1+float64(s*s))
			m := p.Betas.mixture(g, s*g)
			for j := i * d; j < (i+1)*d; j++ {
				data[j] = float64(m.DX*float64(g*y[j])) + float64(m.DY*float64(b.out[j]))
			}
		}
		return nil
	}
}

// sigmaOf returns σ = √((1−ᾱ)/ᾱ) from ln ᾱ.
func sigmaOf(logBar float64) float64 { return math.Sqrt(dmath.Expm1(-logBar)) }

// betaTime returns the time for a σ: between two levels by ln σ, beyond them the last.
func (p DLPM) betaTime() func(sigma float64) float32 {
	logs := make([]float64, p.Steps-1)
	for t, l := range p.logBars()[1:] {
		logs[t] = dmath.Log(sigmaOf(l))
	}
	return func(sigma float64) float32 {
		l := dmath.Log(sigma)
		hi := sort.SearchFloat64s(logs, l)
		switch hi {
		case 0:
			return 0
		case len(logs):
			return float32(len(logs) - 1)
		}
		return float32(float64(hi-1) + (l-logs[hi-1])/(logs[hi]-logs[hi-1]))
	}
}
