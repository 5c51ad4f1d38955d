package stable

import (
	"fmt"
	"math"
	"slices"

	"heavytail/internal/dmath"
)

// A Regression is a linear model y = X·b + e whose errors have a stable law.
type Regression struct {
	Coef   []float64 // b, one for each column of X
	SE     []float64 // their standard errors
	Errors StableFit // the law of e in S0; Loc is 0, LogLik that of y
}

// Regress fits y = X·b + e, e stable in S0 with location 0, by maximum likelihood
// of b, α, β and γ together (McCulloch 1998; Nolan and Ojeda-Revah 2013). x holds
// the rows of X one after the other, len(y) of them; a column of ones is the
// intercept, which takes over the location. Least squares has no finite variance
// here, and least absolute deviations, which is where the fit starts, wastes what
// the tails tell of the scale.
//
// Standard errors come from the observed information, the second derivatives of
// the likelihood at the estimate; those of a parameter that was held or ended on
// a bound (α = 2, β = ±1) are 0. It wants at least 50 more values than columns,
// and columns that are no combination of each other.
func Regress(x, y []float64, o FitOptions) (Regression, error) {
	const op = "Regress"
	n := len(y)
	if n == 0 || len(x) == 0 || len(x)%n != 0 {
		panic(fmt.Sprintf("stable: Regress: %d values of X for %d of y, want a row of columns for each", len(x), n))
	}
	m := &linearModel{x: slices.Clone(x), n: n, k: len(x) / n, symmetric: o.Symmetric}
	if err := checkData(op, y, fitLeast+m.k); err != nil {
		return Regression{}, err
	}
	if err := m.scaleColumns(op); err != nil {
		return Regression{}, err
	}
	p, unit, err := m.start(op, y)
	if err != nil {
		return Regression{}, err
	}
	p, ll, ok := m.climb(p)
	switch {
	case !ok:
		return Regression{}, fmt.Errorf("stable: %s: the likelihood of the %d values has no maximum in reach; look for columns that nearly repeat each other, or values of X far from all others", op, n)
	case p[0] <= fitAlphaLo:
		return Regression{}, fmt.Errorf("stable: %s: α of the errors is at its lower bound %v; leave out what determines y exactly", op, fitAlphaLo)
	}
	se, ok := m.errors(p)
	if !ok {
		return Regression{}, fmt.Errorf("stable: %s: the likelihood of the %d values is flat at its maximum; leave out columns that nearly repeat each other, or set Symmetric", op, n)
	}
	gamma := unit * dmath.Exp(p[1])
	r := Regression{Coef: make([]float64, m.k), SE: make([]float64, m.k)}
	for j := range m.k {
		r.Coef[j], r.SE[j] = p[3+j]*unit/m.size[j], se[3+j]*unit/m.size[j]
	}
	r.Errors = StableFit{Alpha: p[0], Beta: p[2], Scale: gamma, N: n, SE: [4]float64{se[0], se[2], gamma * se[1], 0},
		LogLik: ll - float64(float64(n)*dmath.Log(unit))}
	if p[0] == 2 {
		r.Errors.Beta = 0 // of no influence there
	}
	return r, nil
}

// A linearModel is the likelihood of α, ln γ, β and b at y, all in units that
// make the columns and residuals of size 1.
type linearModel struct {
	x, y      []float64
	size      []float64 // what the columns were divided by
	n, k      int
	symmetric bool
	z         []float64 // scratch: the residuals
}

// scaleColumns divides the columns by their largest entry and refuses those that
// are not finite or empty.
func (m *linearModel) scaleColumns(op string) error {
	m.size, m.z = make([]float64, m.k), make([]float64, m.n)
	for i, v := range m.x {
		if v-v != 0 {
			return fmt.Errorf("stable: %s: row %d, column %d of X is %v; remove what is not finite", op, i/m.k, i%m.k, v)
		}
		m.size[i%m.k] = max(m.size[i%m.k], math.Abs(v))
	}
	for j, v := range m.size {
		if v == 0 {
			return fmt.Errorf("stable: %s: column %d of X is all zeros; leave it out", op, j)
		}
	}
	for i := range m.x {
		m.x[i] /= m.size[i%m.k]
	}
	return nil
}

// leastAbsolute returns b of least absolute deviations, by least squares with the
// weights of the residuals before.
func (m *linearModel) leastAbsolute(op string, y []float64) ([]float64, error) {
	w := make([]float64, m.n)
	for i := range w {
		w[i] = 1
	}
	small := 0.0
	for round := 0; ; round++ {
		a, b := newSquare(m.k), make([]float64, m.k)
		for i, v := range w {
			row := m.row(i)
			for j, u := range row {
				b[j] += float64(v * u * y[i])
				for l := range j + 1 {
					a.at[j*m.k+l] += float64(v * u * row[l])
				}
			}
		}
		if !a.factor(nil) {
			return nil, fmt.Errorf("stable: %s: columns of X are a combination of each other; leave one out", op)
		}
		a.solve(b)
		m.residuals(y, b)
		if round == 0 {
			_, half, _ := spread(op, m.z)
			small = max(1e-4*half, 1e-300)
		}
		if round == 29 {
			return b, nil
		}
		for i, v := range m.z {
			w[i] = 1 / max(math.Abs(v), small)
		}
	}
}

