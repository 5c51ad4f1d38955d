package stable

import (
	"math"
	"math/cmplx"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

func spectralCase(t testing.TB, alpha float64) *Spectral {
	t.Helper()
	s, err := NewSpectral(alpha, []float64{1, 0, 3, 3, -1, 2, 0.2, -1}, []float64{1, 0.5, 2, 0.7}, []float64{0.3, -0.2})
	require.NoError(t, err)
	return s
}

// TestSpectralProject compares the law of a projection with the definition: the
// exponent Σ w·ψ(⟨u, s⟩).
func TestSpectralProject(t *testing.T) {
	for _, alpha := range []float64{0.5, 0.9, 1, 1.1, 1.7} {
		s := spectralCase(t, alpha)
		dirs, w := s.Measure()
		for _, u := range [][]float64{{1, 0}, {0, 1}, {-2, 0.3}, {1, 1}, {0.01, -5}} {
			e := complex(0, u[0]*0.3-u[1]*0.2)
			for k, m := range w {
				a := u[0]*dirs[2*k] + u[1]*dirs[2*k+1]
				if a == 0 {
					continue
				}
				size, sign := math.Abs(a), math.Copysign(1, a)
				if alpha == 1 {
					e -= complex(m*size, m*size*2/math.Pi*sign*math.Log(size))
				} else {
					p := m * math.Pow(size, alpha)
					e -= complex(p, -p*sign*math.Tan(math.Pi*alpha/2))
				}
			}
			got, want := s.CF(u), cmplx.Exp(e)
			require.InDelta(t, 0, cmplx.Abs(got-want), 1e-12, "α %v u %v", alpha, u)
		}
	}
}

// TestSpectralSample compares the mean of exp(iuᵀX) with the characteristic
// function.
func TestSpectralSample(t *testing.T) {
	const n = 100_000
	for _, alpha := range []float64{0.6, 1, 1.5} {
		s := spectralCase(t, alpha)
		x := make([]float32, 2*n)
		s.Sample(x, Key{Seed: 3}, 0)
		for _, u := range [][]float64{{1, 0}, {0, 1}, {-0.5, 0.3}, {0.4, 0.4}, {0.1, -1}} {
			want, got := s.CF(u), meanCF(x, u)
			require.InDelta(t, real(want), real(got), 4.5/math.Sqrt(n), "α %v %v", alpha, u)
			require.InDelta(t, imag(want), imag(got), 4.5/math.Sqrt(n), "α %v %v", alpha, u)
		}
		numtest.EachLevel(t, func(t *testing.T) {
			y := make([]float32, 2*1000)
			for at := 0; at < 1000; {
				k := min(1+at%307, 1000-at)
				s.Sample(y[2*at:2*(at+k)], Key{Seed: 3}, at)
				at += k
			}
			numtest.SameBits(t, x[:2000], y, "Sample")
		})
	}
}

// beyond counts the vectors of the plane whose first value is above q0, and those of
// them whose second is above q1.
func beyond(x []float32, q0, q1 float32) (one, both int) {
	for i := 0; i < len(x); i += 2 {
		if x[i] > q0 {
			one++
			if x[i+1] > q1 {
				both++
			}
		}
	}
	return one, both
}

// requireTails holds the share of vectors beyond both quantiles of p among those
// beyond the first to its limit l as p → 0. Tails are series in q^−α, about the
// location of S1, and so in p, the first term of which gives l: the share at p is
// l + b·p + O(p²). Of p and 10p, (10·share(p) − share(10p))/9 is l + O(10p²), to
// counting errors of four deviations.
func requireTails(t *testing.T, x []float32, first, second Law, l float64) {
	t.Helper()
	const p = 1e-3
	n := float64(len(x) / 2)
	share := func(p float64) (v, deviation float64) {
		one, both := beyond(x, float32(first.SurvivalQuantile(p)), float32(second.SurvivalQuantile(p)))
		require.InDelta(t, p*n, one, 4*math.Sqrt(p*n))
		return float64(both) / float64(one), math.Sqrt(l * (1 - l) / float64(one))
	}
	far, off := share(p)
	near, less := share(10 * p)
	require.InDelta(t, l, (10*far-near)/9, 4*(10*off+less)/9)
}

// TestSpectralTails counts what is beyond the quantiles of 1e-3 and 1e-2 together.
func TestSpectralTails(t *testing.T) {
	s := spectralCase(t, 1.2)
	x := make([]float32, 2*1_000_000)
	s.Sample(x, Key{Seed: 5}, 0)
	requireTails(t, x, s.Project([]float64{1, 0}), s.Project([]float64{0, 1}), s.TailDependence(0, 1))
	require.InDelta(t, 1, s.TailDependence(1, 1), 1e-15)
}

// TestSpectralFit finds masses on the circle of directions that hold the true
// ones, and the law of projections that were not asked for.
func TestSpectralFit(t *testing.T) {
	const n = 20_000
	circle := Circle(12)
	truth, err := NewSpectral(1.5, append(append([]float64(nil), circle[0:2]...), circle[8:10]...), []float64{1, 0.6}, []float64{2, -1})
	require.NoError(t, err)
	x32, x := make([]float32, 2*n), make([]float64, 2*n)
	truth.Sample(x32, Key{Seed: 11}, 0)
	for i, v := range x32 {
		x[i] = float64(v)
	}
	f, err := FitSpectral(x, 2, circle)
	require.NoError(t, err)
	l, err := f.Law()
	require.NoError(t, err)
	// Standard errors of one projection are about 1.5 % for γ and α, 3 % for β.
	require.InDelta(t, 1.5, f.Alpha, 0.05)
	near := [2]float64{}
	for k, w := range f.Weights {
		for j, at := range []int{0, 4} {
			if f.Dirs[2*k]*circle[2*at]+f.Dirs[2*k+1]*circle[2*at+1] > 0.8 { // 37 degrees
				near[j] += w
			}
		}
	}
	require.InDelta(t, 1, near[0], 0.1)
	require.InDelta(t, 0.6, near[1], 0.1)
	for _, u := range [][]float64{{1, 0.2}, {-0.4, 1}, {0.7, -0.7}} {
		a, b := truth.Project(u), l.Project(u)
		require.InEpsilon(t, a.Scale, b.Scale, 0.05, "%v", u)
		require.InDelta(t, a.Beta, b.Beta, 0.12, "%v", u)
		require.InDelta(t, a.Loc, b.Loc, 0.15, "%v", u)
	}
}

// TestEllipticalFit finds shape, location and α.
func TestEllipticalFit(t *testing.T) {
	const n = 4000
	q := []float64{2, -0.9, 0.1, -0.9, 0.7, 0, 0.1, 0, 30}
	truth, err := NewElliptical(1.4, []float64{0.5, -1, 20}, q)
	require.NoError(t, err)
	x32, x := make([]float32, 3*n), make([]float64, 3*n)
	truth.Sample(x32, Key{Seed: 12}, 0)
	for i, v := range x32 {
		x[i] = float64(v)
	}
	f, err := FitElliptical(x, 3)
	require.NoError(t, err)
	require.Zero(t, f.Shrunk)
	// The standard error of a scale is about 1.1/√n = 1.7 %.
	require.InDelta(t, 1.4, f.Alpha, 4*0.03)
	for i := range 3 {
		si := math.Sqrt(q[4*i])
		require.InDelta(t, truth.Loc()[i], f.Loc[i], 4*0.03*si)
		for j := range 3 {
			require.InDelta(t, q[3*i+j], f.Shape[3*i+j], 4*0.05*si*math.Sqrt(q[4*j]), "%d %d", i, j)
		}
	}
	_, err = f.Law()
	require.NoError(t, err)
	// Three coordinates of which one is the sum of the others.
	for i := 0; i < len(x); i += 3 {
		x[i+2] = x[i] + x[i+1]
	}
	f, err = FitElliptical(x, 3)
	require.NoError(t, err)
	_, err = f.Law()
	require.NoError(t, err)
}

func TestSpectralRefuses(t *testing.T) {
	try := func(alpha float64, dirs, w, loc []float64) error {
		_, err := NewSpectral(alpha, dirs, w, loc)
		return err
	}
	require.ErrorContains(t, try(2, []float64{1}, []float64{1}, []float64{0}), "less than 2")
	require.ErrorContains(t, try(1.5, []float64{0, 0}, []float64{1}, []float64{0, 0}), "direction 0")
	require.ErrorContains(t, try(1.5, []float64{1, 0}, []float64{-1}, []float64{0, 0}), "weight 0")
	require.ErrorContains(t, try(1.5, []float64{1, 0}, []float64{1}, []float64{0, math.NaN()}), "location 1")
	require.ErrorContains(t, try(0.3, []float64{1, 0, 0, 1}, []float64{1, 1e30}, []float64{0, 0}), "weight 1 is 1e+30: its power 1/α = 3.33 is beyond float32")
	require.Panics(t, func() { _ = try(1.5, []float64{1, 0}, []float64{1, 2}, []float64{0, 0}) })
	s := spectralCase(t, 1.5)
	require.Equal(t, complex(math.Cos(0), 0), s.CF([]float64{0, 0}))
}

// BenchmarkSpectral is of 8 directions in 3 dimensions; SetBytes counts the
// skewed variates, so that it compares with BenchmarkSkewedFill.
func BenchmarkSpectral(b *testing.B) {
	m, d := 8, 3
	dirs, w := make([]float64, m*d), make([]float64, m)
	for i := range dirs {
		dirs[i] = math.Sin(float64(3*i + 1))
	}
	for k := range w {
		w[k] = float64(k + 1)
	}
	s, err := NewSpectral(1.7, dirs, w, make([]float64, d))
	require.NoError(b, err)
	x := make([]float32, d*(1<<13))
	b.SetBytes(int64(m * len(x) / d))
	for range b.N {
		s.Sample(x, Key{Seed: 1}, 0)
	}
}

func BenchmarkSkewedFill(b *testing.B) {
	x := make([]float32, 1<<16)
	b.SetBytes(int64(len(x)))
	for range b.N {
		Key{Seed: 1}.Skewed(x, 1.7, 1, S1, 0)
	}
}
