package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
)

// A Distribution is a law on the line: a Law, a StudentT, a *Table, or one of them cut,
// a Truncated. Quantile is the inverse of CDF, SurvivalQuantile that of Survival.
type Distribution interface {
	Density(x float64) float64          // f(x)
	LogDensity(x float64) float64       // ln f(x), also where f underflows
	CDF(x float64) float64              // P(X ≤ x)
	Survival(x float64) float64         // P(X > x)
	Quantile(p float64) float64         // x with P(X ≤ x) = p
	SurvivalQuantile(q float64) float64 // x with P(X > x) = q

	// Validate returns an error unless the parameters are those of a law.
	Validate() error
	// tail returns a: P(X > x), or P(X < −x), falls like x^−a; +Inf if faster.
	tail(upper bool) float64
}

// Truncated is the law of X under the condition Lo ≤ X ≤ Hi: the density of the
// whole law over the probability of the interval, and 0 outside. It is not the
// law of a clamped X, which has atoms at the ends; that is Clamped. Make one with
// NewTruncated; it is an immutable value.
type Truncated struct {
	of     Distribution
	lo, hi float64
	mass   float64 // P(Lo ≤ X ≤ Hi)
	below  float64 // P(X < Lo)
	above  float64 // P(X > Hi)
	thin   bool    // mass is an integral of the density; see between
}

// NewTruncated returns the law of X under the condition lo ≤ X ≤ hi. lo may be
// −Inf and hi +Inf. It is an error if that is no interval, or one that X never
// hits.
func NewTruncated(of Distribution, lo, hi float64) (Truncated, error) {
	t := Truncated{of: of, lo: lo, hi: hi}
	if err := t.bounds("NewTruncated"); err != nil {
		return Truncated{}, err
	}
	if in, ok := of.(Truncated); ok { // one cut instead of two
		return NewTruncated(in.of, max(lo, in.lo), min(hi, in.hi))
	}
	t.below, t.above = of.CDF(lo), of.Survival(hi)
	if t.mass, t.thin = between(of, lo, hi); !(t.mass > 0) {
		return Truncated{}, fmt.Errorf("stable: NewTruncated: P(%v ≤ X ≤ %v) is %v: move the ends to where the law is", lo, hi, t.mass)
	}
	return t, nil
}

// bounds checks the whole law and the ends.
func (t *Truncated) bounds(op string) error {
	if t.of == nil {
		return fmt.Errorf("stable: %s: no law to cut", op)
	}
	if err := t.of.Validate(); err != nil {
		return fmt.Errorf("stable: %s: %w", op, err)
	}
	if !(t.lo < t.hi) {
		return fmt.Errorf("stable: %s: from %v to %v is no interval: give the lower end first", op, t.lo, t.hi)
	}
	return nil
}

// Bounds returns the ends of the interval.
func (t Truncated) Bounds() (lo, hi float64) { return t.lo, t.hi }

// Mass returns P(Lo ≤ X ≤ Hi) under the whole law.
func (t Truncated) Mass() float64 { return t.mass }

// Validate reports an error for the zero value.
func (t Truncated) Validate() error {
	if t.of == nil {
		return fmt.Errorf("stable: truncated law: no law: make it with NewTruncated")
	}
	return nil
}

// Density returns the density at x.
func (t Truncated) Density(x float64) float64 {
	if x < t.lo || x > t.hi {
		return 0
	}
	if f := t.of.Density(x); f >= leastDensity && f <= math.MaxFloat64 {
		return f / t.mass
	}
	return dmath.Exp(t.LogDensity(x)) // far out, where only the quotient is within float64
}

// leastDensity is that below which float64 has fewer digits, or none.
const leastDensity = 0x1p-1022

// LogDensity returns the logarithm of the density, −Inf outside the interval.
func (t Truncated) LogDensity(x float64) float64 {
	if x < t.lo || x > t.hi {
		return math.Inf(-1)
	}
	return t.of.LogDensity(x) - dmath.Log(t.mass)
}

// CDF returns P(X ≤ x).
func (t Truncated) CDF(x float64) float64 {
	if x >= t.hi {
		return 1
	}
	p, _ := between(t.of, t.lo, x)
	return nanOr(x, min(p/t.mass, 1))
}

// Survival returns P(X > x).
func (t Truncated) Survival(x float64) float64 {
	if x <= t.lo {
		return 1
	}
	q, _ := between(t.of, x, t.hi)
	return nanOr(x, min(q/t.mass, 1))
}

// Quantile returns x with P(X ≤ x) = p; the ends at 0 and 1. It panics outside
// [0, 1].
func (t Truncated) Quantile(p float64) float64 {
	if !(p >= 0 && p <= 1) {
		panic(fmt.Sprintf("stable: Quantile: p = %v, want 0 to 1", p))
	}
	return t.place(p, 1-p)
}

// SurvivalQuantile returns x with P(X > x) = q.
func (t Truncated) SurvivalQuantile(q float64) float64 {
	if !(q >= 0 && q <= 1) {
		panic(fmt.Sprintf("stable: SurvivalQuantile: q = %v, want 0 to 1", q))
	}
	return t.place(1-q, q)
}

// place inverts the law, q = 1 − p, from the side that is less probable.
func (t Truncated) place(p, q float64) float64 {
	if p == 0 {
		return t.lo
	}
	if q == 0 {
		return t.hi
	}
	if t.thin {
		return t.placeThin(p, q)
	}
	low, high := t.below+float64(p*t.mass), t.above+float64(q*t.mass)
	x := 0.0
	if low < high {
		x = t.of.Quantile(min(low, 1))
	} else {
		x = t.of.SurvivalQuantile(min(high, 1))
	}
	return min(max(x, t.lo), t.hi) // by rounding alone
}

func (t Truncated) tail(upper bool) float64 {
	if upper && !math.IsInf(t.hi, 1) || !upper && !math.IsInf(t.lo, -1) {
		return math.Inf(1)
	}
	return t.of.tail(upper)
}

func (l Law) tail(upper bool) float64 {
	if l.Alpha == 2 || upper && l.Beta == -1 || !upper && l.Beta == 1 {
		return math.Inf(1)
	}
	return l.Alpha
}

func (s StudentT) tail(bool) float64 { return s.Nu }

func (t *Table) tail(upper bool) float64 { return t.law.tail(upper) }

// Validate reports what that of the Law does, nil after NewTable.
func (t *Table) Validate() error { return t.law.Validate() }
