package metrics

import (
	"fmt"
	"math"
)

// cholesky overwrites the lower triangle of the symmetric positive semidefinite
// n×n matrix a with L, L·Lᵀ = a, and clears the rest. A pivot that rounding
// could have made of 0 is 0, and so is its column.
func cholesky(a []float64, n int) {
	least := 0.0
	for i := range n {
		least = max(least, a[i*n+i])
	}
	least *= float64(n) * 0x1p-52
	for j := range n {
		row := a[j*n : j*n+j]
		pivot := a[j*n+j] - dot(row, row)
		root := 0.0
		if pivot > least {
			root = math.Sqrt(pivot)
		}
		a[j*n+j] = root
		for i := j + 1; i < n; i++ {
			v := 0.0
			if root > 0 {
				v = (a[i*n+j] - dot(a[i*n:i*n+j], row)) / root
			}
			a[i*n+j] = v
		}
		clear(a[j*n+j+1 : (j+1)*n])
	}
}

// dot returns ⟨x, y⟩, summed in four lanes.
func dot(x, y []float64) float64 {
	var s0, s1, s2, s3 float64
	y = y[:len(x)]
	i := 0
	for ; i+4 <= len(x); i += 4 {
		s0 += float64(x[i] * y[i])
		s1 += float64(x[i+1] * y[i+1])
		s2 += float64(x[i+2] * y[i+2])
		s3 += float64(x[i+3] * y[i+3])
	}
	for ; i < len(x); i++ {
		s0 += float64(x[i] * y[i])
	}
	return (s0 + s2) + (s1 + s3)
}

// eigenvalues returns the eigenvalues of the symmetric n×n matrix a, in no
// order, to about 10⁻¹⁵ of the largest; it overwrites a. It returns an error if
// the iteration does not end, as with numbers that are not finite.
func eigenvalues(a []float64, n int) ([]float64, error) {
	// Scaled by a power of two so that no square over- or underflows.
	top := 0.0
	for _, v := range a {
		top = max(top, math.Abs(v))
	}
	_, exp := math.Frexp(top)
	for i := range a {
		a[i] = math.Ldexp(a[i], -exp)
	}
	d, e := tridiagonal(a, n)
	err := implicitQL(d, e)
	for i := range d {
		d[i] = math.Ldexp(d[i], exp)
	}
	return d, err
}

// tridiagonal reduces the symmetric matrix a to the diagonal d and the
// subdiagonal e[1…] of a tridiagonal matrix with the same eigenvalues by
// Householder's reflections H = 1 − 2vvᵀ/|v|², the last row first. It reads
// and writes the lower triangle.
func tridiagonal(a []float64, n int) (d, e []float64) {
	d, e = make([]float64, n), make([]float64, n)
	p := make([]float64, n)
	for i := n - 1; i > 0; i-- {
		d[i] = a[i*n+i]
		v := a[i*n : i*n+i] // the row left of the diagonal becomes (0, …, 0, e)
		norm := math.Sqrt(dot(v, v))
		if e[i] = v[i-1]; norm == 0 || i == 1 {
			continue
		}
		h := float64(norm*norm) + math.Abs(float64(norm*v[i-1])) // |v|²/2
		e[i] = -math.Copysign(norm, v[i-1])
		v[i-1] -= e[i]
		reflect(a, n, v, p[:i], h)
	}
	d[0] = a[0]
	return d, e
}

// reflect sets A ← HAH = A − vqᵀ − qvᵀ, q = p − v·(pᵀv)/2h, p = Av/h, in the
// leading rows and columns, as many as v has; q is scratch.
func reflect(a []float64, n int, v, q []float64, h float64) {
	clear(q)
	for k := range q {
		row := a[k*n : k*n+k]
		q[k] += dot(row, v[:k]) + float64(a[k*n+k]*v[k])
		for j, w := range row {
			q[j] += float64(w * v[k])
		}
	}
	for j := range q {
		q[j] /= h
	}
	c := dot(q, v) / (2 * h)
	for j := range q {
		q[j] -= float64(c * v[j])
	}
	for j := range q {
		row := a[j*n : j*n+j+1]
		for k := range row {
			row[k] -= float64(v[j]*q[k]) + float64(q[j]*v[k])
		}
	}
}

// implicitQL turns the diagonal d of a tridiagonal matrix with the subdiagonal
// e[1…] into its eigenvalues by the QL algorithm with implicit shifts.
//
// See [Martin and Wilkinson, 1968]: https://doi.org/10.1007/BF02165404
func implicitQL(d, e []float64) error {
	n := len(d)
	copy(e, e[1:])
	e[n-1] = 0
	for l := range n {
		for sweep := 0; ; sweep++ {
			m := l
			for ; m < n-1; m++ {
				if math.Abs(e[m]) <= 0x1p-53*(math.Abs(d[m])+math.Abs(d[m+1])) {
					break
				}
			}
			if m == l {
				break
			}
			if sweep == 60 {
				return fmt.Errorf("eigenvalues of a %d×%d matrix: no end after %d sweeps; are its entries finite?", n, n, sweep)
			}
			qlSweep(d, e, l, m)
		}
	}
	return nil
}

// qlSweep does one sweep on rows l…m.
func qlSweep(d, e []float64, l, m int) {
	g := (d[l+1] - d[l]) / (2 * e[l])
	r := math.Sqrt(float64(g*g) + 1)
	g = d[m] - d[l] + e[l]/(g+math.Copysign(r, g))
	s, c, p := 1.0, 1.0, 0.0
	for i := m - 1; i >= l; i-- {
		f, b := float64(s*e[i]), float64(c*e[i])
		r = math.Sqrt(float64(f*f) + float64(g*g))
		e[i+1] = r
		if r == 0 {
			d[i+1] -= p
			e[m] = 0
			return
		}
		s, c = f/r, g/r
		g = d[i+1] - p
		r = float64((d[i]-g)*s) + float64(2*c*b)
		p = float64(s * r)
		d[i+1] = g + p
		g = float64(c*r) - b
	}
	d[l] -= p
	e[l], e[m] = g, 0
}
