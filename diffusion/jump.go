package diffusion

import (
	"math"

	"heavytail/internal/dmath"
	"heavytail/stable"
)

// A Jump makes the noise of an EDM that of a jump process, after [Baule 2025]; the
// zero value does not.
//
// The paper's forward process is driven by Gaussian noise with superposed jumps that come
// at the rate λ, ẋ = f(x) + g(t)·(ξ_G + Σ_j A_j·δ(t−τ_j)), and its reverse by a
// generalized score ∇V/p in place of ∇p/p; the worked case has jumps of the isotropic
// Laplace law, whose characteristic function is 1/(1+c²k²). Here f = 0 and time is ln σ:
// while the level grows from σ to σ + dσ,
//
//	x gains √(2ρσ·dσ)·z, and with probability λ·dσ/σ a jump √(2(1−ρ)/λ·E)·σ·z,
//
// each with its own z ~ N(0, I), E the standard exponential law: √E·z is a Laplace jump
// of the whole sample. In y = x/σ these are the paper's jumps of one size, and f is
// Ornstein's and Uhlenbeck's.
//
// The paper starts from the data themselves. What is ours is the start: the data with
// noise of a low level in the law that is stationary in x/σ. Then the noise has that law
// at all levels,
//
//	x = x_0 + σ·n,  n = √S·z,  S = ρ + (1−ρ)·κ,  κ ~ χ²(λ)/λ,
//
// of variance 1; at ρ = 0 it is variance gamma noise, and Laplace noise at λ = 2. And the
// generalized score is linear in the noise. With c² = (1−ρ)σ²/λ, p the law of the noise
// σ·n and p̂ = (1+c²k²)^(−λ/2)·exp(−ρσ²k²/2) its characteristic function,
//
//	∂p/∂(ln σ) = ∇²V,  V̂ = ((1−ρ)/(1+c²k²) + ρ)·σ²·p̂,  ∂p̂/∂k = −k·V̂,  so  ∇V = −σn·p
//
// in any dimension: V is the paper's, p with one jump more and the Gaussian part. So the
// generalized score of x is E[x_0 | x] − x, the paper's squared error that of a denoiser
// D, and its probability flow dx/d(ln σ) = −∇V/p is EDM's dx/dσ = (x − D)/σ. The reverse
// SDE differs: see JumpSampler.
//
// [Baule 2025]: https://arxiv.org/abs/2503.06558
type Jump struct {
	Rate  float64 `json:"rate"`            // λ, jumps while the level grows e-fold, 0.1 to 1000; many are Gaussian noise
	Share float64 `json:"share,omitempty"` // ρ, what of the noise's variance is Gaussian, 0 to 1; 0: jumps alone
}

// The bounds of λ: below, exponentials under κ leave float64; above, a step of the SDE
// makes thousands of draws for noise whose excess kurtosis, 6/λ, nobody sees.
const minRate, maxRate = 0.1, 1000

// on tells whether there are jumps.
func (j Jump) on() bool { return j != Jump{} }

func (j Jump) validate() error {
	switch {
	case !j.on():
		return nil
	case !(j.Rate >= minRate && j.Rate <= maxRate):
		return impossible("edm", "Jump.Rate", j.Rate, "use %v to %v; 2 is Laplace's law", minRate, maxRate)
	case !(j.Share >= 0 && j.Share <= 1):
		return impossible("edm", "Jump.Share", j.Share, "use 0 (jumps alone) to 1 (Gaussian)")
	}
	return nil
}

// mix returns √S of the sample at s.
func (j Jump) mix(s stable.Key) float64 {
	return math.Sqrt(j.Share + float64((1-j.Share)*s.Kappa(j.Rate, 0)))
}

// Noise sets the row x to scale·n, the noise of one sample at s, computed in float64
// from float32 normals.
func (j Jump) Noise(x []float64, s stable.Key, scale float64) {
	fillNormals(x, s)
	w := scale * j.mix(s)
	for i := range x {
		x[i] = float64(x[i] * w)
	}
}

// rise returns the variance per element that the noise of the sample at s gains while
// the level grows from low to high: ρ·(high²−low²) and the jumps' sum of
// 2(1−ρ)/λ·E·σ², at levels σ that a Poisson process of rate λ in ln σ visits.
func (j Jump) rise(s stable.Key, low, high float64) float64 {
	sum, way := 0.0, dmath.Log(high/low)
	var e [16]float64 // waits and sizes in turn
	for off, at := 0, 0.0; ; off += len(e) {
		s.Exponential64(e[:], off)
		for i := 0; i < len(e); i += 2 {
			if at += e[i] / j.Rate; at >= way {
				jumps := float64(sum*low) * low
				return float64(j.Share*(high-low)*(high+low)) + float64(2*(1-j.Share)/j.Rate*jumps)
			}
			sum += float64(e[i+1] * dmath.Exp(2*at))
		}
	}
}

// jump lifts the noise of r's states from the level low to high by the forward process
// with the draws of the given step, times a factor.
func (j Jump) jump(r *run[float64], step int, low, high, factor float64) {
	for i := range r.n {
		x, z := r.row(r.x, i), r.normal(i, step)
		w := factor * math.Sqrt(j.rise(r.stream(i, uint32(step)), low, high))
		for k := range x {
			x[k] += float64(w * float64(z[k]))
		}
	}
}

// noise sets the row x to scale·n, the noise of one sample at s.
func (p EDM) noise(x []float64, s stable.Key, scale float64) {
	if p.Jump.on() {
		p.Jump.Noise(x, s, scale)
		return
	}
	p.Nu.Noise(x, s, scale)
}

// mix returns what n is, given the sample's factor, times a standard normal, of channel c.
func (p EDM) mix(s stable.Key, c int) float64 {
	if p.Jump.on() {
		return p.Jump.mix(s)
	}
	return p.Nu.mix(s, p.Nu.group(c))
}

// withoutJumps reports a process whose noise what is named cannot follow.
func (p EDM) withoutJumps(name, remedy string) error {
	if !p.Jump.on() {
		return nil
	}
	return impossible(name, "Process.Jump", p.Jump, remedy)
}
