package stable

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// within fails the test if f takes longer than a loop without an end would be
// given: everything here takes milliseconds, a second where the density is rough.
func within(t *testing.T, what any, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(60 * time.Second):
		t.Fatalf("%v: no end after a minute", what)
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
					l.Sample(d[:], Stream{}, 0)
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
