package metrics

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPRDGolden compares with the reference's curve of two histograms.
func TestPRDGolden(t *testing.T) {
	g := readGolden(t).Metrics.PRD
	c := newCurve(g.Eval, g.Ref, 201)
	require.InDelta(t, g.F8, c.largestF(8), 1e-12)
	require.InDelta(t, g.F18, c.largestF(1.0/8), 1e-12)
	require.InDelta(t, g.F1, c.score().F1, 1e-12)
	// The other order gives the other names.
	o := newCurve(g.Ref, g.Eval, 201)
	require.InDelta(t, g.F8, o.largestF(1.0/8), 1e-9)
}

// clusters returns n points around the given centres of the plane in turn.
func clusters(seed uint64, n int, at ...[2]float32) []float32 {
	x := points(seed, n, 2, 0.05, 0)
	for i := range n {
		x[2*i] += at[i%len(at)][0]
		x[2*i+1] += at[i%len(at)][1]
	}
	return x
}

// TestPRDKnown takes sets whose precision and recall are known: clusters so far
// apart that none is shared.
func TestPRDKnown(t *testing.T) {
	const n = 1200
	both := clusters(1, n, [2]float32{0, 0}, [2]float32{50, 0})
	first := clusters(2, n, [2]float32{0, 0})
	// At any number of clusters within one blob the histograms would differ by
	// chance; 2 clusters make them exact.
	o := PRDOptions{Clusters: 2}
	same := PRD(both, clusters(3, n, [2]float32{50, 0}, [2]float32{0, 0}), 2, o)
	require.InDelta(t, 1, same.F1, 1e-6)
	// Half of what is real is never generated. Precision 1 at recall ½: F_{1/8}
	// is 65·½/(1 + 64·½) at that corner of the curve.
	half := PRD(both, first, 2, o)
	require.InDelta(t, 65*0.5/(1+64*0.5), half.Precision, 2e-3)
	require.InDelta(t, 65*0.5/(64+0.5), half.Recall, 2e-3)
	require.InDelta(t, harmonic(half.Precision, half.Recall), half.F1, 1e-15)
	swapped := PRD(first, both, 2, o)
	require.InDelta(t, half.Precision, swapped.Recall, 1e-9)
	require.InDelta(t, half.Recall, swapped.Precision, 1e-9)
	away := PRD(both, clusters(4, n, [2]float32{0, 90}), 2, PRDOptions{Clusters: 3})
	require.Less(t, away.F1, 1e-6)
}

// TestPRDBroken: infinite samples count as misses.
func TestPRDBroken(t *testing.T) {
	x, y := points(1, 600, 2, 1, 0), points(2, 600, 2, 1, 0)
	whole := PRD(x, y, 2, PRDOptions{Clusters: 1})
	require.InDelta(t, 1, whole.F1, 1e-6)
	for i := range 300 {
		y[4*i] = float32(math.Inf(-1))
		y[4*i+1] = float32(math.Inf(1))
	}
	broken := PRD(x, y, 2, PRDOptions{Clusters: 1})
	require.InDelta(t, 65*0.5/(64+0.5), broken.Precision, 2e-3)
	for i := range y {
		y[i] = float32(math.Inf(1))
	}
	require.Less(t, PRD(x, y, 2, PRDOptions{}).F1, 1e-9)
	require.Equal(t, PRD(y, y, 2, PRDOptions{}).F1, PRD(y, y, 2, PRDOptions{}).F1)
	require.Panics(t, func() { PRD(x, y[:3], 2, PRDOptions{}) })
	require.Panics(t, func() { PRD(x, nil, 2, PRDOptions{}) })
}

// TestPRDSeed: one seed, one result, with any number of threads; runs do not
// share their random numbers.
func TestPRDSeed(t *testing.T) {
	x, y := points(1, 3000, 3, 1, 0), points(2, 3000, 3, 1, 0.3)
	a := PRD(x, y, 3, PRDOptions{Threads: 1, Seed: 5})
	require.Equal(t, a, PRD(x, y, 3, PRDOptions{Threads: 3, Seed: 5}))
	b := PRD(x, y, 3, PRDOptions{Seed: 6})
	require.NotEqual(t, a, b)
	require.InDelta(t, a.F1, b.F1, 0.02)
	one, two := newRNG(5, 0), newRNG(5, 1)
	require.NotEqual(t, one.next(), two.next())
	// Moving the points further moves the score down.
	require.Less(t, PRD(x, points(2, 3000, 3, 1, 0.8), 3, PRDOptions{}).F1, a.F1-0.1)
}

// TestKMeans finds well separated clusters, in two dimensions and in more, and
// its inertia is near that of Lloyd's algorithm from the same centres.
func TestKMeans(t *testing.T) {
	for _, d := range []int{1, 2, 5} {
		const n, k = 4000, 8
		x := widen(points(7, n, d, 0.1, 0))
		for i := range n {
			x[i*d] += float64(10 * (i % k))
		}
		r := newRNG(3, 0)
		c := kmeans(x, d, k, &r)
		seen := map[int]int{}
		total := 0.0
		for i := range n {
			at, dist := c.nearest(x[i*d : (i+1)*d])
			if old, ok := seen[i%k]; ok {
				require.Equal(t, old, at, "cluster %d is split", i%k)
			}
			seen[i%k] = at
			total += dist
		}
		require.Len(t, seen, k)
		require.InDelta(t, 0.01*float64(d), total/n, 0.001*float64(d))
	}
	// Of 30 clusters 8 deviations apart, one start of k-means++ often leaves one
	// out; the best of ten seldom does.
	x := widen(points(9, 3000, 1, 1, 0))
	for i := range x {
		x[i] += float64(8 * (i % 30))
	}
	missed := 0
	for seed := range uint64(8) {
		r := newRNG(seed, 0)
		c := kmeans(x, 1, 30, &r)
		total := 0.0
		for i := range x {
			_, dist := c.nearest(x[i : i+1])
			total += dist
		}
		if total/3000 > 1.2 {
			missed++
		}
	}
	require.LessOrEqual(t, missed, 2)
	few := []float64{1, 2, 3}
	r := newRNG(1, 0)
	c := kmeans(few, 1, 20, &r)
	require.Equal(t, 3, c.k, "no more centres than points")
	at, dist := c.nearest([]float64{2})
	require.Equal(t, 2.0, c.c[at])
	require.Zero(t, dist)
}

// BenchmarkPRD is one evaluation of the grid experiment.
func BenchmarkPRD(b *testing.B) {
	x, y := points(1, 15000, 2, 1, 0), points(2, 15000, 2, 1, 0.1)
	for b.Loop() {
		PRD(x, y, 2, PRDOptions{})
	}
}
