package stable

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// isotropic returns the law with the identity for a shape.
func isotropic(t testing.TB, alpha float64, d int) *Elliptical {
	t.Helper()
	q := make([]float64, d*d)
	for i := range d {
		q[i*d+i] = 1
	}
	e, err := NewElliptical(alpha, make([]float64, d), q)
	require.NoError(t, err)
	return e
}

// TestIsotropic: the law without a matrix has the bits of that with the identity.
func TestIsotropic(t *testing.T) {
	for _, d := range []int{1, 3, 70} {
		want := isotropic(t, 1.5, d)
		law, err := NewIsotropic(1.5, d)
		require.NoError(t, err)
		x := make([]float64, d)
		for _, r := range []float64{0, 0.3, 20, 1e100, math.MaxFloat64} {
			for j := range x {
				x[j] = r / float64(j+1)
			}
			require.Equal(t, math.Float64bits(want.LogDensity(x)), math.Float64bits(law.LogDensity(x)), "d %d r %v", d, r)
		}
	}
	law, err := NewIsotropic(1.5, 3)
	require.NoError(t, err)
	require.True(t, math.IsInf(law.LogDensity([]float64{0, math.Inf(1), 0}), -1))
	require.True(t, math.IsNaN(law.LogDensity([]float64{0, math.NaN(), 0})))
	_, err = NewIsotropic(0.1, 3)
	require.ErrorContains(t, err, "0.1")
	require.Panics(t, func() { _, _ = NewIsotropic(1.5, 0) })
}

// TestEllipticalDensity holds the radial density to its closed forms: the stable
// density in one dimension and, by h₃ = −h₁'/(2πr), in three; Cauchy's in all;
// and the normal one.
func TestEllipticalDensity(t *testing.T) {
	lg := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	worst := 0.0
	check := func(want, got float64, at ...any) {
		t.Helper()
		// 1e-13 of f_K, and of r² where the normal shape makes ln h of that size.
		require.InDelta(t, want, got, 3e-12+1e-13*math.Abs(want), at)
		worst = max(worst, math.Abs(want-got)/(1+0.03*math.Abs(want)))
	}
	radii := []float64{0, 1e-8, 0.01, 0.3, 1, 2, 3.7, 6, 10, 30, 100, 1e3, 1e6, 1e20, 1e60}
	for _, alpha := range []float64{0.2, 0.5, 0.8, 1, 1.3, 1.5, 1.7, 1.9, 1.99, 1.9999, 2} {
		one, three := newRadial(alpha, 1), newRadial(alpha, 3)
		law := Symmetric(alpha)
		for _, r := range radii {
			check(law.LogDensity(r), one.logDensity(r), alpha, r)
			if r >= 0.01 && (alpha < 2 || r < 1e3) { // below, f' loses digits to f
				lf, g := law.LogDensityGradient(r)
				check(lf+math.Log(g.Loc)-math.Log(2*math.Pi*r), three.logDensity(r), alpha, r)
			}
		}
	}
	for _, d := range []int{1, 2, 3, 10, 100, 3072} {
		h, n := newRadial(1, d), newRadial(2, d)
		for _, r := range radii {
			r *= math.Sqrt(float64(d))
			k := float64(d+1) / 2
			want := lg(k) - k*math.Log(math.Pi) - k*math.Log1p(r*r)
			if r > 1e9 {
				want = lg(k) - k*math.Log(math.Pi) - 2*k*math.Log(r)
			}
			// The sums of the logarithms are of the size d·ln d.
			require.InDelta(t, want, h.logDensity(r), 3e-12+1e-13*float64(d)*10, "d %d r %v", d, r)
			require.InDelta(t, -float64(d)/2*math.Log(4*math.Pi)-r*r/4, n.logDensity(r), 1e-12*(float64(d)+r*r))
		}
	}
	t.Logf("%.1e", worst)
}

// TestEllipticalShape checks shape and location: the density of a linear map, the
// radius and the projections.
func TestEllipticalShape(t *testing.T) {
	q := []float64{2, 0.8, -0.3, 0.8, 1, 0.2, -0.3, 0.2, 0.5}
	loc := []float64{1, -2, 3}
	e, err := NewElliptical(1.6, loc, q)
	require.NoError(t, err)
	// det Q and Q⁻¹x by cofactors.
	det := 2*(1*0.5-0.04) - 0.8*(0.8*0.5+0.06) - 0.3*(0.16+0.3)
	x := []float64{2, 0, 2.5}
	y := []float64{1, 2, -0.5}
	cof := [9]float64{0.46, -0.46, 0.46, -0.46, 0.91, -0.64, 0.46, -0.64, 1.36}
	r2 := 0.0
	for i := range 3 {
		for j := range 3 {
			r2 += y[i] * cof[i*3+j] * y[j] / det
		}
	}
	require.InEpsilon(t, math.Sqrt(r2), e.Radius(x), 1e-13)
	require.InDelta(t, newRadial(1.6, 3).logDensity(math.Sqrt(r2))-0.5*math.Log(det), e.LogDensity(x), 1e-12)
	u := []float64{1, -1, 2}
	l := e.Project(u)
	require.Equal(t, Law{Alpha: 1.6, Scale: l.Scale, Loc: 9, Param: S0}, l)
	require.InEpsilon(t, 2+1+4*0.5-2*0.8-4*0.3-4*0.2, l.Scale*l.Scale, 1e-14)
	require.Equal(t, l.CF(1), e.CF(u))
	for _, bad := range [][]float64{{1, 2, 2, 1}, {1, 0.5, 0.4, 1}, {math.NaN(), 0, 0, 1}} {
		_, err := NewElliptical(1.5, []float64{0, 0}, bad)
		require.Error(t, err)
	}
	_, err = NewElliptical(0.1, []float64{0}, []float64{1})
	require.ErrorContains(t, err, "0.2 to 2")
	require.Panics(t, func() { _, _ = NewElliptical(1, []float64{0}, []float64{1, 2}) })
	require.Panics(t, func() { e.Project(u[:2]) })
}

