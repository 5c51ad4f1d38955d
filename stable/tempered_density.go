package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
)

// This file inverts the characteristic function of a Tempered law,
//
//	f(x) = (1/2πi)·∫ e^(κ(s)−sx) ds,  P(X > x) = (1/2πi)·∫ e^(κ(s)−sx) ds/s
//
// along hyperbolas (Boyarchenko and Levendorskii 2019) that cross the real axis at
// the saddle η, κ'(η) = x, so that tails keep their relative precision:
//
//	s = η + b·(τ·(cosh y − 1) + i·√(1−τ²)·sinh y)
//
// by the trapezoidal rule in y, which converges exponentially. They bend to the
// side on which e^(−sx) decays.

// A bend is such a hyperbola, with the exponent κ(η) − ηx where it crosses.
type bend struct {
	eta, b, tau, c, exponent float64
}

// reach returns how far to the right and left of η the branch points are.
func (t Tempered) reach(eta float64) (right, left float64) {
	right, left = math.Inf(1), math.Inf(1)
	if t.Up > 0 {
		right = t.RateUp - eta
	}
	if t.Down > 0 {
		left = t.RateDown + eta
	}
	return right, left
}

// saddle returns η with κ'(η) = x, but no nearer to a branch point than
// (1+α)/(2|x − Mean|), the scale of e^(−sx) there.
func (t Tempered) saddle(x float64) float64 {
	d := x - t.Mean
	if d == 0 {
		return 0
	}
	rate, bounded := t.RateUp, t.Up > 0
	if d < 0 {
		rate, bounded = t.RateDown, t.Down > 0
	}
	place := func(v float64) float64 { // of v > 0
		m := -dmath.Expm1(-v)
		if !bounded {
			m = dmath.Expm1(v)
		}
		return math.Copysign(rate*m, d)
	}
	lo, hi := 0.0, 690.0
	if bounded {
		hi = dmath.Log(max(rate*2*math.Abs(d)/(1+t.Alpha), 1)) + 1e-9
	}
	for range 60 {
		v := (lo + hi) / 2
		if math.Abs(t.drift(place(v))) < math.Abs(d) {
			lo = v
		} else {
			hi = v
		}
	}
	return place(lo)
}

// slow returns what the mean lacks without jumps larger than about 1/s:
// −∫ x·(1 − e^(−s|x|)) over the Lévy measure.
func (t Tempered) slow(s float64) (d float64) {
	part := func(rate float64) float64 {
		switch {
		case math.IsInf(s, 1): // α < 1
			return dmath.Gamma(1-t.Alpha) * dmath.Pow(rate, t.Alpha-1)
		case t.Alpha == 1:
			return dmath.Log1p(s / rate)
		}
		l := dmath.Log1p(s / rate)
		return -dmath.Gamma(2-t.Alpha) * dmath.Pow(rate, t.Alpha-1) * dmath.Expm1(float64((t.Alpha-1)*l)) / (1 - t.Alpha)
	}
	if t.Up > 0 {
		d -= float64(t.Up * part(t.RateUp))
	}
	if t.Down > 0 {
		d += float64(t.Down * part(t.RateDown))
	}
	return d
}

// bend returns the contour for x; with a pole at 0 it keeps off that, on the side
// of the tail that is asked for.
func (t Tempered) bend(x float64, pole, upper bool) (c bend) {
	c.eta = t.saddle(x)
	off := math.Inf(1)
	if pole {
		sign := -1.0
		if upper {
			sign = 1
		}
		least := 0.4 / math.Sqrt(t.slope(2, 0))
		if right, left := t.reach(0); upper {
			least = min(least, 0.4*right)
		} else {
			least = min(least, 0.4*left)
		}
		if float64(sign*c.eta) < least {
			c.eta = sign * least
		}
		off = math.Abs(c.eta)
	}
	right, left := t.reach(c.eta)
	sd := math.Sqrt(t.slope(2, c.eta))
	c.b = min(1.6/sd, 1.1*right, 1.1*left, 1.1*off)
	c.exponent = real(t.cumulant(0, complex(c.eta, 0))) - float64(c.eta*x)
	// κ falls like −|s|^α·cos(α·arg(±s)) in all directions up to twice this bound;
	// a larger angle is right where e^(−sx) falls, beyond the sum of small jumps.
	a := t.Alpha
	bound := math.Pi / 4 * math.Abs(1-1/a)
	small := dmath.Pow(t.Up+t.Down, 1/a) // the size of jumps of which there is about one
	zero := t.Mean + t.slow(1/small)
	q := (x - zero) / small
	omega := min(math.Pi/4, bound)
	if omega < 0.3 {
		omega += (0.3 - omega) * q * q / (4 + float64(q*q))
	}
	if a < 0.9 { // all jumps begin here
		zero = t.Mean + t.slow(math.Inf(1))
	}
	if x < zero {
		omega = -omega
	}
	c.tau = dmath.Sin(omega)
	c.c = dmath.Cos(omega)
	return c
}

// bendStep is the step of the trapezoidal rule in y. The integrand is analytic
// for |Im y| below about 0.7.
const bendStep = 0.05

