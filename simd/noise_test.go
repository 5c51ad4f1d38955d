package simd

import (
	"fmt"
	"math"
	"math/bits"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

type noiseCase struct {
	name string
	op   NoiseOp
	q    NoiseParams
}

// noiseCases are the families with parameters that exercise them.
var noiseCases = []noiseCase{
	{"words", NoiseWords, NoiseParams{}},
	{"uniform", NoiseUniform, NoiseParams{}},
	{"exponential", NoiseExponential, NoiseParams{}},
	{"normal", NoiseNormal, NoiseParams{Scale: 1.25}},
	{"symmetric-low", NoiseSymmetricLow, NoiseParams{
		Alpha: 0.85, K: [2]float32{0.425}, K1: [2]float32{0.575}, Eps: 0.15, Expo: 0.17647, ExpoLo: 1e-9, Bias: 0.0933, Least: 0.85 * 0x1p-27}},
	{"symmetric-high", NoiseSymmetricHigh, NoiseParams{
		Alpha: 1.7, K: [2]float32{0.85}, K1: [2]float32{0.15}, Eps: 0.7, Expo: -0.41176, ExpoLo: 1e-9, Bias: -0.2177, Least: 1.7 * 0x1p-27}},
	{"skewed", NoiseSkewed, NoiseParams{
		Alpha: 1.5, AlphaLo: 1e-8, K: [2]float32{0.6024, 0.8976}, K1: [2]float32{0.3976, 0.1024}, KLo: [2]float32{1e-8, -1e-8},
		Eps: -0.5, Expo: -0.33333, ExpoLo: 1e-9, Bias: -0.1, BiasN: 1, Shift: 0.5, Least: 1.5 * 0x1p-27}},
	{"positive-low", NoisePositiveLow, NoiseParams{A: 0.3, Expo: 2.3333, ExpoLo: 1e-8, Bias: 1.23}},
	{"positive-high", NoisePositiveHigh, NoiseParams{A: 0.15, Expo: 0.17647, Bias: 0.0933}},
	{"root-low", NoiseRootLow, NoiseParams{A: 0.3, Expo: 1.1667, Bias: 0.6}},
	{"root-high", NoiseRootHigh, NoiseParams{A: 0.15, Expo: 0.088, Bias: 0.0466}},
	{"log-low", NoiseLogLow, NoiseParams{A: 0.3, Expo: 2.3333, Bias: 1.23}},
	{"log-high", NoiseLogHigh, NoiseParams{A: 0.15, Expo: 0.17647, Bias: 0.0933}},
	{"table-8", NoiseTable, NoiseParams{Table: testTable(0.5, 0, 8)}},
	{"table-10", NoiseTable, NoiseParams{Table: testTable(0.5, 0, 10)}},
	{"table-skewed", NoiseTable, NoiseParams{Table: testTable(0.7, 2, 10)}},
	{"table-fine", NoiseTable, NoiseParams{Table: testTable(0.1, 4, 8)}},
}

// TestNoiseLevelsAgree compares every family at every level with the Go
// reference, bit by bit.
func TestNoiseLevelsAgree(t *testing.T) {
	p := NewPhilox(0x123456789abcdef0, 7, 0xfffffff0, 0x03000001)
	n := 1 << 14
	if testing.Short() {
		n = 1 << 11
	}
	for _, c := range noiseCases {
		want, got := make([]float32, n), make([]float32, n)
		restore := isa.Force(isa.Generic)
		noiseFill(want, c.op, &p, 64, &c.q)
		restore()
		t.Run(c.name, func(t *testing.T) {
			numtest.EachLevel(t, func(t *testing.T) {
				noiseFill(got, c.op, &p, 64, &c.q)
				numtest.SameBits(t, want, got, c.name)
			})
		})
	}
}

// TestNoiseCuts: any cut of a range gives the values of one long fill, and
// nothing outside the slice is touched.
func TestNoiseCuts(t *testing.T) {
	p := NewPhilox(5, 6, 7, 8)
	const n = 700
	for _, c := range noiseCases {
		want := make([]float32, n)
		noiseFill(want, c.op, &p, 0, &c.q)
		t.Run(c.name, func(t *testing.T) {
			numtest.EachLevel(t, func(t *testing.T) {
				for i, size := range numtest.Lengths(130) {
					if testing.Short() && i%10 != 1 {
						continue
					}
					for _, off := range []int{0, 1, 2, 3, 63, 64, 127, 128, 129} {
						if off+size > n {
							continue
						}
						got := numtest.Guarded(t, size, (off+size)%2 == 0)
						noiseFill(got, c.op, &p, uint64(off), &c.q)
						numtest.SameBits(t, want[off:off+size], got, fmt.Sprint("offset ", off))
					}
				}
			})
		})
	}
}

// TestNoiseCancelled: a skewed variate that the shift makes 0 is ±Zero, with the
// sign of the lowest bit of its second word, and a logarithm that is 0 a small
// number; no other variate is touched.
func TestNoiseCancelled(t *testing.T) {
	p := NewPhilox(9, 8, 7, 6)
	words := make([]uint32, 4*noiseGroup*3)
	Uint32s(words, &p, 0)
	q := noiseCases[slices.IndexFunc(noiseCases, func(c noiseCase) bool { return c.op == NoiseSkewed })].q
	q.Shift, q.Zero = 0, 1.25e-9
	plain := make([]float32, len(words)/2)
	NoiseOf(plain, NoiseSkewed, words, &q)
	numtest.EachLevel(t, func(t *testing.T) {
		x, signs := make([]float32, len(plain)), [2]int{}
		for i, v := range plain {
			r := q
			r.Shift = -v
			NoiseOf(x, NoiseSkewed, words, &r)
			for j := range x {
				want := plain[j] + r.Shift
				if want == 0 {
					require.Truef(t, i == j || v == plain[j], "%d", j)
					want = noiseSigned(q.Zero, words[2*j+1]<<31)
				}
				require.Equal(t, math.Float32bits(want), math.Float32bits(x[j]), "%d, %d", i, j)
			}
			signs[words[2*i+1]&1]++
		}
		require.Positive(t, min(signs[0], signs[1]))
		for _, op := range []NoiseOp{NoiseLogLow, NoiseLogHigh} {
			r := NoiseParams{A: 0.3} // no power: the logarithm of the quotient of sines, and a bias
			NoiseOf(x, op, words, &r)
			met, bias := 0, math.Nextafter32(-x[5]/noiseLn2, -1e30)
			for range 5 { // of these one is that of element 5
				r.Bias = math.Nextafter32(bias, 1e30)
				NoiseOf(x, op, words, &r)
				bias = r.Bias
				if x[5] == noiseLogZero {
					met++
				}
				require.NotContains(t, x, float32(0))
			}
			require.Equal(t, 1, met)
		}
	})
}

func FuzzNoise(f *testing.F) {
	f.Add(uint64(1), uint32(2), uint16(3), uint16(40), uint16(5), uint8(3))
	f.Fuzz(func(t *testing.T, key uint64, c uint32, off, length, cut uint16, which uint8) {
		k := noiseCases[int(which)%len(noiseCases)]
		p := NewPhilox(key, c, c*2654435761, ^c)
		first, n := uint64(c)+uint64(off), int(length%1024)
		want, got := make([]float32, n), make([]float32, n)
		restore := isa.Force(isa.Generic)
		noiseFill(want, k.op, &p, first, &k.q)
		restore()
		at := 0
		if n > 0 {
			at = int(cut) % n
		}
		noiseFill(got[at:], k.op, &p, first+uint64(at), &k.q)
		noiseFill(got[:at], k.op, &p, first, &k.q)
		numtest.SameBits(t, want, got, k.name)
	})
}

// invertPhilox returns the counter whose block under the key is w.
func invertPhilox(w [4]uint32, key [2]uint32) [4]uint32 {
	inverse := func(m uint32) uint32 { // Newton's iteration modulo 2^32
		x := m
		for range 5 {
			x *= 2 - m*x
		}
		return x
	}
	i0, i1 := inverse(philoxM0), inverse(philoxM1)
	for r := 9; r >= 0; r-- {
		k0, k1 := key[0]+uint32(r)*philoxW0, key[1]+uint32(r)*philoxW1
		c0, c2 := w[3]*i0, w[1]*i1
		h0, _ := bits.Mul32(philoxM0, c0)
		h1, _ := bits.Mul32(philoxM1, c2)
		w = [4]uint32{c0, w[0] ^ h1 ^ k0, c2, w[2] ^ h0 ^ k1}
	}
	return w
}

// noiseEdges are words at the ends of their ranges and at the branches.
var noiseEdges = []uint32{
	0, 1, 2, 3, 0xff, 0x1000, 0x3fffffff, 0x40000000, 0x40000001, 0x7ffffdff, 0x7fffff80, 0x7fffffbf, 0x7fffffc0,
	0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xbfffffff, 0xc0000000, 0xfffffffe, 0xffffffff,
	2 * noiseHigh, 2*noiseHigh + 1, 2*noiseHigh + 2, 2*noiseHigh + 3, noiseHigh, 0xfffffe00, 0xffffff7f,
}

// TestNoiseEdges feeds every pair of edge words to the kernels, through the
// inverse of the cipher: levels agree, and every value is finite.
func TestNoiseEdges(t *testing.T) {
	for _, c := range noiseCases {
		if c.op == NoiseWords {
			continue
		}
		for _, a := range noiseEdges {
			for _, b := range noiseEdges {
				w := [4]uint32{a, b, b, a}
				n := invertPhilox(w, [2]uint32{1, 2})
				p := NewPhilox(1|2<<32, n[1], n[2], n[3])
				require.Equal(t, w, p.Block(n[0]))
				var want [4]float32
				per := c.op.perBlock()
				noiseTransformGeneric(want[:per], w[:], c.op, &c.q)
				for _, x := range want {
					if x-x != 0 {
						t.Fatalf("%s: words %x %x give %v", c.name, a, b, want)
					}
				}
				for _, l := range isa.Available()[1:] {
					var got [4]float32
					restore := isa.Force(l)
					noiseFill(got[:per], c.op, &p, uint64(n[0])*per, &c.q)
					restore()
					if got != want && c.op != NoiseWords {
						t.Fatalf("%s at %s: words %x %x give %x, want %x", c.name, l, a, b, got, want)
					}
				}
			}
		}
	}
}

// TestNoiseUniformBits: the float32 of single words, as fixed by the design.
func TestNoiseUniformBits(t *testing.T) {
	for k, want := range map[uint32]uint32{
		0: 0x2f000000, 1: 0x2fc00000, 2: 0x30200000, 0x3fffffff: 0x3e800000, 0x7fffff80: 0x3effffff,
		0x7fffffbf: 0x3effffff, 0x7fffffc0: 0x3f000000, 0x7fffffff: 0x3f000000, 0x80000000: 0x2f000000,
	} {
		require.Equal(t, want, math.Float32bits(noiseHalfUnit(k)), "v(%#x)", k)
	}
	for k, want := range map[uint32]uint32{
		0: 0x2f800000, 1: 0x30400000, 0x3fffffff: 0x3f000000, 0x7fffff80: 0x3f7fffff, 0x7fffffff: 0x3f800000,
	} {
		require.Equal(t, want, math.Float32bits(noiseUnit(k<<1)), "u(%#x)", k)
	}
}

// scan calls f on words: every 61st if HEAVYTAIL_EXHAUSTIVE is set, else every
// 65521st, and all near the ends. Package stable runs the kernels over all words.
func scan(f func(w uint32)) {
	step := uint64(65521)
	if os.Getenv("HEAVYTAIL_EXHAUSTIVE") != "" {
		step = 61
	}
	for w := range uint32(1 << 12) {
		f(w)
		f(^w)
		f(w ^ 1<<31)
		f(w ^ (1<<31 - 1))
	}
	var wg sync.WaitGroup
	for part := range uint64(16) {
		wg.Go(func() {
			for w := part << 28; w < (part+1)<<28; w += step {
				f(uint32(w))
			}
		})
	}
	wg.Wait()
}

// worst keeps the largest error seen, from several goroutines.
type worst struct {
	sync.Mutex
	err float64
	at  uint32
}

func (m *worst) see(err float64, at uint32) {
	if !(err <= m.err) {
		m.Lock()
		if !(err <= m.err) {
			m.err, m.at = err, at
		}
		m.Unlock()
	}
}

// TestNoiseFunctions measures the relative errors of the building blocks over
// the words that reach them, in units of 2^-24.
func TestNoiseFunctions(t *testing.T) {
	var sin, cos, neg, log, exp, sine worst
	rel := func(got float32, want float64) float64 { return math.Abs(float64(got)/want-1) * 0x1p24 }
	scan(func(w uint32) {
		v := noiseHalfUnit(w)
		s, c := noiseSinCosPi(v)
		sin.see(rel(s, math.Sin(math.Pi*float64(v))), w)
		if v < 0.5 {
			cos.see(rel(c, math.Sin(math.Pi*float64(0.5-v))), w)
		}
		sine.see(rel(noiseSine(v, v), math.Sin(math.Pi*float64(v))), w)
		k := float64(w >> 1)
		want := -math.Log2((k + 0.5) * 0x1p-31)
		if k > 0x1p30 {
			want = -math.Log1p(-(0x1p31-1-k+0.5)*0x1p-31) / math.Ln2
		}
		neg.see(rel(noiseNegLog2(w), want), w)
		if x := math.Float32frombits(w &^ noiseSign); x >= 0x1p-126 && x <= math.MaxFloat32 {
			// absolute for results below 1
			l := math.Log2(float64(x))
			log.see(math.Abs(float64(noiseLog2(x))-l)/max(math.Abs(l), 1)*0x1p24, w)
		}
		y := float32(int32(w)) * 0x1p-24 // −128 … 128
		if y > -126 && y < 127 {
			exp.see(rel(noiseExp2(y), math.Exp2(float64(y))), w)
		}
	})
	t.Logf("sin %.2f at %x, cos %.2f at %x, −log2 u %.2f at %x, log2 %.2f at %x, exp2 %.2f at %x, sine %.2f at %x",
		sin.err, sin.at, cos.err, cos.at, neg.err, neg.at, log.err, log.at, exp.err, exp.at, sine.err, sine.at)
	require.Less(t, sin.err, 2.5)
	require.Less(t, cos.err, 2.5)
	require.Less(t, neg.err, 5.0)
	require.Less(t, log.err, 1.5)
	require.Less(t, exp.err, 1.5)
	require.Less(t, sine.err, 2.2)
}

// TestNoiseFinite: no first word makes a NaN or an infinity with any edge as
// the second, and no second word with any edge as the first.
func TestNoiseFinite(t *testing.T) {
	if testing.Short() {
		t.Skip("package stable scans the kernels")
	}
	edges := []uint32{0, 0xffffffff}
	for _, c := range noiseCases {
		if c.op < NoiseNormal {
			continue
		}
		var bad worst
		scan(func(w uint32) {
			for _, e := range edges {
				for _, p := range [2][2]uint32{{w, e}, {e, w}} {
					x := float32(0)
					if c.op == NoiseNormal {
						a, b := noiseNormal(p[0], p[1], 1)
						x = a - b
					} else {
						x = noiseStable(p[0], p[1], c.op, &c.q)
					}
					if x-x != 0 {
						bad.see(1, w)
					}
				}
			}
		})
		require.Zero(t, bad.err, "%s: word %x", c.name, bad.at)
	}
}

func TestNoiseAllocatesNothing(t *testing.T) {
	dst := make([]float32, 300)
	numtest.EachLevel(t, func(t *testing.T) {
		for _, c := range noiseCases {
			require.Zero(t, testing.AllocsPerRun(10, func() {
				p := NewPhilox(1, 2, 3, 4)
				q := c.q
				noiseFill(dst, c.op, &p, 3, &q)
			}), c.name)
		}
	})
}

func TestNoisePanics(t *testing.T) {
	p := NewPhilox(1, 2, 3, 4)
	dst := make([]float32, 4)
	require.Panics(t, func() { Noise(dst, NoiseWords, &p, 0, &NoiseParams{}) })
	require.Panics(t, func() { Noise(dst, noiseOps, &p, 0, &NoiseParams{}) })
	require.Panics(t, func() { Noise(dst, NoiseTable, &p, 0, &NoiseParams{}) })
	require.Panics(t, func() { NoiseOf(dst, NoiseTable, make([]uint32, 4), &NoiseParams{}) })
	require.Panics(t, func() { Noise(dst, NoiseUniform, &p, 1<<34-3, &NoiseParams{}) })
	require.Panics(t, func() { Noise(dst, NoiseSymmetricLow, &p, 1<<64-1, &NoiseParams{}) })
	require.NotPanics(t, func() { Noise(dst, NoiseUniform, &p, 1<<34-4, &NoiseParams{}) })
	require.NotPanics(t, func() { Noise(nil, NoiseUniform, &p, 1<<34, &NoiseParams{}) })
}

func BenchmarkNoise(b *testing.B) {
	p := NewPhilox(1, 2, 3, 4)
	dst := make([]float32, 8192)
	for _, c := range noiseCases {
		for _, l := range isa.Available() {
			b.Run(fmt.Sprintf("%s/%s", c.name, l), func(b *testing.B) {
				defer isa.Force(l)()
				for b.Loop() {
					noiseFill(dst, c.op, &p, 0, &c.q)
				}
				b.ReportMetric(float64(len(dst))*float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
			})
		}
	}
}
