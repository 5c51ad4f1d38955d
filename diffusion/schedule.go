package diffusion

import (
	"context"
	"math"

	"heavytail/internal/dmath"
)

// A DLPMSchedule holds the coefficients of a process with T levels, in float64,
// index t = 0…T−1; 0 is the data (Preserving) or the least noisy level
// (Exploding), T−1 the noisiest:
//
//	x_t = γ_t·x_{t−1} + σ_t·ε_t          one step
//	x_t = γ̄_t·x_0 + σ̄_t·ε               all steps at once
//
// Everything is computed by internal/dmath, so the values are the same bits on
// every architecture.
type DLPMSchedule struct {
	Alpha    float64   // the index of the noise, in (0, 2]
	Gamma    []float64 // γ_t
	GammaBar []float64 // γ̄_t = γ_1⋯γ_t
	Sigma    []float64 // σ_t
	SigmaBar []float64 // σ̄_t
	Large    bool      // Betas.Large
}

func newSchedule(p DLPM) *DLPMSchedule {
	buf := make([]float64, 4*p.Steps)
	cut := func(i int) []float64 { return buf[i*p.Steps : (i+1)*p.Steps : (i+1)*p.Steps] }
	return &DLPMSchedule{Alpha: p.Alpha, Gamma: cut(0), GammaBar: cut(1), Sigma: cut(2), SigmaBar: cut(3)}
}

// T returns the number of levels 0…T−1, which a sampler joins by T−1 steps.
func (s *DLPMSchedule) T() int { return len(s.Gamma) }

// tau returns τ_i/T.
func (p DLPM) tau(i int) float64 {
	u := float64(i) / float64(p.Steps)
	if p.Grid == Quadratic {
		u *= u
	}
	return u
}

// preservingSchedule is the cosine schedule. With s = 0.008 and
// a_t = (τ_t/T + s)/(1+s)·π/2:
//
//	ᾱ_t = cos²a_t / cos²a_0      r_t = ᾱ_t/ᾱ_{t−1}
//	γ_t = r_t^{1/α}              σ_t = (1−r_t)^{1/α}
//	γ̄_t = ᾱ_t^{1/α}             σ̄_t = (1−ᾱ_t)^{1/α}
//
// 1−ᾱ is taken from cos²y − cos²x = sin(x+y)·sin(x−y), which does not cancel:
// near t = 1 the plain difference loses most of its digits.
func preservingSchedule(ctx context.Context, p DLPM) (*DLPMSchedule, error) {
	sch := newSchedule(p)
	inv := 1 / p.Alpha
	sch.Gamma[0], sch.GammaBar[0] = 1, 1
	for t := 1; t < p.Steps; t++ {
		r, q := cosineRatio(p.tau(t), p.tau(t-1))
		sch.Gamma[t], sch.Sigma[t] = dmath.Pow(r, inv), dmath.Pow(q, inv)
		sch.GammaBar[t], sch.SigmaBar[t] = p.preservingLevel(t)
		if err := ended(ctx, t); err != nil {
			return nil, err
		}
	}
	return sch, nil
}

// cosineRatio returns the ratio r of the ᾱ of two times uy < ux, and 1−r.
func cosineRatio(ux, uy float64) (r, oneMinusR float64) {
	const s = 0.008
	angle := func(u float64) float64 { return (u + s) / (2 * (1 + s)) } // in half turns
	x, y := angle(ux), angle(uy)
	cx, cy := dmath.CosPi(x), dmath.CosPi(y)
	r = cx / cy
	return r * r, dmath.SinPi(x+y) * dmath.SinPi((ux-uy)/(2*(1+s))) / (cy * cy)
}

// preservingLevel returns γ̄_t and σ̄_t of preservingSchedule, t ≥ 1.
func (p DLPM) preservingLevel(t int) (gammaBar, sigmaBar float64) {
	r, q := cosineRatio(p.tau(t), 0)
	return dmath.Pow(r, 1/p.Alpha), dmath.Pow(q, 1/p.Alpha)
}

