package stable

import (
	"fmt"
	"math"
	"sync"

	"heavytail/internal/dmath"
)

// mccullochLeast is the least number of values for McCulloch.
const mccullochLeast = 100

// The quantiles that McCulloch's estimator rests on.
var mccullochP = [5]float64{0.05, 0.25, 0.5, 0.75, 0.95}

// McCulloch estimates a stable law from five quantiles (McCulloch 1986), with
//
//	ν_α = (q95 − q05)/(q75 − q25),  ν_β = (q95 + q05 − 2·q50)/(q95 − q05):
//
// α and |β| are where the standard law has the same two numbers; then γ = (q75 − q25)/φ₃
// and δ = q50 − γ·m with the law's distance of quartiles and median. The law's values
// are not the tables of 1986, some of whose entries are wrong in the third digit, but
// computed from Law.Quantile at first use. Outside the range of the law the nearest α ≤
// 2 and |β| ≤ 1 are taken; an index below 0.5 is an error. The standard errors follow
// from the covariance of sample quantiles.
func McCulloch(x []float64) (StableFit, error) {
	const op = "McCulloch"
	if err := checkData(op, x, mccullochLeast); err != nil {
		return StableFit{}, err
	}
	if _, _, err := spread(op, x); err != nil {
		return StableFit{}, err
	}
	q := [5]float64(quantiles(x, mccullochP[:]...))
	f, ok := quantileTable().solve(q)
	if !ok {
		return StableFit{}, fmt.Errorf("stable: %s: the tails are heavier than those of α = %v, where the table ends; use KogonWilliams or LogMoments", op, tableAlphaLo)
	}
	f.N = len(x)
	f.SE = quantileErrors(f, q)
	return f, nil
}

// Grid of the table: α from 0.5 to 2, β from 0 to 1.
const (
	tableAlphaLo = 0.5
	tableStepA   = 0.05
	tableStepB   = 0.0625
	tableA       = 31
	tableB       = 17
)

// A lawShape is what the table holds of one standard law in S0: ln ν_α, ν_β,
// ln(q75 − q25) and the median. All are smooth in α and β; ν_β and the median
// are odd in β, the others even.
type lawShape [4]float64

// A shapeTable holds lawShapes by α and β.
type shapeTable [tableA][tableB]lawShape

// quantileTable computes the table: 2635 quantiles, once.
var quantileTable = sync.OnceValue(func() *shapeTable {
	t := new(shapeTable)
	for i := range tableA {
		for j := range tableB {
			l := Law{Alpha: tableAlphaLo + float64(tableStepA*float64(i)), Beta: tableStepB * float64(j), Scale: 1, Param: S0}
			if i == tableA-1 {
				l.Alpha, l.Beta = 2, 0 // the normal law whatever β
			}
			var q [5]float64
			for k, p := range mccullochP {
				q[k] = l.Quantile(p)
			}
			t[i][j] = shapeOf(q)
		}
	}
	return t
})

func shapeOf(q [5]float64) lawShape {
	return lawShape{
		dmath.Log((q[4] - q[0]) / (q[3] - q[1])),
		(q[4] + q[0] - 2*q[2]) / (q[4] - q[0]),
		dmath.Log(q[3] - q[1]),
		q[2],
	}
}

// at interpolates by cubics through four values in each direction, 0 ≤ β ≤ 1,
// to 2e-3 at worst, at small α and large β, which is the error of one estimate
// from 10^5 values; the values at negative β continue the grid by symmetry.
func (t *shapeTable) at(alpha, beta float64) (s lawShape) {
	i, wa := lagrange((alpha-tableAlphaLo)/tableStepA, 0, tableA)
	j, wb := lagrange(beta/tableStepB, -1, tableB)
	for a, va := range wa {
		for b, vb := range wb {
			c := j + b
			row := &t[i+a][max(c, -c)]
			for k := range s {
				v := row[k]
				if c < 0 && k&1 == 1 {
					v = -v
				}
				s[k] += float64(va * vb * v)
			}
		}
	}
	return s
}

