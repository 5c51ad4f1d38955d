package metrics

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// flat returns the golden points row by row.
func flat(p [][]float32) []float32 { return slices.Concat(p...) }

// TestMMDGolden compares with the DLPM code's value.
func TestMMDGolden(t *testing.T) {
	g := readGolden(t).Metrics.MMD
	require.InDelta(t, g.Value, MMD(flat(g.X), flat(g.Y), 2, 1), 1e-6) // the reference computes in float32
}

// TestMMD compares sets of different sizes with the definition.
func TestMMD(t *testing.T) {
	for _, d := range []int{1, 2, 5} {
		a, b := points(1, 50, d, 1, 0), points(2, 70, d, 2, 0.5)
		x := widen(slices.Concat(a, b))
		n := 120
		w := 0.0
		for i := range n {
			for j := range n {
				w += squared(x[i*d:(i+1)*d], x[j*d:(j+1)*d]) / float64(n*(n-1)) / 4
			}
		}
		want := 0.0
		for i := range n {
			for j := range n {
				q, k := squared(x[i*d:(i+1)*d], x[j*d:(j+1)*d]), 0.0
				for l := range 5 {
					k += math.Exp(-q / (w * math.Ldexp(1, l)))
				}
				switch {
				case i < 50 && j < 50:
					want += k / (50 * 50)
				case i >= 50 && j >= 50:
					want += k / (70 * 70)
				default:
					want -= k / (50 * 70)
				}
			}
		}
		require.InDelta(t, want, MMD(a, b, d, 1), 1e-12)
		require.Equal(t, MMD(a, b, d, 1), MMD(a, b, d, 3))
		require.InDelta(t, 0, MMD(a, a, d, 1), 1e-12)
	}
	require.Zero(t, MMD([]float32{1, 1}, []float32{1}, 1, 1), "all points are one")
	require.True(t, math.IsNaN(MMD([]float32{1, float32(nan)}, []float32{1}, 1, 1)))
}

// TestPRDCGolden compares with the golden shares, of the same points as MMD's.
func TestPRDCGolden(t *testing.T) {
	g := readGolden(t).Metrics
	got := PRDC(flat(g.MMD.X), flat(g.MMD.Y), 2, 2, 1)
	for name, v := range map[string]float64{"precision": got.Precision, "recall": got.Recall, "density": got.Density, "coverage": got.Coverage} {
		require.InDelta(t, g.PRDC[name], v, 1e-12, name)
	}
	require.InDelta(t, 2*g.PRDC["precision"]*g.PRDC["recall"]/(g.PRDC["precision"]+g.PRDC["recall"]), got.F1PR, 1e-12)
	require.InDelta(t, 2*g.PRDC["density"]*g.PRDC["coverage"]/(g.PRDC["density"]+g.PRDC["coverage"]), got.F1DC, 1e-12)
}

// TestPRDCTies: a set is all of itself, also where its points occur many times over
// and all balls have the radius 0, and has nothing of a set elsewhere.
func TestPRDCTies(t *testing.T) {
	one := make([]float32, 40)
	var few, other []float32
	for i := range 60 {
		few = append(few, float32(i%3), float32(i%2))
		other = append(other, float32(i%3)+0.5, float32(i%2))
	}
	for _, x := range [][]float32{one, few} {
		s := PRDC(x, x, 2, 5, 1)
		require.Equal(t, []float64{1, 1, 1, 1}, []float64{s.Precision, s.Recall, s.Coverage, s.F1PR})
		require.GreaterOrEqual(t, s.Density, 1.0)
	}
	require.Equal(t, PRDCScore{}, PRDC(few, other, 2, 5, 1))
	half := append(append([]float32{}, few[:60]...), other[:60]...)
	require.Equal(t, 0.5, PRDC(few, half, 2, 4, 1).Precision)
	require.InDelta(t, 1, PRD(few, few, 2, PRDOptions{Seed: 1}).F1, 1e-9)
	require.InDelta(t, 1, PRD(one, one, 2, PRDOptions{Seed: 1}).F1, 1e-9)
}

