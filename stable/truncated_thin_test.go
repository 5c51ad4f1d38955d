package stable

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// within fails the test if f takes longer than a loop without an end would be
// given: everything here takes milliseconds, a second where the density is rough, but
// a minute was too little for 386 on a machine with forty other things to do.
func within(t *testing.T, what any, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Minute):
		t.Fatalf("%v: no end after ten minutes", what)
	}
}

// TestTruncatedThin: over an interval that is short for the law the density is a
// straight line, f(m)(1 + s·(x−m)) about the middle m with s = f'/f, so that the
// mass is f(m)·h, the mean m + s·h²/12 and the quantile lo + h·p to order h.
func TestTruncatedThin(t *testing.T) {
	tab, err := NewTable(Law{1.3, .4, 2, 1, S1})
	require.NoError(t, err)
	for _, of := range []Distribution{Symmetric(1.5), Symmetric(.95), Law{.6, .7, 1, 0, S0}, StudentT{3, 2, .5}, tab} {
		for _, at := range []float64{-3, .7, 1, 5, 1e6} {
			for _, h := range []float64{1e-7, 1e-9, 1e-12} {
				lo, hi := at, at+h*math.Abs(at)
				h := hi - lo
				l, err := NewTruncated(of, lo, hi)
				require.NoError(t, err)
				m := lo + h/2
				near(t, of.Density(m)*h, l.Mass(), 1e-10, of, lo, hi)
				within(t, of, func() { require.InDelta(t, m, l.Mean(), 1e-7*h+math.Nextafter(math.Abs(m), 1e300)-math.Abs(m)) })
				last := lo
				for _, p := range []float64{0, 1e-300, .1, .5, .77, 1 - 1e-10, 1} {
					x := l.Quantile(p)
					require.True(t, x >= last && x <= hi, "%v %v %v", of, p, x)
					last = x
					ulp := math.Nextafter(math.Abs(x), 1e300) - math.Abs(x)
					require.InDelta(t, lo+h*p, x, 1e-6*h+ulp)
					require.InDelta(t, p, l.CDF(x), 1e-9+ulp/h)
					require.InDelta(t, 1, l.CDF(x)+l.Survival(x), 1e-12)
				}
			}
		}
	}
}

// TestTruncatedFewUlps: the intervals next to single numbers, at once.
func TestTruncatedFewUlps(t *testing.T) {
	l, err := NewTruncated(Symmetric(1.5), 1, 1+1e-15)
	require.NoError(t, err)
	within(t, l, func() { require.InDelta(t, 1, l.Mean(), 1e-15) })
	for _, of := range []Distribution{Symmetric(1.5), Symmetric(.1), Symmetric(1 - 0x1p-52), Law{.5, 1, 1, 0, S1}, StudentT{.01, 1, 0}, StudentT{1e6, 1, 0}} {
		for _, at := range []float64{0, 5e-324, 1e-300, 1e-20, .3, 1, 7} {
			lo := at
			for range 3 {
				hi := math.Nextafter(lo, 1e300)
				l, err := NewTruncated(of, lo, hi)
				if err != nil { // its probability is below float64
					require.ErrorContains(t, err, "move the ends")
					lo = hi
					continue
				}
				within(t, of, func() {
					for _, x := range []float64{l.Mean(), l.Quantile(.3), l.SurvivalQuantile(1e-9)} {
						require.True(t, x >= lo && x <= hi, "%v: %v in %v to %v", of, x, lo, hi)
					}
					var d [4]float64
					l.Sample(d[:], Key{}, 0)
					require.True(t, d[0] >= lo && d[0] <= hi)
					c, err := NewClamped(of, lo, hi)
					require.NoError(t, err)
					below, above := c.Atoms()
					require.InDelta(t, 1, below+above, 1e-10)
					m := c.Mean()
					require.True(t, m >= lo*(1-1e-15) && m <= hi*(1+1e-15), "%v: mean %v of %v to %v", of, m, lo, hi)
				})
				lo = hi
			}
		}
	}
}

// TestTruncatedEnds: infinite, far, empty and impossible intervals.
func TestTruncatedEnds(t *testing.T) {
	inf := math.Inf(1)
	for _, of := range []Distribution{Symmetric(1.5), Symmetric(2), StudentT{2, 1, 0}} {
		for _, e := range [][2]float64{{1, 1}, {2, 1}, {inf, inf}, {-inf, -inf}, {math.NaN(), 1}, {0, math.NaN()}, {inf, -inf}} {
			_, err := NewTruncated(of, e[0], e[1])
			require.ErrorContains(t, err, "no interval")
			_, err = NewClamped(of, e[0], e[1])
			require.ErrorContains(t, err, "no interval")
		}
	}
	_, err := NewTruncated(Symmetric(2), 60, 70) // P = 10^-393
	require.ErrorContains(t, err, "move the ends")
	_, err = NewTruncated(Law{.5, 1, 1, 0, S1}, -2, -1)
	require.ErrorContains(t, err, "move the ends")

	// X > a of a power law x^−α: the mean is a·α/(α−1), the median a·2^(1/α); up
	// to an end b, a·(b/a)^(1−α)… in closed form. Far out, that is what all are.
	for _, of := range []Distribution{Symmetric(1.001), Symmetric(1.05), Symmetric(1.5), StudentT{1.01, 1, 0}, StudentT{3, 1e-3, 5}} {
		a, x := of.tail(true), 1e40
		if a > 2 {
			x = 1e20
		}
		l, err := NewTruncated(of, x, inf)
		require.NoError(t, err)
		within(t, of, func() { near(t, x*a/(a-1), l.Mean(), 1e-9, of) })
		near(t, x*math.Pow(2, 1/a), l.Quantile(.5), 1e-12, of)
		m, err := NewTruncated(of, -inf, -x)
		require.NoError(t, err)
		within(t, of, func() { near(t, -x*a/(a-1), m.Mean(), 1e-9, of) })
	}
	for _, a := range []float64{.1, .5, 1} {
		x, b := 1e80, 1e250
		if a == .1 { // where the leading term is exact
			x, b = 1e200, 1e300
		}
		l, err := NewTruncated(Symmetric(a), x, b)
		require.NoError(t, err)
		k := math.Log(b / x)
		if a < 1 {
			k = (math.Pow(b/x, 1-a) - 1) / (1 - a)
		}
		within(t, a, func() { near(t, a*x*k/-math.Expm1(-a*math.Log(b/x)), l.Mean(), 1e-9, a) })
	}
	// A location that swallows the law.
	l, err := NewTruncated(Law{1.5, 0, 1, 1e20, S0}, 0, inf)
	require.NoError(t, err)
	within(t, l, func() { require.Equal(t, 1e20, l.Mean()) })
	n, err := NewTruncated(Law{.5, 0, 1, 1e20, S0}, 0, 1e30)
	require.NoError(t, err)
	within(t, n, func() {
		of, err := NewTruncated(Symmetric(.5), -1e20, 1e30)
		require.NoError(t, err)
		near(t, of.Mean()+1e20, n.Mean(), 1e-12)
	})
	// The law of the widest numbers.
	w, err := NewTruncated(Law{.1, 0, 1e300, 0, S0}, -math.MaxFloat64, math.MaxFloat64)
	require.NoError(t, err)
	within(t, w, func() { require.LessOrEqual(t, math.Abs(w.Mean()), 1e300) })
}

