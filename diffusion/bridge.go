package diffusion

import (
	"context"
	"fmt"
	"math"

	"heavytail/internal/dmath"
)

// DataDenoiser returns D(y; σ) of a DDPM network, with which EDMSampler,
// DPMSolver and the flows sample from it: at α = 2 the state is
// x_t = γ̄·(x_0 + σ·z) with σ = √2·σ̄/γ̄, so that
//
//	D(y; σ) = y − σ·ε̂(γ̄·y, t/T)/√2,  γ̄ = 1/√(1+σ²/2)
//
// at the time between the steps where the schedule has that γ̄. The network must
// have been trained with α = 2, scale "preserving", linear grid and time t/T.
// Or its scale is Given, with the levels of its Betas.
// Levels outside the schedule, σ < σ_1 or σ > σ_{T−1}, are told the nearest
// time. The result has a workspace: use it from one goroutine at a time.
func (p DLPM) DataDenoiser(net Denoiser) (DataDenoiser, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if p.Scale == Given {
		return p.betaDenoiser(net), nil
	}
	if p.Alpha != 2 || p.Scale != Preserving || p.Grid == Quadratic || p.IntegerTime {
		return nil, &OptionError{Field: "Process", Value: p, Want: "alpha 2, scale \"preserving\", grid \"linear\" and time t/T",
			Text: fmt.Sprintf("diffusion: a process of alpha %v, scale %q, grid %q, integer time %v has no denoiser D(x; sigma): it needs alpha 2, scale \"preserving\", grid \"linear\" and time t/T", p.Alpha, p.Scale, p.Grid, p.IntegerTime)}
	}
	var b netBuffer
	lo, hi := 1/float64(p.Steps), float64(p.Steps-1)/float64(p.Steps)
	return func(ctx context.Context, data, y, sigma []float64) error {
		needDenoiser("DLPM.DataDenoiser", net == nil)
		d := b.resize(len(y), len(sigma))
		for i, s := range sigma {
			gb := 1 / math.Sqrt(1+float64(0.5*s*s))
			b.times[i] = float32(min(max(cosineTime(gb), lo), hi))
			for j := i * d; j < (i+1)*d; j++ {
				b.in[j] = float32(gb * y[j])
			}
		}
		if err := net(ctx, b.out, b.in, b.times); err != nil {
			return err
		}
		for i, s := range sigma {
			for j := i * d; j < (i+1)*d; j++ {
				data[j] = y[j] - float64(s/math.Sqrt2*float64(b.out[j]))
			}
		}
		return nil
	}, nil
}

// SigmaRange returns σ_1 and σ_{T−1} of DataDenoiser, the levels that its
// network was trained on: EDM.SigmaMin and EDM.SigmaMax for sampling.
func (p DLPM) SigmaRange() (lo, hi float64, err error) {
	if _, err := p.steps(0); err != nil {
		return 0, 0, err
	}
	if p.Scale == Given {
		all := p.logBars()
		return sigmaOf(all[1]), sigmaOf(all[p.Steps-1]), nil
	}
	if p.Scale == Exploding {
		level := p.explodingLevels()
		return math.Sqrt2 * level(1), math.Sqrt2 * level(p.Steps-1), nil
	}
	at := func(t int) float64 {
		gammaBar, sigmaBar := p.preservingLevel(t)
		return math.Sqrt2 * sigmaBar / gammaBar
	}
	return at(1), at(p.Steps - 1), nil
}

// cosineTime returns u = t/T where the cosine schedule has γ̄ at α = 2:
// cos((u+s)/(1+s)·π/2) = γ̄·cos(s/(1+s)·π/2).
func cosineTime(gb float64) float64 {
	const s = 0.008
	c := float64(gb * dmath.CosPi(s/(2*(1+s)))) // rounded: 1−c must not fuse
	angle := dmath.Atan(math.Sqrt((1-c)*(1+c)) / c)
	return float64(angle*(2/math.Pi)*(1+s)) - s
}
