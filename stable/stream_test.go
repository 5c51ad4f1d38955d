package stable

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

// families are the fills of a Key, with typical parameters.
var families = []struct {
	name string
	fill func(s Key, dst []float32, off int)
}{
	{"uniform", Key.Uniform},
	{"exponential", Key.Exponential},
	{"normal", Key.Normal},
	{"symmetric 1.7", func(s Key, d []float32, off int) { s.Symmetric(d, 1.7, off) }},
	{"symmetric 0.85", func(s Key, d []float32, off int) { s.Symmetric(d, 0.85, off) }},
	{"skewed 1.5", func(s Key, d []float32, off int) { s.Skewed(d, 1.5, 0.5, S1, off) }},
	{"skewed 1", func(s Key, d []float32, off int) { s.Skewed(d, 1, -0.5, S0, off) }},
	{"positive 0.85", func(s Key, d []float32, off int) { s.Positive(d, 0.85, Value, off) }},
	{"root 0.4", func(s Key, d []float32, off int) { s.Positive(d, 0.4, Root, off) }},
	{"log 0.85", func(s Key, d []float32, off int) { s.Positive(d, 0.85, Log, off) }},
	{"table 1.7", tableFill(Law{Alpha: 1.7, Scale: 1})},
	{"table 0.6", tableFill(Law{Alpha: 0.6, Beta: -0.4, Scale: 2, Loc: 3, Param: S1})},
}

// tableFill is the fill of a law's sampler.
func tableFill(l Law) func(s Key, dst []float32, off int) {
	m, err := NewSampler(l)
	if err != nil {
		panic(err)
	}
	return func(s Key, dst []float32, off int) { m.Fill(dst, s, off) }
}

func hash32(x []float32) uint64 {
	h := fnv.New64a()
	var b [4]byte
	for _, v := range x {
		binary.LittleEndian.PutUint32(b[:], math.Float32bits(v))
		h.Write(b[:])
	}
	return h.Sum64()
}

// TestBits pins the bits of every family on every architecture and level: the
// first four values, and a hash of 4096.
func TestBits(t *testing.T) {
	s := Key{Seed: 0x0123456789abcdef, Sample: 0x00fedcba98765432, Step: 77}
	require.Len(t, pinnedBits, len(families))
	numtest.EachLevel(t, func(t *testing.T) {
		x := make([]float32, 4096)
		for i, f := range families {
			f.fill(s, x, 0)
			got := fmt.Sprintf("%x %x %x %x %016x", x[0], x[1], x[2], x[3], hash32(x))
			if got != pinnedBits[i] {
				t.Errorf("%s:\n\t%q,\nwant\n\t%q", f.name, got, pinnedBits[i])
			}
		}
		require.Equal(t, uint64(pinnedA), math.Float64bits(s.Multiplier(1.7)), "%x", math.Float64bits(s.Multiplier(1.7)))
	})
}

// pinnedA are the bits of DLPM's multiplier at α = 1.7.
const pinnedA = 0x3ff4a871899f37db

// TestAddress: each part of the address changes every family, and cuts of a
// range do not.
func TestAddress(t *testing.T) {
	s := Key{Seed: 9, Sample: 1 << 40, Step: 4}
	others := []Key{
		{Seed: 9 | 1<<32, Sample: 1 << 40, Step: 4}, {Seed: 8, Sample: 1 << 40, Step: 4},
		{Seed: 9, Sample: 1<<40 + 1, Step: 4}, {Seed: 9, Sample: 0, Step: 4}, {Seed: 9, Sample: 1 << 40, Step: 5},
	}
	seen := map[uint64]string{}
	for _, f := range families {
		want, got := make([]float32, 600), make([]float32, 600)
		f.fill(s, want, 0)
		for _, cut := range []int{1, 2, 63, 128, 257} {
			f.fill(s, got[cut:], cut)
			f.fill(s, got[:cut], 0)
			numtest.SameBits(t, want, got, f.name)
		}
		for i, o := range append(others, s) {
			f.fill(o, got, 0)
			h := hash32(got)
			require.Empty(t, seen[h], "%s, stream %d", f.name, i)
			seen[h] = f.name
		}
	}
}

