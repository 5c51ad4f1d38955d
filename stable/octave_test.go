package stable

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/simd"
)

func sampler(t testing.TB, l Law) *Sampler {
	s, err := NewSampler(l)
	require.NoError(t, err)
	return s
}

// tableWords returns words that fall into every row of a table, n to a row, on
// both sides, and the ends of the sides.
func tableWords(n int) []uint32 {
	r := rand.New(rand.NewPCG(3, 4))
	w := []uint32{0, 1, 2, 3, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1<<32 - 2}
	for bits := range 32 {
		for range n {
			k := (1<<31 | r.Uint32()) >> bits
			w = append(w, k, ^k)
		}
	}
	return w[:len(w)/4*4]
}

// quantileOf is the variate of a word in float64.
func quantileOf(l Law, t *simd.OctaveTable, w uint32) float64 {
	side, place := t.Place(w)
	at := min(float64(place), 0.5-0x1p-27) // the middle of what rounds to ½
	zero := l
	if l.Param == S1 {
		zero.Loc, zero.Param = l.Loc+l.Scale*l.shift(), S0
	}
	if side == 0 {
		return l.Quantile(2 * zero.CDF(zero.Loc) * at)
	}
	return l.SurvivalQuantile(2 * zero.Survival(zero.Loc) * at)
}

// samplerError returns the largest error of the variates of words, relative to
// |x|, or where the law is not centred like S0 to the larger of |x| and |x0|.
func samplerError(l Law, t *simd.OctaveTable, words []uint32, got []float32) (worst float64, at uint32) {
	for i, w := range words {
		want := quantileOf(l, t, w)
		m := math.Abs(want)
		if l.Loc != 0 || l.Param == S1 && !(l.Alpha < 1 && math.Abs(l.Beta) == 1) {
			m = max(m, math.Abs(want-l.Loc-l.Scale*l.shift()))
		}
		e := math.Abs(float64(got[i])-want) / m
		if m < 1e-12 { // at 0 itself, which Quantile gives with an absolute error
			e = math.Abs(float64(got[i]))
		}
		if !(e <= worst) && worst == worst {
			worst, at = e, w
		}
	}
	return worst, at
}

// TestSamplerError measures the tables against the quantiles of their laws.
func TestSamplerError(t *testing.T) {
	step, n := 0.5, 1
	if os.Getenv("HEAVYTAIL_EXHAUSTIVE") != "" {
		step, n = 0.125, 8
	} else if testing.Short() {
		step = 1
	}
	words := tableWords(n)
	got := make([]float32, len(words))
	all := 0.0
	for a := 50; a <= 200; a += 10 {
		if testing.Short() && a%50 != 0 {
			continue
		}
		worst, where := 0.0, ""
		for beta := -1.0; beta <= 1; beta += step {
			for _, param := range []Param{S0, S1} {
				l := Law{Alpha: float64(a) / 100, Beta: beta, Scale: 1, Param: param}
				table := sampler(t, l).params.Table
				simd.NoiseOf(got, simd.NoiseTable, words, &simd.NoiseParams{Table: table})
				e, at := samplerError(l, table, words, got)
				if e > worst {
					worst, where = e, fmt.Sprintf("%+v word %x, %d rows of %d terms", l, at, table.Rows(), table.Terms())
				}
			}
		}
		t.Logf("%.2e at %s", worst, where)
		all = max(all, worst)
	}
	require.LessOrEqual(t, all, 1e-6)
	l := Law{Alpha: 1.7, Scale: 1}
	table := sampler(t, l).params.Table
	for name, f := range map[string]func(i int, x float32) float32{
		"scaled": func(i int, x float32) float32 { return x * (1 + 0x1p-18) },
		"sign":   func(i int, x float32) float32 { return -x },
		"nan":    func(i int, x float32) float32 { return map[bool]float32{true: float32(math.NaN()), false: x}[i == 7] },
		"shift":  func(i int, x float32) float32 { return x + 0x1p-17 },
	} {
		simd.NoiseOf(got, simd.NoiseTable, words, &simd.NoiseParams{Table: table})
		for i := range got {
			got[i] = f(i, got[i])
		}
		e, _ := samplerError(l, table, words, got)
		require.False(t, e <= 1e-6, name)
	}
}

