package ptx

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/emu"
	"heavytail/cuda/gen"
	"heavytail/simd"
	"heavytail/stable"
)

// A law is a family with parameters: of simd and of the kernel.
type law struct {
	name   string
	op     simd.NoiseOp
	params simd.NoiseParams
	extra  func(g *gpu) []any
}

// f32 are parameters that all are numbers.
func f32(x ...float32) func(*gpu) []any {
	return func(*gpu) (p []any) {
		for _, v := range x {
			p = append(p, v)
		}
		return p
	}
}

// laws are all families of float32 variates: their parameters are the formulas of
// package stable.
func laws(t testing.TB) (all []law) {
	all = []law{{"words", simd.NoiseWords, simd.NoiseParams{}, f32()}, {"uniform", simd.NoiseUniform, simd.NoiseParams{}, f32()},
		{"exponential", simd.NoiseExponential, simd.NoiseParams{}, f32()}, {"normal", simd.NoiseNormal, simd.NoiseParams{Scale: 0.5}, f32(0.5)}}
	for _, alpha := range []float64{0.02, 0.3, 0.9, 1, 1.2, 1.7, 1.99, 2} {
		all = append(all, symmetric(alpha))
	}
	for _, s := range [][3]float64{{0.02, 0, 0}, {0.4, 0.7, 0}, {0.9, -1, 0}, {0.99, 1, 0}, {1.2, 0.3, 0.5}, {1.7, -1, 0}, {1.99, 0, -3}} {
		all = append(all, skewed(s[0], s[1], float32(s[2])))
	}
	all = append(all, cancelled(t), positive(1e-8, 0), positive(1e-16, 1))
	for _, a := range []float64{0.1, 0.35, 0.5, 0.8, 0.97} {
		for form := range 3 {
			all = append(all, positive(a, form))
		}
	}
	for _, l := range []stable.Law{{Alpha: 1.7, Scale: 1}, {Alpha: 1.1, Beta: 0.9, Scale: 2, Loc: 3}, {Alpha: 0.6, Scale: 1}} {
		all = append(all, tabular(t, l))
	}
	return all
}

func symmetric(alpha float64) law {
	a := float32(alpha)
	expo := (1 - alpha) / alpha
	q := simd.NoiseParams{Alpha: a, K: [2]float32{a / 2}, K1: [2]float32{float32(1 - alpha/2)}, Eps: float32(1 - alpha), Least: a * 0x1p-27,
		Expo: float32(expo), ExpoLo: float32(expo - float64(float32(expo))), Bias: float32(expo * 0.5287663729448977)}
	op, name := simd.NoiseSymmetricLow, "symmetric_low"
	if alpha > 1 {
		op, name, q.Eps = simd.NoiseSymmetricHigh, "symmetric_high", -q.Eps
	}
	return law{name, op, q, f32(q.Alpha, q.K[0], q.K1[0], q.Eps, q.Least, q.Expo, q.ExpoLo, q.Bias)}
}

func skewed(alpha, beta float64, shift float32) law {
	phi := math.Atan(beta*math.Tan(math.Pi*alpha/2)) / math.Pi
	expo := (1 - alpha) / alpha
	bias := expo*0.5287663729448977 - math.Log2(math.Cos(math.Pi*phi))/alpha
	n := math.RoundToEven(bias)
	two := func(x float64) (hi, lo float32) { return float32(x), float32(x - float64(float32(x))) }
	q := simd.NoiseParams{Eps: float32(1 - alpha), Bias: float32(bias - n), BiasN: float32(n), Shift: shift}
	q.Alpha, q.AlphaLo = two(alpha)
	q.Expo, q.ExpoLo = two(expo)
	q.Least = q.Alpha * 0x1p-27
	for i, k := range []float64{alpha/2 + phi, alpha/2 - phi} {
		q.K[i], q.KLo[i] = two(k)
		q.K1[i] = float32(1 - k)
	}
	return law{"skewed", simd.NoiseSkewed, q, f32(q.Alpha, q.AlphaLo, q.Eps, q.K[0], q.K[1], q.K1[0], q.K1[1], q.KLo[0], q.KLo[1],
		q.Least, q.Expo, q.ExpoLo, q.Bias, q.BiasN, q.Shift, q.Zero)}
}

// cancelled is a skewed law with a shift that makes 0 of edge words.
func cancelled(t testing.TB) law {
	l := skewed(1.7, 0.5, 0)
	x, words := make([]float32, 800), edgeWords()[:1600]
	simd.NoiseOf(x, l.op, words, &l.params)
	l = skewed(1.7, 0.5, -x[77])
	l.params.Zero = 3e-8
	simd.NoiseOf(x, l.op, words, &l.params)
	require.Contains(t, []float32{3e-8, -3e-8}, x[77])
	p := l.extra
	l.extra = func(g *gpu) []any { v := p(g); v[len(v)-1] = l.params.Zero; return v }
	return l
}

