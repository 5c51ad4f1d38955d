package stable

import (
	"math"

	"heavytail/internal/dmath"
)

// thin is the share of the probability beyond an end below which the probability
// of an interval is no longer a difference of tails, which would have lost 20 of
// its 53 bits, but the integral of the density.
const thin = 0x1p-20

// between returns P(a < X ≤ b) by the two tails that are smaller, or over a thin
// interval by the density.
func between(of Distribution, a, b float64) (mass float64, isThin bool) {
	if !(a < b) {
		return 0, false
	}
	low, high := of.CDF(a), of.Survival(b)
	whole := 1.0
	switch {
	case low > 0.5:
		whole = of.Survival(a)
		mass = whole - high
	case high > 0.5:
		whole = of.CDF(b)
		mass = whole - low
	default:
		mass = 1 - low - high
	}
	if mass > thin*whole || b-a > math.MaxFloat64 {
		return max(mass, 0), false
	}
	mass, _ = slice(of, a, b)
	return mass, true
}

// A level is the density of a law over a thin interval as a multiple of e^base,
// which is 1 where the density is within float64. Far out it is not, though that
// of the interval is.
type level struct {
	of   Distribution
	base float64
}

// lowLevel is the logarithm of the density below which, and less of that above
// which, a base is taken: next to the ends of float64.
const lowLevel = -708

// levelOf returns that of the interval from a to b.
func levelOf(of Distribution, a, b float64) level {
	l := of.LogDensity(a + float64(0.5*(b-a)))
	if l >= lowLevel && l <= -lowLevel || l-l != 0 {
		l = 0
	}
	return level{of, l}
}

func (l level) at(x float64) float64 {
	if l.base == 0 {
		return l.of.Density(x)
	}
	return dmath.Exp(l.of.LogDensity(x) - l.base)
}

// times returns x·e^base.
func (l level) times(x float64) float64 {
	if l.base == 0 {
		return x
	}
	return dmath.Exp(dmath.Log(x) + l.base)
}

// slice returns the integral of the density from a to b, and the mean of X there
// as a part of the way from a to b.
func slice(of Distribution, a, b float64) (mass, mean float64) {
	s := slicer{level: levelOf(of, a, b), a: a, width: b - a, left: mostPanels}
	s.add(0, 1, 12)
	if s.mass > 0 {
		mean = s.first / s.mass
	}
	return s.times(s.width) * s.mass, mean
}

// mostPanels bounds the work of an integral whose density is rough.
const mostPanels = 1000

// A slicer adds up ∫ f du and ∫ u·f du over parts of x = a + u·width.
type slicer struct {
	level
	a, width    float64
	mass, first float64
	left        int
}

// add adds the part from u to v, in halves as long as two rules differ by more
// than 1e-12.
func (s *slicer) add(u, v float64, depth int) {
	m, f := s.gauss(&fine, u, v)
	n, _ := s.gauss(&coarse, u, v)
	s.left--
	if depth == 0 || s.left <= 0 || math.Abs(m-n) <= 1e-12*max(m, s.mass) {
		s.mass += m
		s.first += f
		return
	}
	s.add(u, 0.5*(u+v), depth-1)
	s.add(0.5*(u+v), v, depth-1)
}

func (s *slicer) gauss(g *rule, u, v float64) (m, f float64) {
	h := 0.5 * (v - u)
	for i, x := range g.x {
		at := u + float64(h*(1+x))
		w := float64(float64(g.w[i]*h) * s.at(s.a+float64(s.width*at)))
		m += w
		f += float64(w * at)
	}
	return m, f
}

// placeThin inverts the law of a thin interval from the end that is nearer: a
// straight line where the density is level to 1e-9, else by Newton's method on
// its integral.
func (t Truncated) placeThin(p, q float64) float64 {
	from, to, want := t.lo, t.hi, float64(p*t.mass)
	if q < p {
		from, to, want = t.hi, t.lo, float64(q*t.mass)
	}
	lo, hi, u, steps := 0.0, 1.0, min(p, q), 30
	l := levelOf(t.of, t.lo, t.hi)
	a, b, c := l.at(t.lo), l.at(t.hi), l.at(t.lo+float64(0.5*(t.hi-t.lo)))
	if max(a, b, c) <= (1+1e-9)*min(a, b, c) {
		steps = 0
	}
	for range steps {
		x := from + float64(u*(to-from))
		m, _ := slice(t.of, min(from, x), max(from, x))
		if m < want {
			lo = u
		} else {
			hi = u
		}
		next := u + (want-m)/float64(l.at(x)*l.times(math.Abs(to-from)))
		if !(next >= lo && next <= hi) {
			next = 0.5 * (lo + hi)
		}
		if math.Abs(next-u) <= 1e-14*u {
			break
		}
		u = next
	}
	return min(max(from+float64(u*(to-from)), t.lo), t.hi)
}

