package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
)

// StudentT is Student's law with Nu degrees of freedom, times Scale, plus Loc:
//
//	f(t) = Γ((ν+1)/2)/(√(νπ)·Γ(ν/2))·(1 + t²/ν)^(−(ν+1)/2),  t = (x − Loc)/Scale
//
// ν need not be whole; ν = 1 is Cauchy. As ν → ∞ it tends to N(Loc, Scale²).
// Its methods panic on parameters that Validate refuses.
type StudentT struct {
	Nu    float64 // 0.01 to 10^6
	Scale float64 // positive and finite
	Loc   float64 // finite
}

// Validate reports the first parameter that is out of range.
func (s StudentT) Validate() error {
	switch {
	case !(s.Nu >= 0.01 && s.Nu <= 1e6):
		return fmt.Errorf("stable: Student's t: Nu = %v, want 0.01 to 10^6", s.Nu)
	case !(s.Scale > 0 && s.Scale <= math.MaxFloat64):
		return fmt.Errorf("stable: Student's t: Scale = %v, want a positive number", s.Scale)
	case !(math.Abs(s.Loc) <= math.MaxFloat64):
		return fmt.Errorf("stable: Student's t: Loc = %v, want a finite number", s.Loc)
	}
	return nil
}

func (s StudentT) check() {
	if err := s.Validate(); err != nil {
		panic(err.Error())
	}
}

// log1pSquare returns ln(1 + t²/ν) without overflow.
func log1pSquare(t, nu float64) float64 {
	if a := math.Abs(t); a > 1e100 {
		return 2*dmath.Log(a) - dmath.Log(nu)
	}
	return dmath.Log1p(float64(t*t) / nu)
}

// LogDensity returns the logarithm of the density at x; −Inf at ±Inf.
func (s StudentT) LogDensity(x float64) float64 {
	s.check()
	if x-x != 0 {
		return nanOr(x, math.Inf(-1))
	}
	c := dmath.Log(dmath.GammaHalf(s.Nu/2) / math.Sqrt(s.Nu*math.Pi))
	return c - float64(0.5*(s.Nu+1)*s.log1pSquare(x)) - dmath.Log(s.Scale)
}

// Density returns the density at x, 0 at ±Inf.
func (s StudentT) Density(x float64) float64 {
	s.check()
	if x-x != 0 {
		return nanOr(x, 0)
	}
	c := dmath.GammaHalf(s.Nu/2) / math.Sqrt(s.Nu*math.Pi)
	e := float64(-0.5 * (s.Nu + 1) * s.log1pSquare(x))
	if e < lowLog { // the scale may bring it back into float64
		return c * dmath.Exp(e-dmath.Log(s.Scale))
	}
	return c * dmath.Exp(e) / s.Scale
}

// log1pSquare returns ln(1 + t²/ν) of a finite x.
func (s StudentT) log1pSquare(x float64) float64 {
	t := difference(x, s.Loc, s.Scale)
	if t-t != 0 { // beyond float64
		return float64(2*logDifference(x, s.Loc, s.Scale)) - dmath.Log(s.Nu)
	}
	return log1pSquare(t, s.Nu)
}

// CDF returns P(X ≤ x), with full relative precision in the lower tail.
func (s StudentT) CDF(x float64) float64 {
	s.check()
	return s.side(x, false)
}

// Survival returns P(X > x), with full relative precision in the upper tail.
func (s StudentT) Survival(x float64) float64 {
	s.check()
	return s.side(x, true)
}

// side returns the probability above or below x.
func (s StudentT) side(x float64, above bool) float64 {
	out := (x > s.Loc) == above
	switch {
	case x != x:
		return x
	case math.IsInf(x, 0) && out:
		return 0
	case math.IsInf(x, 0):
		return 1
	}
	if tail, _ := s.beyond(s.log1pSquare(x)); out || x == s.Loc {
		return tail
	} else {
		return 1 - tail
	}
}

// beyond returns P(X > t) and P(0 < X ≤ t) of unit scale for t ≥ 0, given
// l = ln(1 + t²/ν): with z = e^−l the first is ½I_z(ν/2, ½). Each has its full
// relative precision where it is small.
func (s StudentT) beyond(l float64) (tail, rise float64) {
	a := float64(s.Nu / 2)
	z := dmath.Exp(-l)
	y := -dmath.Expm1(-l) // 1 − z
	// Γ(a+½)/(Γ(a)√π)·z^a·√y
	c := dmath.GammaHalf(a) / math.Sqrt(math.Pi) * dmath.Exp(-a*l) * math.Sqrt(y)
	if y > 1/(a+1.5) { // z < (a+1)/(a+2.5)
		tail = 0.5 * c / betaFraction(a, 0.5, z, y)
		return tail, 0.5 - tail
	}
	rise = 0.5 * c / betaFraction(0.5, a, y, z)
	return 0.5 - rise, rise
}

