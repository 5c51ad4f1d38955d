package stable

import (
	"math"

	"heavytail/internal/dmath"
)

// This file evaluates the integrals of Zolotarev and Nolan for the standard law
// S(α, β): with ζ = β tan(πα/2), θ0 = atan(ζ)/α and X = x0 + ζ > 0 (x0 in S0),
//
//	f(x) = α/(π|α−1|X) ∫ g·e^−g dθ,  g = X^(α/(α−1))·V(θ),  −θ0 < θ < π/2
//	V = (cos αθ0)^(1/(α−1))·(cos θ/sin α(θ0+θ))^(α/(α−1))·cos(αθ0+(α−1)θ)/cos θ
//
// and ∫ e^−g dθ for the distribution. It is rewritten so that nothing grows
// without bound as α → 1. With ε = 1−α, η = π/2 − αθ0 (so that cot η = ζ),
// s = θ+θ0, s̄ = π/2−θ, ℓ = s+s̄ = π/2+θ0 and
//
//	R = X·sin η = cos η + x0·sin η,  r = sin αs/sin s̄ = cos εq + tan θ·sin εq,
//	εq = η + εθ = π − αs − s̄
//
// it is
//
//	ln g = (α/ε)·ln(r/R) + ln(sin εq/(sin η·cos θ)),  f = α|sin η/ε|/(πR)·∫ g·e^−g ds
//
// where (r−R)/ε, sin(εq)/ε and sin(η)/ε are regular at ε = 0 for β ≠ 0.
//
// The variable of integration is w = ln(a/b), where a is the distance from the
// end where g is small (s for α ≤ 1, else s̄) and b the other: ln g increases
// with w, and the integrand falls off at least like e^−|w|.

// A shape holds what depends on α and β alone.
type shape struct {
	alpha, eps float64
	eta        float64 // acot ζ in (0, π)
	sin, cos   float64 // of η
	sinE       float64 // |sin η/ε|; π/2β at ε = 0
	l          float64 // ℓ
	endL       float64 // π − ℓ
	endA       float64 // π − αℓ
	gapE       float64 // |q| = gapE + a: (π − ℓ)/|ε| for α ≤ 1, else (π − αℓ)/|ε|
	flat       bool    // V does not go to 0 at a = 0: the light tail of |β| = 1 or α = 2
	near       bool    // |ε| is small: r − R instead of r/R
}

// nearOne is the |α−1| below which ln g is formed from r − R; if further
// (1+|x0|)·|sin η/ε| exceeds steep (small |β| or large |x0|), from the difference
// to a centre, because then ln g changes fast with θ and r − R has rounding
// errors that differ from node to node. An error at the centre is only one of x.
const (
	nearOne = 0.1
	steep   = 12
)

// newShape returns the constants of S(α, β). At α = 1, β must be positive.
func newShape(alpha, beta float64) (z shape) {
	z.alpha, z.eps = alpha, 1-alpha
	z.near = math.Abs(z.eps) < nearOne
	if z.eps == 0 {
		z.cos = 1
		z.sinE = math.Pi / 2 / beta
		z.l = math.Pi
		z.gapE = math.Pi / 2 * (1 - beta) / beta
		z.flat = beta == 1
		return z
	}
	e := math.Abs(z.eps)
	b := beta
	if z.eps < 0 {
		b = -beta
	}
	// T = tan(π|ε|/2) as a quotient, since it has a pole at α = 2.
	ts, tc := dmath.SinPi(e/2), dmath.CosPi(e/2)
	z.eta = atan2(ts, float64(b*tc))
	n := 1 / math.Sqrt(float64(ts*ts)+float64(float64(b*tc)*float64(b*tc)))
	z.sin, z.cos = ts*n, float64(b*tc)*n
	z.sinE = z.sin / e
	// η − π|ε|/2 without cancellation at b = 1, where it is 0.
	small := atan2(float64(float64(ts*tc)*(1-b)), float64(float64(b*tc)*tc)+float64(ts*ts))
	large := z.eta + float64(math.Pi/2*e)
	if z.eps > 0 {
		z.endL, z.endA = small/alpha, large
		z.gapE = z.endL / e
	} else {
		z.endL, z.endA = large/alpha, small
		z.gapE = small / e
	}
	z.flat = small == 0
	z.l = math.Pi - z.endL
	if b < 0 { // ℓ can be small: the same with −b, directly
		if z.eps > 0 {
			z.l = atan2(float64(float64(ts*tc)*(1+b)), float64(ts*ts)-float64(float64(b*tc)*tc)) / alpha
		} else {
			z.l = (atan2(ts, float64(-b*tc)) + float64(math.Pi/2*e)) / alpha
		}
	}
	return z
}

// A point is the integrand for one x with a centre near its peak.
type point struct {
	*shape
	r, x0     float64 // R and x0
	ac, bc    float64 // a and b at the centre
	vc        float64 // ln g there
	base      float64 // lower limit of g
	tan, cosC float64 // tan θ and cos θ there
	qc, sqc   float64 // |εq| and sin|εq|/|ε|
	rc        float64 // r
	diff      bool    // ln g from differences to the centre
}

// split returns s and s̄ of a and b.
func (z *shape) split(a, b float64) (s, t float64) {
	if z.eps < 0 {
		return b, a
	}
	return a, b
}

// angles returns sin αs, sin s̄ and sin|εq|.
func (z *shape) angles(a, b float64) (sa, st, sq float64) {
	s, t := z.split(a, b)
	sa = sinFold(z.alpha*s, z.endA+float64(z.alpha*t))
	st = sinFold(t, z.endL+s)
	q := z.endL + float64(z.eps*s)
	if z.eps < 0 {
		q = z.endA - float64(z.eps*t)
	}
	if z.eps == 0 {
		return sa, st, z.gapE + a
	}
	return sa, st, sinFold(q, float64(z.alpha*s)+t)
}

