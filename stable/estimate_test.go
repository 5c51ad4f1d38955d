package stable

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// stableSet returns n values of the stable law in S0.
func stableSet(alpha, beta float64, n int, sample uint64) []float64 {
	y := make([]float32, n)
	s := Stream{Seed: 31, Sample: sample}
	if beta == 0 {
		s.Symmetric(y, alpha, 0)
	} else {
		s.Skewed(y, alpha, beta, S0, 0)
	}
	return mapTo(y, func(v float64) float64 { return v })
}

// paretoSet returns n values of P(X > x) = x^(−α), x ≥ 1.
func paretoSet(alpha float64, n int, sample uint64) []float64 {
	y := make([]float32, n)
	Stream{Seed: 37, Sample: sample}.Uniform(y, 0)
	return mapTo(y, func(v float64) float64 { return math.Pow(v, -1/alpha) })
}

// moments returns the mean and the standard deviation of v.
func moments(v []float64) (mean, sd float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		sd += (x - mean) * (x - mean) / float64(len(v)-1)
	}
	return mean, math.Sqrt(sd)
}

// spreadCheck compares estimates with the truth and the standard error that
// theory gives: the bias stays within 10 % of the spread plus what so many sets
// can resolve, the spread within 10 % of theory, and 95 % intervals hold the
// truth as often as they say, within four binomial errors and 1.5 %.
func spreadCheck(t *testing.T, name string, got []float64, truth, theory float64, covered int) {
	t.Helper()
	n := float64(len(got))
	mean, sd := moments(got)
	cover := float64(covered) / n
	t.Logf("%-28s truth %.4g bias %+.4f (%.2f sd) spread/theory %.3f coverage %.3f", name, truth, mean-truth, (mean-truth)/sd, sd/theory, cover)
	if d := math.Abs(mean-truth) / sd; d > 0.1+3.5/math.Sqrt(n) {
		t.Errorf("%s: bias is %.2f standard deviations", name, d)
	}
	// The spread of n sets is itself known to 1/√(2n).
	if r := sd / theory; math.Abs(r-1) > 0.1+2/math.Sqrt(2*n) {
		t.Errorf("%s: spread is %.3f of theory", name, r)
	}
	if math.Abs(cover-0.95) > 4*math.Sqrt(0.95*0.05/n)+0.015 {
		t.Errorf("%s: intervals of 95 %% hold the truth in %.3f", name, cover)
	}
}

// sets is the number of simulated sets.
func sets(t *testing.T) int {
	if testing.Short() {
		return 200
	}
	return 1000
}

func TestLogMomentsSpread(t *testing.T) {
	const n = 3000
	for _, alpha := range []float64{0.8, 1.2, 1.5} {
		var a, g []float64
		covered := 0
		k2, _, k4 := logCumulants(alpha)
		theory := 3 / (math.Pi * math.Pi) * math.Pow(alpha, 3) * math.Sqrt((k4+2*k2*k2)/n)
		for i := range sets(t) {
			f, err := LogMoments(stableSet(alpha, 0, n, uint64(i)))
			require.NoError(t, err)
			a, g = append(a, f.Alpha), append(g, math.Log(f.Scale))
			if f.AlphaInterval().Contains(alpha) {
				covered++
			}
		}
		spreadCheck(t, "log-moments α", a, alpha, theory, covered)
		f := StableFit{}
		f, err := LogMoments(stableSet(alpha, 0, 100000, 5))
		require.NoError(t, err)
		_, sd := moments(g)
		require.InDelta(t, 1, sd/(f.SE[2]/f.Scale*math.Sqrt(100000/n)), 0.15, "spread of ln γ at %v", alpha)
	}
}

func TestKogonWilliamsSpread(t *testing.T) {
	const n = 500
	for _, c := range [][2]float64{{0.8, 0.3}, {1, 0.5}, {1.3, 0}, {1.6, -0.5}} {
		var v, se [4][]float64
		var covered [4]int
		truth := [4]float64{c[0], c[1], 1, 0}
		all := sets(t) / 2
		for i := range all {
			f, err := KogonWilliams(stableSet(c[0], c[1], n, uint64(i)))
			require.NoError(t, err)
			for p, x := range [4]float64{f.Alpha, f.Beta, f.Scale, f.Loc} {
				v[p] = append(v[p], x)
				se[p] = append(se[p], f.SE[p])
				if math.Abs(x-truth[p]) <= z95*f.SE[p] {
					covered[p]++
				}
			}
		}
		for p, name := range []string{"α", "β", "γ", "δ"} {
			mean, _ := moments(se[p])
			spreadCheck(t, "Kogon–Williams "+name, v[p], truth[p], mean, covered[p])
		}
	}
}