// start finds b of least absolute deviations, sets the unit of y to the spread of
// the residuals, and fits their law.
func (m *linearModel) start(op string, y []float64) (p []float64, unit float64, err error) {
	b, err := m.leastAbsolute(op, y)
	if err != nil {
		return nil, 0, err
	}
	_, unit, err = spread(op, m.z)
	most := 0.0
	for _, v := range y {
		most = max(most, math.Abs(v))
	}
	if err != nil || unit < 1e-12*most { // what is left is rounding
		return nil, 0, fmt.Errorf("stable: %s: X gives at least half of the values exactly, the residuals have no law; leave out the columns that y was made of", op)
	}
	f, err := KogonWilliams(m.z)
	if err != nil {
		return nil, 0, fmt.Errorf("stable: %s: no start: %w", op, err)
	}
	m.y = make([]float64, m.n)
	for i, v := range y {
		m.y[i] = v / unit
	}
	p = make([]float64, 3+m.k)
	p[0], p[1] = min(max(f.Alpha, 0.6), 1.98), dmath.Log(f.Scale/unit)
	if !m.symmetric {
		p[2] = min(max(f.Beta, -0.9), 0.9)
	}
	for j, v := range b {
		p[3+j] = v / unit
	}
	return p, unit, nil
}

func (m *linearModel) row(i int) []float64 { return m.x[i*m.k : (i+1)*m.k] }

// residuals sets z to y − X·b and returns how far they reach to both sides.
func (m *linearModel) residuals(y, b []float64) (lo, hi float64) {
	for i, v := range y {
		for j, u := range m.row(i) {
			v -= float64(u * b[j])
		}
		m.z[i] = v
		lo, hi = max(lo, -v), max(hi, v)
	}
	return lo, hi
}

// value returns the log-likelihood at p.
func (m *linearModel) value(p []float64) float64 {
	lo, hi := m.residuals(m.y, p[3:])
	inv := dmath.Exp(-p[1])
	t := newLogTable(p[0], p[2], lo*inv, hi*inv)
	sum := -float64(float64(m.n) * p[1])
	for _, v := range m.z {
		f, _ := t.at(v * inv)
		sum += f
	}
	return sum
}

// slope returns the log-likelihood at p, its gradient g and the products of the
// gradients of the values.
func (m *linearModel) slope(p []float64) (ll float64, g []float64, info *square) {
	lo, hi := m.residuals(m.y, p[3:])
	inv := dmath.Exp(-p[1])
	law := stableModel{symmetric: m.symmetric}
	s := law.scorer(vector{p[0], p[1], 0, p[2]}, newLogTable(p[0], p[2], lo*inv, hi*inv), lo*inv, hi*inv)
	g, info = make([]float64, len(p)), newSquare(len(p))
	d := make([]float64, len(p))
	for i, z := range m.z {
		f, v := s.at(z * inv)
		ll += f
		d[0], d[1], d[2] = v[0], v[1], v[3]
		for j, u := range m.row(i) {
			d[3+j] = u * v[2]
		}
		info.addSquare(g, d)
	}
	return ll - float64(float64(m.n)*p[1]), g, info
}

// step returns p + s·d within the bounds.
func (m *linearModel) step(p, d []float64, s float64) []float64 {
	q := slices.Clone(p)
	for i := range q {
		q[i] += float64(s * d[i])
	}
	q[0] = min(max(q[0], fitAlphaLo), 2)
	q[2] = min(max(q[2], -1), 1)
	return q
}

// held says which parameters stay: those on a bound that g presses against, and
// β where the law is symmetric or α = 2.
func (m *linearModel) held(p, g []float64) []bool {
	h := make([]bool, len(p))
	h[0] = p[0] == fitAlphaLo && g[0] <= 0 || p[0] == 2 && g[0] >= 0
	h[2] = m.symmetric || p[0] == 2 || math.Abs(p[2]) == 1 && g[2]*p[2] >= 0
	return h
}

// climb is likelihood.maximise for any number of parameters.
func (m *linearModel) climb(p []float64) (best []float64, ll float64, ok bool) {
	for range climbSteps {
		v, g, info := m.slope(p)
		d := slices.Clone(g)
		if !info.factor(m.held(p, g)) {
			return p, v, false
		}
		info.solve(d)
		gain := 0.0
		for i := range d {
			gain += float64(d[i] * g[i])
		}
		if gain < climbEnough {
			return p, v, true
		}
		next, up := m.line(p, d, v, gain)
		if !up {
			return p, v, gain < climbClose
		}
		p, ll = next, v
	}
	return p, ll, false
}

// line walks from p along d, as likelihood.line does.
func (m *linearModel) line(p, d []float64, ll, gain float64) ([]float64, bool) {
	s := 1.0
	for range climbHalves {
		q := m.step(p, d, s)
		if v := m.value(q); v >= ll+float64(0.05*s*gain) {
			return q, true
		}
		s /= 2
	}
	return p, false
}
