package stable

import "math"

// A square is a symmetric matrix of any size by its lower triangle, row by row.
type square struct {
	n    int
	at   []float64
	held []bool // rows and columns left out by factor
}

func newSquare(n int) *square { return &square{n: n, at: make([]float64, n*n)} }

// addSquare adds d to g and d·dᵀ to a.
func (a *square) addSquare(g, d []float64) {
	for i, u := range d {
		g[i] += u
		row := a.at[i*a.n:]
		for j, v := range d[:i+1] {
			row[j] += float64(u * v)
		}
	}
}

// factor replaces a by Cholesky's factor of what is not held; nil holds nothing.
// It reports whether a is positive definite, to 1e-12 of its diagonal.
func (a *square) factor(held []bool) bool {
	a.held = held
	if held == nil {
		a.held = make([]bool, a.n)
	}
	n := a.n
	for i := range n {
		if a.held[i] {
			continue
		}
		row := a.at[i*n:]
		diag := row[i]
		for j := range i + 1 {
			if a.held[j] {
				continue
			}
			s, other := row[j], a.at[j*n:]
			for k := range j {
				if !a.held[k] {
					s -= float64(row[k] * other[k])
				}
			}
			switch {
			case j < i:
				row[j] = s / other[j]
			case !(s > 1e-12*diag):
				return false
			default:
				row[j] = math.Sqrt(s)
			}
		}
	}
	return true
}

// solve sets b to a⁻¹·b by the factor, 0 where held.
func (a *square) solve(b []float64) {
	n := a.n
	for i := range n {
		if a.held[i] {
			b[i] = 0
			continue
		}
		for k := range i {
			b[i] -= float64(a.at[i*n+k] * b[k]) // b[k] is 0 where held
		}
		b[i] /= a.at[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		if a.held[i] {
			continue
		}
		for k := i + 1; k < n; k++ {
			if !a.held[k] {
				b[i] -= float64(a.at[k*n+i] * b[k])
			}
		}
		b[i] /= a.at[i*n+i]
	}
}

// roots returns the roots of the diagonal of the inverse, 0 where held.
func (a *square) roots() []float64 {
	r, e := make([]float64, a.n), make([]float64, a.n)
	for i := range r {
		if a.held[i] {
			continue
		}
		clear(e)
		e[i] = 1
		a.solve(e)
		r[i] = math.Sqrt(e[i])
	}
	return r
}
