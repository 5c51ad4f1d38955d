package metrics

import (
	"fmt"
	"math"

	"heavytail/internal/par"
	"heavytail/stable"
)

// SlicedOptions are the settings of SlicedWasserstein.
type SlicedOptions struct {
	Directions int    // 0: 200
	Seed       uint64 // of the directions
	Threads    int    // 0: all processors
}

// SlicedWasserstein returns the mean over random directions of Wasserstein1 of
// the points' projections: the sliced Wasserstein-1 distance. In one dimension
// it is Wasserstein1. It panics if d does not divide the lengths or a set is
// empty; it is NaN if a value is.
func SlicedWasserstein(a, b []float32, d int, o SlicedOptions) float64 {
	rows("SlicedWasserstein", a, d)
	rows("SlicedWasserstein", b, d)
	if o.Directions == 0 {
		o.Directions = 200
	}
	if o.Directions < 0 {
		panic(fmt.Sprintf("metrics: SlicedWasserstein: %d directions", o.Directions))
	}
	if d == 1 {
		return Wasserstein1(widen(a), widen(b))
	}
	j := &slicedJob{seed: o.Seed, d: d, a: a, b: b, out: make([]float64, o.Directions)}
	par.Run(o.Threads, o.Directions, j)
	sum := 0.0
	for _, v := range j.out {
		sum += v
	}
	return sum / float64(o.Directions)
}

// A slicedJob projects on one direction per part.
type slicedJob struct {
	seed uint64
	d    int
	a, b []float32
	out  []float64
}

// Do implements par.Task.
func (j *slicedJob) Do(part int) {
	u := make([]float32, j.d)
	stable.Key{Seed: j.seed, Sample: uint64(part)}.Normal(u, 0)
	norm := 0.0
	for _, v := range u {
		norm += float64(float64(v) * float64(v))
	}
	norm = math.Sqrt(norm)
	j.out[part] = Wasserstein1(project(j.a, u), project(j.b, u)) / norm
}

// project returns ⟨x_i, u⟩ for every point.
func project(x, u []float32) []float64 {
	out := make([]float64, len(x)/len(u))
	for i := range out {
		s := 0.0
		for k, v := range x[i*len(u) : (i+1)*len(u)] {
			s += float64(float64(v) * float64(u[k]))
		}
		out[i] = s
	}
	return out
}
