package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
)

// Tempered is the classical tempered stable law (Koponen 1995; the CGMY law of
// Carr, Geman, Madan and Yor 2002): jumps like those of a stable law of index
// α, each kept with probability e^(−rate·size), so that all moments exist. Its
// Lévy density is
//
//	Up·e^(−RateUp·x)·x^(−1−α) for x > 0,  Down·e^(−RateDown·|x|)·|x|^(−1−α) for x < 0
//
// and its cumulant function ln E e^(sX), −RateDown < s < RateUp,
//
//	κ(s) = Mean·s + Up·k(s, RateUp) + Down·k(−s, RateDown)
//	k(s, λ) = Γ(−α)·((λ−s)^α − λ^α + α·s·λ^(α−1)),  at α = 1 (λ−s)·ln(1−s/λ) + s
//
// A Tempered is a plain value; its methods panic on parameters that Validate
// refuses.
type Tempered struct {
	Alpha            float64 // 0.1 ≤ Alpha < 2
	Up, Down         float64 // at least 0, one of them positive
	RateUp, RateDown float64 // positive
	Mean             float64
}

// Validate reports the first parameter that is out of range.
func (t Tempered) Validate() error {
	bad := func(name string, v float64, want string) error {
		return fmt.Errorf("stable: tempered law: %s = %v, want %s", name, v, want)
	}
	positive := func(v float64) bool { return v > 0 && v <= math.MaxFloat64 }
	switch {
	case !(t.Alpha >= 0.1 && t.Alpha < 2):
		return bad("Alpha", t.Alpha, "0.1 to less than 2")
	case !(t.Up >= 0 && t.Up <= math.MaxFloat64):
		return bad("Up", t.Up, "a finite number, at least 0")
	case !(t.Down >= 0 && t.Down <= math.MaxFloat64):
		return bad("Down", t.Down, "a finite number, at least 0")
	case t.Up == 0 && t.Down == 0:
		return bad("Up", t.Up, "a positive number where Down is 0")
	case !positive(t.RateUp):
		return bad("RateUp", t.RateUp, "a positive number")
	case !positive(t.RateDown):
		return bad("RateDown", t.RateDown, "a positive number")
	case !(math.Abs(t.Mean) <= math.MaxFloat64):
		return bad("Mean", t.Mean, "a finite number")
	}
	return nil
}

func (t Tempered) check() {
	if err := t.Validate(); err != nil {
		panic(err.Error())
	}
}

// Cumulant returns cumulant n ≥ 1: the mean, the variance, and for n ≥ 2
//
//	Γ(n−α)·(Up·RateUp^(α−n) + (−1)^n·Down·RateDown^(α−n))
func (t Tempered) Cumulant(n int) float64 {
	t.check()
	switch {
	case n < 1:
		panic(fmt.Sprintf("stable: Cumulant: number %d, want at least 1", n))
	case n == 1:
		return t.Mean
	}
	return t.slope(float64(n), 0)
}

// slope returns derivative n ≥ 2 of κ at s.
func (t Tempered) slope(n, s float64) float64 {
	v := 0.0
	if t.Up > 0 {
		v = t.Up * dmath.Pow(t.RateUp-s, t.Alpha-n)
	}
	if t.Down > 0 {
		w := t.Down * dmath.Pow(t.RateDown+s, t.Alpha-n)
		if math.Mod(n, 2) == 1 {
			w = -w
		}
		v += w
	}
	return dmath.Gamma(n-t.Alpha) * v
}

// Variance returns the variance.
func (t Tempered) Variance() float64 { return t.Cumulant(2) }

// Support returns the ends of the support: ±Inf, but for Up or Down = 0 with
// α < 1, where the law is one-sided.
func (t Tempered) Support() (lo, hi float64) {
	t.check()
	lo, hi = math.Inf(-1), math.Inf(1)
	if t.Alpha >= 1 {
		return lo, hi
	}
	if t.Down == 0 {
		lo = t.Mean - float64(t.Up*dmath.Gamma(1-t.Alpha)*dmath.Pow(t.RateUp, t.Alpha-1))
	}
	if t.Up == 0 {
		hi = t.Mean + float64(t.Down*dmath.Gamma(1-t.Alpha)*dmath.Pow(t.RateDown, t.Alpha-1))
	}
	return lo, hi
}