func TestWordsAndPanics(t *testing.T) {
	s := Key{Seed: 1}
	w := make([]uint32, 9)
	s.Uint32(w[:4], 0)
	s.Uint32(w[4:], 4)
	p := s.philox(tagWords)
	for i, x := range w {
		require.Equal(t, p.Block(uint32(i / 4))[i%4], x)
	}
	x := make([]float32, 4)
	end := int64(1 << 33) // where an int has 32 bits, this is a negative offset
	for name, f := range map[string]func(){
		"offset":        func() { s.Uniform(x, -1) },
		"words":         func() { s.Uint32(w, -1) },
		"alpha 0":       func() { s.Symmetric(x, 0, 0) },
		"alpha 3":       func() { s.Skewed(x, 2.1, 0, S0, 0) },
		"beta":          func() { s.Skewed(x, 1.5, 1.1, S0, 0) },
		"param":         func() { s.Skewed(x, 1.5, 1, 2, 0) },
		"index":         func() { s.Positive(x, 1.5, Value, 0) },
		"form":          func() { s.Positive(x, 0.5, 3, 0) },
		"nan":           func() { s.Multiplier(math.NaN()) },
		"sample":        func() { Key{Sample: 1 << 56}.Normal(x, 0) },
		"noise":         func() { Noise{Alpha: 0}.Fill(x, s) },
		"skewed offset": func() { s.Skewed(x, 1, 1, S0, -1) },
		"skewed end":    func() { s.Skewed(x, 1, 1, S0, int(end-3)) },
		"end":           func() { s.Symmetric(x, 1, int(end-3)) },
	} {
		require.Panics(t, f, name)
	}
}

// TestSupport: totally skewed laws with α < 1 stay on their side.
func TestSupport(t *testing.T) {
	x := make([]float32, count(t))
	for _, alpha := range []float64{0.3, 0.5, 0.79} {
		for _, beta := range []float64{1, -1} {
			Key{Seed: 2}.Skewed(x, alpha, beta, S1, 0)
			for i, v := range x {
				if v*float32(beta) < 0 {
					t.Fatalf("α = %v, β = %v: element %d is %v", alpha, beta, i, v)
				}
			}
		}
	}
}

// TestTails compares tail counts with exact quantiles of S0.
func TestTails(t *testing.T) {
	x := make([]float32, count(t))
	for _, c := range []struct{ alpha, beta, q, tail float64 }{
		{1.7, 0, 0.9627378575244327, 0.25}, {1.7, 0, 2.637306981007603, 0.05}, {1.7, 0, 5.151937922450213, 0.01},
		{1.7, 0, 17.8531443216014, 1e-3}, {1.7, 0, 68.3684, 1e-4},
		{1.5, 0.5, 0.1338530423128106, 0.5}, {1.5, 0.5, 3.933658790179655, 0.05}, {1.5, 0.5, -2.254185841179745, 0.95},
		{0.85, 1, 0.6955649162604636, 0.5}, {0.85, 1, 148.8835914479943, 0.01}, {1, 0.5, 0.2234921057393242, 0.5},
	} {
		n := x
		if math.Abs(c.alpha-1) < 0.2 {
			n = x[:len(x)/8]
		}
		Key{Seed: 12}.Skewed(n, c.alpha, c.beta, S0, 0)
		zTest(t, fmt.Sprint("skewed ", c), mapTo(n, func(v float64) float64 { return above(v, c.q) }), c.tail)
		if c.beta == 0 {
			Key{Seed: 13}.Symmetric(n, c.alpha, 0)
			zTest(t, fmt.Sprint("symmetric ", c), mapTo(n, func(v float64) float64 { return above(v, c.q) }), c.tail)
		}
	}
}

func above(v, q float64) float64 {
	if v > q {
		return 1
	}
	return 0
}

func TestAllocatesNothing(t *testing.T) {
	x := make([]float32, 1000)
	s := Key{Seed: 1, Sample: 2, Step: 3}
	numtest.EachLevel(t, func(t *testing.T) {
		for _, f := range families {
			require.Zero(t, testing.AllocsPerRun(5, func() { f.fill(s, x, 1) }), f.name)
		}
		for _, n := range []Noise{{Alpha: 1.7, Isotropic: true, ClampA: 20, ClampEps: 200}, {Alpha: 1.7, ClampA: 20}} {
			require.Zero(t, testing.AllocsPerRun(5, func() { n.Fill(x, s) }))
		}
	})
}