// meanCF is the mean of exp(i·uᵀx) over vectors.
func meanCF(x []float32, u []float64) (sum complex128) {
	d := len(u)
	for i := 0; i < len(x); i += d {
		s := 0.0
		for j, v := range u {
			s += v * float64(x[i+j])
		}
		sum += complex(math.Cos(s), math.Sin(s))
	}
	return sum / complex(float64(len(x)/d), 0)
}

// TestEllipticalSample compares the mean of exp(iuᵀX), whose parts have variances
// below 1/n, with the characteristic function.
func TestEllipticalSample(t *testing.T) {
	const n = 200_000
	e, err := NewElliptical(1.4, []float64{0.5, -1}, []float64{2, -0.9, -0.9, 0.7})
	require.NoError(t, err)
	x := make([]float32, 2*n)
	e.Sample(x, Key{Seed: 3}, 0)
	for _, u := range [][]float64{{1, 0}, {0, 1}, {0.5, 0.5}, {-0.3, 0.8}, {2, 2}, {0.4, 1}} {
		want, got := e.CF(u), meanCF(x, u)
		require.InDelta(t, real(want), real(got), 4.5/math.Sqrt(n), "%v", u)
		require.InDelta(t, imag(want), imag(got), 4.5/math.Sqrt(n), "%v", u)
	}
	// Tails: P(uᵀX > t) of one projection, binomial.
	l := e.Project([]float64{0.6, 1})
	for _, q := range []float64{0.1, 0.01, 1e-3} {
		at, c := l.SurvivalQuantile(q), 0
		for i := 0; i < len(x); i += 2 {
			if 0.6*float64(x[i])+float64(x[i+1]) > at {
				c++
			}
		}
		require.InDelta(t, q*n, c, 4.5*math.Sqrt(q*n), q)
	}
}

// TestEllipticalBits: any cut gives the same bits at every instruction set.
func TestEllipticalBits(t *testing.T) {
	e, err := NewElliptical(1.7, []float64{1, 2, 3}, []float64{2, 0.5, 0, 0.5, 1, 0.1, 0, 0.1, 3})
	require.NoError(t, err)
	s := Key{Seed: 8, Sample: 2, Step: 1}
	whole := make([]float32, 3*1000)
	e.Sample(whole, s, 0)
	numtest.EachLevel(t, func(t *testing.T) {
		got := make([]float32, len(whole))
		for at := 0; at < 1000; {
			n := min(1+at%301, 1000-at)
			e.Sample(got[3*at:3*(at+n)], s, at)
			at += n
		}
		numtest.SameBits(t, whole, got, "Sample")
	})
	require.Panics(t, func() { e.Sample(whole[:4], s, 0) })
	require.Panics(t, func() { e.Sample(whole[:3], s, -1) })
}

// TestEllipticalTails holds the coefficient of tail dependence to a count: of the
// vectors whose first coordinate is beyond its quantile of 1e-3, those whose
// second is, too. The limit is reached to a few per cent there.
func TestEllipticalTails(t *testing.T) {
	e, err := NewElliptical(1.3, []float64{0, 0}, []float64{1, 0.6, 0.6, 4})
	require.NoError(t, err)
	x := make([]float32, 2*1_000_000)
	e.Sample(x, Key{Seed: 5}, 0)
	requireTails(t, x, e.Project([]float64{1, 0}), e.Project([]float64{0, 1}), e.TailDependence(0, 1))
	require.Equal(t, 1.0, e.TailDependence(1, 1))
	require.Zero(t, isotropic(t, 2, 2).TailDependence(0, 1))
}

func BenchmarkElliptical(b *testing.B) {
	for _, d := range []int{2, 3, 8, 32, 128} {
		q := make([]float64, d*d)
		for i := range q {
			q[i] = math.Pow(0.5, math.Abs(float64(i/d-i%d)))
		}
		e, err := NewElliptical(1.7, make([]float64, d), q)
		require.NoError(b, err)
		x := make([]float32, d*(1<<16/d))
		b.Run(string(rune('0'+d/100))+string(rune('0'+d/10%10))+string(rune('0'+d%10)), func(b *testing.B) {
			b.SetBytes(int64(len(x)))
			for range b.N {
				e.Sample(x, Key{Seed: 1}, 0)
			}
		})
	}
}

func BenchmarkNormalFill(b *testing.B) {
	x := make([]float32, 1<<16)
	b.SetBytes(int64(len(x)))
	for range b.N {
		Key{Seed: 1}.Normal(x, 0)
	}
}

func BenchmarkEllipticalLogDensity(b *testing.B) {
	e := isotropic(b, 1.7, 3)
	for i := range b.N {
		e.LogDensity([]float64{1, float64(i % 10), 2})
	}
}
