package stable

import (
	"errors"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func roundedTo(x []float64, h float64) []float64 {
	return mapBoth(x, func(v float64) float64 { return math.Round(v/h) * h })
}

// toDigits returns v to so many decimal digits.
func toDigits(v float64, digits int) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'e', digits-1, 64), 64)
	return v
}

// rounds are ways in which tables are rounded, of value i.
var rounds = []struct {
	name string
	f    func(i int, v float64) float64
}{
	{"to 0.1", func(_ int, v float64) float64 { return math.Round(v*10) / 10 }},
	{"to 1", func(_ int, v float64) float64 { return math.Round(v) }},
	{"to 2", func(_ int, v float64) float64 { return math.Round(v/2) * 2 }},
	{"to one digit", func(_ int, v float64) float64 { return toDigits(v, 1) }},
	{"to one digit, another unit", func(_ int, v float64) float64 { return toDigits(3*v, 1) }},
	{"nine in ten to 1", func(i int, v float64) float64 {
		if i%10 == 0 {
			return v
		}
		return math.Round(v)
	}},
	{"nine in ten to 1, the others to 0.01", func(i int, v float64) float64 {
		if i%10 == 0 {
			return math.Round(v*100) / 100
		}
		return math.Round(v)
	}},
	{"half of them to 1", func(i int, v float64) float64 {
		if i%2 == 0 {
			return v
		}
		return math.Round(v)
	}},
	{"thirds to 1, to 5 and not", func(i int, v float64) float64 {
		v *= 10
		switch i % 3 {
		case 0:
			return math.Round(v)
		case 1:
			return math.Round(v/5) * 5
		}
		return v
	}},
}

// The index of rounded values is that of the values, of both sides and of one: its
// interval holds it as often as it says, in 95 % of sets less four deviations of that
// number, and rests on as many of the extremes as without rounding, or nearly. Before
// ties were told from gaps, rounding to 1 left a third of them; before digits told the
// grid, uneven rounding was refused in 60 to 100 % of sets. One set in twenty may be
// refused, as too coarse: one digit can leave four different values.
func TestTailIndexOfRoundedValues(t *testing.T) {
	sets := 20
	if os.Getenv("HEAVYTAIL_EXHAUSTIVE") != "" {
		sets = 200
	}
	for _, nu := range []float64{1.2, 1.7, 2.5} {
		var plain [2]int
		for i := range sets {
			x := studentSet(nu, 4000, uint64(i))
			for side, f := range indices(t, x) {
				require.NotNil(t, f)
				plain[side] += f.K
			}
		}
		for _, c := range rounds {
			var held, k, refused [2]int
			for i := range sets {
				x := studentSet(nu, 4000, uint64(i))
				for j, v := range x {
					x[j] = c.f(j, v)
				}
				for side, f := range indices(t, x) {
					if f == nil {
						refused[side]++
						continue
					}
					if k[side] += f.K; f.Interval.Contains(nu) {
						held[side]++
					}
				}
			}
			t.Logf("index %v %s: %v of %d intervals hold it, of %v values (of %v), refused %v", nu, c.name, held, sets, k, plain, refused)
			for side := range held {
				n := float64(sets - refused[side])
				require.GreaterOrEqual(t, float64(held[side]), 0.95*n-4*math.Sqrt(0.95*0.05*n)-0.5, "index %v %s", nu, c.name)
				require.Greater(t, 2*k[side], plain[side], "index %v %s", nu, c.name)
				require.LessOrEqual(t, float64(refused[side]), 0.05*float64(sets)+4*math.Sqrt(0.05*0.95*float64(sets)), "index %v %s", nu, c.name)
			}
		}
	}
}

