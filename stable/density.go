package stable

import (
	"math"

	"heavytail/internal/dmath"
)

// standard is a law brought to unit scale, reflected so that X ≥ 0.
type standard struct {
	shape
	r, x0     float64
	beta      float64 // after reflection
	reflected bool
}

// standardise finds the shape and the point for x.
func (l Law) standardise(x float64) (s standard) {
	y := difference(x, l.Loc, l.Scale)
	x0, beta := y-l.shift(), l.Beta
	if l.Alpha == 2 {
		beta = 0
	}
	x1 := x0
	if l.Alpha != 1 {
		x1 = x0 + l.zeta()
		if l.Param == S1 {
			x1 = y
		}
		s.reflected = x1 < 0
	} else {
		s.reflected = beta < 0
	}
	if s.reflected {
		x0, x1, beta = -x0, -x1, -beta
	}
	s.shape = newShape(l.Alpha, beta)
	s.x0, s.beta = x0, beta
	s.r = s.cos + float64(x0*s.sin)
	if l.Param == S1 && l.Alpha != 1 {
		s.r = float64(x1 * s.sin)
	}
	return s
}

// values holds what one evaluation gives: the density times e^base, the
// probabilities above and below, and that between x and X = 0, where it is small
// with full relative precision.
type values struct{ base, f, upper, lower, rise float64 }

// far returns whether the leading term of the tail at X is exact: what follows
// is smaller by X^−α, and by |ζ|/X < 10^16/X, which also covers x0 for X. From
// 10^270 on densities can be below float64, which the integral is not made for.
func (s *standard) far() bool {
	return s.x0 > 1e30 && (s.x0 > 1e270 || s.alpha*dmath.Log(s.x0) > 69) && !(s.flat && s.eps < 0)
}

// evaluate computes all values at a finite x, for unit scale.
func (l Law) evaluate(x float64) (o values) { return l.evaluateFrom(x, powersNear) }

// evaluateFrom is evaluate with the SX from which integrals are used near α = 1.
func (l Law) evaluateFrom(x, near float64) (o values) {
	y := difference(x, l.Loc, l.Scale)
	if y-y != 0 {
		return l.overflow(x)
	}
	if l.Alpha == 1 && l.Beta == 0 {
		o.f = 1 / (math.Pi * (float64(y*y) + 1))
		if math.Abs(y) > 1e150 {
			o.f, o.base = 1/math.Pi, float64(2*dmath.Log(math.Abs(y)))
		}
		o.upper, o.lower = cauchyTail(y), cauchyTail(-y)
		o.rise = dmath.Atan(math.Abs(y)) / math.Pi
		return o
	}
	s := l.standardise(x)
	switch {
	case s.alpha < 1 && s.beta == -1: // X < 0 of a positive law, reflected
		o.lower = 1
	case s.r > 0 && s.far():
		o = s.tail()
	case s.eps == 0 && s.x0 < -1e100 && !s.flat: // where α = 1 has no point X = 0 to reflect at
		s.x0, s.beta = -s.x0, -s.beta
		o = s.tail()
		o.upper, o.lower = o.lower, o.upper
	case s.r > 0:
		ok := false
		if o, ok = s.powers(near); !ok {
			o = s.quadrature()
		}
	default: // X = 0
		o.f = dmath.Gamma(1+1/s.alpha) * sinFold(s.l, s.endL) * dmath.Pow(s.sin, 1/s.alpha) / math.Pi
		o.upper, o.lower = s.l/math.Pi, s.endL/math.Pi
	}
	if s.reflected {
		o.upper, o.lower = o.lower, o.upper
	}
	return o
}

// quadrature evaluates at X > 0.
func (s *standard) quadrature() (o values) {
	p := point{shape: &s.shape, r: s.r, x0: s.x0}
	i := p.integrate()
	o.base = p.base
	// Each of the two is good where it is the smaller one; their sum is ℓ.
	q, r := float64(i.q*dmath.Exp(-p.base)), i.p
	if q < r {
		r = s.l - q
	} else {
		q = s.l - r
	}
	o.f = s.alpha * s.sinE / (math.Pi * s.r) * i.f
	if s.eps < 0 {
		q, r = r, q
	}
	o.upper, o.lower, o.rise = r/math.Pi, min((s.endL+q)/math.Pi, 1), q/math.Pi
	return o
}

