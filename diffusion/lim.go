package diffusion

import (
	"context"
	"fmt"
	"math"

	"heavytail/internal/dmath"
	"heavytail/simd"
	"heavytail/stable"
)

// A LIM is the process of Lévy–Itô models [Yoon et al. 2023], continuous in
// time, from data at 0 to noise at 1:
//
//	dX = −β(t)/α·X dt + β(t)^{1/α} dL^α
//	x_t = γ(t)·x_0 + σ(t)·ε,  γ^α + σ^α = 1
//
// with the cosine schedule of Gamma, Sigma and Beta for 1e-5 ≤ t ≤ 0.9946. ε is
// unit symmetric α-stable for α < 2, but N(0, 1) at α = 2, half the variance of
// DLPM's. A LIM is plain data and goes into a checkpoint's metadata as JSON.
type LIM struct {
	Alpha     float64 `json:"alpha"`     // tail index, 1 < α ≤ 2; 2 is Gaussian
	Isotropic bool    `json:"isotropic"` // one A per sample and step instead of one per element
	// Clamps are those of training's noise; a LIMSampler has its own.
	Clamps LIMClamps `json:"clamps,omitzero"`
}

// LIMClamps bound a draw of LIM's noise; 0 means no bound. LIM's authors used
// Skewed = 20 and Norm = 200 (CIFAR-10) or 500 (CelebA), "with clipping".
type LIMClamps struct {
	A      float64 `json:"a,omitempty"`      // of A, as DLPM.ClampA; none at α = 2
	Skewed float64 `json:"skewed,omitempty"` // of the skewed variable A/(2·cos(πα/4)^{2/α}); none at α = 2
	Eps    float64 `json:"eps,omitempty"`    // of every |ε|
	Norm   float64 `json:"norm,omitempty"`   // of the Euclidean norm of a sample's ε, which is then scaled
}

// The times at which LIM starts and ends.
const (
	limFirst = 1e-5
	limLast  = 0.9946
	limShift = 0.008
)

// Validate reports the first impossible field, its value and the remedy.
func (p LIM) Validate() error {
	if !(p.Alpha > 1 && p.Alpha <= 2) {
		return impossible("lim", "Alpha", p.Alpha, "use a value above 1 and at most 2 (2 is Gaussian)")
	}
	return p.Clamps.validate()
}

// logGamma returns ln γ(t), with full precision near t = 0.
func (p LIM) logGamma(t float64) float64 {
	// γ² = 1 − q, q = sin(x+y)·sin(x−y)/cos²y with the angles x of t and y of 0
	angle := func(t float64) float64 { return (t + limShift) / (2 * (1 + limShift)) }
	c := dmath.CosPi(angle(0))
	q := dmath.SinPi(angle(t)+angle(0)) * dmath.SinPi(t/(2*(1+limShift))) / float64(c*c)
	return 0.5 * dmath.Log1p(-q)
}

// Gamma returns γ(t) = cos((t+s)/(1+s)·π/2)/cos(s/(1+s)·π/2), s = 0.008.
func (p LIM) Gamma(t float64) float64 { return dmath.Exp(p.logGamma(t)) }

// Sigma returns σ(t) = (1 − γ^α)^{1/α}.
func (p LIM) Sigma(t float64) float64 {
	return dmath.Pow(-dmath.Expm1(p.Alpha*p.logGamma(t)), 1/p.Alpha)
}

// Beta returns β(t) = −α·d ln γ/dt = π/2·α/(1+s)·tan((t+s)/(1+s)·π/2).
func (p LIM) Beta(t float64) float64 {
	u := (t + limShift) / (2 * (1 + limShift))
	return math.Pi / 2 * p.Alpha / (1 + limShift) * dmath.SinPi(u) / dmath.CosPi(u)
}

// SDE returns the stochastic step from s to t < s, x_t = X·x_s + Eps·ε̂ + Z·e
// with e a unit noise of the process. With a = γ(t)/γ(s) and the score
// S = −ε̂/(α·σ(s)^{α−1}):
//
//	α < 2:  x_t = a·x + α²·(a−1)·S + (a^α−1)^{1/α}·e
//	α = 2:  x_t = (1+h/2)·x + h·S₂ + √h·e,  h = β(s)·(s−t),  S₂ = −ε̂/(σ(s)+1e-5)
//
// For α < 2 the published time reversal, which this is, neglects a term: its
// noise stays too wide, by (α−1)^{−1/α} where the state is mostly noise,
// however small the steps. The ODE has no such bias.
func (p LIM) SDE(s, t float64) Coef {
	if p.Alpha == 2 {
		h := p.Beta(s) * (s - t)
		return Coef{X: 1 + float64(h/2), Eps: -h / (p.Sigma(s) + 1e-5), Z: math.Sqrt(h)}
	}
	c := p.ODE(s, t)
	c.Eps *= p.Alpha
	c.Z = dmath.Pow(dmath.Expm1(p.Alpha*(p.logGamma(t)-p.logGamma(s))), 1/p.Alpha)
	return c
}