// TestTruncatedFar: far out a tail is a power law C·x^−α to all digits. Over an
// interval there the mass is S(x)·(1 − (hi/x)^−α), the quantile x·(1 − p(1 −
// (hi/x)^−α))^(−1/α) and the mean that of the power law, on both sides, though the
// density and, over short intervals, the difference of tails leave float64.
func TestTruncatedFar(t *testing.T) {
	for _, of := range []Distribution{Symmetric(.4), Symmetric(.1), Law{.7, .5, 1e-3, 0, S1}, Law{.9, -.3, 1, 5, S0}, StudentT{.5, 1, 0}, StudentT{3, 1, 0}, Law{1.7, .2, 1, 0, S0}} {
		a := of.tail(true)
		x := math.Pow(10, min(300, 290/a)) // P is within float64
		for _, ratio := range []float64{1e-12, 1e-9, 1e-7, 1e-3, .9} {
			for _, sign := range []float64{1, -1} {
				hi := float64(x * (1 + ratio)) // rounded, or hi − x may be one fused multiply-add
				l, err := NewTruncated(of, min(sign*x, sign*hi), max(sign*x, sign*hi))
				require.NoError(t, err, "%v %v", of, ratio)
				y := hi/x - 1 // what rounding made of the ratio
				if ratio < 1e-6 {
					y = (hi - x) / x
				}
				share := -math.Expm1(-a * math.Log1p(y))
				tail := of.Survival(x)
				if sign < 0 {
					tail = of.CDF(-x)
				}
				near(t, tail*share, l.Mass(), 2e-9, of, ratio, sign) // the difference of tails keeps 33 bits
				ulp := math.Nextafter(x, 1e308) - x
				for _, p := range []float64{.1, .5, .9} {
					want := x * math.Exp(-math.Log1p(-p*share)/a)
					q := l.SurvivalQuantile(p)
					if sign > 0 {
						q = l.Quantile(p)
					}
					require.InDelta(t, sign*want, q, 1e-8*(hi-x)+2*ulp, "%v %v %v", of, ratio, p)
					near(t, 1-p, l.CDF(q)*(1-sign)/2+l.Survival(q)*(1+sign)/2, 1e-8+2*ulp/(hi-x)/min(p, 1-p), of, ratio, p)
					near(t, a*math.Exp(-(a+1)*math.Log(want/x))/(x*share), l.Density(q), 2e-8+2*(a+1)*ulp/x, of, ratio, p)
				}
				mean := x * a / (a - 1) * -math.Expm1((1-a)*math.Log1p(y)) / share
				if ratio < 1e-6 { // the middle, less (a+1)/12 of the square of the width
					mean = x + (hi-x)*(.5-(a+1)*y/12)
				}
				require.InDelta(t, sign*mean, l.Mean(), 1e-8*(hi-x)+2*ulp, "%v %v", of, ratio)
				var d [32]float64
				l.Sample(d[:], Key{Seed: 5}, 0)
				sum := 0.0
				for _, v := range d {
					require.True(t, v*sign >= x && v*sign <= hi)
					sum += (v*sign - x) / (hi - x) / 32
				}
				require.InDelta(t, (mean-x)/(hi-x), sum, 5*.289/math.Sqrt(32)+ulp/(hi-x)) // five deviations
			}
		}
	}
	// Scales next to the ends of float64, where the density leaves it above or below.
	for _, scale := range []float64{1e-320, 1e-305, 1e305} {
		l, err := NewTruncated(Law{1.5, 0, scale, 0, S0}, scale, scale+math.Nextafter(scale*1e-8, 1))
		require.NoError(t, err)
		lo, hi := l.Bounds()
		unit := Symmetric(1.5)
		near(t, unit.Density(1)*((hi-lo)/scale), l.Mass(), 1e-7+math.SmallestNonzeroFloat64/scale, scale) // x is rounded to its grid
		require.True(t, l.Mean() >= lo && l.Mean() <= hi && l.Quantile(.3) >= lo && l.Quantile(.3) <= hi)
	}
}
