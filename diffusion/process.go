package diffusion

import (
	"context"
	"fmt"
)

// A Scale says what the forward process does to the size of the data.
type Scale string

// The two forward processes.
const (
	Preserving Scale = "preserving" // γ̄_t^α + σ̄_t^α = 1, the cosine schedule
	Exploding  Scale = "exploding"  // γ̄_t = 1, σ̄_t grows from SigmaMin to SigmaMax
)

// A Grid places the T levels in time.
type Grid string

// The two time grids. The empty string means Linear.
const (
	Linear    Grid = "linear"    // τ_i = i
	Quadratic Grid = "quadratic" // τ_i = i²/T: finer near the data
)

// DLPM is the forward noising process of denoising Lévy probabilistic models, and
// of DDPM at α = 2: everything that training and sampling must agree on. It is
// plain data and goes into a checkpoint's metadata as JSON. The zero value of each
// optional field is the default.
type DLPM struct {
	Alpha     float64 `json:"alpha"`          // tail index, 1 < α ≤ 2; 2 is Gaussian
	Isotropic bool    `json:"isotropic"`      // one A per sample and step instead of one per element
	Scale     Scale   `json:"scale"`          // Preserving, Exploding or Given
	Grid      Grid    `json:"grid,omitempty"` // Linear or Quadratic
	Steps     int     `json:"steps"`          // T, the number of levels, at least 2

	ClampA   float64 `json:"clamp_a,omitempty"`   // upper bound of A; 0: none
	ClampEps float64 `json:"clamp_eps,omitempty"` // bound of |ε| in the initial noise; 0: none

	// IntegerTime feeds the network t instead of t/T; the number of sampling
	// steps is then fixed to T.
	IntegerTime bool `json:"integer_time,omitempty"`
	// InputScaling feeds the network x_t/(1+σ̄_t); Exploding only.
	InputScaling bool `json:"input_scaling,omitempty"`

	SigmaMin float64 `json:"sigma_min,omitempty"` // Exploding: σ̄_0; 0 means 0.002
	SigmaMax float64 `json:"sigma_max,omitempty"` // Exploding: σ̄_{T−1}; 0 means 80
	Rho      float64 `json:"rho,omitempty"`       // Exploding: exponent ρ; 0 means 7

	Betas Betas `json:"betas,omitzero"` // Given: the levels
}

// Default returns the process of the published image models: isotropic noise
// of the given α, scale-preserving cosine schedule of T steps, time t/T, no
// clamps. (The published runs clamp A at 10 or 20.)
func Default(alpha float64, T int) DLPM {
	return DLPM{Alpha: alpha, Isotropic: true, Scale: Preserving, Steps: T}
}

// Validate reports the first field whose value is impossible, with its name,
// its value and what to use instead.
func (p DLPM) Validate() error {
	bad := func(field string, value any, remedy string, args ...any) error {
		return impossible("process", field, value, remedy, args...)
	}
	switch {
	case !(p.Alpha > 1 && p.Alpha <= 2):
		return bad("Alpha", p.Alpha, "use a value above 1 and at most 2 (2 is Gaussian)")
	case p.Scale != Preserving && p.Scale != Exploding && p.Scale != Given:
		return bad("Scale", p.Scale, `use "preserving", "exploding" or "betas"`)
	case p.Grid != "" && p.Grid != Linear && p.Grid != Quadratic:
		return bad("Grid", p.Grid, `use "linear" or "quadratic"`)
	case p.Steps < 2 || p.Steps > maxSteps:
		return bad("Steps", p.Steps, "use 2 to %d", maxSteps)
	case !(p.ClampA >= 0):
		return bad("ClampA", p.ClampA, "use a positive bound, or 0 for none")
	case !(p.ClampEps >= 0):
		return bad("ClampEps", p.ClampEps, "use a positive bound, or 0 for none")
	case p.InputScaling && p.Scale != Exploding:
		return bad("InputScaling", true, "it needs scale \"exploding\"; switch it off")
	}
	if p.Scale != Exploding {
		for _, f := range []struct {
			name string
			v    float64
		}{{"SigmaMin", p.SigmaMin}, {"SigmaMax", p.SigmaMax}, {"Rho", p.Rho}} {
			if f.v != 0 {
				return bad(f.name, f.v, "it needs scale \"exploding\"; leave it out")
			}
		}
		return p.validateBetas()
	}
	lo, hi, rho := p.exploding()
	switch {
	case !(lo > 0 && lo < hi):
		return bad("SigmaMin", lo, "use a positive value below sigma_max (%v)", hi)
	case !(hi <= 1e6):
		return bad("SigmaMax", hi, "use at most 1e6")
	case !(rho > 0 && rho <= 100):
		return bad("Rho", rho, "use a positive value up to 100; 7 is usual")
	}
	return p.validateBetas()
}

// maxSteps bounds T: beyond it consecutive levels of noise differ by less than
// the float32 state can show, and a hostile configuration costs memory.
const maxSteps = 1 << 20

// exploding returns σ_min, σ_max and ρ with their defaults.
func (p DLPM) exploding() (lo, hi, rho float64) {
	or := func(v, def float64) float64 {
		if v == 0 {
			return def
		}
		return v
	}
	return or(p.SigmaMin, 0.002), or(p.SigmaMax, 80), or(p.Rho, 7)
}

// Schedule returns the schedule of p with the given number of levels; 0 means
// p.Steps. The scale and the grid stay the same, so the network sees the same
// map from time t/T to levels for every number of steps.
func (p DLPM) Schedule(steps int) (*DLPMSchedule, error) {
	return p.schedule(context.Background(), steps)
}

// schedule is Schedule that ends with ctx.
func (p DLPM) schedule(ctx context.Context, steps int) (*DLPMSchedule, error) {
	steps, err := p.steps(steps)
	if err != nil {
		return nil, err
	}
	if p.Scale == Given {
		return betaSchedule(ctx, p, steps)
	}
	p.Steps = steps
	if p.Scale == Exploding {
		return explodingSchedule(ctx, p)
	}
	return preservingSchedule(ctx, p)
}

// ended returns the error of ctx, which it looks at in some of the turns of a loop.
func ended(ctx context.Context, turn int) error {
	if turn%1024 != 0 {
		return nil
	}
	return ctx.Err()
}

// steps returns the number of steps of Schedule, or its error, without computing
// anything: a million steps take a second.
func (p DLPM) steps(steps int) (int, error) {
	if err := p.Validate(); err != nil {
		return 0, err
	}
	if steps == 0 {
		steps = p.Steps
	}
	if steps < 2 || steps > maxSteps {
		return 0, &OptionError{Field: "Steps", Value: steps, Want: fmt.Sprintf("2 to %d levels", maxSteps),
			Text: fmt.Sprintf("diffusion: %d levels: use 2 to %d", steps, maxSteps)}
	}
	if p.IntegerTime && steps != p.Steps {
		return 0, &OptionError{Field: "Steps", Value: steps, Want: fmt.Sprintf("%d levels", p.Steps),
			Text: fmt.Sprintf("diffusion: %d levels of a process with integer time: the network knows only its %d levels; use that number", steps, p.Steps)}
	}
	return steps, p.CheckSteps(steps - 1)
}

// Time returns what the network is told at step t of T: t/T, t itself with
// IntegerTime, or where the scale is Given the number that training has for the level.
func (p DLPM) Time(t, T int) float32 {
	if p.Scale == Given {
		return float32(p.timestep(t, T-1))
	}
	if p.IntegerTime {
		return float32(t)
	}
	return float32(float64(t) / float64(T))
}
