package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
)

// FitOptions says what FitStable and Regress may assume.
type FitOptions struct {
	Symmetric bool // the law is symmetric: β is held at 0
}

// fitLeast is the least number of values for FitStable.
const fitLeast = 50

// Bounds of α in FitStable, and steps of its differences by α and β.
const (
	fitAlphaLo = 0.5
	fitStepA   = 0.004
	fitStepEnd = 0.0002 // by α near 2
	fitStepB   = 0.01
)

// FitStable fits a stable law by maximum likelihood, 0.5 ≤ α ≤ 2, from the start of
// KogonWilliams. The log-density of each α and β on the way is tabulated as a spline,
// whose derivatives serve location and scale; those by α and β are differences of
// tables. Standard errors come from Fisher's information at the estimate; α = 2 and β =
// ±1 are bounds, and a parameter that ends there has none.
func FitStable(x []float64, o FitOptions) (StableFit, error) {
	const op = "FitStable"
	if err := checkData(op, x, fitLeast); err != nil {
		return StableFit{}, err
	}
	start, err := KogonWilliams(x)
	if err != nil {
		return StableFit{}, fmt.Errorf("stable: %s: no start: %w", op, err)
	}
	if o.Symmetric {
		start.Beta = 0
	}
	// Standardised by the start, so that one set of bounds serves all data.
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = (v - start.Loc) / start.Scale
	}
	m := &stableModel{y: y, symmetric: o.Symmetric}
	for _, v := range y {
		m.lo, m.hi = max(m.lo, -v), max(m.hi, v)
	}
	l := likelihood{n: 4, value: m.value, slope: m.slope,
		lo: vector{fitAlphaLo, -5, -20, -1}, hi: vector{2, 5, 20, 1}}
	if o.Symmetric {
		l.n = 3
	}
	p, ll, se, ok := l.maximise(vector{min(max(start.Alpha, 0.6), 1.98), 0, 0, min(max(start.Beta, -0.9), 0.9)})
	switch {
	case !ok:
		return StableFit{}, fmt.Errorf("stable: %s: the likelihood of the %d values has no maximum in reach; use KogonWilliams", op, len(x))
	case p[0] <= fitAlphaLo:
		return StableFit{}, fmt.Errorf("stable: %s: α is at its lower bound %v; use KogonWilliams or LogMoments", op, fitAlphaLo)
	}
	se = m.errors(p, se)
	gamma := dmath.Exp(p[1])
	f := StableFit{Alpha: p[0], Beta: p[3], Scale: start.Scale * gamma, Loc: start.Loc + float64(start.Scale*p[2]), N: len(x),
		SE:     [4]float64{se[0], se[3], start.Scale * gamma * se[1], start.Scale * se[2]},
		LogLik: ll - float64(float64(len(x))*dmath.Log(start.Scale))}
	if f.Alpha == 2 {
		f.Beta = 0 // it has no influence there
		f.atTwo = m.lowerAlpha(p, ll)
	}
	return f, nil
}

// A stableModel is the likelihood of α, ln γ, δ and β at a sample.
type stableModel struct {
	y         []float64
	lo, hi    float64 // y lies in [−lo, hi]
	symmetric bool
	last      *logTable // of the parameters below: value and slope ask for the same ones
	at        [2]float64
}

// lowerAlpha returns the α below 2 where the likelihood is 1.92 less than ll, its
// value at p with α = 2.
func (m *stableModel) lowerAlpha(p vector, ll float64) float64 {
	lo, hi := fitAlphaLo, 2.0
	for range 16 {
		p[0] = (lo + hi) / 2
		if m.value(p) < ll-z95*z95/2 {
			lo = p[0]
		} else {
			hi = p[0]
		}
	}
	return lo
}

// reach returns how far the standardised values go to both sides.
func (m *stableModel) reach(p vector) (lo, hi float64) {
	inv := dmath.Exp(-p[1])
	return max(m.lo+p[2], 0) * inv, max(m.hi-p[2], 0) * inv
}

// centre returns the table for p, the last one where it serves.
func (m *stableModel) centre(p vector) *logTable {
	lo, hi := m.reach(p)
	if m.last == nil || m.at != [2]float64{p[0], p[3]} || !m.last.covers(lo, hi) {
		m.last, m.at = newLogTable(p[0], p[3], lo, hi), [2]float64{p[0], p[3]}
	}
	return m.last
}