// indices returns what TailIndex and SideIndex say, nil for values that are too coarse.
func indices(t *testing.T, x []float64) (out [2]*TailFit) {
	t.Helper()
	both, err := TailIndex(x)
	upper, err2 := SideIndex(x, true)
	for i, f := range []TailFit{both, upper} {
		switch tied := new(TieError); {
		case []error{err, err2}[i] == nil:
			out[i] = &f
		case !errors.As([]error{err, err2}[i], &tied):
			t.Fatal(err, err2)
		}
	}
	return out
}

// Values of which most are the same have the index of the others, about that value where
// they are densest about it, as amounts among zeros are, and about their own median where
// they lie elsewhere: 62 % of the values equal to 7 beside Student's law at 0 had the
// index 8.4, and the intervals held the index of 39 sets in 200.
func TestTailIndexBesideAnAtom(t *testing.T) {
	const sets, n = 60, 2000
	move := func(x []float64, f func(v float64) float64) []float64 { return mapBoth(x, f) }
	for _, c := range []struct {
		name  string
		index float64
		set   func(i uint64) []float64
		mid   bool // of the others
	}{
		{"Student", 3, func(i uint64) []float64 { return studentSet(3, n, i) }, false},
		{"Student below", 3, func(i uint64) []float64 { return move(studentSet(3, n, i), func(v float64) float64 { return v - 7 }) }, true},
		{"Student far above", 3, func(i uint64) []float64 { return move(studentSet(3, n, i), func(v float64) float64 { return v + 100 }) }, true},
		{"Cauchy above", 1, func(i uint64) []float64 { return move(stableSet(1, 0, n, i), func(v float64) float64 { return v + 7 }) }, true},
		{"amounts", 3, func(i uint64) []float64 { return move(studentSet(3, n, i), math.Abs) }, false},
		{"rounded amounts", 1.7, func(i uint64) []float64 {
			return move(studentSet(1.7, n, i), func(v float64) float64 { return math.Round(10*math.Abs(v)) / 10 })
		}, false},
	} {
		held := 0
		for i := range uint64(sets) {
			x := append(c.set(i), make([]float64, 2*n)...)
			f, err := TailIndex(x)
			require.NoError(t, err)
			require.Equal(t, c.mid, f.Center != 0, c.name)
			require.Equal(t, 3*n, f.N)
			if f.Interval.Contains(c.index) {
				held++
			}
			if s, err := SideIndex(x, true); c.mid { // the same as of the others alone
				require.NoError(t, err)
				alone, err := SideIndex(c.set(i), true)
				require.NoError(t, err)
				alone.N = s.N
				require.Equal(t, alone, s, c.name)
			}
		}
		t.Logf("%s: %d of %d", c.name, held, sets)
		require.GreaterOrEqual(t, float64(held), 0.95*sets-4*math.Sqrt(0.95*0.05*sets)-0.5, c.name)
	}
}

// Beside zeros the index of 136 extremes, chosen by the data, is nearer to the truth than
// that of 34 of them, as a note on one such set had it (3.38 [2.0, 10.3]; no number of
// extremes gives that set 3.38, Hill's or corrected): over 200 sets of 2,000 values of
// index 3 among 3,000 zeros the error of 1/index is 0.073 to 0.119, as 2/√k says.
func TestTailIndexBesideFewerExtremes(t *testing.T) {
	const sets, few = 200, 34
	ours, theirs := 0.0, 0.0
	for i := range uint64(sets) {
		x := append(studentSet(3, 2000, i), make([]float64, 3000)...)
		f, err := TailIndex(x)
		require.NoError(t, err)
		top, err := largest("TailIndex", mapBoth(x, math.Abs))
		require.NoError(t, err)
		xi := 0.0
		for i, u := range logGaps(top)[:few] {
			xi += u * (4 - 6*float64(i+1)/(few+1)) / few
		}
		ours += (1/f.Alpha - 1./3) * (1/f.Alpha - 1./3) / sets
		theirs += (xi - 1./3) * (xi - 1./3) / sets
	}
	t.Logf("error of 1/index: %.3f, of %d extremes %.3f", math.Sqrt(ours), few, math.Sqrt(theirs))
	require.Less(t, 1.5*ours, theirs)
}