// integral returns (1/π)·∫ Im e^(κ(η+z)−κ(η)−zx) dz, over s with a pole.
func (t Tempered) integral(c bend, x float64, pole bool) (sum float64) {
	for n := 0; n < 3000; n++ {
		y := bendStep * float64(n)
		m := dmath.Expm1(y)
		sinh := (m + m/(1+m)) / 2
		half := dmath.Expm1(y / 2)
		half = float64((half + half/(1+half)) / 2)
		bow := float64(2 * half * half) // cosh y − 1; 2·x may be made x + x, and fused
		z := complex(float64(float64(c.b*c.tau)*bow), float64(c.b*c.c*sinh))
		dz := complex(float64(c.b*c.tau*sinh), float64(c.b*c.c*(1+bow)))
		e := t.cumulant(c.eta, z)
		re, im := real(e)-float64(x*real(z)), imag(e)-float64(x*imag(z))
		if re < -700 {
			break
		}
		size := dmath.Exp(re)
		v := times(complex(size*dmath.Cos(im), size*dmath.Sin(im)), dz)
		if pole {
			s := complex(c.eta+real(z), imag(z))
			q := 1 / (float64(real(s)*real(s)) + float64(imag(s)*imag(s)))
			v = times(v, complex(real(s)*q, -imag(s)*q))
		}
		if n == 0 {
			sum = float64(imag(v) / 2)
			continue
		}
		sum += imag(v)
		if math.Abs(real(v))+math.Abs(imag(v)) < 1e-18*math.Abs(sum) && n > 20 {
			break
		}
	}
	return sum * bendStep / math.Pi
}

// LogDensity returns the logarithm of the density at x, −Inf outside the support
// and at ±Inf. Its error is at most 3·10^-11 of the larger of 1 and the
// logarithm, and mostly 10^-13, against the stable densities that one-sided laws
// temper (TestTemperedDensity).
func (t Tempered) LogDensity(x float64) float64 {
	t.check()
	lo, hi := t.Support()
	if x-x != 0 || x <= lo || x >= hi {
		return nanOr(x, math.Inf(-1))
	}
	c := t.bend(x, false, false)
	return dmath.Log(max(t.integral(c, x, false), 0)) + c.exponent
}

// Density returns the density at x.
func (t Tempered) Density(x float64) float64 { return dmath.Exp(t.LogDensity(x)) }

// CDF returns P(X ≤ x), with its relative precision below the mean.
func (t Tempered) CDF(x float64) float64 {
	t.check()
	if x <= t.Mean {
		return t.tailOf(x, false)
	}
	return 1 - t.tailOf(x, true)
}

// Survival returns P(X > x), with its relative precision above the mean.
func (t Tempered) Survival(x float64) float64 {
	t.check()
	if x > t.Mean {
		return t.tailOf(x, true)
	}
	return 1 - t.tailOf(x, false)
}

// tailOf returns the probability above x or up to x.
func (t Tempered) tailOf(x float64, upper bool) float64 {
	lo, hi := t.Support()
	switch {
	case x != x:
		return x
	case x <= lo || x >= hi || x-x != 0:
		if upper == (x <= lo) {
			return 1
		}
		return 0
	}
	c := t.bend(x, true, upper)
	v := t.integral(c, x, true)
	if !upper {
		v = -v
	}
	return min(max(v, 0)*dmath.Exp(c.exponent), 1)
}

// Quantile returns x with P(X ≤ x) = p. It panics outside [0, 1].
func (t Tempered) Quantile(p float64) float64 {
	if !(p >= 0 && p <= 1) {
		panic(fmt.Sprintf("stable: Quantile: p = %v, want 0 to 1", p))
	}
	return t.solve(p, false)
}

// SurvivalQuantile returns x with P(X > x) = q. It panics outside [0, 1].
func (t Tempered) SurvivalQuantile(q float64) float64 {
	if !(q >= 0 && q <= 1) {
		panic(fmt.Sprintf("stable: SurvivalQuantile: q = %v, want 0 to 1", q))
	}
	return t.solve(q, true)
}

// solve finds where the upper or lower tail is q, by Newton's method on its
// logarithm inside a bracket.
func (t Tempered) solve(q float64, upper bool) float64 {
	t.check()
	lo, hi := t.Support()
	if q == 0 && upper || q == 1 && !upper {
		return hi
	}
	if q == 0 || q == 1 {
		return lo
	}
	sd, lq := math.Sqrt(t.Variance()), dmath.Log(q)
	x := t.Mean
	for i := range 200 {
		v, rate := t.CDF(x), 1.0
		if upper {
			v, rate = t.Survival(x), -1
		}
		if (v < q) == upper {
			hi = min(hi, x)
		} else {
			lo = max(lo, x)
		}
		next := x + float64(rate*(lq-dmath.Log(v)))*v/t.Density(x)
		if far := float64(3 * sd); math.Abs(next-x) > far {
			next = x + math.Copysign(far, next-x)
		}
		if !(next > lo && next < hi) || i > 60 {
			switch {
			case math.IsInf(lo, 0):
				next = hi - float64(sd*float64(uint64(1)<<min(i, 60)))
			case math.IsInf(hi, 0):
				next = lo + float64(sd*float64(uint64(1)<<min(i, 60)))
			default:
				next = lo + float64((hi-lo)/2)
			}
		}
		if math.Abs(next-x) <= 1e-13*max(math.Abs(next), 1e-3*sd) || next == lo || next == hi {
			return next
		}
		x = next
	}
	return x
}
