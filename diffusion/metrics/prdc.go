package metrics

import (
	"fmt"
	"math"

	"heavytail/internal/par"
)

// A PRDCScore holds shares of points that are near to those of the other set.
type PRDCScore struct {
	Precision float64 // of generated points within the ball of some real point
	Recall    float64 // of real points within the ball of some generated point
	Density   float64 // mean number of real balls around a generated point, divided by k
	Coverage  float64 // of real points with a generated point in their ball
	F1PR      float64 // harmonic mean of precision and recall
	F1DC      float64 // harmonic mean of density and coverage
}

// PRDC compares two sets of points (d values each) by the balls around the
// points whose radius is the distance to the k-th nearest other point of the
// set (k = 5 is usual), boundaries excluded, but its centre in it: where a point
// occurs more than k times the radius is 0. Precision and recall are the
// improved ones of [Kynkäänniemi et al., 2019], who use k = 3; density and
// coverage are those of [Naeem et al., 2020]. Infinite points are near nothing;
// a NaN makes all shares NaN. Time grows with the square of the number of points. PRDC panics
// if d does not divide the lengths or a set has no more than k points.
//
// [Kynkäänniemi et al., 2019]: https://arxiv.org/abs/1904.06991
// [Naeem et al., 2020]: https://arxiv.org/abs/2002.09797
func PRDC(real, gen []float32, d, k, threads int) PRDCScore {
	n, m := rows("PRDC", real, d), rows("PRDC", gen, d)
	if k < 1 || min(n, m) <= k {
		panic(fmt.Sprintf("metrics: PRDC: k = %d with %d and %d points; want 1 or more, and more points than k", k, n, m))
	}
	if hasNaN(real) || hasNaN(gen) {
		nan := math.NaN()
		return PRDCScore{nan, nan, nan, nan, nan, nan}
	}
	x, y := widen(real), widen(gen)
	radiusX, radiusY := radii(x, d, k, threads), radii(y, d, k, threads)
	// From each generated point to the real balls, and the other way round.
	inX, _ := near(y, x, radiusX, d, threads)
	inY, nearest := near(x, y, radiusY, d, threads)
	var s PRDCScore
	balls := 0
	for _, c := range inX {
		balls += c
		if c > 0 {
			s.Precision++
		}
	}
	s.Density = float64(balls) / float64(k*m)
	s.Precision /= float64(m)
	for i, c := range inY {
		if c > 0 {
			s.Recall++
		}
		if within(nearest[i], radiusX[i]) {
			s.Coverage++
		}
	}
	s.Recall /= float64(n)
	s.Coverage /= float64(n)
	s.F1PR, s.F1DC = harmonic(s.Precision, s.Recall), harmonic(s.Density, s.Coverage)
	return s
}

// within reports whether a squared distance is that of a point in a ball.
func within(q, radius float64) bool { return q < radius || q == 0 }

// knnRows is the number of points in a part.
const knnRows = 16

// A radiusJob finds the squared distance of every point of x from its k-th
// nearest other point.
type radiusJob struct {
	x    []float64
	d, k int
	out  []float64
}

func radii(x []float64, d, k, threads int) []float64 {
	n := len(x) / d
	j := &radiusJob{x, d, k, make([]float64, n)}
	par.Run(threads, (n+knnRows-1)/knnRows, j)
	return j.out
}

// Do implements par.Task.
func (j *radiusJob) Do(part int) {
	least := make([]float64, j.k) // ascending
	n := len(j.out)
	for i := part * knnRows; i < min((part+1)*knnRows, n); i++ {
		for l := range least {
			least[l] = math.Inf(1)
		}
		p := j.x[i*j.d : (i+1)*j.d]
		for o := range n {
			if o == i {
				continue
			}
			q := squared(p, j.x[o*j.d:(o+1)*j.d])
			l := j.k - 1
			if !(q < least[l]) {
				continue
			}
			for ; l > 0 && least[l-1] > q; l-- {
				least[l] = least[l-1]
			}
			least[l] = q
		}
		j.out[i] = least[j.k-1]
	}
}

// A nearJob counts for every point of x the balls around y that hold it.
type nearJob struct {
	x, y    []float64
	radius  []float64 // squared, of y's balls
	d       int
	count   []int
	nearest []float64 // squared distance from the nearest point of y
}

func near(x, y, radius []float64, d, threads int) (count []int, nearest []float64) {
	n := len(x) / d
	j := &nearJob{x, y, radius, d, make([]int, n), make([]float64, n)}
	par.Run(threads, (n+knnRows-1)/knnRows, j)
	return j.count, j.nearest
}

// Do implements par.Task.
func (j *nearJob) Do(part int) {
	for i := part * knnRows; i < min((part+1)*knnRows, len(j.count)); i++ {
		p := j.x[i*j.d : (i+1)*j.d]
		least := math.Inf(1)
		for o, r := range j.radius {
			q := squared(p, j.y[o*j.d:(o+1)*j.d])
			if within(q, r) {
				j.count[i]++
			}
			if q < least {
				least = q
			}
		}
		j.nearest[i] = least
	}
}