// Without ties nothing is changed, nor with ties near the median alone or few of them.
func TestTailIndexWithoutTies(t *testing.T) {
	f, err := TailIndex(stableSet(1.5, 0, 4000, 1))
	require.NoError(t, err)
	require.Equal(t, TailFit{Alpha: 0x1.c743ab2fc8754p+00, Interval: Interval{0x1.7c6bfd4ee3c7bp+00, 0x1.1b6243506db48p+01}, Hill: f.Hill, K: 397, Threshold: f.Threshold, N: 4000, Center: f.Center, Distinct: 398}, f, "as in 0.2")
	zeros := append(studentSet(3, 2000, 1), make([]float64, 3000)...)
	for name, x := range map[string][]float64{"no ties": studentSet(1.5, 4000, 1), "zeros": zeros, "four digits": roundedTo(studentSet(1.5, 4000, 1), 1e-4)} {
		mid := quantiles(x, 0.5)[0]
		top, err := largest("TailIndex", mapBoth(x, func(v float64) float64 { return math.Abs(v - mid) }))
		require.NoError(t, err)
		s, err := settle("TailIndex", x, top, mid, 1, -1)
		require.NoError(t, err)
		require.Same(t, &top[0], &s.values[0], name)
		require.Equal(t, logGaps(top), s.gaps, name)
		require.Equal(t, tailK(s.gaps), s.k, name)
		require.Zero(t, s.lost, name)
	}
}

// Values that were clipped, on one side or both, and codes are refused by what they are;
// the ends that a law has, as that of positive values beside their median, are not.
func TestTailIndexRefusesTies(t *testing.T) {
	x := studentSet(1.7, 4000, 1)
	clip := func(lo, hi float64) func(float64) float64 {
		return func(v float64) float64 { return min(max(v, lo), hi) }
	}
	for name, c := range map[string]struct {
		x    []float64
		want string
	}{
		"clipped":               {mapBoth(x, clip(-12, 12)), "values all equal 12, a bound: no tail is left beyond"},
		"clipped above":         {mapBoth(x, clip(math.Inf(-1), 12)), "values all equal 12, a bound"},
		"clipped below":         {mapBoth(x, clip(-12, math.Inf(1))), "values all equal -12, a bound"},
		"clipped, rounded":      {roundedTo(mapBoth(x, clip(-12, 12)), 1), "values all equal 12, a bound"},
		"clipped, rounded fine": {roundedTo(mapBoth(x, clip(-12, 12)), 0.1), "a bound"},
		"code":                  {append(mapBoth(make([]float64, 60), func(float64) float64 { return 9.5 }), studentSet(2.5, 4000, 1)...), "60 values equal 9.5, and rounding explains"},
		"code, rounded":         {append(mapBoth(make([]float64, 60), func(float64) float64 { return 33 }), roundedTo(studentSet(1.7, 4000, 1), 1)...), "60 values equal 33, and rounding explains"},
		"code, one digit":       {append(mapBoth(make([]float64, 60), func(float64) float64 { return -999 }), mapBoth(studentSet(2.5, 4000, 1), func(v float64) float64 { return toDigits(v, 1) })...), "values all equal -999, a bound"},
		"clipped, mixed":        {mapBoth(mapBoth(x, clip(-12, 12)), func(v float64) float64 { return rounds[5].f(int(math.Abs(v)*1e6), v) }), "values all equal 12, a bound"},
		"clipped, one digit":    {mapBoth(mapBoth(x, func(v float64) float64 { return toDigits(v, 1) }), clip(-20, 20)), "values all equal -20, a bound"},
		"even":                  {evens(60), "the 60 values are evenly spaced"},
		"coarse":                {roundedTo(stableSet(2, 0, 4000, 1), 1.5), "different ones: the values are rounded too coarsely for an index; give them with more digits"},
	} {
		_, err := TailIndex(c.x)
		require.ErrorContains(t, err, c.want, name)
		var tied *TieError
		require.ErrorAs(t, err, &tied, name)
		if tied.Kind < TieCoarse {
			require.Equal(t, equalTo(c.x, tied.Value), tied.Count, name)
		}
		for _, upper := range []bool{true, false} { // that side says the same
			if _, err := SideIndex(c.x, upper); upper == (tied.Value > 0) && tied.Kind < TieCoarse {
				side := *tied
				require.ErrorAs(t, err, &tied, name)
				require.Equal(t, [3]any{side.Kind, side.Value, side.Count}, [3]any{tied.Kind, tied.Value, tied.Count}, name)
			}
		}
	}
	for i := range 20 {
		positive := mapBoth(paretoSet(1, 1000, uint64(i)), math.Log) // exponential
		for _, h := range []float64{0.1, 0.25} {
			_, err := TailIndex(roundedTo(positive, h))
			require.NoError(t, err, "set %d rounded to %v", i, h)
		}
	}
}

