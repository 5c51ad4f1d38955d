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

// A tableCentre has quantiles next to X = 0 of a law: X/(p − F(0)) as a polynomial
// in (p − F(0))/width.
type tableCentre struct {
	below, above float64 // probabilities on either side of X = 0
	width        float64 // of p − F(0); 0: there is none
	p            [tableTerms]float64
}

// newTableCentre makes the polynomial and compares it with the law; one that is not
// good enough gets NaN.
func newTableCentre(l Law) (c tableCentre) {
	var ok bool
	if c.below, c.above, ok = l.centre(); !ok {
		return c
	}
	c.width = centred * min(c.below, c.above)
	if c.width == 0 { // on half-lines
		return c
	}
	ratio := func(u float64) float64 { return l.riseRoot(u*c.width) / (u * c.width) }
	for j, x := range tableNodes {
		r := ratio(x)
		for k := range tableTerms {
			c.p[k] += float64(tableBasis[k][j] * r)
		}
	}
	for _, u := range [4]float64{-0.98, -0.1, 0.003, 0.95} {
		if r := ratio(u); !(math.Abs(horner(&c.p, u)-r) <= 5e-14*math.Abs(r)) {
			c.p[0] = math.NaN()
			break
		}
	}
	return c
}

// nearCentre is Law.nearCentre, by the polynomial where it is good.
func (t *Table) nearCentre(q float64, upper bool) (x float64, ok bool) {
	c := &t.centre
	rise := q - c.below
	if upper {
		rise = c.above - q
	}
	if !(math.Abs(rise) < c.width) {
		return 0, false
	}
	if r := horner(&c.p, rise/c.width); r == r {
		return t.law.fromCentre(float64(rise * r)), true
	}
	return t.law.nearCentre(q, upper)
}

// Quantile returns x with P(X ≤ x) = p to a relative error of 10^-10 of p, or
// of 1 − p above ½, from the cells' polynomials where they are good, and within
// 1/64 of F(0) to one of 10^-13 of p − F(0) as Law.Quantile (½ where β = 0 or
// α = 2; not for α = 1 with β ≠ 0). Else it is Law.Quantile; see there for the ends.
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
	if x, ok := t.nearCentre(q, upper); ok {
		return x
	}
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
		d = dmath.FMA(d, u, v)
		v = dmath.FMA(v, u, c[i])
	}
	return v, d
}