// Mean returns E(X | Lo ≤ X ≤ Hi), +Inf or −Inf or NaN where the interval has no
// end and the law no mean on that side. It integrates the density: relative
// error about 1e-9 of the distance of the quartiles, 1 to 10 ms of time, up to 1 s
// where rounding of x makes the density rough.
func (t Truncated) Mean() float64 {
	up, down := math.IsInf(t.hi, 1) && t.of.tail(true) <= 1, math.IsInf(t.lo, -1) && t.of.tail(false) <= 1
	switch {
	case up && down:
		return math.NaN()
	case up:
		return math.Inf(1)
	case down:
		return math.Inf(-1)
	case t.thin:
		_, u := slice(t.of, t.lo, t.hi)
		return min(max(t.lo+float64(u*(t.hi-t.lo)), t.lo), t.hi)
	}
	c := t.Quantile(0.5)
	w := t.Quantile(0.75) - t.Quantile(0.25)
	if !(w > 0x1p-26*math.Abs(c)) {
		if at, loc := t.unplaced(); loc != 0 {
			return loc + at.Mean()
		}
		w = max(w, math.Nextafter(math.Abs(c), math.Inf(1))-math.Abs(c))
	}
	m := meanIntegral{t: t, c: c, w: min(w, math.MaxFloat64/4), left: mostPanels}
	return c + float64(m.w*(m.part(1, t.hi)-m.part(-1, t.lo)))
}

// unplaced returns the law without its location, which is the other result.
func (t Truncated) unplaced() (at Truncated, loc float64) {
	switch l := t.of.(type) {
	case Law:
		loc, l.Loc = l.Loc, 0
		t.of = l
	case StudentT:
		loc, l.Loc = l.Loc, 0
		t.of = l
	}
	t.lo -= loc
	t.hi -= loc
	return t, loc
}

// A meanIntegral integrates ((x−c)/w)·f.
type meanIntegral struct {
	t    Truncated
	c, w float64
	left int // panels
}

// powerLaw is the y from which a heavy tail is its leading term: what follows is
// smaller by X^−α < e^−34.
const powerLaw = 340

// part returns the integral from c to end, on the side of sign, over y with
// x = c + sign·w·sinh y.
func (m *meanIntegral) part(sign, end float64) float64 {
	const step, longStep = 0.25, 1.0
	far := math.Floor(max(min(powerLaw, 690-dmath.Log(m.w)), 3)) // x must stay a float64
	z := math.Abs(float64(end/2)-float64(m.c/2)) / m.w * 2
	last := far
	if z < 1e300 {
		last = dmath.Log(z + math.Sqrt(float64(z*z)+1))
		if z > 1e100 {
			last = dmath.Log(z) + math.Ln2
		}
	}
	sum := 0.0
	for y := 0.0; y < min(last, far); {
		h := step
		if y > 6 {
			h = longStep
		}
		h = min(h, min(last, far)-y)
		p := m.panel(sign, y, h, 1e-11*sum, 12)
		if sum += p; p < 1e-17*sum && y > 3 {
			return sum
		}
		y += h
	}
	if last >= far {
		sum += m.beyond(sign, far, end)
	}
	return sum
}

// beyond returns the integral from y on of a tail that falls like x^−a: with x
// there, a·x·P·(1 − (end/x)^(1−a))/(a−1).
func (m *meanIntegral) beyond(sign, y, end float64) float64 {
	x := float64(m.w * 0.5 * dmath.Exp(y))
	a, p := m.t.of.tail(sign > 0), 0.0
	if sign > 0 {
		p = m.t.of.Survival(x)
	} else {
		p = m.t.of.CDF(-x)
	}
	if !(p > 0) || math.IsInf(a, 1) || !(math.Abs(end) > x) {
		return 0
	}
	l := dmath.Log(math.Abs(end)) - dmath.Log(x)
	k := l
	if a != 1 {
		k = -dmath.Expm1(-(a-1)*l) / (a - 1)
	}
	return x / m.w * p * a * k / m.t.mass
}

// panel integrates over [y, y+h], in halves as long as two rules differ by more
// than tol and by more than 1e-12 of themselves.
func (m *meanIntegral) panel(sign, y, h, tol float64, depth int) float64 {
	a, b := m.gauss(&fine, sign, y, h), m.gauss(&coarse, sign, y, h)
	m.left--
	if depth == 0 || m.left <= 0 || math.Abs(a-b) <= max(tol, 1e-12*a) {
		return a
	}
	h = float64(h / 2)
	return m.panel(sign, y, h, tol, depth-1) + m.panel(sign, y+h, h, tol, depth-1)
}

// gauss is panel by one rule. From y = 20 on, sinh y·cosh y is e^2y/4 and is
// multiplied with the density by their logarithms: the density may be below
// float64 where the product is not.
func (m *meanIntegral) gauss(g *rule, sign, y, h float64) float64 {
	sum := 0.0
	for i, u := range g.x {
		v := y + float64(0.5*h*(1+u))
		e := dmath.Expm1(v)
		s, k := 0.5*(e+e/(1+e)), 0.5*(e+1+1/(e+1)) // sinh, cosh
		x := m.c + float64(float64(sign*m.w)*s)
		f := 0.0
		switch d := m.t.of.Density(x); {
		case v >= 20:
			f = dmath.Exp(m.t.of.LogDensity(x) + float64(2*v) - 2*math.Ln2 + dmath.Log(m.w) - dmath.Log(m.t.mass))
		case d < leastDensity || d > math.MaxFloat64:
			f = s * k * dmath.Exp(m.t.of.LogDensity(x)+dmath.Log(m.w)-dmath.Log(m.t.mass))
		default:
			f = s * k * d * m.w / m.t.mass
		}
		sum += float64(g.w[i] * f)
	}
	return float64(sum * 0.5 * h)
}