// betaFraction returns the continued fraction of the incomplete beta function,
// I_x(a, b) = x^a·y^b/(B(a, b)·fraction) with y = 1−x given, by Lentz's method.
// The form of DiDonato and Morris (1992) does not cancel at large a.
func betaFraction(a, b, x, y float64) float64 {
	lambda := float64(a*y) - float64(b*x) + 1
	f := a * lambda / (a + 1)
	c, d := f, 0.0
	for m := 1.0; m < 2000; m++ {
		k := a + 2*m - 1
		num := (a + m - 1) / k * ((a + b + m - 1) / k) * float64(m*(b-m)) * float64(x*x)
		den := m + float64(m*(b-m)*x)/k + (a+m)*(lambda+float64(m*(1+y)))/(k+2)
		d = 1 / (den + float64(num*d))
		c = den + num/c
		f *= c * d
		if math.Abs(float64(c*d)-1) < 2e-16 {
			break
		}
	}
	return f
}

// Quantile returns x with P(X ≤ x) = p; ∓Inf at 0 and 1. It panics outside
// [0, 1]. Small p and, next to ½, p − ½ keep their relative precision.
func (s StudentT) Quantile(p float64) float64 {
	s.check()
	if !(p >= 0 && p <= 1) {
		panic(fmt.Sprintf("stable: Quantile: p = %v, want 0 to 1", p))
	}
	if p <= 0.5 {
		return float64(-s.Scale*s.unitQuantile(p)) + s.Loc
	}
	return float64(s.Scale*s.unitQuantile(1-p)) + s.Loc
}

// SurvivalQuantile returns x with P(X > x) = q, with the relative precision of
// small q.
func (s StudentT) SurvivalQuantile(q float64) float64 {
	s.check()
	if !(q >= 0 && q <= 1) {
		panic(fmt.Sprintf("stable: SurvivalQuantile: q = %v, want 0 to 1", q))
	}
	if q <= 0.5 {
		return float64(s.Scale*s.unitQuantile(q)) + s.Loc
	}
	return float64(-s.Scale*s.unitQuantile(1-q)) + s.Loc
}

// unitQuantile returns t ≥ 0 with upper(t) = q ≤ ½, by Newton's method in
// y = asinh t on the logarithm, which is concave, inside a bracket.
func (s StudentT) unitQuantile(q float64) float64 {
	switch q {
	case 0:
		return math.Inf(1)
	case 0.5:
		return 0
	}
	unit := StudentT{Nu: s.Nu, Scale: 1}
	if 0.5-q < centred {
		return unit.nearCentre(0.5 - q)
	}
	lo, hi, y, lq := 0.0, 709.0, 1.0, dmath.Log(q)
	for i := 0; ; i++ {
		m := dmath.Expm1(y)
		t := 0.5 * (m + m/(1+m))
		u := unit.side(t, true)
		if u > q {
			lo = y
		} else {
			hi = y
		}
		// −d ln u/dy = f·cosh y/u
		rate := dmath.Exp(unit.LogDensity(t)+y-dmath.Log(u)) * 0.5 * (1 + dmath.Exp(-2*y))
		d := (dmath.Log(u) - lq) / rate
		next := y + d
		if !(next > lo && next < hi) {
			next = 0.5 * (lo + hi)
		}
		if math.Abs(d) < 1e-9*y || i > 100 {
			m = dmath.Expm1(max(y+d, 0))
			return 0.5 * (m + m/(1+m))
		}
		if next > 708.9 {
			return math.Inf(1) // beyond float64
		}
		y = next
	}
}

// nearCentre returns t with P(0 < X ≤ t) = rise for unit scale, by Newton's
// method in ln t: ln P bends down from the straight line of small t, so that from
// below no step goes too far.
func (s StudentT) nearCentre(rise float64) float64 {
	t := rise / s.Density(0)
	for range 60 {
		_, p := s.beyond(log1pSquare(t, s.Nu))
		d := dmath.Log(rise/p) * p / (t * s.Density(t))
		t *= dmath.Exp(d)
		if math.Abs(d) < 0x1p-50 {
			break
		}
	}
	return t
}

// Mean returns the mean, NaN for ν ≤ 1.
func (s StudentT) Mean() float64 {
	if s.Nu <= 1 {
		return math.NaN()
	}
	return s.Loc
}

// Variance returns the variance Scale²·ν/(ν−2): +Inf for ν ≤ 2, and NaN for
// ν ≤ 1, where there is no mean.
func (s StudentT) Variance() float64 {
	switch {
	case s.Nu <= 1:
		return math.NaN()
	case s.Nu <= 2:
		return math.Inf(1)
	}
	return s.Scale * s.Scale * s.Nu / (s.Nu - 2)
}