func (m *stableModel) value(p vector) float64 {
	t, inv := m.centre(p), dmath.Exp(-p[1])
	sum := 0.0
	for _, y := range m.y {
		v, _ := t.at((y - p[2]) * inv)
		sum += v
	}
	return sum - float64(float64(len(m.y))*p[1])
}

// scorer returns the gradients at p, from tables that reach from −lo to hi.
func (m *stableModel) scorer(p vector, t *logTable, lo, hi float64) *scorer {
	s := &scorer{t: t, n: 3, inv: dmath.Exp(-p[1])}
	// Towards α = 2 the tail vanishes as 2 − α, and ln f bends with it.
	h := min(fitStepA, max((2-p[0])/2, fitStepEnd))
	a0, a1 := p[0]-h, min(p[0]+h, 2)
	s.a0, s.a1 = newLogTable(a0, p[3], lo, hi), newLogTable(a1, p[3], lo, hi)
	s.perA = 1 / (a1 - a0)
	if !m.symmetric {
		b0, b1 := max(p[3]-fitStepB, -1), min(p[3]+fitStepB, 1)
		s.b0, s.b1 = newLogTable(p[0], b0, lo, hi), newLogTable(p[0], b1, lo, hi)
		s.perB, s.n = 1/(b1-b0), 4
	}
	return s
}

// A scorer gives the gradient of ln f at standardised values.
type scorer struct {
	n              int
	t              *logTable // of α and β
	a0, a1, b0, b1 *logTable // of their neighbours
	perA, perB     float64
	inv            float64 // 1/γ
}

// at returns ln f − ln γ's part at z, and its gradient.
func (s *scorer) at(z float64) (v float64, g vector) {
	v, d := s.t.at(z)
	lo, _ := s.a0.at(z)
	hi, _ := s.a1.at(z)
	g = vector{(hi - lo) * s.perA, -1 - float64(z*d), -d * s.inv}
	if s.n == 4 {
		lo, _ = s.b0.at(z)
		hi, _ = s.b1.at(z)
		g[3] = (hi - lo) * s.perB
	}
	return v, g
}

func (m *stableModel) slope(p vector) (ll float64, g vector, info matrix) {
	lo, hi := m.reach(p)
	s := m.scorer(p, m.centre(p), lo, hi)
	for _, y := range m.y {
		v, d := s.at((y - p[2]) * s.inv)
		ll += v
		d.add(s.n, &g, &info)
	}
	info.mirror(s.n)
	return ll - float64(float64(len(m.y))*p[1]), g, info
}

// information returns Fisher's information of one value at p: the mean of the
// gradient's products under the law itself, by Gauss's rule with two nodes on
// cells that grow with |z|. It is smoother in the data than the sample's own.
func (m *stableModel) information(p vector) (info matrix) {
	const far, most = 1000, 200
	s := m.scorer(p, newLogTable(p[0], p[3], far, far), far, far)
	var none vector
	w := 1 / stretchFor(p[0])
	for side := -1.0; side <= 1; side += 2 {
		for k := range most * 4 {
			// Cells of 1/16 of (|z| + w).
			lo := float64(w * (dmath.Exp(float64(k)/16) - 1))
			hi := float64(w * (dmath.Exp(float64(k+1)/16) - 1))
			for _, u := range [2]float64{0.21132486540518713, 0.7886751345948129} {
				v, g := s.at(side * (lo + float64(u*(hi-lo))))
				r := math.Sqrt(dmath.Exp(v) * (hi - lo) / 2)
				for i := range s.n {
					g[i] *= r
				}
				g.add(s.n, &none, &info)
			}
			if v, _ := s.t.at(side * hi); v < -700 || hi > 1e30 {
				break
			}
		}
	}
	info.mirror(s.n)
	return info
}

// errors returns the standard errors at p of those parameters that sample,
// the errors from the sample's own information, shows as free.
func (m *stableModel) errors(p, sample vector) (se vector) {
	n := 4
	if m.symmetric {
		n = 3
	}
	var free [maxParams]bool
	for i := range n {
		free[i] = sample[i] > 0
	}
	inv := m.information(p).inverse(n, free)
	se = inv.roots(n)
	for i := range n {
		se[i] /= math.Sqrt(float64(len(m.y)))
	}
	return se
}
