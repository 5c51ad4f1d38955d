package stable

import "math"

// maxParams is the largest number of parameters of a likelihood.
const maxParams = 4

type (
	vector [maxParams]float64
	matrix [maxParams]vector
)

// A likelihood is what maximise climbs: the sum of a law's log-densities at a
// sample, in parameters that lie between bounds.
type likelihood struct {
	n      int // parameters
	lo, hi vector
	// value returns the sum of log-densities; slope also that of their
	// gradients g and of the products g·gᵀ, Fisher's information.
	value func(p vector) float64
	slope func(p vector) (ll float64, g vector, info matrix)
}

// Limits of maximise. A gain of the last step below enough puts the estimate
// within 2 % of a standard error of the maximum.
const (
	climbSteps  = 80
	climbHalves = 12
	climbEnough = 2e-4
	climbClose  = 1.0 // a standard error: taken where the climb sticks
)

// maximise climbs from p by Fisher scoring with the information from the
// sample itself (Berndt, Hall, Hall and Hausman 1974): p += s·info⁻¹·g, s
// halved until the likelihood rises and doubled while that pays. Parameters on
// a bound that the gradient presses against, and those of no influence, are
// held. It returns the maximum, its value and the standard errors; ok is false
// if the climb did not end.
func (l *likelihood) maximise(p vector) (best vector, ll float64, se vector, ok bool) {
	for step := 1; ; step++ {
		var g vector
		var info matrix
		ll, g, info = l.slope(p)
		free := l.free(p, g, &info)
		inv := info.inverse(l.n, free)
		d, gain := inv.times(g, l.n)
		if gain < climbEnough {
			return p, ll, inv.roots(l.n), true
		}
		next, up := l.line(p, d, ll, gain)
		if !up { // nearly redundant parameters spoil the direction
			d, g2 := diagonal(info, g, free, l.n)
			next, up = l.line(p, d, ll, g2)
		}
		if !up {
			// Nothing to gain along the direction: rounding, or the table of
			// log-densities, is all that is left.
			return p, ll, inv.roots(l.n), gain < climbClose
		}
		if p = next; step == climbSteps {
			return p, ll, inv.roots(l.n), gain < climbClose
		}
	}
}

// diagonal returns the direction of scoring each parameter by itself, and its
// gain, both over the number of parameters so that they are no overestimates.
func diagonal(info matrix, g vector, free [maxParams]bool, n int) (d vector, gain float64) {
	for i := range n {
		if free[i] {
			d[i] = g[i] / (info[i][i] * float64(n))
			gain += float64(d[i] * g[i])
		}
	}
	return d, gain
}

// line walks from p along d. It reports whether the value rose.
func (l *likelihood) line(p, d vector, ll, gain float64) (vector, bool) {
	s := 1.0
	for range climbHalves {
		q := l.step(p, d, s)
		v := l.value(q)
		if v >= ll+float64(0.05*s*gain) {
			for range climbHalves { // too small a step happens under a wrong law
				q2 := l.step(p, d, 2*s)
				v2 := l.value(q2)
				if !(v2 > v+float64(0.3*s*gain)) {
					break
				}
				q, v, s = q2, v2, 2*s
			}
			return q, true
		}
		s /= 2
	}
	return p, false
}

// step returns p + s·d within the bounds.
func (l *likelihood) step(p, d vector, s float64) vector {
	for i := range l.n {
		p[i] = min(max(p[i]+float64(s*d[i]), l.lo[i]), l.hi[i])
	}
	return p
}

// free says which parameters may move.
func (l *likelihood) free(p, g vector, info *matrix) (free [maxParams]bool) {
	for i := range l.n {
		pressed := p[i] <= l.lo[i] && g[i] <= 0 || p[i] >= l.hi[i] && g[i] >= 0
		free[i] = !pressed && info[i][i] > 1e-9
	}
	return free
}

// inverse returns the inverse of the free part of a, by Gauss and Jordan with
// the diagonal for pivots, zeros elsewhere. A pivot that rounding or a
// redundant parameter spoils is left out.
func (a matrix) inverse(n int, free [maxParams]bool) matrix {
	var b matrix
	diag := a
	for i := range n {
		if free[i] {
			b[i][i] = 1
		}
	}
	for k := range n {
		if !free[k] {
			continue
		}
		if !(a[k][k] > 1e-10*diag[k][k]) {
			free[k] = false
			for i := range n {
				b[k][i], b[i][k], a[k][i], a[i][k] = 0, 0, 0, 0
			}
			continue
		}
		r := 1 / a[k][k]
		for j := range n {
			a[k][j] *= r
			b[k][j] *= r
		}
		for i := range n {
			if i == k || !free[i] {
				continue
			}
			f := a[i][k]
			for j := range n {
				a[i][j] -= float64(f * a[k][j])
				b[i][j] -= float64(f * b[k][j])
			}
		}
	}
	for i := range n {
		if !free[i] {
			for j := range n {
				b[i][j], b[j][i] = 0, 0
			}
		}
	}
	return b
}

// times returns d = a·g and gᵀ·d.
func (a *matrix) times(g vector, n int) (d vector, gd float64) {
	for i := range n {
		for j := range n {
			d[i] += float64(a[i][j] * g[j])
		}
		gd += float64(d[i] * g[i])
	}
	return d, gd
}

// roots returns the roots of the diagonal.
func (a *matrix) roots(n int) (r vector) {
	for i := range n {
		r[i] = math.Sqrt(max(a[i][i], 0))
	}
	return r
}

// add adds the gradient s of one value to g and s·sᵀ to info (upper half).
func (s *vector) add(n int, g *vector, info *matrix) {
	for i := range n {
		g[i] += s[i]
		for j := i; j < n; j++ {
			info[i][j] += float64(s[i] * s[j])
		}
	}
}

// mirror copies the upper half to the lower.
func (a *matrix) mirror(n int) {
	for i := range n {
		for j := range i {
			a[i][j] = a[j][i]
		}
	}
}
