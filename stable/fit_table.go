package stable

import (
	"math"

	"heavytail/internal/dmath"
)

// Cells of a logTable: |z| + 1 runs through cellsPerOctave equal cells from
// each power of two to the next, so cells are 1/16 wide at the centre and grow
// with |z| (of the stretched z). A float64's leading bits number them.
const (
	cellBits       = 4
	cellsPerOctave = 1 << cellBits
	cellShift      = 52 - cellBits
	cellOctaves    = 13 // up to |z| = 1023 at least; then the power law
	logFloor       = -1000.0
)

// cellOf returns the cell of a = |z| and where a is in it.
func cellOf(a float64) (j int, t float64) {
	b := math.Float64bits(a + 1)
	j = int(b>>cellShift) - 1023<<cellBits
	return j, a - cellEdge(j)
}

// cellEdge returns the |z| where cell j begins.
func cellEdge(j int) float64 {
	return math.Float64frombits(uint64(j+1023<<cellBits)<<cellShift) - 1
}

// A cubic is a polynomial in the distance from the edge of its cell.
type cubic [4]float64

// A logTable holds the log-density of a standard law as a cubic spline in
// stretch·z: for α < 1 the peak is narrow, and so are the cells.
type logTable struct {
	stretch     float64
	right, left []cubic // by the cells of z > 0 and of −z > 0
	slope       float64 // of ln f by ln|z| beyond the cells
}

// cellsFor returns how many cells hold |z| up to a, at least four octaves.
func cellsFor(a float64) int {
	return min(max(math.Ilogb(float64(a)+1)+1, 4), cellOctaves) * cellsPerOctave
}

// stretchFor returns the stretch of the table of α.
func stretchFor(alpha float64) float64 {
	if alpha < 1 {
		return 8
	}
	return 1
}

// newLogTable tabulates S0(α, β) for −lo ≤ z ≤ hi. The spline is within 5e-5 of
// ln f but for the edge of a half-line (α < 1, |β| near 1) and, for α > 1.99, the
// point where the normal shape ends; a density below e^−1000 counts as that.
// Beyond the cells, |z| > 1023, the power law continues it, which changes ln f
// by less than 0.04, the most at α = ½.
func newLogTable(alpha, beta, lo, hi float64) *logTable {
	stretch := stretchFor(alpha)
	left, right := cellsFor(lo*stretch), cellsFor(hi*stretch)
	n := left + right
	z, y := make([]float64, n+1), make([]float64, n+1)
	law := Law{Alpha: alpha, Beta: beta, Scale: 1, Param: S0}
	for i := range z {
		if i < left {
			z[i] = -cellEdge(left - i)
		} else {
			z[i] = cellEdge(i - left)
		}
		if beta == 0 && i > left && i-left <= left {
			y[i] = y[2*left-i]
			continue
		}
		y[i] = max(law.LogDensity(z[i]/stretch), logFloor)
	}
	d := splineSlopes(z, y)
	t := &logTable{stretch: stretch, right: make([]cubic, right), left: make([]cubic, left), slope: -1 - alpha}
	for j := range right {
		i := left + j
		t.right[j] = hermite(z[i+1]-z[i], y[i], y[i+1], d[i], d[i+1])
	}
	for j := range left {
		i := left - j
		t.left[j] = hermite(z[i]-z[i-1], y[i], y[i-1], -d[i], -d[i-1])
	}
	return t
}

// covers reports whether the table has the cells for −lo ≤ z ≤ hi.
func (t *logTable) covers(lo, hi float64) bool {
	return len(t.left) >= cellsFor(lo*t.stretch) && len(t.right) >= cellsFor(hi*t.stretch)
}

// at returns ln f and its derivative at z.
func (t *logTable) at(z float64) (v, d float64) {
	cells, a, sign := t.right, t.stretch*z, t.stretch
	if z < 0 {
		cells, a, sign = t.left, -a, -sign
	}
	j, u := cellOf(a)
	if j >= len(cells) {
		edge := cellEdge(len(cells))
		c := &cells[len(cells)-1]
		v, _ = c.at(edge - cellEdge(len(cells)-1))
		return v + float64(t.slope*dmath.Log(a/edge)), sign * t.slope / a
	}
	v, d = cells[j].at(u)
	return v, sign * d
}

// at returns the polynomial and its derivative at u.
func (c *cubic) at(u float64) (v, d float64) {
	v = c[0] + float64(u*(c[1]+float64(u*(c[2]+float64(u*c[3])))))
	d = c[1] + float64(u*(2*c[2]+float64(3*u*c[3])))
	return v, d
}

// hermite returns the cubic over [0, h] with the given values and slopes.
func hermite(h, y0, y1, d0, d1 float64) cubic {
	s := (y1 - y0) / h
	return cubic{y0, d0, (float64(3*s) - float64(2*d0) - d1) / h, (d0 + d1 - float64(2*s)) / (h * h)}
}

// splineSlopes returns the slopes of the cubic spline through (x, y) with two
// continuous derivatives, the second being 0 at both ends.
func splineSlopes(x, y []float64) []float64 {
	n := len(x) - 1
	d, c := make([]float64, n+1), make([]float64, n+1)
	// Row i: a·d[i−1] + 2(a+b)·d[i] + b·d[i+1] = 3(a·s[i−1] + b·s[i]) with
	// a = 1/h[i−1], b = 1/h[i], s the slopes of the chords; eliminate downwards.
	for i := range n + 1 {
		var a, b, rhs float64
		if i > 0 {
			a = 1 / (x[i] - x[i-1])
			rhs += float64(3 * a * a * (y[i] - y[i-1]))
		}
		if i < n {
			b = 1 / (x[i+1] - x[i])
			rhs += float64(3 * b * b * (y[i+1] - y[i]))
		}
		pivot := 2 * (a + b)
		if i > 0 {
			pivot -= float64(a * c[i-1])
			rhs -= float64(a * d[i-1])
		}
		c[i], d[i] = b/pivot, rhs/pivot
	}
	for i := n - 1; i >= 0; i-- {
		d[i] -= float64(c[i] * d[i+1])
	}
	return d
}
