package metrics

import (
	"heavytail/internal/dmath"
	"heavytail/internal/par"
)

// MMD returns the squared maximum mean discrepancy of two sets of points (d
// values each) as the DLPM code defines it: the V-statistic, biased upwards,
//
//	mean k(a, a') + mean k(b, b') − 2·mean k(a, b)
//	k(x, y) = Σ_{i=0}^{4} exp(−|x−y|²/(2^i·w))
//
// with w a quarter of the mean squared distance between distinct points of both
// sets together. A mean of squares follows the farthest points: one value far enough out
// in either set makes w so wide that all others look alike, and the MMD falls towards 0
// however much they differ. Of heavy-tailed sets compare quantiles and tails instead. Memory grows with the number of points, time with its square
// (two sets of 10,000 points of the plane take 1 or 2 s on one processor). It
// panics if d does not divide the lengths or a set is empty.
func MMD(a, b []float32, d, threads int) float64 {
	n, m := rows("MMD", a, d), rows("MMD", b, d)
	j := &mmdJob{d: d, n: n, x: append(widen(a), widen(b)...)}
	j.width = 16 * spread(j.x, d) / 4
	if j.width == 0 {
		return 0 // all points are one
	}
	total := n + m
	j.rowA, j.rowB = make([]float64, total), make([]float64, total)
	par.Run(threads, (total+mmdRows-1)/mmdRows, j)
	var aa, ab, bb float64
	for i := range total {
		if i < n {
			aa += j.rowA[i]
		} else {
			ab += j.rowA[i]
			bb += j.rowB[i]
		}
	}
	// The rows hold the pairs below the diagonal; each k(x, x) is 5.
	na, nb := float64(n), float64(m)
	return (2*aa/na+5)/na + (2*bb/nb+5)/nb - 2*ab/(na*nb)
}

// spread returns the mean of |x_i − x_j|² over i ≠ j: 2/(n−1)·Σ|x_i − mean|².
func spread(x []float64, d int) float64 {
	n := len(x) / d
	mean, sum := make([]float64, d), 0.0
	for i, v := range x {
		mean[i%d] += v / float64(n)
	}
	for i := 0; i < len(x); i += d {
		sum += squared(x[i:i+d], mean)
	}
	return 2 * sum / float64(n-1)
}

// mmdRows is the number of rows of the matrix of kernels in a part.
const mmdRows = 16

// A mmdJob sums the kernel over the rows of its lower triangle.
type mmdJob struct {
	d, n       int
	x          []float64 // both sets
	width      float64   // of the widest kernel
	rowA, rowB []float64 // sums of k(x_i, x_j) over j < i, x_j in the first and second set
}

// Do implements par.Task.
func (j *mmdJob) Do(part int) {
	hi := min((part+1)*mmdRows, len(j.rowA))
	for i := part * mmdRows; i < hi; i++ {
		x := j.x[i*j.d : (i+1)*j.d]
		j.rowA[i] = j.sum(x, 0, min(i, j.n))
		j.rowB[i] = j.sum(x, min(i, j.n), i)
	}
}

// sum returns Σ k(x, x_j) for lo ≤ j < hi.
func (j *mmdJob) sum(x []float64, lo, hi int) float64 {
	s := 0.0
	for k := lo; k < hi; k++ {
		q := squared(x, j.x[k*j.d:(k+1)*j.d]) / j.width
		if q > 700 {
			continue // below 10⁻³⁰⁴
		}
		// The narrower kernels are powers of the widest.
		e := dmath.QuickExp(-q)
		for range 4 {
			s += e
			e = float64(e * e)
		}
		s += e
	}
	return s
}