// explodingSchedule has γ_t = γ̄_t = 1 and, with u_t = τ_t/τ_{T−1},
//
//	σ̄_t = (σ_min^{1/ρ} + u_t·(σ_max^{1/ρ} − σ_min^{1/ρ}))^ρ
//	σ_t = (σ̄_t^α − σ̄_{t−1}^α)^{1/α},  σ_0 = σ̄_0
//
// u reaches 1 on either grid, so that σ_max is attained (the reference divides
// by T−1, which the quadratic grid never reaches).
func explodingSchedule(ctx context.Context, p DLPM) (*DLPMSchedule, error) {
	sch := newSchedule(p)
	sigmaBar := p.explodingLevels()
	for t := range p.Steps {
		sch.Gamma[t], sch.GammaBar[t], sch.SigmaBar[t] = 1, 1, sigmaBar(t)
		if err := ended(ctx, t); err != nil {
			return nil, err
		}
	}
	sch.Sigma[0] = sch.SigmaBar[0]
	for t := 1; t < p.Steps; t++ {
		// (σ̄_t^α − σ̄_{t−1}^α) = σ̄_t^α·(1 − q^α): expm1 keeps the digits for q near 1
		q := dmath.Log(sch.SigmaBar[t-1] / sch.SigmaBar[t])
		sch.Sigma[t] = sch.SigmaBar[t] * dmath.Pow(-dmath.Expm1(p.Alpha*q), 1/p.Alpha)
		if err := ended(ctx, t); err != nil {
			return nil, err
		}
	}
	return sch, nil
}

// explodingLevels returns σ̄_t of explodingSchedule as a function of t.
func (p DLPM) explodingLevels() func(t int) float64 {
	lo, hi, rho := p.exploding()
	a, b := dmath.Pow(lo, 1/rho), dmath.Pow(hi, 1/rho)
	last := p.tau(p.Steps - 1)
	return func(t int) float64 {
		u := p.tau(t) / last
		return dmath.Pow(a+float64(u*(b-a)), rho)
	}
}

// Variances sets sum[t] to the conditional variance of x_t given x_0 and
// A_0…A_{T−1}: x_t | x_0, A ~ N(γ̄_t·x_0, Σ_t·I),
//
//	Σ_0 = σ_0²·A_0,  Σ_t = σ_t²·A_t + γ_t²·Σ_{t−1}.
//
// sum and a have length T; sum may be a.
func (s *DLPMSchedule) Variances(sum, a []float64) {
	prev := 0.0
	for t := range s.T() {
		prev = s.nextVariance(t, prev, a[t])
		sum[t] = prev
	}
}

// nextVariance returns Σ_t from Σ_{t−1} and A_t.
func (s *DLPMSchedule) nextVariance(t int, prev, a float64) float64 {
	if t == 0 {
		prev = 0
	}
	sg, g := s.Sigma[t], s.Gamma[t]
	return float64(sg*sg*a) + float64(g*g*prev)
}

// Posterior returns Γ_t = 1 − γ_t²·Σ_{t−1}/Σ_t, in [0, 1], and the variance
// Σ̃_{t−1} = Γ_t·Σ_{t−1} of
//
//	x_{t−1} | x_t, x_0, A ~ N((x_t − Γ_t·σ̄_t·ε)/γ_t, Σ̃_{t−1}·I),
//
// where ε = (x_t − γ̄_t·x_0)/σ̄_t. Here sumPrev is Σ_{t−1} and sum is Σ_t > 0.
func (s *DLPMSchedule) Posterior(t int, sumPrev, sum float64) (Gamma, variance float64) {
	g := s.Gamma[t]
	Gamma = 1 - float64(g*g*sumPrev/sum)
	Gamma = math.Min(math.Max(Gamma, 0), 1) // rounding may leave [0, 1] by an ulp
	return Gamma, Gamma * sumPrev
}

