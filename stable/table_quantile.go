package stable

import (
	"fmt"
	"math"
	"sort"

	"heavytail/internal/dmath"
)

// edges returns the logarithm of the tail probability at the inner end of every
// cell of one side, and at the outer end of the last.
func (t *Table) edges(side int) []float64 {
	e := make([]float64, tableSide+1)
	unit := t.unit()
	for j := range e {
		i := side*tableSide + min(j, tableSide-1)
		u := -1.0
		if j == tableSide {
			u = 1
		}
		if e[j] = horner(&t.cells[i].p, u); e[j] != e[j] {
			_, e[j] = t.logs(unit, i, u)
		}
	}
	return e
}

// Quantile returns x with P(X ≤ x) = p to a relative error of 10^-10 of p, or
// of 1 − p above ½, from the cells' polynomials where they are good. Else it is
// Law.Quantile; see there for the ends.
func (t *Table) Quantile(p float64) float64 {
	if !(p >= 0 && p <= 1) {
		panic(fmt.Sprintf("stable: Quantile: p = %v, want 0 to 1", p))
	}
	if p <= 0.5 {
		return t.solve(p, 1-p, false)
	}
	return t.solve(1-p, p, true)
}

// SurvivalQuantile returns x with P(X > x) = q; see Quantile.
func (t *Table) SurvivalQuantile(q float64) float64 {
	if !(q >= 0 && q <= 1) {
		panic(fmt.Sprintf("stable: SurvivalQuantile: q = %v, want 0 to 1", q))
	}
	if q <= 0.5 {
		return t.solve(q, 1-q, true)
	}
	return t.solve(1-q, q, false)
}

// solve finds where the upper or lower tail probability is q, rest = 1 − q.
func (t *Table) solve(q, rest float64, upper bool) float64 {
	side, lq := 1, lowLog*2.0
	if upper {
		side = 0
	}
	if q > 1e-300 {
		lq = dmath.QuickLog(q)
	}
	if lq > t.tails[side][0] { // beyond the centre, where the other tail is tabulated
		side, lq = 1-side, dmath.QuickLog(rest)
	}
	e := t.tails[side]
	j := sort.Search(tableSide+1, func(k int) bool { return e[k] < lq }) - 1
	if lq < lowLog || j < 0 || j >= tableSide || t.cells[side*tableSide+j].p[0] != t.cells[side*tableSide+j].p[0] {
		return t.law.solve(q, upper)
	}
	c := &t.cells[side*tableSide+j].p
	u := 2*(lq-e[j])/(e[j+1]-e[j]) - 1
	for range 3 { // Newton's method; ln P is nearly straight in a cell
		v, d := hornerSlope(c, u)
		u = min(max(u-(v-lq)/d, -1), 1)
	}
	z, _ := t.place(side*tableSide+j, u)
	return z/t.scale + t.loc
}

// hornerSlope evaluates a cell's polynomial and its derivative.
func hornerSlope(c *[tableTerms]float64, u float64) (v, d float64) {
	v = c[tableTerms-1]
	for i := tableTerms - 2; i >= 0; i-- {
		d = math.FMA(d, u, v)
		v = math.FMA(v, u, c[i])
	}
	return v, d
}
