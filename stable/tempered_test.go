package stable

import (
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// tilted returns the log-density of a one-sided tempered law (Down = 0) from that
// of the stable law which it tempers: e^(−λy − κ(−λ))·f(y).
func tilted(t Tempered, x float64) float64 {
	a, l := t.Alpha, t.RateUp
	law := Law{Alpha: a, Beta: 1, Param: S1}
	var k, slope float64 // κ(−λ), κ'(−λ)
	if a == 1 {
		law.Scale = t.Up * math.Pi / 2
		// S1 of scale γ has the location of γZ + (2/π)γ·ln γ.
		k, slope = t.Up*l*math.Log(l), -t.Up*(math.Log(l)+1)
	} else {
		g := t.Up * math.Gamma(2-a) / (a * (a - 1)) // Up·Γ(−α)
		law.Scale = math.Pow(-g*math.Cos(math.Pi*a/2), 1/a)
		k, slope = g*math.Pow(l, a), -a*g*math.Pow(l, a-1)
	}
	y := x - t.Mean + slope
	return law.LogDensity(y) - l*y - k
}

// TestTemperedDensity holds one-sided laws to tilted stable densities, into both
// tails, and reflected ones to them.
func TestTemperedDensity(t *testing.T) {
	worst, n := 0.0, 0
	for _, a := range []float64{0.2, 0.5, 0.8, 0.95, 1, 1.05, 1.2, 1.5, 1.8, 1.95} {
		for _, up := range []float64{0.05, 1, 20} {
			l := Tempered{Alpha: a, Up: up, RateUp: 1.3, RateDown: 1, Mean: 0.7}
			back := Tempered{Alpha: a, Down: up, RateDown: 1.3, RateUp: 1, Mean: -0.7}
			sd := math.Sqrt(l.Variance())
			lo, _ := l.Support()
			for _, z := range []float64{-20, -8, -3, -1.5, -0.7, -0.1, 0, 0.2, 1, 2.5, 6, 15, 40} {
				x := l.Mean + z*sd
				if x <= lo+1e-3*sd {
					x = lo + math.Exp(z/2)*(l.Mean-lo)
				}
				want := tilted(l, x)
				if want < -600 {
					continue
				}
				got := l.LogDensity(x)
				// The trapezoidal rule errs by 1e-11 at its worst, where jumps are rare and
				// α near 1.
				size := max(1, math.Abs(want))
				require.InDelta(t, want, got, 3e-11*size, "α %v up %v z %v", a, up, z)
				require.InDelta(t, got, back.LogDensity(-x), 1e-13*size)
				worst = max(worst, math.Abs(got-want)/size)
				n++
			}
		}
	}
	t.Logf("%d points, worst %.1e", n, worst)
}

// twoSided are laws with jumps to both sides.
var twoSided = []Tempered{
	{Alpha: 0.5, Up: 1, Down: 2, RateUp: 1, RateDown: 3, Mean: 0.3},
	{Alpha: 0.8, Up: 3, Down: 0.5, RateUp: 2, RateDown: 1},
	{Alpha: 1, Up: 1, Down: 0.3, RateUp: 1, RateDown: 2, Mean: -1},
	{Alpha: 1.3, Up: 0.2, Down: 1, RateUp: 0.5, RateDown: 1},
	{Alpha: 1.7, Up: 0.7, Down: 0.7, RateUp: 1, RateDown: 1, Mean: 10},
}

// TestTemperedInversion puts the density back: the sum of f(kh)·e^(iukh)·h is
// E e^(iuX) and that of its neighbours 2π/h apart, which are nothing.
func TestTemperedInversion(t *testing.T) {
	for _, l := range twoSided {
		sd := math.Sqrt(l.Variance())
		h := 0.15 * sd
		for math.Abs(real(l.CF(2*math.Pi/h)))+math.Abs(imag(l.CF(2*math.Pi/h))) > 1e-11 {
			h /= 2
		}
		if h < 0.02*sd && os.Getenv("HEAVYTAIL_EXHAUSTIVE") == "" { // thousands of densities
			continue
		}
		us := []float64{0, 0.2 / sd, 1 / sd, 3 / sd}
		got := make([]complex128, len(us))
		n := int(45 / (h * min(l.RateUp, l.RateDown)))
		for k := -n; k <= n; k++ {
			x := l.Mean + float64(k)*h
			f := l.Density(x) * h
			for i, u := range us {
				got[i] += complex(f*math.Cos(u*x), f*math.Sin(u*x))
			}
		}
		for i, u := range us {
			want := l.CF(u)
			require.InDelta(t, real(want), real(got[i]), 1e-9, "%+v u %v", l, u)
			require.InDelta(t, imag(want), imag(got[i]), 1e-9, "%+v u %v", l, u)
		}
	}
}

// TestTemperedTails holds distribution and quantiles to the density: differences of
// both tails, which meet, and quantiles that come back.
func TestTemperedTails(t *testing.T) {
	laws := append([]Tempered{{Alpha: 0.6, Up: 1, RateUp: 2, RateDown: 1, Mean: 3}, {Alpha: 1.4, Down: 1, RateUp: 2, RateDown: 1}}, twoSided...)
	for _, l := range laws {
		sd := math.Sqrt(l.Variance())
		for _, z := range []float64{-6, -2, -0.8, -0.1, 0, 0.1, 1, 3, 8} {
			x := l.Mean + z*sd
			if lo, _ := l.Support(); x <= lo {
				continue
			}
			require.InDelta(t, 1, l.tailOf(x, false)+l.tailOf(x, true), 1e-10, "%+v z %v", l, z)
			d, e := difference8(func(h float64) float64 { return l.tailOf(x+h, z > 0) }, 0.02*sd)
			f := l.Density(x)
			require.InDelta(t, f, math.Abs(d), 10*e+1e-8*f, "%+v z %v", l, z)
		}
		for _, p := range []float64{1e-12, 1e-4, 0.1, 0.5, 0.7, 0.999} {
			require.InEpsilon(t, p, l.CDF(l.Quantile(p)), 1e-9, "%+v p %v", l, p)
			require.InEpsilon(t, p, l.Survival(l.SurvivalQuantile(p)), 1e-9, "%+v p %v", l, p)
		}
	}
	// Jumps upwards alone, α = ½: the inverse normal law has a closed form.
	l := Tempered{Alpha: 0.5, Up: 1 / math.Sqrt(2*math.Pi), RateUp: 0.5, RateDown: 1, Mean: 1}
	for _, x := range []float64{0.01, 0.5, 1, 4, 50} {
		require.InDelta(t, -0.5*math.Log(2*math.Pi)-1.5*math.Log(x)-(x-1)*(x-1)/(2*x), l.LogDensity(x), 1e-11)
	}
	lo, hi := l.Support()
	require.InDelta(t, 0, lo, 1e-15)
	require.True(t, math.IsInf(hi, 1))
	require.Zero(t, l.CDF(-1))
	require.Equal(t, 1.0, l.Survival(-1))
	require.True(t, math.IsInf(l.LogDensity(-1), -1))
}

// TestTemperedSample compares draws with the distribution (Kolmogorov), the
// characteristic function and the cumulants, and cuts with the whole.
func TestTemperedSample(t *testing.T) {
	for i, l := range append([]Tempered{{Alpha: 0.7, Up: 4, RateUp: 3, RateDown: 1, Mean: 2}, {Alpha: 0.3, Down: 0.2, RateUp: 3, RateDown: 1}}, twoSided...) {
		n := 20_000
		if l.Alpha >= 1 {
			n = 60
			if os.Getenv("HEAVYTAIL_EXHAUSTIVE") != "" {
				n = 10_000
			}
		}
		x := make([]float64, n)
		l.Sample(x, Key{Seed: uint64(i + 1)}, 0)
		part := make([]float64, 7)
		l.Sample(part, Key{Seed: uint64(i + 1)}, 11)
		require.Equal(t, x[11:18], part)
		var mean, square float64
		for _, v := range x {
			mean += v / float64(n)
			square += (v - l.Mean) * (v - l.Mean) / float64(n)
		}
		v := l.Variance()
		require.InDelta(t, l.Mean, mean, 4.5*math.Sqrt(v/float64(n)), "%+v", l)
		require.InDelta(t, v, square, 4.5*math.Sqrt((l.Cumulant(4)+2*v*v)/float64(n)), "%+v", l)
		for _, u := range []float64{0.5, 2} {
			u /= math.Sqrt(v)
			want, re, im := l.CF(u), 0.0, 0.0
			for _, y := range x {
				re += math.Cos(u*y) / float64(n)
				im += math.Sin(u*y) / float64(n)
			}
			require.InDelta(t, real(want), re, 4.5/math.Sqrt(float64(n)), "%+v", l)
			require.InDelta(t, imag(want), im, 4.5/math.Sqrt(float64(n)), "%+v", l)
		}
		// √n·D exceeds 2.2 once in 10^4.
		slices.Sort(x)
		d, step := 0.0, max(n/100, 1)
		for k := 0; k < n; k += step {
			d = max(d, math.Abs(l.CDF(x[k])-(float64(k)+0.5)/float64(n))-0.5/float64(n))
		}
		require.Less(t, d*math.Sqrt(float64(n)), 2.2, "%+v", l)
	}
}

// TestTemperedCost counts tries: at most e·(θλ^α + 1) on average.
func TestTemperedCost(t *testing.T) {
	for _, up := range []float64{0.01, 1, 30} {
		p := newTemperedPart(0.7, up, 2)
		c := math.Gamma(0.3) / 0.7 * up * math.Pow(2, 0.7)
		sum := 0.0
		const n = 500
		for k := range uint32(n) {
			_, tries := p.draw(Key{Seed: 1}, tagTemperedUp, k*p.blocks)
			require.Less(t, tries, p.tries())
			sum += float64(tries)
		}
		// The tries of m parts are geometric: mean m·e^(c/m), variance below m·e².
		m := float64(p.parts)
		require.InDelta(t, m*math.Exp(c/m), sum/n, 4.5*math.E*math.Sqrt(m/n))
		require.LessOrEqual(t, m*math.Exp(c/m), math.E*(c+1))
	}
}

func TestTemperedRefuses(t *testing.T) {
	good := Tempered{Alpha: 1.5, Up: 1, RateUp: 1, RateDown: 1}
	require.NoError(t, good.Validate())
	for _, bad := range []Tempered{
		{Alpha: 2, Up: 1, RateUp: 1, RateDown: 1}, {Alpha: 1.5, RateUp: 1, RateDown: 1}, {Alpha: 1.5, Up: -1, RateUp: 1, RateDown: 1},
		{Alpha: 1.5, Up: 1, RateUp: 0, RateDown: 1}, {Alpha: 1.5, Up: 1, RateUp: 1}, {Alpha: 1.5, Up: 1, RateUp: 1, RateDown: 1, Mean: math.NaN()},
	} {
		require.Error(t, bad.Validate(), "%+v", bad)
		require.Panics(t, func() { bad.LogDensity(0) })
	}
	require.Panics(t, func() { good.Quantile(2) })
	require.Panics(t, func() {
		Tempered{Alpha: 0.5, Up: 1e9, RateUp: 1, RateDown: 1}.Sample(make([]float64, 1), Key{}, 0)
	})
}