// MendedSDE is SDE with the drift that ends at the data for every α: twice that of
// the ODE, where the published one is α times it.
//
//	α < 2:  x_t = a·x + 2α·(a−1)·S + (a^α−1)^{1/α}·e
//
// In the limit of small steps it is the ODE and, at the same rate, the forward
// process with the ODE back again: each of the two keeps the marginals. At α = 2
// both are the reverse SDE.
func (p LIM) MendedSDE(s, t float64) Coef {
	c := p.SDE(s, t)
	if p.Alpha < 2 {
		c.Eps = float64(c.Eps/p.Alpha) * 2
	}
	return c
}

// ODE returns the deterministic step from s to t < s:
//
//	α < 2:  x_t = a·x + α·(a−1)·S
//	α = 2:  x_t = (1+h/2)·x + (h/2)·S₂
func (p LIM) ODE(s, t float64) Coef {
	if p.Alpha == 2 {
		c := p.SDE(s, t)
		return Coef{X: c.X, Eps: c.Eps / 2}
	}
	rise := dmath.Expm1(p.logGamma(t) - p.logGamma(s)) // a − 1
	return Coef{X: 1 + rise, Eps: -rise * dmath.Pow(p.Sigma(s), 1-p.Alpha)}
}

// FromScore turns LIM's network s_θ = S·σ^{α−1} = −ε̂/α (−ε̂ at α = 2) into a
// Denoiser: ε̂ = −α·s_θ.
func (p LIM) FromScore(net Denoiser) Denoiser {
	scale := float32(1 / p.targetScale())
	return func(ctx context.Context, eps, x, t []float32) error {
		needDenoiser("LIM.FromScore", net == nil)
		if err := net(ctx, eps, x, t); err != nil {
			return err
		}
		simd.Scale(eps, eps, scale)
		return nil
	}
}

// targetScale returns s_θ/ε̂.
func (p LIM) targetScale() float64 {
	if p.Alpha == 2 {
		return -1
	}
	return -1 / p.Alpha
}

func (c LIMClamps) validate() error {
	for _, f := range []struct {
		name string
		v    float64
	}{{"A", c.A}, {"Skewed", c.Skewed}, {"Eps", c.Eps}, {"Norm", c.Norm}} {
		if !(f.v >= 0) {
			return &OptionError{Field: "Clamps." + f.name, Value: f.v, Want: "a positive bound, or 0 for none",
				Text: fmt.Sprintf("diffusion: lim: the clamp %s is %v: use a positive bound, or 0 for none", snake(f.name), f.v)}
		}
	}
	return nil
}

// limNoise is the unit noise of LIM.
type limNoise struct {
	stable.Noise
	norm float64
}

// noise prepares unit noise with clamps.
func (p LIM) noise(c LIMClamps) limNoise {
	n := limNoise{stable.Noise{Alpha: p.Alpha, Isotropic: p.Isotropic, ClampEps: c.Eps}, c.Norm}
	if p.Alpha == 2 {
		return n
	}
	n.ClampA = c.A
	if c.Skewed > 0 {
		if a := 2 * c.Skewed * dmath.Pow(dmath.CosPi(p.Alpha/4), 2/p.Alpha); c.A == 0 || a < c.A {
			n.ClampA = a
		}
	}
	return n
}

// fill sets e to the noise at s.
func (n limNoise) fill(e []float32, s stable.Key) {
	if n.Alpha == 2 { // N(0, 1), and not the stable law's N(0, 2)
		s.Normal(e, 0)
		if c := float32(n.ClampEps); c > 0 {
			simd.Clamp(e, e, -c, c)
		}
	} else {
		n.Fill(e, s)
	}
	if n.norm == 0 {
		return
	}
	sum := 0.0
	for _, v := range e {
		sum += float64(float64(v) * float64(v))
	}
	if norm := math.Sqrt(sum); norm > n.norm {
		simd.Scale(e, e, float32(n.norm/norm))
	}
}
