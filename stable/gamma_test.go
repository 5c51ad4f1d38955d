package stable

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

// gammaCDF is the regularised incomplete gamma function: the power series
// below the mean, Lentz's continued fraction above.
func gammaCDF(a, x float64) float64 {
	lg, _ := math.Lgamma(a)
	head := math.Exp(a*math.Log(x) - x - lg)
	if x < a+1 {
		sum, term := 1/a, 1/a
		for n := 1.0; term > 1e-16*sum; n++ {
			term *= x / (a + n)
			sum += term
		}
		return head * sum
	}
	b := x + 1 - a
	c, d := math.Inf(1), 1/b
	h := d
	for n := 1.0; n < 1e5; n++ {
		an := -n * (n - a)
		b += 2
		d = 1 / (an*d + b)
		c = b + an/c
		h *= c * d
		if math.Abs(c*d-1) < 1e-15 {
			break
		}
	}
	return 1 - head*h
}

// The law, by Kolmogorov and Smirnov at the 0.1 % point: shapes below and above
// 1, halves of real ν, and one as large as an image's posterior has.
func TestGammaLaw(t *testing.T) {
	const n = 20000
	x := make([]float64, n)
	for _, shape := range []float64{0.3, 0.5, 1, 1.5, 2.25, 10, 1538.5} {
		worst := 0.0
		for i := range x {
			x[i] = Key{Seed: 7, Sample: uint64(i)}.Gamma(shape, 3)
		}
		slices.Sort(x)
		for i, v := range x {
			p := gammaCDF(shape, v)
			worst = max(worst, math.Abs(p-float64(i)/n), math.Abs(p-float64(i+1)/n))
		}
		require.Less(t, worst, 1.95/math.Sqrt(n), "shape %v", shape)
	}
}

// The incomplete gamma function of the test itself: the exponential and χ²(4).
func TestGammaCDF(t *testing.T) {
	for _, x := range []float64{0.01, 0.7, 3, 20} {
		require.InDelta(t, 1-math.Exp(-x), gammaCDF(1, x), 1e-14)
		require.InDelta(t, 1-math.Exp(-x)*(1+x), gammaCDF(2, x), 1e-14)
	}
}

func TestGammaAddresses(t *testing.T) {
	s := Key{Seed: 1, Sample: 2, Step: 3}
	require.Equal(t, s.Gamma(1.5, 4), s.Gamma(1.5, 4))
	require.Equal(t, 2*s.Gamma(1.5, 4), s.ChiSquare(3, 4))
	require.Equal(t, s.ChiSquare(3, 4)/3, s.Kappa(3, 4))
	require.Equal(t, 1.0, s.Kappa(math.Inf(1), 4))
	seen := map[float64]bool{}
	for off := range 1000 {
		seen[s.Gamma(1.5, off)] = true
	}
	require.Len(t, seen, 1000)
	require.Greater(t, s.Gamma(1.5, 1<<26-1), 0.0)
	// one value of each branch, so that every architecture is held to them
	require.Equal(t, [3]float64{0.18929233461941425, 2.614646897928251, 317.31529570602663}, [3]float64{s.Gamma(0.4, 0), s.Gamma(1.5, 0), s.Gamma(300, 0)})
}

