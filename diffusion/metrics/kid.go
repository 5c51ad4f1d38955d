package metrics

import (
	"fmt"
	"math"

	"heavytail/internal/par"
)

// KIDOptions are the settings of KID.
type KIDOptions struct {
	Subsets int    // 0: 100
	Size    int    // images of each set in a subset (0: 1000, or all of the smaller set)
	Seed    uint64 // of the subsets
	Threads int    // 0: all processors
}

// A KIDResult is the kernel distance of two sets of images in the features of
// Extractor.
type KIDResult struct {
	Extractor     string
	Subsets, Size int     // how many subsets were drawn, and images of each
	Value         float64 // mean over the subsets
	Deviation     float64 // standard deviation between subsets
}

// KID returns the kernel Inception distance's estimate over any features: the
// unbiased squared maximum mean discrepancy with the kernel k(x,y) = (⟨x,y⟩/d + 1)³,
//
//	Σ_{i≠j} k(x_i, x_j)/(m(m−1)) + Σ_{i≠j} k(y_i, y_j)/(m(m−1)) − 2·Σ_ij k(x_i, y_j)/m²
//
// averaged over random subsets of m images of each set. It may be negative. It
// panics if the extractors differ or the subsets are impossible.
//
// See [Bińkowski et al., 2018]: https://arxiv.org/abs/1801.01401
func KID(real, gen Features, o KIDOptions) KIDResult {
	check("KID", real, gen)
	least := min(real.Len(), gen.Len())
	if o.Subsets == 0 {
		o.Subsets = 100
	}
	if o.Size == 0 {
		o.Size = min(1000, least)
	}
	if o.Subsets < 1 || o.Size < 2 || o.Size > least {
		panic(fmt.Sprintf("metrics: KID: %d subsets of %d of %d images; want at least 1 of 2 or more", o.Subsets, o.Size, least))
	}
	r := KIDResult{Extractor: real.Extractor, Subsets: o.Subsets, Size: o.Size}
	if hasNaN(real.X) || hasNaN(gen.X) { // which subsets may miss
		r.Value, r.Deviation = math.NaN(), math.NaN()
		return r
	}
	j := &kidJob{o: o, d: real.Dim, real: widen(real.X), gen: widen(gen.X), out: make([]float64, o.Subsets)}
	par.Run(o.Threads, o.Subsets, j)
	for _, v := range j.out {
		r.Value += v / float64(o.Subsets)
	}
	for _, v := range j.out {
		r.Deviation += float64((v - r.Value) * (v - r.Value))
	}
	r.Deviation = math.Sqrt(r.Deviation / float64(max(o.Subsets-1, 1)))
	return r
}

// A kidJob estimates from one subset per part.
type kidJob struct {
	o         KIDOptions
	d         int
	real, gen []float64
	out       []float64
}

// Do implements par.Task.
func (j *kidJob) Do(part int) {
	r := newRNG(j.o.Seed, uint64(part))
	m := j.o.Size
	x := gather(j.real, j.d, r.choose(m, len(j.real)/j.d))
	y := gather(j.gen, j.d, r.choose(m, len(j.gen)/j.d))
	var xx, yy, xy float64
	for i := range m {
		a, b := x[i*j.d:(i+1)*j.d], y[i*j.d:(i+1)*j.d]
		xx += cubic(a, x[:i*j.d])
		yy += cubic(b, y[:i*j.d])
		xy += cubic(a, y)
	}
	n := float64(m)
	j.out[part] = float64(2*(xx+yy))/(n*(n-1)) - 2*xy/(n*n)
}

// cubic returns Σ_j (⟨x, y_j⟩/d + 1)³ over the rows of y.
func cubic(x, y []float64) (s float64) {
	d := len(x)
	for ; len(y) > 0; y = y[d:] {
		k := dot(x, y[:d])/float64(d) + 1
		s += float64(float64(k*k) * k)
	}
	return s
}