// TestPRDC compares with the definition, sorting all distances.
func TestPRDC(t *testing.T) {
	const n, m, d, k = 83, 61, 3, 4
	x, y := points(1, n, d, 1, 0), points(2, m, d, 0.8, 0.7)
	dist := func(a []float32, i int, b []float32, j int) float64 {
		return math.Sqrt(squared(widen(a[i*d:(i+1)*d]), widen(b[j*d:(j+1)*d])))
	}
	radius := func(a []float32, i int) float64 {
		var all []float64
		for j := range len(a) / d {
			all = append(all, dist(a, i, a, j))
		}
		slices.Sort(all)
		return all[k] // all[0] is the point itself
	}
	var want PRDCScore
	for j := range m {
		hit := 0
		for i := range n {
			if dist(x, i, y, j) < radius(x, i) {
				hit++
			}
		}
		want.Density += float64(hit) / k / m
		want.Precision += float64(min(hit, 1)) / m
	}
	for i := range n {
		in, covered := 0.0, 0.0
		for j := range m {
			if dist(x, i, y, j) < radius(y, j) {
				in = 1
			}
			if dist(x, i, y, j) < radius(x, i) {
				covered = 1
			}
		}
		want.Recall += in / n
		want.Coverage += covered / n
	}
	got := PRDC(x, y, d, k, 2)
	require.InDelta(t, want.Precision, got.Precision, 1e-12)
	require.InDelta(t, want.Recall, got.Recall, 1e-12)
	require.InDelta(t, want.Density, got.Density, 1e-12)
	require.InDelta(t, want.Coverage, got.Coverage, 1e-12)
	require.Equal(t, got, PRDC(x, y, d, k, 1))
	// A point on the boundary is outside: the copy of a point is at distance 0
	// of it, inside every ball, but at its neighbour's distance of the neighbour.
	line := []float32{0, 1, 2, 3}
	require.Equal(t, 0.0, PRDC(line, []float32{-1, -10, 20, 4}, 1, 1, 1).Precision)
	for i := range y {
		y[i] = float32(math.Inf(1 - 2*(i%2)))
	}
	require.Equal(t, PRDCScore{}, PRDC(x, y, d, k, 1), "infinite samples are near nothing")
	require.Panics(t, func() { PRDC(line, line, 1, 4, 1) })
}

// TestSlicedWasserstein: the mean over the directions of what a shift or a
// scaling of the points does to their projections.
func TestSlicedWasserstein(t *testing.T) {
	x := points(1, 500, 2, 1, 0)
	moved := slices.Clone(x)
	for i := range 500 {
		moved[2*i] += 3
		moved[2*i+1] -= 4
	}
	// E|⟨u, δ⟩| = |δ|·2/π in the plane; its variance is |δ|²(½ − 4/π²).
	got := SlicedWasserstein(x, moved, 2, SlicedOptions{Directions: 2000, Seed: 4})
	require.InDelta(t, 5*2/math.Pi, got, 4*5*math.Sqrt((0.5-4/(math.Pi*math.Pi))/2000))
	o := SlicedOptions{Seed: 4, Threads: 1}
	one := SlicedWasserstein(x, moved, 2, o)
	o.Threads = 3
	require.Equal(t, one, SlicedWasserstein(x, moved, 2, o))
	o.Seed++
	require.NotEqual(t, one, SlicedWasserstein(x, moved, 2, o))
	require.Zero(t, SlicedWasserstein(x, x, 2, SlicedOptions{}))
	// In one dimension there is one direction; sizes may differ.
	require.Equal(t, Wasserstein1(widen(x[:300]), widen(moved)), SlicedWasserstein(x[:300], moved, 1, SlicedOptions{}))
	// Doubling moves a projection p by |p|, whose mean is √(2/π) for normal points.
	twice := slices.Clone(x)
	for i := range twice {
		twice[i] *= 2
	}
	require.InDelta(t, math.Sqrt(2/math.Pi), SlicedWasserstein(x, twice, 2, SlicedOptions{}), 0.1)
	require.True(t, math.IsNaN(SlicedWasserstein(x, []float32{1, float32(nan)}, 2, SlicedOptions{})))
}
