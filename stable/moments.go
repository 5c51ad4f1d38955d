package stable

import (
	"math"

	"heavytail/internal/dmath"
)

// theta returns θ = atan ζ in (−π/2, π/2) and ln cos θ.
func (l Law) theta() (theta, lnCos float64) {
	z := l.zeta()
	theta = dmath.Atan(z)
	if a := math.Abs(z); a > 1e100 {
		return theta, -dmath.Log(a)
	}
	return theta, -0.5 * dmath.Log1p(z*z)
}

// strict reports whether X − δ, δ in S1, is strictly stable, so that its
// moments have closed forms: all laws but those of α = 1 and β ≠ 0.
func (l Law) strict() bool { return l.Alpha != 1 || l.Beta == 0 }

// AbsMoment returns E|X − δ|^p, where δ is the location in S1 (that of S0 plus
// −γβ tan(πα/2), the mean for α > 1): with tan θ = β tan(πα/2)
//
//	γ^p·Γ(1−p/α)/Γ(1−p)·cos(pθ/α)/(cos(πp/2)·(cos θ)^(p/α)),  −1 < p < α
//
// +Inf for other p, except that all p > −1 have a moment at α = 2, and all p < α
// on a half-line (α < 1, |β| = 1). NaN for α = 1 with β ≠ 0, which has no closed
// form. Source: Zolotarev 1986, §3.3; Nikias and Shao 1995, §2.7.
func (l Law) AbsMoment(p float64) float64 {
	l.check()
	oneSided := l.Alpha < 1 && math.Abs(l.Beta) == 1
	switch {
	case p != p || !l.strict():
		return math.NaN()
	case p >= l.Alpha && l.Alpha < 2, p <= -1 && !oneSided:
		return math.Inf(1)
	}
	scale := dmath.Pow(l.Scale, p)
	if l.Alpha == 2 { // N(0, 2γ²)
		return scale * dmath.Pow(2, p) * dmath.Gamma((p+1)/2) / math.Sqrt(math.Pi)
	}
	theta, lnCos := l.theta()
	m := scale * dmath.Exp(-p/l.Alpha*lnCos) * dmath.Gamma(1-p/l.Alpha)
	switch {
	case oneSided: // θ = ±πα/2: the cosines cancel
		return m / dmath.Gamma(1-p)
	case p < 0.5:
		return m * dmath.Cos(p*theta/l.Alpha) / (dmath.Gamma(1-p) * dmath.CosPi(p/2))
	}
	// Γ(1−p)·cos(πp/2) = π/(2Γ(p)·sin(πp/2)), regular at p = 1.
	return m * dmath.Cos(p*theta/l.Alpha) * dmath.Gamma(p) * dmath.SinPi(p/2) * (2 / math.Pi)
}

// LogMean returns E ln|X − δ|, δ in S1:
//
//	ln γ + C·(1/α − 1) − ln(cos θ)/α,  C = 0.5772…, tan θ = β tan(πα/2)
//
// NaN for α = 1 with β ≠ 0.
func (l Law) LogMean() float64 {
	l.check()
	if !l.strict() {
		return math.NaN()
	}
	_, lnCos := l.theta()
	return dmath.Log(l.Scale) + float64(euler*(1/l.Alpha-1)) - lnCos/l.Alpha
}

// LogVariance returns the variance of ln|X − δ|, δ in S1:
//
//	(π²/6)·(½ + 1/α²) − θ²/α²,  tan θ = β tan(πα/2)
//
// NaN for α = 1 with β ≠ 0.
func (l Law) LogVariance() float64 {
	l.check()
	if !l.strict() {
		return math.NaN()
	}
	a := l.Alpha
	theta, _ := l.theta()
	if a < 1 && math.Abs(l.Beta) == 1 { // θ = ±πα/2
		return math.Pi * math.Pi / 6 * (1/(a*a) - 1)
	}
	return float64(math.Pi*math.Pi/6*(0.5+1/(a*a))) - float64(theta*theta)/(a*a)
}

// AbsMoment returns E|X − Loc|^p,
//
//	Scale^p·ν^(p/2)·Γ((p+1)/2)·Γ((ν−p)/2)/(√π·Γ(ν/2)),  −1 < p < ν
//
// and +Inf for other p.
func (s StudentT) AbsMoment(p float64) float64 {
	s.check()
	switch {
	case p != p:
		return p
	case p <= -1 || p >= s.Nu:
		return math.Inf(1)
	}
	m := dmath.Gamma((p+1)/2) * dmath.GammaRatio(s.Nu/2, -p/2) / math.Sqrt(math.Pi)
	return m * dmath.Pow(s.Scale*math.Sqrt(s.Nu), p)
}

// LogMean returns E ln|X − Loc| = ln Scale + ½(ln ν + ψ(½) − ψ(ν/2)).
func (s StudentT) LogMean() float64 {
	s.check()
	const half = -euler - 2*math.Ln2 // ψ(½)
	return dmath.Log(s.Scale) + float64(0.5*(dmath.Log(s.Nu)-dmath.Digamma(s.Nu/2)+half))
}

// LogVariance returns the variance of ln|X − Loc|, ¼(π²/2 + ψ'(ν/2)).
func (s StudentT) LogVariance() float64 {
	s.check()
	return 0.25 * (math.Pi*math.Pi/2 + dmath.Trigamma(s.Nu/2))
}