func TestKogonWilliamsMovesWithTheData(t *testing.T) {
	x := stableSet(1.5, 0.5, 4000, 1)
	f, err := KogonWilliams(x)
	require.NoError(t, err)
	g, err := KogonWilliams(mapBoth(x, func(v float64) float64 { return 1e6 - 3000*v }))
	require.NoError(t, err)
	require.InDelta(t, f.Alpha, g.Alpha, 1e-4)
	require.InDelta(t, f.Beta, -g.Beta, 1e-3)
	require.InDelta(t, f.Scale, g.Scale/3000, 1e-3)
	require.InDelta(t, f.Loc, (1e6-g.Loc)/3000, 1e-3)
}

// TestKogonWilliamsAtTwo: where α is cut to 2, the interval is one-sided.
func TestKogonWilliamsAtTwo(t *testing.T) {
	at, held := 0, 0
	for i := range 100 {
		f, err := KogonWilliams(stableSet(2, 0, 1000, uint64(i)))
		require.NoError(t, err)
		if f.Alpha == 2 {
			at++
			require.Greater(t, f.AlphaInterval().Lo, 1.9)
			require.Less(t, f.AlphaInterval().Lo, 2.0)
		}
		if f.AlphaInterval().Contains(2) {
			held++
		}
	}
	require.Greater(t, at, 30)
	require.Greater(t, held, 90)
}

func mapBoth(x []float64, f func(float64) float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = f(v)
	}
	return y
}

// TestECF compares the recurrence with the definition.
func TestECF(t *testing.T) {
	x := append(stableSet(0.7, 0, 3000, 2), 1e12, -3e18, 1e40)
	loc, scale := 0.3, 1.7
	e := newECF(x, loc, scale)
	for k := range ecfPoints {
		re, im := 0.0, 0.0
		for _, v := range x {
			a := math.Mod((v-loc)*(0.1/scale), 2*math.Pi) * float64(k+1)
			re += math.Cos(a) / float64(len(x))
			im += math.Sin(a) / float64(len(x))
		}
		require.InDelta(t, re, e.re[k], 2e-6, "k = %d", k)
		require.InDelta(t, im, e.im[k], 2e-6, "k = %d", k)
	}
}

func BenchmarkKogonWilliams(b *testing.B) {
	x := stableSet(1.7, 0, 1000000, 3)
	for b.Loop() {
		if _, err := KogonWilliams(x); err != nil {
			b.Fatal(err)
		}
	}
}

// TestHillByHand: of 4, 2, 1 with k = 2, 1/α = (ln 4 + ln 2)/2 = 1.5·ln 2.
func TestHillByHand(t *testing.T) {
	x := []float64{4, 2, 1}
	u := logGaps(x)
	require.InDeltaSlice(t, []float64{math.Ln2, 2 * math.Ln2}, u, 1e-15)
	all := []float64{}
	for i := range 60 {
		all = append(all, math.Exp(-float64(i)))
	}
	f, err := Hill(all, 2)
	require.NoError(t, err)
	require.InDelta(t, 2.0/3, f.Alpha, 1e-12) // gaps of 1: U = 1, 2
	require.Equal(t, 2, f.K)
	require.InDelta(t, math.Exp(-2), f.Threshold, 1e-15)
}

func TestHillSpread(t *testing.T) {
	const n, k = 2000, 400
	var a []float64
	covered := 0
	for i := range sets(t) {
		f, err := Hill(paretoSet(1.5, n, uint64(i)), k)
		require.NoError(t, err)
		a = append(a, f.Alpha)
		if f.Interval.Contains(1.5) {
			covered++
		}
	}
	spreadCheck(t, "Hill α, Pareto", a, 1.5, 1.5/math.Sqrt(k), covered)
}

// TestHillChoosesK: all of a Pareto law, the tail only of a bent one.
func TestHillChoosesK(t *testing.T) {
	const n = 5000
	for _, c := range []struct {
		name       string
		truth, tol float64 // of the median estimate
		kLo, kHi   int     // of the median k
		set        func(i uint64) []float64
	}{
		{"Pareto", 1.5, 0.03, n / 3, n, func(i uint64) []float64 { return paretoSet(1.5, n, i) }},
		// Burr: P(X > x) = (1 + x²)^(−0.75), like the Danish fire losses.
		{"Burr", 1.5, 0.12, 50, n / 2, func(i uint64) []float64 {
			return mapBoth(paretoSet(0.75, n, i), func(v float64) float64 { return math.Sqrt(v - 1) })
		}},
		{"Cauchy", 1, 0.1, 50, n / 2, func(i uint64) []float64 { return mapBoth(stableSet(1, 0, n, i), math.Abs) }},
	} {
		var a []float64
		var ks []int
		for i := range 40 {
			f, err := Hill(c.set(uint64(i)), 0)
			require.NoError(t, err)
			a, ks = append(a, f.Alpha), append(ks, f.K)
		}
		slices.Sort(a)
		slices.Sort(ks)
		t.Logf("%s: α %.3f [%.3f, %.3f], k %d", c.name, a[20], a[2], a[37], ks[20])
		require.InDelta(t, c.truth, a[20], c.tol, c.name)
		require.GreaterOrEqual(t, ks[20], c.kLo, c.name)
		require.LessOrEqual(t, ks[20], c.kHi, c.name)
	}
}