// TestSamplerCorners: laws next to one-sided and next to Gaussian ones, whose
// quantiles bend sharply, and laws of small α; more of them with
// HEAVYTAIL_EXHAUSTIVE set.
func TestSamplerCorners(t *testing.T) {
	laws := []Law{
		{Alpha: 0.5, Beta: 0.99}, {Alpha: 0.525, Beta: -0.3662}, {Alpha: 0.6, Beta: -0.999}, {Alpha: 0.9999, Beta: -1},
		{Alpha: 1.9999, Beta: 0.5}, {Alpha: 2 - 1e-9, Beta: -0.9}, {Alpha: 1 + 1e-9, Beta: 0.01}, {Alpha: 1.99},
	}
	n := 2
	if os.Getenv("HEAVYTAIL_EXHAUSTIVE") != "" {
		n = 16
		r := rand.New(rand.NewPCG(5, 6))
		for range 500 {
			laws = append(laws, Law{Alpha: 0.5 + 0.3*r.Float64(), Beta: 1 - 2*r.Float64()}, Law{Alpha: 0.5 + 1.5*r.Float64(), Beta: 1 - 2*r.Float64()},
				Law{Alpha: 2 - math.Exp(-20*r.Float64()), Beta: 1 - math.Exp(-10*r.Float64())})
		}
	}
	words := tableWords(n)
	got := make([]float32, len(words))
	worst, where := 0.0, Law{}
	for _, l := range laws {
		l.Scale = 1
		table, err := octaveTable(l)
		require.NoError(t, err, "%+v", l)
		simd.NoiseOf(got, simd.NoiseTable, words, &simd.NoiseParams{Table: table})
		if e, _ := samplerError(l, table, words, got); e > worst {
			worst, where = e, l
		}
	}
	t.Logf("%.2e at %+v", worst, where)
	require.LessOrEqual(t, worst, 1e-6)
}

// TestSamplerScale: scale and location enter the coefficients.
func TestSamplerScale(t *testing.T) {
	words := tableWords(1)
	got := make([]float32, len(words))
	for _, l := range []Law{
		{Alpha: 1.5, Beta: 0.5, Scale: 3, Loc: -7, Param: S1}, {Alpha: 1, Beta: -0.7, Scale: 0.25, Loc: 100, Param: S1},
		{Alpha: 0.7, Beta: 1, Scale: 1e-3, Loc: 1e3, Param: S0}, {Alpha: 2, Beta: 1, Scale: 1e10, Param: S0},
	} {
		table := sampler(t, l).params.Table
		simd.NoiseOf(got, simd.NoiseTable, words, &simd.NoiseParams{Table: table})
		e, at := samplerError(l, table, words, got)
		require.LessOrEqual(t, e, 1e-6, "%+v word %x", l, at)
	}
}

// TestSamplerMonotone: variates increase with the word, but for the rounding of
// neighbours.
func TestSamplerMonotone(t *testing.T) {
	const run = 1 << 14
	words, x := make([]uint32, run), make([]float32, run)
	for _, l := range []Law{{Alpha: 1.7, Scale: 1}, {Alpha: 0.5, Beta: 0.5, Scale: 1}, {Alpha: 0.8, Beta: -1, Scale: 1, Param: S1}, {Alpha: 2, Scale: 1}} {
		q := sampler(t, l).params
		for _, stride := range []uint32{1 << 18, 1, 1 << 7} {
			last := math.Inf(-1)
			for i := range words {
				words[i] = uint32(i)*stride + q.Table.Split() - run/2
				if stride == 1<<18 {
					words[i] = uint32(i) * stride
				}
			}
			simd.NoiseOf(x, simd.NoiseTable, words, &q)
			for i, v := range x {
				v := float64(v)
				if !(v >= last-4e-7*math.Abs(last)) {
					t.Fatalf("%+v: word %x gives %v after %v", l, words[i], v, last)
				}
				last = v
			}
		}
	}
}

