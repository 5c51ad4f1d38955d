package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
)

// Law is the α-stable law S(α, β, γ, δ) in a named parametrisation. With
// γ = Scale, δ = Loc and ζ = β tan(πα/2) its characteristic function is
//
//	S1, α ≠ 1: exp(−|γt|^α·(1 − iζ sgn t) + iδt)
//	S0, α ≠ 1: exp(−|γt|^α·(1 + iζ sgn t·(|γt|^(1−α) − 1)) + iδt)
//	S1, α = 1: exp(−|γt|·(1 + iβ(2/π) sgn t·ln|t|) + iδt)
//	S0, α = 1: exp(−|γt|·(1 + iβ(2/π) sgn t·ln|γt|) + iδt)
//
// S0 is a location and scale family that is continuous in all parameters; S1 is
// neither at α = 1, and its location is the mean for α > 1. α = 2 is
// N(δ, 2γ²), α = 1 with β = 0 Cauchy, α = ½ with β = 1 Lévy.
//
// A Law is a plain value: its methods keep nothing and do not allocate. They
// panic on parameters that Validate refuses.
type Law struct {
	Alpha float64 // 0.1 ≤ Alpha ≤ 2
	Beta  float64 // −1 ≤ Beta ≤ 1
	Scale float64 // positive and finite
	Loc   float64 // finite
	Param Param   // S0 or S1
}

// Symmetric returns the law with characteristic function exp(−|t|^α).
func Symmetric(alpha float64) Law { return Law{Alpha: alpha, Scale: 1, Param: S0} }

// Validate reports the first parameter that is out of range.
func (l Law) Validate() error {
	bad := func(name string, v float64, want string) error {
		return fmt.Errorf("stable: law: %s = %v, want %s", name, v, want)
	}
	switch {
	case !(l.Alpha >= 0.1 && l.Alpha <= 2):
		return bad("Alpha", l.Alpha, "0.1 to 2")
	case !(math.Abs(l.Beta) <= 1):
		return bad("Beta", l.Beta, "−1 to 1")
	case !(l.Scale > 0 && l.Scale <= math.MaxFloat64):
		return bad("Scale", l.Scale, "a positive number")
	case !(math.Abs(l.Loc) <= math.MaxFloat64):
		return bad("Loc", l.Loc, "a finite number")
	case l.Param > S1:
		return bad("Param", float64(l.Param), "S0 or S1")
	}
	return nil
}

func (l Law) check() {
	if err := l.Validate(); err != nil {
		panic(err.Error())
	}
}

// zeta returns β tan(πα/2), 0 at α = 1 and 2.
func (l Law) zeta() float64 {
	if l.Alpha == 1 || l.Alpha == 2 {
		return 0
	}
	return l.Beta * dmath.CosPi((1-l.Alpha)/2) / dmath.SinPi((1-l.Alpha)/2)
}

// shift returns what S1 adds to the location of S0: x0 = (x − δ)/γ − shift.
func (l Law) shift() float64 {
	if l.Param == S0 {
		return 0
	}
	if l.Alpha == 1 {
		return float64(l.Beta * (2 / math.Pi) * dmath.Log(l.Scale))
	}
	return l.zeta()
}

// CF returns the characteristic function E exp(itX).
func (l Law) CF(t float64) complex128 {
	l.check()
	if t == 0 {
		return 1
	}
	u := math.Abs(l.Scale * t)
	lu := dmath.Log(u)
	size := dmath.Exp(float64(l.Alpha * lu)) // |γt|^α
	// S0: −|γt|^α·ζ·(|γt|^(1−α) − 1), which is −|γt|·β(2/π)·ln|γt| at α = 1.
	var phase float64
	if l.Alpha == 1 {
		phase = -l.Beta * (2 / math.Pi) * u * lu
	} else {
		phase = -l.zeta() * size * dmath.Expm1((1-l.Alpha)*lu)
	}
	phase += float64(u * l.shift())
	if t < 0 {
		phase = -phase
	}
	phase += float64(t * l.Loc)
	size = dmath.Exp(-size)
	return complex(size*dmath.Cos(phase), size*dmath.Sin(phase))
}

// Mean returns the mean, NaN for α ≤ 1: δ in S1, and δ − γβ tan(πα/2) in S0.
func (l Law) Mean() float64 {
	switch {
	case l.Alpha <= 1:
		return math.NaN()
	case l.Param == S1:
		return l.Loc
	}
	return l.Loc - float64(l.Scale*l.zeta())
}

// Variance returns 2γ² at α = 2, +Inf for 1 < α < 2 and NaN for α ≤ 1, where
// there is no mean.
func (l Law) Variance() float64 {
	switch {
	case l.Alpha == 2:
		return 2 * l.Scale * l.Scale
	case l.Alpha > 1:
		return math.Inf(1)
	}
	return math.NaN()
}
