package stable

import (
	"math"
	"sort"

	"heavytail/internal/dmath"
	"heavytail/simd"
)

// An inverse interpolates the inverse distribution function of a unit law
// through points that need no search: the distribution at points x that follow
// each other at small steps of w = ln(P(X ≤ x)/P(X > x)), with dx/dw from the
// density. Between two points it is the polynomial of degree 11 through the
// six nearest and their slopes.
type inverse struct {
	scale, shift float64 // the law is scale·unit + shift
	lower        float64 // P(unit ≤ 0) in S0
	origin       float64 // 0 of S0 in the unit's coordinate: ζ where it is S1
	w            []float64
	cells        [][2 * inverseNear]float64 // Newton's form on the points i … i+5
	rows         []unitRow
}

const inverseNear = 6 // points of an interpolation

// An inversePoint is a point of the distribution.
type inversePoint struct{ x, w, slope float64 }

// newInverse makes the points of a law.
func newInverse(l Law) *inverse {
	u := Law{Alpha: l.Alpha, Beta: l.Beta, Scale: 1, Param: S0}
	v := &inverse{scale: l.Scale, shift: l.Loc + float64(l.Scale*l.shift())}
	if l.Alpha < 1-nearOne && math.Abs(l.Beta) == 1 {
		// S1, whose support ends at 0: the light side keeps its precision.
		u.Param, v.origin = S1, l.zeta()
		v.shift = l.Loc
		if l.Param == S0 {
			v.shift -= float64(l.Scale * v.origin)
		}
	}
	centre, p := u.inversePoint(v.origin)
	v.lower = p
	points := u.march(nil, centre, -1)
	for i, j := 0, len(points)-1; i < j; i, j = i+1, j-1 {
		points[i], points[j] = points[j], points[i]
	}
	v.interpolate(u.march(append(points, centre), centre, 1))
	return v
}

// march appends the points on one side of p, with tails down to e^-26. A step
// of w is at most 0.15, and so short that the slope predicts the next w to a
// tenth of it: the polynomials between points need slopes that change slowly.
// For small α the peak of the density is sharp and takes smaller steps.
func (l Law) march(points []inversePoint, p inversePoint, sign float64) []inversePoint {
	h := 0.01
	for float64(sign*p.w) < 26 {
		q, _ := l.inversePoint(p.x + float64(sign*h*p.slope))
		if off := math.Abs(float64((q.w-p.w)*sign)/h - 1); !(off < 0.1) && h > 1e-4 {
			h /= 2
			continue
		}
		points = append(points, q)
		most := 0.15
		if l.Alpha < 0.9 && math.Abs(q.w) < 4 {
			most = 0.03
		}
		p, h = q, min(1.3*h, most)
	}
	return points
}

// inversePoint evaluates the law; it also returns P(X ≤ x).
func (l Law) inversePoint(x float64) (inversePoint, float64) {
	o := l.evaluateFrom(x, powersRows)
	f := float64(o.f * dmath.Exp(-o.base))
	return inversePoint{x, dmath.Log(o.lower) - dmath.Log(o.upper), float64(o.lower*o.upper) / f}, o.lower
}

// interpolate prepares Newton's form of Hermite's interpolation: on the nodes
// w0, w0, w1, w1, …, divided differences in place.
func (v *inverse) interpolate(points []inversePoint) {
	const n = 2 * inverseNear
	for _, p := range points {
		v.w = append(v.w, p.w)
	}
	for i := range len(points) - inverseNear + 1 {
		var c [n]float64
		for j := range n {
			c[j] = points[i+j/2].x
		}
		for k := 1; k < n; k++ {
			for j := n - 1; j >= k; j-- {
				a, b := points[i+j/2], points[i+(j-k)/2]
				if j/2 == (j-k)/2 {
					c[j] = a.slope
				} else {
					c[j] = (c[j] - c[j-1]) / (a.w - b.w)
				}
			}
		}
		v.cells = append(v.cells, c)
	}
}

// at returns x for t in (0, ½]: 2t is the probability beyond x, given the side.
func (v *inverse) at(side int, t float64) float64 {
	if t == 0.5 {
		return v.origin
	}
	p := v.lower
	if side == 1 {
		p = 1 - p
	}
	q := 2 * p * t
	w := dmath.Log(q) - dmath.Log1p(-q)
	if side == 1 {
		w = -w
	}
	i := sort.SearchFloat64s(v.w, w) - inverseNear/2
	i = max(min(i, len(v.cells)-1), 0)
	c := &v.cells[i]
	x := c[len(c)-1]
	for j := len(c) - 2; j >= 0; j-- {
		x = float64(x*(w-v.w[i+j/2])) + c[j]
	}
	return x
}

// fit returns the polynomial of row n and the largest relative error found of
// its value in float32. It interpolates at Chebyshev's points, in the first row
// (x−c0)/d, so that x is right next to 0.
func (v *inverse) fit(t *simd.OctaveTable, side, n int) (c unitRow, worst float64) {
	high, unit, width := t.Row(n)
	terms, first := t.Terms(), 0
	value := func(d float64) float64 { return v.at(side, high-float64(d*unit)) }
	if n == 0 {
		c[0], first = v.origin, 1
	}
	m := terms - first
	var d, f [10]float64
	for i := range m {
		d[i] = width * 0.5 * (1 + dmath.CosPi((float64(i)+0.5)/float64(m)))
		f[i] = value(d[i])
		if first == 1 {
			f[i] = (f[i] - c[0]) / d[i]
		}
	}
	for k := 1; k < m; k++ { // divided differences
		for i := m - 1; i >= k; i-- {
			f[i] = (f[i] - f[i-1]) / (d[i] - d[i-k])
		}
	}
	var p [10]float64 // the powers of Newton's form
	for i := m - 1; i >= 0; i-- {
		for k := m - 1; k > 0; k-- {
			p[k] = p[k-1] - float64(p[k]*d[i])
		}
		p[0] = f[i] - float64(p[0]*d[i])
	}
	copy(c[first:], p[:m])
	return c, v.misfit(t, &c, value, width, n)
}

// misfit returns the largest relative error of a row.
func (v *inverse) misfit(t *simd.OctaveTable, c *unitRow, value func(float64) float64, width float64, n int) (worst float64) {
	const points = 40
	for i := range points + 1 {
		d := width * 0.5 * (1 - dmath.CosPi(float64(i)/points))
		if i == 0 && n == 0 {
			d = 0x1p-10 * width
		}
		e := float32(min(d, width-0x1p-23))
		x := float32(c[t.Terms()-1])
		for j := t.Terms() - 2; j >= 0; j-- {
			x = simd.FMA(x, e, float32(c[j]))
		}
		want := value(float64(e))
		if r := math.Abs(float64(x)-want) / math.Abs(want); !(r <= worst) {
			worst = r
		}
	}
	return worst
}
