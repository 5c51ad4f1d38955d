package stable

import (
	"math"

	"heavytail/internal/dmath"
)

// Below these SX, S = (sin η)^(1/α), the powers of X are summed instead of the
// integrals. Near α = 1, ln g comes from r − R, whose rounding error is one of
// 3·10^-16/SX of f; elsewhere integrals hold until e^-w leaves float64.
// A Sampler's rows are float32, for which integrals do longer: its bits are those
// of version 0.1.0.
const (
	powersNear = 0x1p-7
	powersRows = 1e-5
	powersElse = 1e-30
	mostPowers = 24
)

// powers evaluates next to X = 0, where with z = SX
//
//	f(x) = (S/π)·Σ b_n·z^(n−1),  F(x) − F(0) = (1/π)·Σ b_n·z^n/n
//	b_n  = (−1)^(n−1)·Γ(1+n/α)/n!·sin nℓ,  n = 1, 2, …
//
// (Zolotarev 1986, §2.4), which converges for α > 1. For α < 1 it is asymptotic,
// with an error of the order of the first term left out, its sine taken as 1. It
// reports whether that is below the rounding error of the sum: not where X is
// too large, nor on half-lines, which have no powers at their end.
func (s *standard) powers(near float64) (o values, ok bool) {
	z := s.r * dmath.Pow(s.sin, s.eps/s.alpha) // X = R/sin η
	limit := powersElse
	if s.near {
		limit = near
	}
	if !(z < limit) || s.eps == 0 {
		return o, false
	}
	ell, sign := s.l, -1.0
	if s.endL < s.l { // sin nℓ = (−1)^(n−1)·sin n(π−ℓ)
		ell, sign = s.endL, 1
	}
	sum, rise, power := 0.0, 0.0, 1.0 // power: ±z^(n−1)/n!
	for n := 1.0; n <= mostPowers; n++ {
		power /= n
		size := dmath.Gamma(1+n/s.alpha) * power
		if math.Abs(size) <= 0x1p-58*math.Abs(sum) {
			o.f = dmath.Pow(s.sin, 1/s.alpha) / math.Pi * sum
			o.rise = float64(z / math.Pi * rise)
			o.upper, o.lower = s.l/math.Pi-o.rise, s.endL/math.Pi+o.rise
			return o, true
		}
		b := float64(size * dmath.Sin(n*ell))
		sum += b
		rise += b / n
		power *= sign * z
	}
	return o, false
}

// centre returns the probabilities below and above X = 0; ok is false for α = 1
// with β ≠ 0, where there is no such point.
func (l Law) centre() (below, above float64, ok bool) {
	switch {
	case l.Beta == 0 || l.Alpha == 2:
		return 0.5, 0.5, true
	case l.Alpha == 1:
		return 0, 0, false
	}
	z := newShape(l.Alpha, l.Beta)
	return z.endL / math.Pi, z.l / math.Pi, true
}

// centred is the part of the lesser side of X = 0 within which quantiles are
// solved for from there. Beyond it the logarithm of a tail, with its error of
// 10^-15, gives 10^-13 of the distance.
const centred = 0x1p-6

// nearCentre returns the x whose upper or lower tail probability is q if it is
// next to X = 0.
func (l Law) nearCentre(q float64, upper bool) (x float64, ok bool) {
	below, above, ok := l.centre()
	rise := q - below
	if upper {
		rise = above - q
	}
	if !ok || !(math.Abs(rise) < centred*min(below, above)) {
		return 0, false
	}
	return l.fromCentre(l.riseRoot(rise)), true
}

// riseRoot solves F(X) − F(0) = rise, which is straight there, by Newton's method
// in a bracket.
func (l Law) riseRoot(rise float64) float64 {
	sign := 1.0
	if rise < 0 {
		rise, sign = -rise, -1
	}
	unit := Law{Alpha: l.Alpha, Beta: l.Beta, Scale: 1, Param: S1}
	lo, hi := 0.0, math.Inf(1)
	x := rise / unit.evaluate(0).f
	for range 60 {
		o := unit.evaluate(float64(sign * x))
		if o.rise < rise {
			lo = x
		} else {
			hi = x
		}
		d := (rise - o.rise) / float64(o.f*dmath.Exp(-o.base))
		if math.Abs(d) <= 0x1p-52*x {
			break
		}
		if x += d; !(x > lo && x < hi) {
			x = 0.5 * (lo + min(hi, float64(4*lo)))
		}
	}
	return sign * x
}

// fromCentre returns the x of X.
func (l Law) fromCentre(x float64) float64 {
	if l.Param == S0 {
		x -= l.zeta() // X0 = X − ζ
	}
	return float64(x*l.Scale) + l.Loc
}

// difference returns (x − loc)/scale; x − loc may be beyond float64.
func difference(x, loc, scale float64) float64 {
	d := x - loc
	if d-d != 0 {
		return float64((float64(x/2) - float64(loc/2)) / scale * 2)
	}
	return d / scale
}

// logDifference returns ln|(x − loc)/scale|, also where that is beyond float64.
func logDifference(x, loc, scale float64) float64 {
	return dmath.Log(math.Abs(float64(x/2)-float64(loc/2))) + math.Ln2 - dmath.Log(scale)
}
