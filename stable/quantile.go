package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
)

// Quantile returns x with P(X ≤ x) = p, −Inf or +Inf (or the end of the support)
// for 0 and 1. It panics outside [0, 1]. Small p keep their relative precision;
// for the upper tail use SurvivalQuantile. Near the probability F(0) below the
// point X = 0 of S1 (½ where β = 0 or α = 2) it is the difference p − F(0) that
// does: the error of X is that of F(0), which is 0 for ½, over the density, and
// a relative one of about 10^-13.
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
	if x, ok := l.nearCentre(q, upper); ok {
		return x
	}
	u := Law{Alpha: l.Alpha, Beta: l.Beta, Scale: 1, Param: S0}
	back := l.shift()
	oneSided := l.oneSided(q, upper)
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
	case math.Abs(l.Beta) == 1 && oneSided && upper != (l.Beta > 0): // the end of the support
	case upper:
		return math.Inf(1)
	default:
		return math.Inf(-1)
	}
	return float64(l.Scale*(x+back)) + l.Loc
}

// oneSided reports whether a quantile lies on the half-line of α < 1, |β| = 1, or
// where |β| is next to 1 and X on that side of 0.
func (l Law) oneSided(q float64, upper bool) bool {
	if l.Alpha >= 1-nearOne || math.Abs(l.Beta) < 1-1e-9 {
		return false
	}
	below, above, _ := l.centre()
	return math.Abs(l.Beta) == 1 || upper == (l.Beta > 0) || q > min(below, above)
}

// A trial is a point on the way to a root: y, the logarithm t of the probability
// there, and dy/dt.
type trial struct{ y, t, slope float64 }

// A track holds the last trials.
type track struct {
	at [3]trial
	n  int
}

// add adds a trial, for the oldest where there are three.
func (k *track) add(y, t, slope float64) {
	if k.n == len(k.at) {
		copy(k.at[:], k.at[1:])
		k.n--
	}
	k.at[k.n] = trial{y, t, slope}
	k.n++
}

// polynomial returns at t the polynomial that has the values and slopes of all
// trials, by Newton's divided differences with every node twice, and the product
// of the squares of their t − t_i: the error is of that order.
func (k *track) polynomial(t float64) (y, err float64) {
	var x, c [2 * len(k.at)]float64
	m := 2 * k.n
	for i := range m {
		x[i], c[i] = k.at[i/2].t, k.at[i/2].y
	}
	for j := 1; j < m; j++ {
		for i := m - 1; i >= j; i-- {
			if j == 1 && i&1 == 1 {
				c[i] = k.at[i/2].slope
			} else {
				c[i] = (c[i] - c[i-1]) / (x[i] - x[i-j])
			}
		}
	}
	y, err = c[m-1], 1
	for i := m - 2; i >= 0; i-- {
		y = float64(y*(t-x[i])) + c[i]
	}
	for i := range k.n {
		d := k.at[i].t - t
		err *= float64(d * d)
	}
	return y, err
}

// forget drops all trials up to the last of the former ones that is far from t,
// not away from the next, or no number.
func (k *track) forget(t float64) {
	for i := k.n - 2; i >= 0; i-- {
		p := &k.at[i]
		if !(math.Abs(p.t-t) <= 1.5 && math.Abs(p.t-k.at[i+1].t) >= 1e-12 && p.slope-p.slope == 0) {
			k.n = copy(k.at[:], k.at[i+1:k.n])
			return
		}
	}
}

