package metrics

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// spectrum returns Q·diag(values)·Qᵀ for a product Q of random reflections.
func spectrum(seed uint64, values []float64) []float64 {
	n := len(values)
	a := make([]float64, n*n)
	for i, v := range values {
		a[i*n+i] = v
	}
	for r := range 5 {
		v := normals(seed+uint64(r), n)
		h := dot(v, v)
		for side := range 2 { // A ← HA, then A ← AH
			for i := range n {
				s := 0.0
				for k := range n {
					s += v[k] * a[at(side, k, i, n)]
				}
				for k := range n {
					a[at(side, k, i, n)] -= 2 * s * v[k] / h
				}
			}
		}
	}
	return a
}

func at(side, k, i, n int) int {
	if side == 0 {
		return k*n + i
	}
	return i*n + k
}

// TestEigenvalues: matrices whose eigenvalues are known.
func TestEigenvalues(t *testing.T) {
	for _, n := range []int{1, 2, 3, 10, 65} {
		second := make([]float64, n*n) // the second difference
		var want []float64
		for i := range n {
			second[i*n+i] = 2
			if i > 0 {
				second[i*n+i-1], second[(i-1)*n+i] = -1, -1
			}
			want = append(want, 2-2*math.Cos(float64(i+1)*math.Pi/float64(n+1)))
		}
		got, err := eigenvalues(second, n)
		require.NoError(t, err)
		slices.Sort(got)
		require.InDeltaSlice(t, want, got, 1e-14)

		values := mapped(normals(8, n), func(v float64) float64 { return v * math.Abs(v) })
		if n > 5 {
			values[1], values[3] = values[2], 0 // a double one, and none
		}
		got, err = eigenvalues(spectrum(9, values), n)
		require.NoError(t, err)
		slices.Sort(got)
		slices.Sort(values)
		require.InDeltaSlice(t, values, got, 1e-13, "n = %d", n)
	}
	for _, scale := range []float64{1e-170, 1e170} { // whose squares do not exist
		a := spectrum(9, []float64{1, 2, 3, 4, 5})
		for i := range a {
			a[i] *= scale
		}
		got, err := eigenvalues(a, 5)
		require.NoError(t, err)
		slices.Sort(got)
		for i, v := range got {
			require.InEpsilon(t, float64(i+1)*scale, v, 1e-13)
		}
	}
	_, err := eigenvalues([]float64{1, nan, nan, 1}, 2)
	require.ErrorContains(t, err, "finite")
}

// TestCholesky: L·Lᵀ is the matrix again, of full rank or not.
func TestCholesky(t *testing.T) {
	for _, values := range [][]float64{{3, 1, 4, 1, 5}, {2, 0, 7, 0, 0, 1}, {0, 0}, {4}} {
		n := len(values)
		a := spectrum(3, values)
		l := slices.Clone(a)
		cholesky(l, n)
		for i := range n {
			for j := range n {
				require.InDelta(t, a[i*n+j], dot(l[i*n:(i+1)*n], l[j*n:(j+1)*n]), 1e-13, "%v", values)
				if j > i {
					require.Zero(t, l[i*n+j])
				}
			}
		}
	}
}

// TestFrechetFormula: the closed form in two dimensions, tr √(C₁C₂) =
// √(tr C₁C₂ + 2√(det C₁ det C₂)), and commuting covariances of any rank.
func TestFrechetFormula(t *testing.T) {
	c1, c2 := []float64{2, 0.6, 0.6, 1}, []float64{1, -0.7, -0.7, 3}
	product := 2*1 + 0.6*-0.7*2 + 1*3
	want := 4 + 9 + (2 + 1) + (1 + 3) - 2*math.Sqrt(product+2*math.Sqrt((2-0.36)*(3-0.49)))
	got, err := frechet([]float64{1, 2}, slices.Clone(c1), []float64{3, -1}, slices.Clone(c2))
	require.NoError(t, err)
	require.InDelta(t, want, got, 1e-13)
	other, err := frechet([]float64{3, -1}, c2, []float64{1, 2}, c1)
	require.NoError(t, err)
	require.InDelta(t, want, other, 1e-13)

	a, b := []float64{1, 0, 9, 4, 0, 2}, []float64{4, 1, 0, 4, 0, 8}
	want = 0
	for i := range a {
		want += math.Pow(math.Sqrt(a[i])-math.Sqrt(b[i]), 2)
	}
	zero := make([]float64, 6)
	got, err = frechet(zero, spectrum(4, a), zero, spectrum(4, b))
	require.NoError(t, err)
	require.InDelta(t, want, got, 1e-6, "√ of what rounding leaves of 0")
}

