package diffusion

import (
	"context"
	"math"
	"slices"

	"heavytail/internal/dmath"
	"heavytail/stable"
)

// An innovation draws what the Student-t noise of a level has beyond that of a lower one.
// With V = 1/κ, κ ~ χ²(ν)/ν, noise of the level σ is σ·√V·z. V is self-decomposable
// (Halgreen 1979): for every 0 < c < 1 there is a law of W ≥ 0 such that
//
//	V = c²·V′ + W in law, W independent of V′, so that σ̂·n = σ·n′ + σ̂·√W·z,  c = σ/σ̂
//
// in any number of elements, z being independent of n′. Noise σ̂·√W·z takes x_0 + σ·n to
// the law of x_0 + σ̂·n, whatever the law of x_0: exactly, in one step, and without an
// estimate of x_0 or of its spread. W is the time in which a Bessel process of dimension
// 2−ν falls from the height √ν to c·√ν. With a = ν/2, T = 2·ln(σ̂/σ) and the phase θ of
// J_a + i·Y_a, which rises from −π/2, W is the sum of jumps (Grosswald 1976: V is a
// convolution of gamma laws whose rates z²/(4a) have the density θ′(z)/π in z)
//
//	W = Σ_i 4a·E_i·e^(−T·U_i)/z_i²,  θ(z_i) = π·Γ_i/T − π/2
//
// with exponential E_i, uniform U_i and the points Γ_i of a Poisson process of rate 1. The
// jumps of z_i beyond cut, which are many and small, are drawn together, as a gamma
// variate of their mean and variance.
//
// Grosswald 1976: The Student t-distribution of any degree of freedom is infinitely
// divisible, Z. Wahrscheinlichkeitstheorie verw. Gebiete 36. Halgreen 1979:
// Self-decomposability of the generalized inverse Gaussian and hyperbolic distributions,
// the same, 47.
type innovation struct {
	a float64
	// nodes of increasing G(z) = (θ(z)+π/2)/π, the jumps up to z in a time T of 1
	logG, logZ, slope []float64 // ln G, ln z, d ln z/d ln G
	most              float64   // G at cut
	mean, square      float64   // ∫ dG/z² and ∫ dG/z⁴ beyond cut
}

// lightNu is the ν from which W is drawn as a gamma variate of its mean and variance. What
// steps add up to, V of mean 1, then has a third cumulant, the first to differ, of
// 2/a² to 8/3/a² instead of 4/a²: less by at most 5e-7.
const lightNu = 4000

// newInnovations returns the innovation of every group of ν; nil for ν = ∞. One takes up
// to a tenth of a second, of ν in the thousands, and there may be one for each column of a
// wide table: it ends with ctx.
func newInnovations(ctx context.Context, nu Nu) ([]*innovation, error) {
	out := make([]*innovation, nu.groups())
	for g := range out {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		switch at := slices.Index(nu, nu.at(g)); {
		case math.IsInf(nu.at(g), 1):
		case at < g:
			out[g] = out[at]
		default:
			out[g] = newInnovation(nu.at(g))
		}
	}
	return out, nil
}

// innovationNodes is more than the nodes of an innovation: steps of 0.2/(10 + ν/2 + z) in
// ln z, from z = 30 + ν down to 0.01 or to where G is nothing.
func innovationNodes(nu float64) int64 {
	if nu > lightNu {
		return 0
	}
	return 800 + int64(5*nu)
}

// IndependentNoiseBytes returns how many bytes a run of a sampler takes at most for what
// IndependentNoise draws from: tables for every ν that is another than those before it,
// up to 1.3 MB of one in the thousands.
func (nu Nu) IndependentNoiseBytes() (total int64) {
	for g, v := range nu {
		if !math.IsInf(v, 1) && slices.Index(nu, v) == g {
			total += 64 * innovationNodes(v) // three numbers a node, twice while they are made
		}
	}
	return total
}

// newInnovation follows p = d ln|H|/ds and q = dθ/ds of H = J_a + i·Y_a in s = ln z,
//
//	dp/ds = a² − z² − p² + q²,  d ln q/ds = −2p
//
// which is Bessel's equation for d ln H/ds, from where the expansion of |H|² for large z
// holds down to where G is nothing: in this direction errors die out.
func newInnovation(nu float64) *innovation {
	f := &innovation{a: float64(nu / 2)}
	a := f.a
	if nu > lightNu { // the mean and the variance of V
		v := (a - 1) * (a - 1) * (a - 2)
		f.mean, f.square = 1/(4*(a-1)), 1/(16*v)
		return f
	}
	cut := 30 + float64(2*a)
	y := f.beyond(2 * cut)
	var s, p, q []float64
	for y.s > dmath.Log(0.01) && y.logQ > -60 {
		y = y.down(a, 0.2/(10+a+dmath.Exp(y.s)))
		if z := dmath.Exp(y.s); z <= cut {
			if len(s) == 0 {
				f.mean, f.square = y.mean/math.Pi, y.square/math.Pi
			}
			s, p, q = append(s, y.s), append(p, y.p), append(q, dmath.Exp(y.logQ))
		}
	}
	slices.Reverse(s)
	slices.Reverse(p)
	slices.Reverse(q)
	G := q[0] / (2 * a * math.Pi) // q grows as z^2a there
	for i := range s {
		if i > 0 { // the trapezoid rule with the slopes of q, −2pq, at its ends
			h := s[i] - s[i-1]
			mid := float64(h * (q[i-1] + q[i]) / 2)
			G += (mid + float64(h*h*(float64(p[i]*q[i])-float64(p[i-1]*q[i-1]))/6)) / math.Pi
		}
		f.logG = append(f.logG, dmath.Log(G))
		f.logZ = append(f.logZ, s[i])
		f.slope = append(f.slope, math.Pi*G/q[i])
	}
	f.most = G
	return f
}

