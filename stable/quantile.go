package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
)

// Quantile returns x with P(X ≤ x) = p, −Inf or +Inf (or the end of the support)
// for 0 and 1. It panics outside [0, 1]. Small p keep their relative precision;
// for the upper tail use SurvivalQuantile.
func (l Law) Quantile(p float64) float64 {
	l.check()
	if !(p >= 0 && p <= 1) {
		panic(fmt.Sprintf("stable: Quantile: p = %v, want 0 to 1", p))
	}
	if p <= 0.5 {
		return l.solve(p, false)
	}
	return l.solve(1-p, true)
}

// SurvivalQuantile returns x with P(X > x) = q, with the relative precision of
// small q.
func (l Law) SurvivalQuantile(q float64) float64 {
	l.check()
	if !(q >= 0 && q <= 1) {
		panic(fmt.Sprintf("stable: SurvivalQuantile: q = %v, want 0 to 1", q))
	}
	if q <= 0.5 {
		return l.solve(q, true)
	}
	return l.solve(1-q, false)
}

// solve finds where the upper or lower tail probability is q ≤ ½.
func (l Law) solve(q float64, upper bool) float64 {
	u := Law{Alpha: l.Alpha, Beta: l.Beta, Scale: 1, Param: S0}
	back := l.shift()
	oneSided := l.Alpha < 1-nearOne && math.Abs(l.Beta) == 1
	if oneSided { // in S1, where the support ends at 0
		u.Param = S1
		back = 0
		if l.Param == S0 {
			back = -l.zeta()
		}
	}
	var x float64
	switch {
	case q > 0:
		x = u.root(q, upper, oneSided)
	case oneSided && upper != (l.Beta > 0): // the end of the support
	case upper:
		return math.Inf(1)
	default:
		return math.Inf(-1)
	}
	return float64(l.Scale*(x+back)) + l.Loc
}

// root solves for the unit law in y with x = ±e^y for a one-sided law, else
// x = sinh y, by Newton's method on the logarithm of the probability, kept
// inside a bracket.
func (l Law) root(q float64, upper, oneSided bool) float64 {
	const limit = 709
	lo, hi, lq := -float64(limit), float64(limit), dmath.Log(q)
	place := func(y float64) (x, dx float64) {
		e := dmath.Exp(y)
		if oneSided {
			return math.Copysign(e, l.Beta), math.Copysign(e, l.Beta)
		}
		m := dmath.Expm1(math.Abs(y))
		return math.Copysign(0.5*(m+m/(1+m)), y), 0.5 * (e + 1/e)
	}
	toward := 1.0 // dP/dx is ±density
	if upper {
		toward = -1
	}
	y := l.firstGuess(lq, upper)
	for i := 0; ; i++ {
		x, dx := place(y)
		o := l.evaluate(x)
		t := o.lower
		if upper {
			t = o.upper
		}
		slope := toward * o.f * dmath.Exp(-o.base) * dx
		if (t < q) == (toward*dx > 0) {
			lo = y
		} else {
			hi = y
		}
		d := (lq - dmath.Log(t)) * t / slope
		if math.Abs(d) < 1e-8 { // the next error is about d²
			x, _ = place(y + d)
			return x
		}
		next := y + max(min(d, 3), -3)
		if !(next > lo && next < hi) || i > 20 && i%2 == 0 {
			next = 0.5 * (lo + hi)
		}
		if next == y || i > 200 || limit-math.Abs(next) < 1e-9 {
			switch { // beyond float64
			case next > limit-1:
				x = math.Copysign(math.Inf(1), x)
			case next < 1-limit && oneSided:
				x = 0
			case next < 1-limit:
				x = math.Inf(-1)
			}
			return x
		}
		y = next
	}
}

// firstGuess inverts the leading term of the tail where that is near.
func (l Law) firstGuess(lq float64, upper bool) float64 {
	b := l.Beta
	if !upper {
		b = -b
	}
	c := tailConstant(l.Alpha, b)
	if lq > -3 || c < 1e-3 {
		return 0
	}
	y := min((dmath.Log(c)-lq)/l.Alpha, 690)
	if l.Param == S1 { // one-sided
		return y
	}
	if upper {
		return y + math.Ln2
	}
	return -y - math.Ln2
}