// TestFrechet takes samples: of one law the distance is small, for a shift it
// is its square, and scaling by s adds (s−1)²·d.
func TestFrechet(t *testing.T) {
	const n, d = 20000, 6
	x := Points(points(1, n, d, 1, 0), d)
	value := func(y []float32) float64 {
		v, err := Frechet(x, Points(y, d), 2)
		require.NoError(t, err)
		require.Equal(t, Distance{"coordinates", n, len(y) / d, v.Value}, v)
		return v.Value
	}
	require.InDelta(t, 0, value(x.X), 1e-9)
	require.InDelta(t, 0, value(points(2, n, d, 1, 0)), 5e-3)
	moved := slices.Clone(x.X)
	for i := range moved {
		moved[i] += 0.5
	}
	require.InDelta(t, 0.25*d, value(moved), 1e-6)
	require.InDelta(t, 0.25*d, value(points(2, n, d, 1.5, 0)), 0.05)
	a, err := Frechet(x, Points(moved, d), 1)
	require.NoError(t, err)
	b, err := Frechet(x, Points(moved, d), 3)
	require.NoError(t, err)
	require.Equal(t, a, b, "threads")

	// Variances 1 and 4 are of n−1: (2 − 1)².
	b, err = Frechet(Points([]float32{-1, 0, 1}, 1), Points([]float32{-2, 0, 2}, 1), 1)
	require.NoError(t, err)
	require.InDelta(t, 1, b.Value, 1e-14)
	_, err = Frechet(x, Points(x.X[:d], d), 1)
	require.ErrorContains(t, err, "at least 2 of each")
	moved[7] = float32(nan)
	_, err = Frechet(x, Points(moved, d), 1)
	require.ErrorContains(t, err, "not finite")
	require.Panics(t, func() { _, _ = Frechet(x, Features{"other", d, x.X}, 1) })
}

// doubled is an extractor for tests.
type doubled struct{}

func (doubled) Name() string { return "doubled" }
func (doubled) Dim() int     { return 2 }
func (doubled) Features(x []float32) []float32 {
	out := slices.Clone(x)
	for i := range out {
		out[i] *= 2
	}
	return out
}

// TestKID compares with the definition on all images, takes the mean over
// subsets, and carries the extractor's name.
func TestKID(t *testing.T) {
	x, y := Extract(doubled{}, points(1, 40, 2, 1, 0)), Extract(doubled{}, points(2, 40, 2, 1, 0.5))
	require.Equal(t, 40, x.Len())
	kernel := func(a, b []float32) float64 {
		return math.Pow((float64(a[0])*float64(b[0])+float64(a[1])*float64(b[1]))/2+1, 3)
	}
	want := 0.0
	for i := range 40 {
		for j := range 40 {
			a, b, c, d := x.X[2*i:2*i+2], x.X[2*j:2*j+2], y.X[2*i:2*i+2], y.X[2*j:2*j+2]
			if i != j {
				want += (kernel(a, b) + kernel(c, d)) / (40 * 39)
			}
			want -= 2 * kernel(a, d) / 1600
		}
	}
	all := KID(x, y, KIDOptions{Subsets: 3})
	require.InEpsilon(t, want, all.Value, 1e-12)
	require.InDelta(t, 0, all.Deviation, 1e-12, "every subset is everything")
	require.Equal(t, "doubled", all.Extractor)
	require.Equal(t, 40, all.Size)

	o := KIDOptions{Subsets: 400, Size: 10, Seed: 3, Threads: 1}
	part := KID(x, y, o)
	require.InDelta(t, want, part.Value, 4*part.Deviation/20)
	o.Threads = 3
	require.Equal(t, part, KID(x, y, o))
	o.Seed++
	require.NotEqual(t, part.Value, KID(x, y, o).Value)
	// Unbiased: the mean over pairs of sets of one law is 0.
	mean, sq := 0.0, 0.0
	for i := range uint64(50) {
		v := KID(Points(points(10+i, 60, 2, 1, 0), 2), Points(points(100+i, 60, 2, 1, 0), 2), KIDOptions{Subsets: 1}).Value
		mean, sq = mean+v/50, sq+v*v/50
	}
	require.InDelta(t, 0, mean, 4*math.Sqrt(sq/50))
	require.Panics(t, func() { KID(x, y, KIDOptions{Size: 41}) })
}