// TestSamplerLaw: tail counts, and the logarithm's mean and variance.
func TestSamplerLaw(t *testing.T) {
	x := make([]float32, count(t))
	for i, l := range []Law{
		{Alpha: 1.7, Scale: 1}, {Alpha: 0.5, Beta: 0.5, Scale: 2, Loc: 1, Param: S1}, {Alpha: 1, Beta: -0.9, Scale: 1},
		{Alpha: 2, Scale: 1}, {Alpha: 0.7, Beta: 1, Scale: 1, Param: S1}, {Alpha: 1.3, Beta: 1, Scale: 1},
	} {
		sampler(t, l).Fill(x, Key{Seed: 31, Step: uint32(i)}, 0)
		for _, p := range []float64{0.5, 0.25, 0.05, 1e-2, 1e-3, 1e-4} {
			lo, hi := l.Quantile(p), l.SurvivalQuantile(p)
			zTest(t, fmt.Sprintf("%+v above %v", l, hi), mapTo(x, func(v float64) float64 { return above(v, hi) }), p)
			zTest(t, fmt.Sprintf("%+v below %v", l, lo), mapTo(x, func(v float64) float64 { return above(lo, v) }), p)
		}
		if l.Alpha < 2 && l.Alpha != 1 && l.Loc == 0 && l.Param == S1 || l.Alpha == 1.7 {
			th := math.Atan(l.Beta * math.Tan(math.Pi*l.Alpha/2))
			zTest(t, "mean logarithm", mapTo(x, func(v float64) float64 { return math.Log(math.Abs(v)) }),
				0.5772156649015329*(1/l.Alpha-1)-math.Log(math.Abs(math.Cos(th)))/l.Alpha)
		}
	}
}

func TestSamplerCacheAndErrors(t *testing.T) {
	l := Law{Alpha: 1.6, Beta: 0.3, Scale: 2, Loc: 1, Param: S1}
	s := sampler(t, l)
	require.Equal(t, l, s.Law())
	require.Same(t, s, sampler(t, l))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 12 {
				_, err := NewSampler(Law{Alpha: 1.5 + float64((i+j)%12)/100, Scale: 1})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i := range samplerCache.made { // one new law after the other pushes l out
		sampler(t, Law{Alpha: 2, Scale: float64(i + 2)})
	}
	require.NotSame(t, s, sampler(t, l))
	for _, bad := range []Law{
		{Alpha: 0.49, Scale: 1}, {Alpha: 3, Scale: 1}, {Alpha: math.NaN(), Scale: 1}, {Alpha: 1, Scale: 1, Beta: 2},
		{Alpha: 0.5, Scale: 1e20}, {Alpha: 2, Scale: 1, Loc: 1e39},
	} {
		s, err := NewSampler(bad)
		require.Error(t, err, "%+v", bad)
		require.Nil(t, s)
	}
	x := make([]float32, 1000)
	numtest.EachLevel(t, func(t *testing.T) {
		require.Zero(t, testing.AllocsPerRun(5, func() { s.Fill(x, Key{}, 3) }))
	})
	end := int64(1 << 34) // where an int has 32 bits, this is a negative offset
	require.Panics(t, func() { s.Fill(x, Key{}, -1) })
	require.Panics(t, func() { s.Fill(x, Key{}, int(end-999)) })
}

func ExampleSampler() {
	law := Law{Alpha: 1.5, Beta: 0.5, Scale: 2, Loc: 1, Param: S1}
	s, err := NewSampler(law)
	if err != nil {
		fmt.Println(err)
		return
	}
	x := make([]float32, 4)
	s.Fill(x, Key{Seed: 7}, 0)
	fmt.Println(x)
	s.Fill(x[2:], Key{Seed: 7}, 2) // the same, from any offset
	fmt.Println(x)
	// Output:
	// [1.356808 4.025624 0.3450528 -0.30866656]
	// [1.356808 4.025624 0.3450528 -0.30866656]
}

func BenchmarkNewSampler(b *testing.B) {
	for i := 0; b.Loop(); i++ {
		octaveTable(Law{Alpha: 1.7, Scale: 1})
	}
}
