package metrics

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
	"heavytail/internal/par"
)

// PRDOptions are the settings of PRD; the zero value is the DLPM paper's.
type PRDOptions struct {
	Clusters int    // 0: 100 where the smaller set has more than 2500 points, else 20
	Runs     int    // clusterings whose curves are averaged (0: 10)
	Angles   int    // points of the curve (0: 201)
	Seed     uint64 // of the clusterings
	Threads  int    // 0: all processors
}

// A PRDScore summarises a curve of precision and recall.
type PRDScore struct {
	Precision float64 // the largest F_{1/8}: how much of what is generated is real
	Recall    float64 // the largest F₈: how much of what is real is generated
	F1        float64 // their harmonic mean: F₁^pr of the DLPM paper
}

// PRD compares two sets of points (d values each) by precision and recall of
// histograms: the union is clustered by mini-batch k-means, P and Q are the
// shares of the clusters in gen and real, and for 201 slopes λ = tan θ
//
//	precision = Σ_k min(λQ_k, P_k)   recall = precision/λ
//
// The curves of ten clusterings are averaged; the largest F_β on the curve for
// β = 1/8 and 8 give the score. Infinite points make a cluster of their own and
// count as misses; a NaN makes the score NaN. The DLPM code passes the sets in
// the other order and swaps the names of the two F_β as well: its numbers are
// these.
//
// The same seed gives the same score. Both sets should have one size. PRD
// panics if d does not divide the lengths or a set is empty.
//
// See [Sajjadi et al., 2018]: https://arxiv.org/abs/1806.00035
func PRD(real, gen []float32, d int, o PRDOptions) PRDScore {
	n, m := rows("PRD", real, d), rows("PRD", gen, d)
	if o.Clusters == 0 {
		o.Clusters = 20
		if min(n, m) > 2500 {
			o.Clusters = 100
		}
	}
	if o.Runs == 0 {
		o.Runs = 10
	}
	if o.Angles == 0 {
		o.Angles = 201
	}
	if o.Clusters < 1 || o.Runs < 1 || o.Angles < 2 {
		panic(fmt.Sprintf("metrics: PRD: %d clusters, %d runs, %d angles", o.Clusters, o.Runs, o.Angles))
	}
	if hasNaN(real) || hasNaN(gen) {
		return PRDScore{math.NaN(), math.NaN(), math.NaN()}
	}
	j := &prdJob{o: o, d: d, real: widen(real), gen: widen(gen), curves: make([]curve, o.Runs)}
	for _, x := range [][]float64{j.real, j.gen} {
		for i := 0; i < len(x); i += d {
			if finite(x[i : i+d]) {
				j.union = append(j.union, x[i:i+d]...)
			}
		}
	}
	par.Run(o.Threads, o.Runs, j)
	return j.mean().score()
}

// A prdJob runs one clustering per part.
type prdJob struct {
	o                PRDOptions
	d                int
	real, gen, union []float64
	curves           []curve
}

// Do implements par.Task.
func (j *prdJob) Do(part int) {
	k := j.o.Clusters
	p, q := make([]float64, k+1), make([]float64, k+1)
	var c *centres
	if len(j.union) > 0 {
		r := newRNG(j.o.Seed, uint64(part))
		c = kmeans(j.union, j.d, k, &r)
	}
	c.histogram(p, j.gen, j.d)
	c.histogram(q, j.real, j.d)
	j.curves[part] = newCurve(p, q, j.o.Angles)
}

// histogram sets h to the share of the points x in each cluster, the last
// being of those that are not finite.
func (c *centres) histogram(h, x []float64, d int) {
	for i := 0; i < len(x); i += d {
		k := len(h) - 1
		if p := x[i : i+d]; finite(p) {
			k, _ = c.nearest(p)
		}
		h[k]++
	}
	for k := range h {
		h[k] /= float64(len(x) / d)
	}
}

// A curve holds precision and recall at each angle.
type curve struct{ precision, recall []float64 }

// newCurve computes the curve of the histogram p that is judged by q.
func newCurve(p, q []float64, angles int) curve {
	const eps = 1e-10
	c := curve{make([]float64, angles), make([]float64, angles)}
	width := (math.Pi/2 - 2*eps) / float64(angles-1)
	for i := range angles {
		slope := dmath.Tan(eps + float64(float64(i)*width))
		s := 0.0
		for k := range p {
			s += min(float64(slope*q[k]), p[k])
		}
		c.precision[i] = min(s, 1)
		c.recall[i] = min(s/slope, 1)
	}
	return c
}

// mean averages the curves, in their order.
func (j *prdJob) mean() curve {
	c := curve{make([]float64, j.o.Angles), make([]float64, j.o.Angles)}
	for i := range j.o.Angles {
		for _, o := range j.curves {
			c.precision[i] += o.precision[i]
			c.recall[i] += o.recall[i]
		}
		c.precision[i] /= float64(j.o.Runs)
		c.recall[i] /= float64(j.o.Runs)
	}
	return c
}

// score summarises the curve.
func (c curve) score() PRDScore {
	p, r := c.largestF(1.0/8), c.largestF(8)
	return PRDScore{p, r, harmonic(p, r)}
}

// largestF returns max (1+β²)·p·r/(β²p + r + 10⁻¹⁰) over the curve.
func (c curve) largestF(beta float64) float64 {
	best, b := 0.0, float64(beta*beta)
	for i, p := range c.precision {
		r := c.recall[i]
		best = max(best, float64((1+b)*p)*r/(float64(b*p)+r+1e-10))
	}
	return best
}

// harmonic returns 2ab/(a+b), 0 if both are 0.
func harmonic(a, b float64) float64 {
	if a+b == 0 {
		return 0
	}
	return float64(2*a) * b / (a + b)
}

// rows returns the number of points in x and panics if that is not a positive
// whole number.
func rows(name string, x []float32, d int) int {
	if d < 1 || len(x) == 0 || len(x)%d != 0 {
		panic(fmt.Sprintf("metrics: %s: %d values are not points of %d", name, len(x), d))
	}
	return len(x) / d
}

func widen(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// hasNaN reports whether a value of x is NaN.
func hasNaN(x []float32) bool {
	for _, v := range x {
		if v != v {
			return true
		}
	}
	return false
}

// finite reports whether no value of p is infinite or NaN.
func finite(p []float64) bool {
	for _, v := range p {
		if v-v != 0 {
			return false
		}
	}
	return true
}