// A bessel is the state of newInnovation's equations, with ∫ dθ/z² and ∫ dθ/z⁴ beyond s.
type bessel struct{ s, p, logQ, mean, square float64 }

// beyond returns the state at a large z, by π·z·|H|²/2 = Σ_k t_k, t_0 = 1 and
// t_k = t_{k−1}·(2k−1)/(2k)·(4a²−(2k−1)²)/(2z)² (Abramowitz and Stegun, 9.2.28).
func (f *innovation) beyond(z float64) bessel {
	sum, slope, t := 1.0, 0.0, 1.0
	var first [3]float64 // t_1 and t_2
	for k := 1.0; k <= 20; k++ {
		odd := float64(2*k) - 1
		next := t * odd / (2 * k) * (float64(4*f.a*f.a) - float64(odd*odd)) / float64(4*z*z)
		if math.Abs(next) >= math.Abs(t) { // the series is asymptotic
			break
		}
		t = next
		sum += t
		slope -= float64(2 * k * t)
		if k < 3 {
			first[int(k)] = t
		}
	}
	one, two := -first[1], float64(first[1]*first[1])-first[2] // of 1/Σ = dθ/dz
	return bessel{dmath.Log(z), (slope/sum - 1) / 2, dmath.Log(z / sum),
		(1 + one/3 + two/5) / z, (1.0/3 + one/5 + two/7) / float64(z*z*z)}
}

// down takes a step of Runge and Kutta from s to s−h, with Simpson's rule for the integrals.
func (y bessel) down(a, h float64) bessel {
	rate := func(s, p, logQ float64) (dp, dl, q, z2 float64) {
		z, q := dmath.Exp(s), dmath.Exp(logQ)
		z2 = float64(z * z)
		return float64(a*a) - z2 - float64(p*p) + float64(q*q), float64(-2 * p), q, z2
	}
	half := float64(h / 2)
	p1, l1, q1, z1 := rate(y.s, y.p, y.logQ)
	p2, l2, _, _ := rate(y.s-half, y.p-float64(half*p1), y.logQ-float64(half*l1))
	p3, l3, q3, z3 := rate(y.s-half, y.p-float64(half*p2), y.logQ-float64(half*l2))
	p4, l4, _, _ := rate(y.s-h, y.p-float64(h*p3), y.logQ-float64(h*l3))
	out := bessel{s: y.s - h,
		p:    y.p - float64(h*(p1+float64(2*p2)+float64(2*p3)+p4)/6),
		logQ: y.logQ - float64(h*(l1+float64(2*l2)+float64(2*l3)+l4)/6)}
	q4, z4 := dmath.Exp(out.logQ), dmath.Exp(2*out.s)
	out.mean = y.mean + float64(h*(q1/z1+float64(4*q3/z3)+q4/z4)/6)
	out.square = y.square + float64(h*(q1/float64(z1*z1)+float64(4*q3/float64(z3*z3))+q4/float64(z4*z4))/6)
	return out
}

// z returns the z of G.
func (f *innovation) z(G float64) float64 {
	l := dmath.Log(G)
	i, _ := slices.BinarySearch(f.logG, l)
	if i == 0 || i == len(f.logG) { // G is a power of z there, or at its end
		i = min(i, len(f.logG)-1)
		return dmath.Exp(f.logZ[i] + float64(f.slope[i]*(l-f.logG[i])))
	}
	h := f.logG[i] - f.logG[i-1]
	t := (l - f.logG[i-1]) / h
	u := 1 - t
	from := float64(f.logZ[i-1]*(1+float64(2*t))) + float64(h*t*f.slope[i-1])
	to := float64(f.logZ[i]*(1+float64(2*u))) - float64(h*u*f.slope[i])
	return dmath.Exp(float64(float64(u*u)*from) + float64(float64(t*t)*to))
}

// draw returns W of group g of as many, for T = 2·ln(σ̂/σ).
func (f *innovation) draw(at stable.Key, g, groups int, T float64) float64 {
	var e, u [2]float64
	sum, G := 0.0, 0.0
	for k := g; ; k += groups {
		at.Exponential64(e[:], 2*k)
		if G += e[0] / T; G >= f.most {
			break
		}
		at.Uniform64(u[:1], k)
		z := f.z(G)
		sum += e[1] * dmath.Exp(-float64(T*u[0])) / float64(z*z)
	}
	m, v := -dmath.Expm1(-T)*f.mean, -dmath.Expm1(-2*T)*f.square
	return 4 * f.a * (sum + float64(at.Gamma(m*m/v, g)*v/m))
}