// tail evaluates the leading term: f ~ α·C/X^(α+1) with
// C = Γ(α)·sin αℓ/(π sin η) = Γ(α)·sin(πα/2)·(1+β)/π.
func (s *standard) tail() (o values) {
	c := tailConstant(s.alpha, s.beta)
	lx := dmath.Log(s.x0) // = ln X within the precision
	o.f, o.base = s.alpha*c, float64((s.alpha+1)*lx)
	o.upper = float64(c * dmath.Exp(-s.alpha*lx))
	o.lower, o.rise = 1-o.upper, s.l/math.Pi-o.upper
	return o
}

// overflow is tail for finite x whose (x − δ)/γ is not: a light tail is 0 there.
func (l Law) overflow(x float64) (o values) {
	sign := 1.0
	if x < l.Loc {
		sign = -1
	}
	c, lx := 0.0, logDifference(x, l.Loc, l.Scale)
	if l.Alpha < 2 {
		c = tailConstant(l.Alpha, float64(sign*l.Beta))
	}
	o.f, o.base = l.Alpha*c, float64((l.Alpha+1)*lx)
	o.upper = float64(c * dmath.Exp(-l.Alpha*lx))
	o.lower = 1 - o.upper
	if sign < 0 {
		o.upper, o.lower = o.lower, o.upper
	}
	return o
}

// tailConstant returns lim x^α·P(X > x).
func tailConstant(alpha, beta float64) float64 {
	return dmath.Gamma(alpha) * dmath.SinPi(alpha/2) * (1 + beta) / math.Pi
}

// cauchyTail returns the probability that a standard Cauchy variate exceeds x.
func cauchyTail(x float64) float64 {
	if x > 1 {
		return dmath.Atan(1/x) / math.Pi
	}
	return 0.5 - dmath.Atan(x)/math.Pi
}

// Density returns the density at x; 0 at ±Inf. The relative error is about
// 1e-14 for 0.3 ≤ α, up to 1e-13 for |β| within 1e-3 of 1 (against panels five
// times as fine, 30,000 random laws and points: 4e-14 in 99.9 %), and in light
// tails (|β| = 1 or α = 2) that of ln f times 2e-15.
func (l Law) Density(x float64) float64 {
	l.check()
	if x-x != 0 {
		return nanOr(x, 0)
	}
	o := l.evaluate(x)
	if o.base > -lowLog { // the scale may bring it back into float64
		return float64(o.f * dmath.Exp(-o.base-dmath.Log(l.Scale)))
	}
	return float64(o.f*dmath.Exp(-o.base)) / l.Scale
}

// LogDensity returns the logarithm of the density, also where the density
// itself is below the smallest float64; −Inf outside the support and at ±Inf.
func (l Law) LogDensity(x float64) float64 {
	l.check()
	if x-x != 0 {
		return nanOr(x, math.Inf(-1))
	}
	o := l.evaluate(x)
	return dmath.Log(o.f) - o.base - dmath.Log(l.Scale)
}

// CDF returns P(X ≤ x), with full relative precision in the lower tail.
func (l Law) CDF(x float64) float64 {
	l.check()
	if x-x != 0 {
		return nanOr(x, step(x))
	}
	return l.evaluate(x).lower
}

// Survival returns P(X > x), with full relative precision in the upper tail.
func (l Law) Survival(x float64) float64 {
	l.check()
	if x-x != 0 {
		return nanOr(x, step(-x))
	}
	return l.evaluate(x).upper
}

// nanOr returns NaN for NaN and else v.
func nanOr(x, v float64) float64 {
	if x != x {
		return x
	}
	return v
}

// step returns 1 for positive x and else 0.
func step(x float64) float64 {
	if x > 0 {
		return 1
	}
	return 0
}