func BenchmarkStream(b *testing.B) {
	x := make([]float32, 8192)
	s := Key{Seed: 1}
	for _, f := range families {
		for _, l := range isa.Available() {
			b.Run(f.name+"/"+l.String(), func(b *testing.B) {
				defer isa.Force(l)()
				for b.Loop() {
					f.fill(s, x, 0)
				}
				b.ReportMetric(float64(len(x))*float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
			})
		}
	}
}

// pinnedBits are the first four values in hexadecimal and the FNV-1a hash of
// 4096 of each family.
var pinnedBits = []string{
	"0x1.8a26d4p-01 0x1.61137ep-01 0x1.579946p-01 0x1.50161cp-01 ed06637782e85b1d",    // uniform
	"0x1.a1f16cp-02 0x1.e3b9e2p-01 0x1.d9f202p-03 0x1.0ebf3ap+01 78e324777b979042",    // exponential
	"-0x1.3f7deap-05 -0x1.7b2052p-01 0x1.92ca8ap-02 0x1.97688cp-02 d5dbfbf5d173b8ba",  // normal
	"-0x1.1e077ap-01 0x1.823b3ep-02 0x1.580116p+00 -0x1.026e8cp-02 71e513a6a0c19d70",  // symmetric 1.7
	"-0x1.2571c4p-02 0x1.17dc24p-02 0x1.921aa6p+00 -0x1.6b4fa6p-01 f9ebad5f17dd903f",  // symmetric 0.85
	"-0x1.9f33e4p-02 -0x1.229718p+00 0x1.1bf546p+01 -0x1.1d3572p+01 b8e518f71a84c47d", // skewed 1.5
	"-0x1.85bcccp-02 -0x1.da7cb6p+01 0x1.0b3fbp+00 -0x1.69470cp-01 1bc10066167df71e",  // skewed 1
	"0x1.e1517ep+01 0x1.e877cep-01 0x1.703deep-01 0x1.1b14b2p+00 0eb81c3480444b36",    // positive 0.85
	"0x1.0ec9b4p+04 0x1.1524f4p+01 0x1.2167fp-01 0x1.a83846p+00 c8a6647f3ba768b1",     // root 0.4
	"0x1.17e83cp+00 -0x1.3c54bp-06 -0x1.61aa6cp-02 -0x1.8fd0c2p-04 69833338ddfa8774",  // log 0.85
	"0x1.25583ep+00 0x1.8916fep+00 0x1.b1b88cp+00 0x1.4bc1dp+01 4263a63240102ac4",     // table 1.7
	"0x1.97b81cp+01 0x1.1e0a8ep+02 0x1.5961c4p+02 0x1.5195c8p+04 046dc62900825fb9",    // table 0.6
}

// TestExtremeParameters: every admitted parameter gives finite values, which
// saturate where the law leaves float32.
func TestExtremeParameters(t *testing.T) {
	x := make([]float32, 1<<14)
	finite := func(name string) {
		t.Helper()
		for i, v := range x {
			if v-v != 0 {
				t.Fatalf("%s: element %d is %v", name, i, v)
			}
		}
	}
	s := Key{Seed: 21}
	for _, alpha := range []float64{1e-6, 1e-3, 0.02, 0.1, 0.3, 1 - 1e-12, 1, 1 + 1e-12, 1.2, 2 - 1e-12, 2} {
		s.Symmetric(x, alpha, 0)
		finite(fmt.Sprint("symmetric ", alpha))
		a := alpha / 2
		for form := Value; form <= Log; form++ {
			s.Positive(x, a, form, 0)
			finite(fmt.Sprint("positive ", a, form))
			s.Positive(x, 1-a/4, form, 0)
			finite(fmt.Sprint("positive ", 1-a/4, form))
		}
		for _, beta := range []float64{-1, -0.3, 0, 1e-300, 1} {
			for _, p := range []Param{S0, S1} {
				s.Skewed(x, alpha, beta, p, 0)
				finite(fmt.Sprint("skewed ", alpha, beta, p))
			}
		}
		if alpha > 0.02 && s.Multiplier(alpha) <= 0 {
			t.Fatal("multiplier", alpha)
		}
	}
	require.Equal(t, []float32{1, 1}, func() []float32 { y := make([]float32, 2); s.Positive(y, 1, Value, 0); return y }())
}