// CF returns the characteristic function E exp(iuX).
func (t Tempered) CF(u float64) complex128 {
	t.check()
	e := t.cumulant(0, complex(0, u))
	m := dmath.Exp(real(e))
	return complex(m*dmath.Cos(imag(e)), m*dmath.Sin(imag(e)))
}

// cumulant returns κ(η+z) − κ(η).
func (t Tempered) cumulant(eta float64, z complex128) complex128 {
	// Around η the law is tempered by other rates, with the mean κ'(η).
	mean := t.Mean + t.drift(eta)
	k := complex(float64(mean*real(z)), float64(mean*imag(z)))
	if t.Up > 0 {
		v := t.side(z, t.RateUp-eta)
		k += complex(float64(t.Up*real(v)), float64(t.Up*imag(v)))
	}
	if t.Down > 0 {
		v := t.side(-z, t.RateDown+eta)
		k += complex(float64(t.Down*real(v)), float64(t.Down*imag(v)))
	}
	return k
}

// drift returns κ'(η) − κ'(0).
func (t Tempered) drift(eta float64) (d float64) {
	// k'(s, λ) = Γ(1−α)·((λ−s)^(α−1) − λ^(α−1)), −ln(1 − s/λ) at α = 1.
	part := func(s, rate float64) float64 {
		l := dmath.Log1p(-s / rate)
		if t.Alpha == 1 {
			return -l
		}
		// Γ(2−α)·λ^(α−1)·(e^((α−1)·l) − 1)/(1−α)
		return dmath.Gamma(2-t.Alpha) * dmath.Pow(rate, t.Alpha-1) * dmath.Expm1(float64((t.Alpha-1)*l)) / (1 - t.Alpha)
	}
	if t.Up > 0 {
		d += float64(t.Up * part(eta, t.RateUp))
	}
	if t.Down > 0 {
		d -= float64(t.Down * part(-eta, t.RateDown))
	}
	return d
}

// side returns k(z, λ). With q = z/λ and l = ln(1−q) it is
//
//	Γ(2−α)·λ^α/(α(α−1))·((1−q)^α − 1 + α·q)
//
// whose last factor is (1−q)·((1−q)^(α−1) − 1) + (α−1)·q = (α−1)·((1−q)·l·φ((α−1)·l) + q).
func (t Tempered) side(z complex128, rate float64) complex128 {
	q := complex(real(z)/rate, imag(z)/rate)
	c := dmath.Gamma(2-t.Alpha) * dmath.Pow(rate, t.Alpha) / t.Alpha
	var v complex128
	if x, y := real(q), imag(q); float64(x*x)+float64(y*y) < 0.01 {
		// Σ_n (2−α)(3−α)…(n−1−α)/n!·q^n from n = 2 on, times α.
		term := times(q, q)
		term = complex(float64(real(term)/2*t.Alpha), float64(imag(term)/2*t.Alpha))
		for n := 3.0; n < 24; n++ {
			v += term
			f := (n - 1 - t.Alpha) / n
			term = times(term, complex(real(q)*f, imag(q)*f))
		}
	} else {
		l := logComplex(1 - q)
		phi, _ := expRatio(complex((t.Alpha-1)*real(l), (t.Alpha-1)*imag(l)))
		v = times(times(1-q, l), phi) + q
	}
	return complex(c*real(v), c*imag(v))
}

// logComplex returns the principal logarithm.
func logComplex(z complex128) complex128 {
	x, y := real(z), imag(z)
	a := math.Abs(y)
	arg := atan2(a, x)
	if y < 0 {
		arg = -arg
	}
	return complex(0.5*dmath.Log(float64(x*x)+float64(y*y)), arg)
}