func positive(a float64, form int) law {
	op := []simd.NoiseOp{simd.NoisePositiveLow, simd.NoiseRootLow, simd.NoiseLogLow}[form]
	name := []string{"positive", "root", "log"}[form] + "_low"
	if a >= 0.5 {
		op, name = op+1, name[:len(name)-3]+"high"
	}
	expo := (1 - a) / a
	if form == 1 {
		expo /= 2
	}
	q := simd.NoiseParams{A: float32(min(a, 1-a)), Expo: float32(expo), Bias: float32(expo * 0.5287663729448977)}
	if form == 0 {
		q.ExpoLo = float32(expo - float64(q.Expo))
	}
	return law{name, op, q, f32(q.A, q.Expo, q.ExpoLo, q.Bias)}
}

// tabular is the table of a law, which the sampler of package stable has.
func tabular(t testing.TB, l stable.Law) law {
	s, err := stable.NewSampler(l)
	require.NoError(t, err)
	table := s.Family().Params.Table
	at, terms := table.Layout(), table.Terms()
	stride := gen.TableStride(terms)
	rows := make([]float32, 2*table.Rows()*stride)
	for i, c := range at.Coef {
		rows[i/terms*stride+i%terms] = c
	}
	return law{fmt.Sprintf("table_%d", terms), simd.NoiseTable, simd.NoiseParams{Table: table}, func(g *gpu) []any {
		return []any{g.put(rows), table.Rows(), at.Split, at.Shift, at.A[0], at.A[1], at.B[0], at.B[1]}
	}}
}

// edgeWords are blocks of words next to the ends of every branch, in all pairs.
func edgeWords() (w []uint32) {
	var edges []uint32
	for _, at := range []uint32{0, 0x40000000, 0x7FFFFFFF, 0x80000000, 0xC0000000, 0xFFFFFFFF, 2 * 1518500249, 0x3F800000, 0x00800000} {
		for _, d := range []int32{-129, -64, -2, -1, 0, 1, 2, 63, 200} {
			edges = append(edges, at+uint32(d))
		}
	}
	for _, x := range edges {
		for _, y := range edges {
			w = append(w, x, y)
		}
	}
	return append(w, make([]uint32, len(w)%4)...)
}

// Every family gives the bits of simd.Noise, from any block on, and of
// simd.NoiseOf for words next to the ends of intervals.
func TestNoise(t *testing.T) {
	const blocks, first = 600, 11
	p := simd.NewPhilox(0x123456789abcdef0, 3, 5, 7)
	edges := edgeWords()
	seen := map[string]bool{"skewed_s0": true} // TestSkewedS0
	for _, l := range laws(t) {
		var family gen.NoiseFamily
		for _, n := range gen.Noises {
			if n.Name == l.name {
				family = n
			}
		}
		seen[l.name] = true
		per := family.Per
		g := &gpu{t: t}
		at := g.room(per * blocks)
		params := append([]any{at, blocks, first, uint32(0x9abcdef0), uint32(0x12345678), 3, 5, 7}, l.extra(g)...)
		g.run(l.name, l.name, launch(up(blocks, 256), 1, 256, 0, 5), params...)
		want := make([]float32, per*blocks)
		what := fmt.Sprintf("%s %+v", l.name, l.params)
		if l.op == simd.NoiseWords {
			words := make([]uint32, len(want))
			simd.Uint32s(words, &p, first*uint64(per))
			for i, w := range words {
				want[i] = math.Float32frombits(w)
			}
			same(t, want, g.floats(at, len(want)), "%s", what)
			continue
		}
		simd.Noise(want, l.op, &p, first*uint64(per), &l.params)
		same(t, want, g.floats(at, len(want)), "%s", what)

		given, err := emu.Parse(family.Given())
		require.NoError(t, err, l.name)
		n := len(edges) / 4
		at = g.room(per * n)
		ln := launch(up(n, 256), 1, 256, 0, 2)
		k := given.Kernels[l.name]
		ln.Params = pack(t, k, append([]any{at, n, g.put(edges)}, l.extra(g)...)...)
		_, err = k.Run(&g.m, ln)
		require.NoError(t, err)
		want = make([]float32, per*n)
		simd.NoiseOf(want, l.op, edges, &l.params)
		same(t, want, g.floats(at, len(want)), "given words, %s", what)
	}
	for _, n := range gen.Noises {
		require.True(t, seen[n.Name] || n.Wide, "no test of %s", n.Name)
	}
}