// lagrange returns the first of the four grid points, from lo to n−1, about x,
// and their weights.
func lagrange(x float64, lo, n int) (first int, w [4]float64) {
	first = min(max(int(math.Floor(x))-1, lo), n-4)
	u := x - float64(first)
	w[0] = -(u - 1) * (u - 2) * (u - 3) / 6
	w[1] = u * (u - 2) * (u - 3) / 2
	w[2] = -u * (u - 1) * (u - 3) / 2
	w[3] = u * (u - 1) * (u - 2) / 6
	return first, w
}

// bisections halves an interval of α or β to below 1e-12.
const bisections = 42

// solve finds the law with the five quantiles; false if α would be below the
// table.
func (t *shapeTable) solve(q [5]float64) (f StableFit, ok bool) {
	want := shapeOf(q)
	skew := math.Abs(want[1])
	// alpha returns the α that has ν_α at β: ν_α falls as α grows.
	alpha := func(beta float64) float64 {
		lo, hi := tableAlphaLo, 2.0
		for range bisections {
			mid := (lo + hi) / 2
			if t.at(mid, beta)[0] > want[0] {
				lo = mid
			} else {
				hi = mid
			}
		}
		return (lo + hi) / 2
	}
	lo, hi := 0.0, 1.0
	for range bisections {
		mid := (lo + hi) / 2
		if t.at(alpha(mid), mid)[1] < skew {
			lo = mid
		} else {
			hi = mid
		}
	}
	f.Beta = (lo + hi) / 2
	f.Alpha = alpha(f.Beta)
	if f.Alpha < tableAlphaLo+1e-9 {
		return f, false
	}
	const end = 1e-9
	switch {
	case f.Beta < end:
		f.Beta = 0
	case f.Beta > 1-end:
		f.Beta = 1
	}
	if f.Alpha > 2-end {
		f.Alpha, f.Beta = 2, 0
	}
	s := t.at(f.Alpha, f.Beta)
	f.Scale = (q[3] - q[1]) * dmath.Exp(-s[2])
	f.Loc = q[2] - float64(f.Scale*s[3])
	if want[1] < 0 {
		f.Beta, f.Loc = -f.Beta, q[2]+float64(f.Scale*s[3])
	}
	return f, true
}

// quantileErrors returns the standard errors of f, estimated from n values with
// the quantiles q: cov(q_i, q_j) = p_i(1 − p_j)/(n·f_i·f_j) for p_i ≤ p_j, f_i
// the density there, through the derivatives of solve by differences. A
// parameter on its bound has none.
func quantileErrors(f StableFit, q [5]float64) (se [4]float64) {
	law := f.Law()
	var slope [4][5]float64
	var density [5]float64
	for i := range q {
		density[i] = law.Density(q[i])
		h := float64(1e-4 * (q[3] - q[1]))
		up, down := q, q
		up[i] += h
		down[i] -= h
		a, okA := quantileTable().solve(up)
		b, okB := quantileTable().solve(down)
		if !okA || !okB || !(density[i] > 0) {
			return se
		}
		for p, d := range [4]float64{a.Alpha - b.Alpha, a.Beta - b.Beta, a.Scale - b.Scale, a.Loc - b.Loc} {
			slope[p][i] = d / (2 * h)
		}
	}
	for p := range se {
		v := 0.0
		for i := range q {
			for j := range q {
				lo, hi := mccullochP[min(i, j)], mccullochP[max(i, j)]
				v += float64(slope[p][i] * slope[p][j] * lo * (1 - hi) / (density[i] * density[j]))
			}
		}
		se[p] = math.Sqrt(max(v, 0) / float64(f.N))
	}
	if f.Alpha == 2 {
		se[0], se[1] = 0, 0
	}
	if math.Abs(f.Beta) == 1 {
		se[1] = 0
	}
	return se
}