// A Coef is one reverse step as a linear map:
//
//	x_{t−1} = X·x_t + Eps·ε̂ + Z·z,  z ~ N(0, 1).
type Coef struct {
	X, Eps, Z float64
}

// DLPM returns the stochastic step, with Γ_t and Σ̃_{t−1} from Posterior:
//
//	x_{t−1} = (x_t − Γ_t·σ̄_t·ε̂)/γ_t + 1[t≠1]·√Σ̃_{t−1}·z,
//
// or with Large z times √(Γ_t·Σ_t).
func (s *DLPMSchedule) DLPM(t int, sumPrev, sum float64) Coef {
	g := s.Gamma[t]
	Gamma, v := s.Posterior(t, sumPrev, sum)
	c := Coef{X: 1 / g, Eps: -Gamma * s.SigmaBar[t] / g}
	if s.Large {
		v = Gamma * sum // σ_t²·A_t
	}
	if t > 1 {
		c.Z = math.Sqrt(v)
	}
	return c
}

// DLIM returns the step with ρ = η·σ̄_{t−1}, 0 ≤ η ≤ 1, and A = A_t:
//
//	x_{t−1} = (x_t − σ̄_t·ε̂)/γ_t + (σ̄_{t−1}^α − ρ^α)^{1/α}·ε̂ + 1[t≠1]·ρ·√A·z.
//
// Marginals are the same for every η; η = 0 is deterministic.
func (s *DLPMSchedule) DLIM(t int, eta, a float64) Coef {
	g, prev := s.Gamma[t], s.SigmaBar[t-1]
	keep := 1.0 // (1 − η^α)^{1/α}
	if eta > 0 {
		keep = dmath.Pow(-dmath.Expm1(s.Alpha*dmath.Log(eta)), 1/s.Alpha)
	}
	c := Coef{X: 1 / g, Eps: float64(keep*prev) - s.SigmaBar[t]/g}
	if t > 1 {
		c.Z = eta * prev * math.Sqrt(a)
	}
	return c
}

// Clean returns the last step, from t = 1 to the data: x̂_0 = (x_1 − σ̄_1·ε̂)/γ̄_1.
// For Preserving it equals both steps above.
func (s *DLPMSchedule) Clean() Coef {
	return Coef{X: 1 / s.GammaBar[1], Eps: -s.SigmaBar[1] / s.GammaBar[1]}
}

// Pair is the law that two draws a0, a1 of A define at step t (the two-variable
// form of the loss). (Sum, SumPrev) have the joint law of (Σ_t, Σ_{t−1}).
type Pair struct {
	SumPrev, Sum float64 // Σ'_{t−1} = σ̄_{t−1}²·a0,  Σ'_t = σ_t²·a1 + γ_t²·Σ'_{t−1}
	Gamma, Var   float64 // posterior Γ and Σ̃ of that pair
	// Weight is λ², the factor of ‖ε̂−ε‖² in the Kullback–Leibler divergence
	// of the step: Γ·σ̄_t²/(2γ_t²·Σ'_{t−1}); +Inf where Σ'_{t−1} = 0 (t = 1 of
	// Preserving) and the posterior is a point.
	Weight float64
}

// Pair returns the elements of the two-variable loss at step t ≥ 1 for draws
// a0 and a1 of A. (The reference sets a0 = 0 at t = 1, which is wrong for
// Exploding: level 0 is not clean there. Where it is clean, σ̄_0 = 0 does it.)
func (s *DLPMSchedule) Pair(t int, a0, a1 float64) Pair {
	p := Pair{SumPrev: s.SigmaBar[t-1] * s.SigmaBar[t-1] * a0}
	p.Sum = s.nextVariance(t, p.SumPrev, a1)
	p.Gamma, p.Var = s.Posterior(t, p.SumPrev, p.Sum)
	r := s.SigmaBar[t] / s.Gamma[t]
	p.Weight = p.Gamma * r * r / (2 * p.SumPrev)
	return p
}