// root solves for the unit law in y with x = ±e^y for a one-sided law, else
// x = sinh y. The trials' polynomial is kept inside a bracket.
func (l Law) root(q float64, upper, oneSided bool) float64 {
	const limit = 709
	lo, hi, lq := -float64(limit), float64(limit), dmath.Log(q)
	toward := 1.0 // dP/dx is ±density
	if upper {
		toward = -1
	}
	var k track
	y := max(min(l.firstGuess(lq, upper, oneSided), limit-1), 1-limit)
	for i := 0; ; i++ {
		x, rises, lnDx := l.place(y, oneSided)
		o := l.evaluate(x)
		t := o.lower
		if upper {
			t = o.upper
		}
		if (t < q) == (toward == rises) {
			lo = y
		} else {
			hi = y
		}
		lt := dmath.Log(t)
		k.add(y, lt, toward*rises*dmath.Exp(o.base+lt-lnDx)/o.f)
		k.forget(lq)
		next, err := k.polynomial(lq)
		if err < 1e-17 {
			x, _, _ = l.place(next, oneSided)
			return x
		}
		next = y + max(min(next-y, 3), -3)
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

// place returns the x of y, whether it rises (1) or falls (−1) with y, and
// ln|dx/dy|.
func (l Law) place(y float64, oneSided bool) (x, rises, lnDx float64) {
	if oneSided {
		return math.Copysign(dmath.Exp(y), l.Beta), math.Copysign(1, l.Beta), y
	}
	a := math.Abs(y)
	m := dmath.Expm1(a)
	return math.Copysign(0.5*(m+m/(1+m)), y), 1, a - math.Ln2 + dmath.Log1p(dmath.Exp(-2*a))
}

// firstGuess returns y near where the tail probability is e^lq ≤ ½: by the tail
// from e^−5 down, else by the cubic from there to the middle.
func (l Law) firstGuess(lq float64, upper, oneSided bool) float64 {
	b := l.Beta
	if !upper {
		b = -b
	}
	const far, step = -5, 0.25
	var y float64
	if lq < far {
		y = l.tailGuess(b, lq, oneSided)
	} else {
		var k track
		at := l.tailGuess(b, far, oneSided)
		k.add(at, far, (at-l.tailGuess(b, far-step, oneSided))/step)
		k.add(l.middle(b, oneSided))
		y, _ = k.polynomial(lq)
	}
	if upper || oneSided {
		return y
	}
	return -y
}

// tailGuess inverts approximations of the upper tail of S(α, b) for a small
// probability e^lq: the leading term c·x^−α, and where there is a light
// tail, Laplace's e^−B/√(2παB) with the lower limit B of g for |β| = 1. A tail is
// about their sum, x about the larger.
func (l Law) tailGuess(b, lq float64, oneSided bool) float64 {
	y := math.Inf(-1)
	if c := tailConstant(l.Alpha, b); c > 1e-12 {
		y = min((dmath.Log(c)-lq)/l.Alpha, 690)
		if !oneSided {
			y += math.Ln2
		}
	}
	if l.Alpha <= 1 && !math.IsInf(y, -1) {
		return y
	}
	z := newShape(l.Alpha, -1)
	if l.Alpha <= 1 {
		z = newShape(l.Alpha, 1) // reflected
	}
	v := -lq
	for range 3 {
		v = -lq - float64(0.5*dmath.Log(2*math.Pi*l.Alpha*v))
	}
	x, lx := z.flatPoint(v)
	if oneSided {
		return lx
	}
	return max(y, dmath.Log(x+math.Sqrt(1+float64(x*x))))
}

// flatPoint returns |x0| and ln X at which the lower limit of g is base, the
// inverse of flatRatio.
func (z *shape) flatPoint(base float64) (x0, lx float64) {
	u := dmath.Log(z.sinE*base) / z.alpha
	if z.eps == 0 {
		return math.Abs(1+u) / z.sinE, 0
	}
	r := z.alpha * dmath.Exp(-z.eps*u)
	h := dmath.Sin(z.eta / 2)
	d := float64(2*h*h)/z.eps - 1 - float64(r*dmath.Expm1(z.eps*u))/z.eps
	return math.Abs(d / z.sinE), dmath.Log(r / z.sin)
}

// middle returns a point in the middle of S(α, b): that of X = 0 unless this
// is far off, else a rough one.
func (l Law) middle(b float64, oneSided bool) (y, t, slope float64) {
	if oneSided { // Kanter's ln A has the mean C(1/α − 1)
		a := l.Alpha
		sd := math.Pi * math.Sqrt((1/(a*a)-1)/6)
		mean := float64(euler*(1/a-1)) - dmath.Log(dmath.CosPi(a/2))/a
		return mean - float64(0.1*sd), -math.Ln2, -b * 1.2 * sd
	}
	l.Beta = b
	z := l.zeta()
	if math.Abs(z) > 1 {
		return 0.47 * b, -math.Ln2, -0.5 / 0.3
	}
	o, r := l.evaluate(-z), math.Sqrt(1+float64(z*z))
	return math.Copysign(dmath.Log(math.Abs(z)+r), -z), dmath.Log(o.upper), -o.upper / (o.f * r)
}