// logG returns ln g at (a, b) and its derivative with respect to w.
func (p *point) logG(a, b float64) (v, slope float64) {
	z := p.shape
	s, t := z.split(a, b)
	sa, st, sq := z.angles(a, b)
	r := sa / st
	tan := cosFold(t, z.endL+s) / st
	e := math.Abs(z.eps)
	sqe, q, cq := sq, 0.0, 1.0 // sin(εq)/|ε|, |εq|, cos εq
	if e != 0 {
		sqe = sq / e
		q = e * (z.gapE + a)
		cq = cosFold(q, float64(z.alpha*s)+t)
	}
	sg := math.Copysign(1, z.eps)
	if z.near {
		v = p.nearLog(tan, sqe, r, t) + dmath.QuickLog(sqe/(z.sinE*st))
	} else {
		v = float64(z.alpha/z.eps*dmath.QuickLog(r/p.r)) + dmath.QuickLog(sq/(z.sin*st))
	}
	// d ln g/dθ = α·(r'/ε)/r + ε cot εq + tan θ
	d := float64(sg*sqe)/st/st - float64(e*sqe) + float64(tan*cq)
	d = float64(z.alpha*d)/r + sg*cq/sqe + tan
	return v, math.Abs(d) * float64(a*b) / z.l
}

// nearLog returns (α/ε)·ln(r/R) by way of (r−R)/ε.
func (p *point) nearLog(tan, sqe, r, t float64) float64 {
	z := p.shape
	theta := math.Pi/2 - t
	sg := math.Copysign(1, z.eps)
	half := theta / 2
	if e := math.Abs(z.eps); e != 0 {
		half = math.Copysign(dmath.QuickSin(math.Abs(e*half))/e, theta)
	}
	mid := z.eta + float64(float64(z.eps*theta)/2)
	d := float64(sg*sqe*tan) - float64(p.x0*float64(sg*z.sinE)) - float64(2*half*sinFold(mid, math.Pi-mid))
	if z.eps == 0 {
		return d / p.r
	}
	y := z.eps * d / p.r
	if math.Abs(y) < 0.5 {
		return float64(z.alpha / z.eps * dmath.QuickLog1p(y))
	}
	return float64(z.alpha / z.eps * dmath.QuickLog(r/p.r))
}

// scaled returns (α/ε)·ln(1 + εd), given also 1 + εd.
func (z *shape) scaled(d, ratio float64) float64 {
	y := z.eps * d
	switch {
	case z.eps == 0:
		return d
	case math.Abs(y) < 0.5:
		return z.alpha * dmath.Log1p(y) / z.eps
	}
	return float64(z.alpha / z.eps * dmath.QuickLog(ratio)) // not to be fused by a caller
}

// ends returns a and b for w.
func (z *shape) ends(w float64) (a, b float64) {
	u := dmath.QuickExp(-math.Abs(w))
	big := z.l / (1 + u)
	if w < 0 {
		return big * u, big
	}
	return big, big * u
}

// centre finds roughly where g = base + 1 and prepares for integration there.
// It returns w and the slope of ln g.
func (p *point) centre() (w, slope float64) {
	z := p.shape
	const unbounded = 600.0
	lo, hi, target := -unbounded, unbounded, 0.0
	if z.flat {
		// The limit of ln g at a = 0, where r = α and sin εq/cos θ = ε.
		p.base = dmath.Exp(min(p.scaled(p.flatRatio(), z.alpha/p.r)-dmath.Log(z.sinE), 700))
		target = dmath.Log1p(p.base)
		if p.base > asymptotic {
			return 0, 0
		}
	}
	found := false
	for i := range 90 {
		p.ac, p.bc = z.ends(w)
		p.vc, slope = p.logG(p.ac, p.bc)
		d := target - p.vc
		found = math.Abs(d) < 0.4
		if p.base > 0.5 {
			found = math.Abs(dmath.Exp(min(p.vc, 700))-p.base-1) < 0.7
		}
		if found {
			break
		}
		if d > 0 {
			lo = w
		} else {
			hi = w
		}
		// Newton's step, limited, since ln g can grow like e^w; within the bracket.
		most := 4 + float64(0.5*math.Abs(w))
		w += max(min(d/slope, most), -most)
		if !(w > lo && w < hi) || i > 20 && i%2 == 0 {
			w = (lo + hi) / 2
		}
	}
	p.diff = z.near && (1+math.Abs(p.x0))*z.sinE > steep
	if p.diff {
		if !found { // within its rounding error
			p.vc = target
		}
		s, t := z.split(p.ac, p.bc)
		sa, st, sq := z.angles(p.ac, p.bc)
		p.rc, p.cosC = sa/st, st
		p.tan = cosFold(t, z.endL+s) / st
		p.qc = math.Abs(z.eps) * (z.gapE + p.ac)
		p.sqc = sq
		if z.eps != 0 {
			p.sqc = sq / math.Abs(z.eps)
		}
	}
	return w, slope
}

// flatRatio returns (α/R − 1)/ε.
func (p *point) flatRatio() float64 {
	z := p.shape
	d := -1 - float64(p.x0*math.Copysign(z.sinE, z.eps))
	if z.eps != 0 {
		h := dmath.Sin(z.eta / 2)
		d += float64(2*h*h) / z.eps
	}
	return d / p.r
}