func equalTo(x []float64, v float64) (n int) {
	for _, w := range x {
		if w == v {
			n++
		}
	}
	return n
}

// Ten values in [1, 2] below ten others have the index ln 2/ln 2 = 1 there; the places of
// the outermost are even.
func TestUntie(t *testing.T) {
	side := tail{ties: []tie{{2.5, 0, 10, 0}, {1.5, 10, 10, 0}, {0.5, 20, 1, 0}}}
	side.groups = []group{{from: 2, to: 3, a: 0.25, b: 1}, {from: 1, to: 2, a: 1, b: 2}, {from: 0, to: 1, a: 2, b: 3}}
	got := side.untie()
	require.Len(t, got, 21)
	require.InDelta(t, 2.95, got[0].value, 1e-15)
	require.InDelta(t, 2.05, got[9].value, 1e-15)
	for r := range 10 {
		require.InDelta(t, 2/(1+(float64(r)+0.5)/10), got[10+r].value, 1e-15)
		require.Same(t, &side.groups[1], got[10+r].group)
	}
	require.Equal(t, moved{value: 0.5}, got[20])
}

// The cells of values to one digit are those of that rounding, and whole numbers among
// others have what lies half-way to the next ones.
func TestGroups(t *testing.T) {
	x := studentSet(1.7, 20000, 1)
	ends := func(x []float64) map[float64][2]float64 {
		side, out := tailOf(x, 0, 1), map[float64][2]float64{}
		for _, g := range side.groups {
			if side.ties[g.round].value >= 2 { // next to the centre nothing tells what is explained
				require.Nil(t, g.atom)
			}
			out[side.ties[g.round].value] = [2]float64{g.a, g.b}
		}
		return out
	}
	one := ends(mapBoth(x, func(v float64) float64 { return toDigits(v, 1) }))
	for v, want := range map[float64][2]float64{8: {7.5, 8.5}, 9: {8.5, 9.5}, 10: {9.5, 15}, 20: {15, 25}, 90: {85, 95}} {
		require.InDeltaSlice(t, want[:], []float64{one[v][0], one[v][1]}, 1e-12, v)
	}
	for i, v := range x {
		x[i] = rounds[5].f(i, v)
	}
	whole := ends(x)
	for v := 3.0; v < 9; v++ {
		require.InDeltaSlice(t, []float64{v - 0.5, v + 0.5}, []float64{whole[v][0], whole[v][1]}, 1e-12, v)
	}
	for v, want := range map[float64]int{7: 0, 7.05: -3, 70: 2, 35: 1, 36: 0, 0.25: -3, -1200: 4, 1e300: 600} {
		require.Equal(t, want, roundness(v), v)
	}
}

// evens are the first multiples of 0.1.
func evens(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(i) / 10
	}
	return x
}
