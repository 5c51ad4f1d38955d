package metrics

import (
	"maps"
	"math"
	"slices"
)

// A Tally counts how often each value of a sample is there. A sample of few distinct
// values, such as pixels of 256 levels, takes the memory of these, however long it is.
// The zero Tally is empty.
type Tally struct {
	n      int
	counts map[float32]int
	nan    bool
}

// Add adds values to the sample.
func (t *Tally) Add(x []float32) {
	if t.counts == nil {
		t.counts = map[float32]int{}
	}
	for _, v := range x {
		if v != v {
			t.nan = true
			continue
		}
		t.counts[v]++
	}
	t.n += len(x)
}

// Len returns the number of values.
func (t *Tally) Len() int { return t.n }

// steps are the ascending values of a Tally, each with the number of values up to it.
type steps struct {
	value []float64
	upTo  []int
}

// sorted returns the values in ascending order, and false if there are none or one is NaN.
func (t *Tally) sorted() (s steps, ok bool) {
	n := 0
	for _, v := range slices.Sorted(maps.Keys(t.counts)) {
		n += t.counts[v]
		s.value, s.upTo = append(s.value, float64(v)), append(s.upTo, n)
	}
	return s, n > 0 && !t.nan
}

// descend returns the value of number i, from 0, of the sorted sample, for i that never
// ascend.
func (s steps) descend() func(i int) float64 {
	k := len(s.value) - 1
	return func(i int) float64 {
		for k > 0 && i < s.upTo[k-1] {
			k--
		}
		return s.value[k]
	}
}

// TallyKS is KS of two samples that are counted, with the same bits.
func TallyKS(a, b *Tally) float64 {
	x, okX := a.sorted()
	y, okY := b.sorted()
	if !okX || !okY {
		return math.NaN()
	}
	i, j, k, l := 0, 0, 0, 0 // values passed, and steps
	d := 0.0
	for k < len(x.value) && l < len(y.value) {
		v := min(x.value[k], y.value[l])
		if x.value[k] == v {
			i, k = x.upTo[k], k+1
		}
		if y.value[l] == v {
			j, l = y.upTo[l], l+1
		}
		d = max(d, math.Abs(float64(i)/float64(a.n)-float64(j)/float64(b.n)))
	}
	return d
}

// TallyWasserstein1 is Wasserstein1 of two samples that are counted, with the same bits.
func TallyWasserstein1(a, b *Tally) float64 {
	x, okX := a.sorted()
	y, okY := b.sorted()
	if !okX || !okY {
		return math.NaN()
	}
	return integrateOf(a.n, b.n, x.descend(), y.descend(), 0, apart)
}

// Moments gathers the central moments of a sample that is passed twice, in the same
// order and in parts of any length: first to Mean, then to About.
type Moments struct {
	n, mean, m2, m3, m4 float64
}

// NewMoments returns the Moments of a sample of n values.
func NewMoments(n int) *Moments { return &Moments{n: float64(n)} }

// Mean takes the next values of the first pass.
func (m *Moments) Mean(x []float32) { addMean(m, x) }

// About takes the next values of the second pass.
func (m *Moments) About(x []float32) { addAbout(m, x) }

// Skewness is the function Skewness of the sample, with the same bits.
func (m *Moments) Skewness() float64 { return m.m3 / (m.m2 * math.Sqrt(m.m2)) }

// Kurtosis is the function Kurtosis of the sample, with the same bits.
func (m *Moments) Kurtosis() float64 { return m.m4 / float64(m.m2*m.m2) }

func addMean[T float32 | float64](m *Moments, x []T) {
	for _, v := range x {
		m.mean += float64(v) / m.n
	}
}

func addAbout[T float32 | float64](m *Moments, x []T) {
	for _, v := range x {
		d := float64(v) - m.mean
		q := float64(d * d)
		m.m2 += q / m.n
		m.m3 += float64(q*d) / m.n
		m.m4 += float64(q*q) / m.n
	}
}