// TestGammaFills: the vector forms give the values of the scalar ones at every
// level, for any range, and touch nothing else.
func TestGammaFills(t *testing.T) {
	s := Key{Seed: 3, Sample: 1 << 40, Step: 9}
	n := 3000
	if testing.Short() {
		n = 400
	}
	all := make([]float64, n+2)
	for _, nu := range []float64{1e-320, 0.02, 0.1, 0.5, 1, 1.999, 2, 3, 7.3, 50, 3077, 1e9, 1e300} {
		for name, f := range map[string]struct {
			fill func(dst []float64, nu float64, off int)
			one  func(nu float64, off int) float64
		}{
			"gamma": {s.GammaFill, s.Gamma}, "chi": {s.ChiSquareFill, s.ChiSquare}, "kappa": {s.KappaFill, s.Kappa},
		} {
			want := make([]float64, n)
			for i := range want {
				want[i] = f.one(nu, i)
			}
			numtest.EachLevel(t, func(t *testing.T) {
				for _, cut := range [][2]int{{0, n}, {1, 34}, {31, 33}, {5, 5}, {64, 65}, {7, 107}} {
					x := all[:cut[1]-cut[0]+2]
					x[0], x[len(x)-1] = -1, -1
					f.fill(x[1:len(x)-1], nu, cut[0])
					require.Equal(t, want[cut[0]:cut[1]], x[1:len(x)-1], "%s(%v)", name, nu)
					require.Equal(t, [2]float64{-1, -1}, [2]float64{x[0], x[len(x)-1]})
				}
			})
		}
	}
	s.KappaFill(all[:2], math.Inf(1), 0)
	require.Equal(t, []float64{1, 1}, all[:2])
	s.GammaFill(all[:1], 1.5, 1<<26-1)
	require.Equal(t, s.Gamma(1.5, 1<<26-1), all[0])
}

// TestLogGamma: it is the logarithm of Gamma, and finite where that is below float64.
func TestLogGamma(t *testing.T) {
	s, below := Key{Seed: 6}, 0
	for i := range 3000 {
		for _, shape := range []float64{0.3, 2} {
			require.InEpsilon(t, s.Gamma(shape, i), math.Exp(s.LogGamma(shape, i)), 1e-13)
		}
		g, l := s.Gamma(0.002, i), s.LogGamma(0.002, i)
		if g == math.SmallestNonzeroFloat64 {
			below++
		}
		require.False(t, math.IsInf(l, 0) || l != l)
	}
	require.InDelta(t, math.Exp(-745*0.002)*3000, below, 4*math.Sqrt(3000*0.25))
}

func TestGammaAllocatesNothing(t *testing.T) {
	s, sum := Key{Seed: 5}, 0.0
	require.Zero(t, testing.AllocsPerRun(10, func() { sum += s.Kappa(3.5, 0) }))
	require.Greater(t, sum, 0.0)
	x := make([]float64, 100)
	numtest.EachLevel(t, func(t *testing.T) {
		require.Zero(t, testing.AllocsPerRun(10, func() { s.KappaFill(x, 0.5, 3) }))
	})
}

func BenchmarkGamma(b *testing.B) {
	s := Key{Seed: 1}
	x := make([]float64, 8192)
	for _, nu := range []float64{0.5, 3, 3077} {
		b.Run(fmt.Sprint("one by one/", nu), func(b *testing.B) {
			for b.Loop() {
				for i := range x {
					x[i] = s.Kappa(nu, i)
				}
			}
			b.ReportMetric(float64(len(x))*float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
		})
		for _, l := range isa.Available() {
			b.Run(fmt.Sprint(l, "/", nu), func(b *testing.B) {
				defer isa.Force(l)()
				for b.Loop() {
					s.KappaFill(x, nu, 0)
				}
				b.ReportMetric(float64(len(x))*float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
			})
		}
	}
}

func TestGammaPanics(t *testing.T) {
	s := Key{}
	for _, shape := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		require.Panics(t, func() { s.Gamma(shape, 0) })
	}
	require.Panics(t, func() { s.Gamma(1, -1) })
	require.Panics(t, func() { s.Gamma(1, 1<<26) })
	x := make([]float64, 3)
	for _, shape := range []float64{0, -1, math.NaN()} {
		require.Panics(t, func() { s.GammaFill(x, shape, 0) })
		require.Panics(t, func() { s.KappaFill(x, shape, 0) })
	}
	require.Panics(t, func() { s.GammaFill(x, 1, -1) })
	require.Panics(t, func() { s.GammaFill(x, 1, 1<<26-2) })
}
