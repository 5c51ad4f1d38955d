package stable

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// partMean returns E(X; lo < X < hi) in closed form, for the laws that have one:
// Student's, −ν/(ν−1)·(1 + x²/ν)·f, normal, Cauchy, and Lévy's.
func partMean(d Distribution, lo, hi float64) float64 {
	var at func(x float64) float64
	switch l := d.(type) {
	case StudentT:
		at = func(x float64) float64 { return -l.Nu / (l.Nu - 1) * (1 + x*x/l.Nu) * l.Density(x) }
	case Law:
		switch {
		case l.Alpha == 2:
			at = func(x float64) float64 { return -2 * l.Density(x) }
		case l.Alpha == 1:
			at = func(x float64) float64 { return math.Log1p(x*x) / (2 * math.Pi) }
		default: // Lévy
			at = func(x float64) float64 {
				return math.Sqrt(2*x/math.Pi)*math.Exp(-0.5/x) - math.Erfc(math.Sqrt(0.5/x))
			}
		}
	}
	v := [2]float64{}
	for i, x := range [2]float64{lo, hi} {
		if !math.IsInf(x, 0) {
			v[i] = at(x)
		}
	}
	return v[1] - v[0]
}

func TestTruncatedMean(t *testing.T) {
	inf := math.Inf(1)
	levy := Law{.5, 1, 1, 0, S1}
	for _, c := range []struct {
		of     Distribution
		lo, hi float64
	}{
		{Symmetric(2), -1, 3}, {Symmetric(2), 2, inf}, {Symmetric(2), -inf, -4}, {Symmetric(1), -2, 50}, {Symmetric(1), 3, 1e9},
		{StudentT{3, 1, 0}, -1, inf}, {StudentT{1.2, 1, 0}, -inf, 2}, {StudentT{.5, 1, 0}, -5, 1e4}, {StudentT{30, 1, 0}, 7, 7.5},
		{levy, 1e-2, 5}, {levy, 1e-9, 1e6}, {levy, .04, .05},
	} {
		l, err := NewTruncated(c.of, c.lo, c.hi)
		require.NoError(t, err)
		want := partMean(c.of, c.lo, c.hi) / l.Mass()
		width := l.Quantile(.75) - l.Quantile(.25)
		require.InDelta(t, want, l.Mean(), 1e-9*width+1e-12*math.Abs(want), "%v", c)
	}
	for _, whole := range []Law{{1.5, .5, 2, 1, S0}, {1.2, -1, 1, 0, S1}} {
		l, err := NewTruncated(whole, -inf, inf)
		require.NoError(t, err)
		require.Equal(t, 1.0, l.Mass())
		require.InDelta(t, whole.Mean(), l.Mean(), 1e-8, "%v", whole) // the tail is cut at e^690
	}
	for _, c := range []struct{ lo, hi, want float64 }{{0, inf, inf}, {-inf, 0, -inf}, {-inf, inf, math.NaN()}} {
		l, err := NewTruncated(Symmetric(.9), c.lo, c.hi)
		require.NoError(t, err)
		require.Equal(t, math.Float64bits(c.want), math.Float64bits(l.Mean()))
	}
	// A light side needs no end.
	l, err := NewTruncated(Law{.9, -1, 1, 0, S0}, -2, inf)
	require.NoError(t, err)
	require.False(t, math.IsInf(l.Mean(), 0))
}

// TestTruncatedLaw: the density integrates to the distribution, the two tails
// are one in sum, quantiles invert, and parts far out keep their precision.
func TestTruncatedLaw(t *testing.T) {
	tab, err := NewTable(Symmetric(1.7))
	require.NoError(t, err)
	for _, c := range []struct {
		of     Distribution
		lo, hi float64
	}{
		{Law{1.7, .3, 2, 1, S0}, -3, 4}, {Law{1.7, 0, 1, 0, S0}, 1e5, 1e6}, {Law{.85, 1, 1, 0, S1}, 1, math.Inf(1)},
		{StudentT{3, 1, 0}, -50, -20}, {tab, -4, 30},
	} {
		l, err := NewTruncated(c.of, c.lo, c.hi)
		require.NoError(t, err)
		lo, hi := l.Bounds()
		require.Equal(t, []float64{c.lo, c.hi}, []float64{lo, hi})
		require.Equal(t, []float64{0, 0, 1, 1}, []float64{l.CDF(c.lo), l.Survival(c.hi), l.Survival(c.lo), l.CDF(c.hi)})
		last := l.lo
		for p := 0.05; p < 1; p += 0.1 {
			x := l.Quantile(p)
			near(t, p, l.CDF(x), 1e-9, c, p)
			near(t, 1-p, l.Survival(x), 1e-9, c, p)
			near(t, x, l.SurvivalQuantile(1-p), 1e-9, c, p)
			require.InDelta(t, 1, l.CDF(x)+l.Survival(x), 1e-10)
			sum := 0.0
			for i, u := range fine.x { // ln of the distance from lo, or from 0
				sum += 0.5 * (x - last) * fine.w[i] * l.Density(last+0.5*(x-last)*(1+u))
			}
			if p > 0.1 {
				require.InDelta(t, 0.1, sum, 1e-9, "%v %v", c, p)
			}
			near(t, math.Log(l.Density(x)), l.LogDensity(x), 1e-9, c)
			last = x
		}
		require.Equal(t, []float64{0, 0, math.Inf(-1), c.lo, c.hi}, []float64{l.Density(c.lo - 1), l.CDF(c.lo - 1), l.LogDensity(c.lo - 1), l.Quantile(0), l.Quantile(1)})
		require.True(t, math.IsNaN(l.CDF(math.NaN())) && math.IsNaN(l.Survival(math.NaN())))
		n := 2000
		if testing.Short() {
			n = 200
		}
		x := make([]float64, n)
		l.Sample(x, Key{Seed: 1}, 7)
		y := make([]float64, 100)
		l.Sample(y, Key{Seed: 1}, 7+n-100)
		require.Equal(t, x[n-100:], y)
		require.Less(t, distance(x, l.CDF), 1.95, "%v", c)
	}
	// Truncated laws can be cut again.
	a, err := NewTruncated(Symmetric(1.5), -3, 10)
	require.NoError(t, err)
	b, err := NewTruncated(a, 0, 20)
	require.NoError(t, err)
	want, err := NewTruncated(Symmetric(1.5), 0, 10)
	require.NoError(t, err)
	near(t, want.CDF(2), b.CDF(2), 1e-13)
	near(t, want.Mean(), b.Mean(), 1e-9)
}

