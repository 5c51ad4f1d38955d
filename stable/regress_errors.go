package stable

import "heavytail/internal/dmath"

// A scoreTable holds the score of a standard law as three cubic splines on the
// cells of a logTable: the exact derivatives of ln f by x, α and β, whose own
// derivatives by x are those of the splines.
type scoreTable struct {
	law         Law
	left, right int
	z           []float64
	y, slope    [3][]float64
	stretch     float64
}

// newScoreTable tabulates S0(α, β) for −lo ≤ z ≤ hi.
func newScoreTable(alpha, beta, lo, hi float64) *scoreTable {
	t := &scoreTable{law: Law{Alpha: alpha, Beta: beta, Scale: 1}, stretch: stretchFor(alpha)}
	t.left, t.right = cellsFor(lo*t.stretch), cellsFor(hi*t.stretch)
	n := t.left + t.right
	t.z = make([]float64, n+1)
	for k := range t.y {
		t.y[k] = make([]float64, n+1)
	}
	for i := range t.z {
		if i < t.left {
			t.z[i] = -cellEdge(t.left-i) / t.stretch
		} else {
			t.z[i] = cellEdge(i-t.left) / t.stretch
		}
		o := t.law.bounded(t.z[i])
		t.y[0][i], t.y[1][i], t.y[2][i] = o.x, o.alpha, o.beta
	}
	for k := range t.y {
		t.slope[k] = splineSlopes(t.z, t.y[k])
	}
	return t
}

// bounded returns the score at z, 0 outside the support, where no data are.
func (l Law) bounded(z float64) score {
	if _, g := l.LogDensityGradient(z); g.Loc-g.Loc == 0 {
		return score{alpha: g.Alpha, beta: g.Beta, x: -g.Loc}
	}
	return score{}
}

// at returns the score at z and its derivatives by z, of the power law beyond the
// cells.
func (t *scoreTable) at(z float64) (s, d [3]float64) {
	a, i := float64(t.stretch*z), 0
	if a >= 0 {
		j, _ := cellOf(a)
		i = t.left + j
	} else {
		j, _ := cellOf(-a)
		i = t.left - 1 - j
	}
	if i < 0 || i >= t.left+t.right {
		o := t.law.bounded(z)
		// −(α+1)/z and −ln|z| + …: see tailScore.
		return [3]float64{o.x, o.alpha, o.beta}, [3]float64{-o.x / z, -1 / z, 0}
	}
	u := z - t.z[i]
	for k := range s {
		y, m := t.y[k], t.slope[k]
		c := hermite(t.z[i+1]-t.z[i], y[i], y[i+1], m[i], m[i+1])
		s[k], d[k] = c.at(u)
	}
	return s, d
}

// Steps of the differences of scores by α and β in the observed information.
const (
	infoStepA = 1e-3
	infoStepB = 2e-3
)

// errors returns the standard errors at the maximum p: the roots of the diagonal
// of the inverse of the observed information, −∂²ln L. The derivatives by z are
// those of tabulated exact scores, those by α and β differences of two tables. ok
// is false where the information is not positive definite.
func (m *linearModel) errors(p []float64) (se []float64, ok bool) {
	lo, hi := m.residuals(m.y, p[3:])
	inv := dmath.Exp(-p[1])
	lo, hi = lo*inv, hi*inv
	a0, a1 := p[0]-infoStepA, min(p[0]+infoStepA, 2)
	b0, b1 := max(p[2]-infoStepB, -1), min(p[2]+infoStepB, 1)
	t := newScoreTable(p[0], p[2], lo, hi)
	ta0, ta1 := newScoreTable(a0, p[2], lo, hi), newScoreTable(a1, p[2], lo, hi)
	tb0, tb1 := newScoreTable(p[0], b0, lo, hi), newScoreTable(p[0], b1, lo, hi)
	info, row := newSquare(len(p)), make([]float64, len(p))
	g := make([]float64, len(p))
	for i, e := range m.z {
		z := e * inv
		s, d := t.at(z)
		for k, v := range m.row(i) { // −∂z/∂b
			row[3+k] = v * inv
		}
		sa0, _ := ta0.at(z)
		sa1, _ := ta1.at(z)
		sb0, _ := tb0.at(z)
		sb1, _ := tb1.at(z)
		g[0] += s[1]
		g[2] += s[2]
		info.addHidden(row, z, s, d, [3]float64{
			(sa1[1] - sa0[1]) / (a1 - a0),
			(sa1[2] - sa0[2]) / (a1 - a0),
			(sb1[2] - sb0[2]) / (b1 - b0),
		})
	}
	if !info.factor(m.held(p, g)) {
		return nil, false
	}
	return info.roots(), true
}

// addHidden adds what one value adds to −∂²ln L in α, ln γ, β and b, given −∂z/∂b
// in row[3:], z, the score (by z, α, β), its derivatives by z, and ∂² ln f by αα,
// αβ and ββ. With L = ln f(z) − ln γ, ∂z/∂ln γ is −z.
func (a *square) addHidden(row []float64, z float64, s, d, shape [3]float64) {
	n := a.n
	a.at[0] -= shape[0]
	a.at[2*n] -= shape[1]
	a.at[2*n+2] -= shape[2]
	a.at[n] += float64(z * d[1])
	a.at[2*n+1] += float64(z * d[2])
	a.at[n+1] -= float64(z*s[0]) + float64(z*z*d[0])
	for j := 3; j < n; j++ {
		v := row[j]
		a.at[j*n] += float64(v * d[1])
		a.at[j*n+1] -= float64(v * (s[0] + float64(z*d[0])))
		a.at[j*n+2] += float64(v * d[2])
		for k := 3; k <= j; k++ {
			a.at[j*n+k] -= float64(v * row[k] * d[0])
		}
	}
}