// TestTailIndexCovers: intervals with the bias corrected, for laws whose tails
// bend in different ways.
func TestTailIndexCovers(t *testing.T) {
	const n = 4000
	for _, c := range []struct {
		name  string
		truth float64
		least int // of 60 intervals that hold the truth
		set   func(i uint64) []float64
	}{
		{"stable 1.5", 1.5, 50, func(i uint64) []float64 { return stableSet(1.5, 0, n, i) }},
		{"Cauchy", 1, 50, func(i uint64) []float64 { return stableSet(1, 0, n, i) }},
		{"Student 2", 2, 50, func(i uint64) []float64 { return studentSet(2, n, i) }},
		{"Student 4", 4, 45, func(i uint64) []float64 { return studentSet(4, n, i) }},
	} {
		held := 0
		var a, raw []float64
		for i := range 60 {
			f, err := TailIndex(c.set(uint64(i)))
			require.NoError(t, err)
			a, raw = append(a, f.Alpha), append(raw, f.Hill)
			if f.Interval.Contains(c.truth) {
				held++
			}
		}
		slices.Sort(a)
		slices.Sort(raw)
		t.Logf("%s: median %.3f [%.3f, %.3f] (Hill %.3f), %d of 60 intervals", c.name, a[30], a[3], a[56], raw[30], held)
		require.GreaterOrEqual(t, held, c.least, c.name)
	}
}

// TestOrderStats compares the buckets with a sort.
func TestOrderStats(t *testing.T) {
	for _, n := range []int{1, 2, 100, smallSort + 1, 20000} {
		x := stableSet(0.8, 0.5, n, 7)
		for i := range n / 3 {
			x[i] = float64(i % 3)
		}
		if n > 4 {
			x[1], x[2] = math.Copysign(0, -1), -1e300
		}
		sorted := slices.Clone(x)
		slices.Sort(sorted)
		ranks := []int{0, 0, n / 20, n / 2, n / 2, n - n/4 - 1, n - 1}
		for i, v := range orderStats(x, ranks) {
			require.Equal(t, sorted[ranks[i]], v, "n = %d, rank %d", n, ranks[i])
		}
	}
	require.Equal(t, []float64{1.25, 2, 2.75}, quantiles([]float64{3, 1, 2}, 0.25, 0.5, 0.75))
}

func TestEstimatorsExplainBadData(t *testing.T) {
	good := stableSet(1.5, 0, 200, 1)
	with := func(v float64) []float64 {
		x := slices.Clone(good)
		x[17] = v
		return x
	}
	ties := make([]float64, 200)
	copy(ties, good[:80])
	for name, f := range estimators {
		for _, c := range []struct {
			x    []float64
			want string
		}{
			{nil, "too few; give at least"},
			{good[:5], "5 values are too few"},
			{with(math.NaN()), "value 17 is NaN; remove"},
			{with(math.Inf(1)), "value 17 is +Inf; remove"},
			{with(1e300), "divide them"},
			{make([]float64, 200), "leave a constant column out"},
		} {
			require.ErrorContains(t, f(c.x), c.want, name)
		}
	}
	_, err := KogonWilliams(ties)
	require.ErrorContains(t, err, "half of the values equal 0")
	_, err = LogMoments(with(0))
	require.ErrorContains(t, err, "leave zeros out")
	_, err = Hill(mapBoth(good, func(v float64) float64 { return -math.Abs(v) }), 0)
	require.ErrorContains(t, err, "give −x for the left tail")
	_, err = Hill(mapBoth(good, math.Abs), 500)
	require.ErrorContains(t, err, "choose 1 to")
	_, err = Hill(mapBoth(good, func(v float64) float64 { return min(math.Abs(v), 0.1) }), 10)
	require.ErrorContains(t, err, "no tail index")
}

// estimators are all of them, by name.
var estimators = map[string]func(x []float64) error{
	"LogMoments":    func(x []float64) error { _, err := LogMoments(x); return err },
	"KogonWilliams": func(x []float64) error { _, err := KogonWilliams(x); return err },
	"Hill":          func(x []float64) error { _, err := Hill(x, 0); return err },
	"McCulloch":     func(x []float64) error { _, err := McCulloch(x); return err },
	"FitStable":     func(x []float64) error { _, err := FitStable(x, FitOptions{}); return err },
	"FitStudent":    func(x []float64) error { _, err := FitStudent(x); return err },
	"TailIndex":     func(x []float64) error { _, err := TailIndex(x); return err },
}