// distance sorts x and returns √n times the largest distance from the law.
func distance(x []float64, cdf func(float64) float64) float64 {
	slices.Sort(x)
	worst, n := 0.0, float64(len(x))
	for i, v := range x {
		worst = max(worst, math.Abs(cdf(v)-(float64(i)+0.5)/n))
	}
	return worst * math.Sqrt(n)
}

// TestClamped compares with DLPM's clamped multipliers, and the mean with the
// integral of the survival function.
func TestClamped(t *testing.T) {
	const alpha, top = 1.7, 8.0
	law := MultiplierLaw(alpha)
	// Quantiles from 2·10^6 draws of the reference implementation, three digits.
	for p, q := range map[float64]float64{.01: .997, .5: 1.76, .9: 5.31} {
		require.InEpsilon(t, q, law.Quantile(p), 5e-3)
	}
	c, err := NewClamped(law, 0, top)
	require.NoError(t, err)
	_, atom := c.Atoms()
	require.Equal(t, law.Survival(top), atom)
	mean := 0.0
	for k := range 80 {
		for i, u := range fine.x {
			mean += 0.05 * fine.w[i] * c.Survival(0.1*(float64(k)+0.5+0.5*u))
		}
	}
	near(t, mean, c.Mean(), 1e-9, "mean")
	n, a := count(t)/32, Noise{Alpha: alpha, ClampA: top, Isotropic: true}
	x, hit := make([]float64, n), make([]float64, n)
	for i := range x {
		if x[i] = a.A(Key{Seed: 3, Sample: uint64(i)}); x[i] == top {
			hit[i] = 1
		}
	}
	zTest(t, "atom", hit, atom)
	zTest(t, "mean", x, c.Mean())
	require.Less(t, distance(slices.DeleteFunc(slices.Clone(x), func(v float64) bool { return v == top }),
		func(v float64) float64 { return c.CDF(v) / (1 - atom) }), 1.95)
	// Sampled by inversion it is the clamp of the whole law's variates.
	c.Sample(x[:300], Key{Seed: 4}, 0)
	whole, err := NewClamped(law, 0, math.Inf(1))
	require.NoError(t, err)
	y := make([]float64, 300)
	whole.Sample(y, Key{Seed: 4}, 0)
	for i := range y {
		require.Equal(t, min(y[i], top), x[i])
	}
	require.Zero(t, testing.AllocsPerRun(3, func() { c.Sample(x[:10], Key{}, 0) }))
	// Jumps and quantiles at the atoms.
	d, err := NewClamped(Symmetric(1.5), -1, 2)
	require.NoError(t, err)
	lower, upper := d.Atoms()
	require.Equal(t, []float64{0, lower, 1}, []float64{d.CDF(-1.01), d.CDF(-1), d.CDF(2)})
	require.Equal(t, []float64{1, 0, 0}, []float64{d.Survival(-1.01), d.Survival(2), d.Density(2.01)})
	require.Equal(t, []float64{-1, -1, 2, 2, 2, -1}, []float64{d.Quantile(0), d.Quantile(lower / 2), d.Quantile(1 - upper/2),
		d.Quantile(1), d.SurvivalQuantile(upper / 2), d.SurvivalQuantile(1 - lower/2)})
	near(t, upper, d.Survival(2-1e-12), 1e-9, "below the atom")
	require.Equal(t, Symmetric(1.5).Density(1), d.Density(1))
	lo, hi := d.Bounds()
	require.Equal(t, []float64{-1, 2}, []float64{lo, hi})
}

func TestCutBadInput(t *testing.T) {
	l := Symmetric(1.5)
	for _, c := range []struct {
		of     Distribution
		lo, hi float64
		want   string
	}{
		{l, 2, 2, "no interval"}, {l, math.NaN(), 2, "no interval"}, {Law{}, 0, 1, "Alpha"}, {nil, 0, 1, "no law"}, {Truncated{}, 0, 1, "NewTruncated"},
	} {
		_, err := NewTruncated(c.of, c.lo, c.hi)
		require.ErrorContains(t, err, c.want)
		_, err = NewClamped(c.of, c.lo, c.hi)
		require.ErrorContains(t, err, c.want)
	}
	_, err := NewTruncated(Law{.5, 1, 1, 0, S1}, -2, -1)
	require.ErrorContains(t, err, "move the ends")
	ok, err := NewTruncated(l, 0, 1)
	require.NoError(t, err)
	require.Panics(t, func() { ok.Quantile(2) })
	require.Panics(t, func() { ok.SurvivalQuantile(math.NaN()) })
	require.Panics(t, func() { ok.Sample(make([]float64, 2), Key{}, -1) })
	require.Panics(t, func() { MultiplierLaw(2) })
}
