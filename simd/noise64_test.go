package simd

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/dmath"
	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

// noise64Cases names the families with parameters that exercise them.
var noise64Cases = []struct {
	name string
	op   Noise64Op
	q    Noise64Params
}{
	{"uniform", Noise64Uniform, Noise64Params{}},
	{"exponential", Noise64Exponential, Noise64Params{}},
	{"normal", Noise64Normal, Noise64Params{}},
	{"symmetric-low", Noise64SymmetricLow, Noise64Params{A: -0.85, K: 0.425, ExpoHi: 0.171875, Expo: 0.17647, ExpoLo: 0.17647 - 0.171875, Bias: 0.0933}},
	{"symmetric-high", Noise64SymmetricHigh, Noise64Params{A: 0.7, K: 0.15, ExpoHi: -0.40625, Expo: -0.41176, ExpoLo: -0.41176 + 0.40625, Bias: -0.2177}},
	{"skewed-s0", Noise64SkewedS0, Noise64Params{
		ExpoHi: 0.25, Expo: 0.25, Eps: 0.2, HalfEps: 0.1, InvSin: 0.647, Bp: 0.6 * 1.5, Bm: 0.6 * 0.5,
		Kp: 0.3, Km: -0.3, InvAlpha: 1.25, InvEps: 5, Lo: math.Inf(-1), Hi: math.Inf(1),
	}},
	{"skewed-s1", Noise64SkewedS1, Noise64Params{
		ExpoHi: 0.25, Expo: 0.25, Eps: 0.2, HalfEps: 0.1, InvSin: 0.647, Bp: 0.6 * 2, Kp: 3, Km: -3, Lo: 0, Hi: 100,
	}},
	{"skewed-held", Noise64SkewedS0, Noise64Params{ // ends that many variates lie beyond
		ExpoHi: 0.25, Expo: 0.25, Eps: 0.2, HalfEps: 0.1, InvSin: 0.647, Bp: 0.6 * 1.5, Bm: 0.6 * 0.5,
		Kp: 0.3, Km: -0.3, InvAlpha: 1.25, InvEps: 5, Lo: -1, Hi: 2,
	}},
	{"student-t", Noise64StudentT, Noise64Params{ExpoHi: -0.25, Expo: -0.25 - 1e-13, ExpoLo: -1e-13, Nu: 4}},
}

// same64 tells where got differs from want, bit by bit, NaN payloads aside.
func same64(want, got []float64) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d values, want %d", len(got), len(want))
	}
	for i, w := range want {
		if g := got[i]; math.Float64bits(w) != math.Float64bits(g) && !(w != w && g != g) {
			return fmt.Errorf("element %d: %x (%v), want %x (%v)", i, math.Float64bits(g), g, math.Float64bits(w), w)
		}
	}
	return nil
}

// TestNoise64LevelsAgree compares every family at every level with the Go
// reference, bit by bit.
func TestNoise64LevelsAgree(t *testing.T) {
	p := NewPhilox(0x123456789abcdef0, 7, 0xfffffff0, 0x03000001)
	n := 1 << 14
	if testing.Short() {
		n = 1 << 11
	}
	for _, c := range noise64Cases {
		want, got := make([]float64, n), make([]float64, n)
		restore := isa.Force(isa.Generic)
		Noise64(want, c.op, &p, 64, &c.q)
		restore()
		t.Run(c.name, func(t *testing.T) {
			numtest.EachLevel(t, func(t *testing.T) {
				Noise64(got, c.op, &p, 64, &c.q)
				if err := same64(want, got); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// TestNoise64Cuts: any cut of a range gives the values of one long fill, and
// nothing outside the slice is touched; so for the first attempts of gammas.
func TestNoise64Cuts(t *testing.T) {
	p := NewPhilox(5, 6, 7, 8)
	const n = 400
	q := NewGamma64Params(0.7)
	fills := map[string]func(dst []float64, off int){
		"gamma": func(dst []float64, off int) { Gamma64(dst, &p, uint64(off), &q) },
	}
	for _, c := range noise64Cases {
		fills[c.name] = func(dst []float64, off int) { Noise64(dst, c.op, &p, uint64(off), &c.q) }
	}
	for name, fill := range fills {
		want := make([]float64, n)
		fill(want, 0)
		t.Run(name, func(t *testing.T) {
			numtest.EachLevel(t, func(t *testing.T) {
				for i, size := range numtest.Lengths(70) {
					if testing.Short() && i%10 != 1 {
						continue
					}
					for _, off := range []int{0, 1, 31, 32, 63, 64, 65} {
						if off+size > n {
							continue
						}
						got := guarded64(t, size, (off+size)%2 == 0)
						fill(got, off)
						if err := same64(want[off:off+size], got); err != nil {
							t.Fatalf("offset %d: %v", off, err)
						}
					}
				}
			})
		})
	}
}

// TestSame64 makes sure that the comparison can fail.
func TestSame64(t *testing.T) {
	x, nan := []float64{1, 0, 3}, math.NaN()
	require.NoError(t, same64(x, []float64{1, 0, 3}))
	require.NoError(t, same64([]float64{nan}, []float64{nan}))
	for _, y := range [][]float64{{1, 0, 3 + 0x1p-51}, {1, math.Copysign(0, -1), 3}, {nan, 0, 3}, {1, 0}} {
		require.Error(t, same64(x, y))
	}
}

// noise64Edges are numbers at the ends of their ranges and at the branches: u at
// √½ and at both ends, v at ¼ and at both ends.
var noise64Edges = []uint64{
	0, 1, 1 << 11, 1<<12 - 1, 1 << 12, 1 << 61, 1<<62 - 1, 1 << 62, 1<<62 + 1<<11, 1<<63 - 1<<11, 1<<63 - 1, 1 << 63,
	1<<63 + 1<<12, 1<<64 - 1, 1<<64 - 1<<11, 1<<64 - 1<<12, 0xb504f333f9de6000, 0xb504f333f9de7000, 0xb504f333f9de5000,
	0x8000000000000800, 0x0123456789abcdef,
}

// TestNoise64Edges feeds every pair of edge numbers to the kernels, through the
// inverse of the cipher: levels agree, and every value is finite.
func TestNoise64Edges(t *testing.T) {
	for _, c := range noise64Cases {
		for _, a := range noise64Edges {
			for _, b := range noise64Edges {
				w := [4]uint32{uint32(a >> 32), uint32(a), uint32(b >> 32), uint32(b)}
				n := invertPhilox(w, [2]uint32{1, 2})
				p := NewPhilox(1|2<<32, n[1], n[2], n[3])
				require.Equal(t, w, p.Block(n[0]))
				per := c.op.perBlock()
				want, got := make([]float64, per), make([]float64, per)
				noise64TransformGeneric(want, w[:], c.op, &c.q)
				for _, x := range want {
					if x-x != 0 {
						t.Fatalf("%s: numbers %x %x give %v", c.name, a, b, want)
					}
				}
				for _, l := range isa.Available()[1:] {
					restore := isa.Force(l)
					Noise64(got, c.op, &p, uint64(n[0])*per, &c.q)
					restore()
					if err := same64(want, got); err != nil {
						t.Fatalf("%s at %s: numbers %x %x: %v", c.name, l, a, b, err)
					}
				}
			}
		}
	}
}

// TestNoise64Units: the uniforms are exact, and so are their complements.
func TestNoise64Units(t *testing.T) {
	r := numtest.NewRand(1)
	for i := range 10000 {
		w := r.Uint64()
		if i < len(noise64Edges) {
			w = noise64Edges[i]
		}
		k, m := w>>12, w>>11&(1<<52-1)
		require.Equal(t, math.Ldexp(float64(2*k+1), -53), noise64Unit(w))
		require.Equal(t, math.Ldexp(float64(2*m+1), -54), noise64HalfUnit(w))
		require.Equal(t, math.Ldexp(float64(2*(1<<52-1-k)+1), -53), 1-noise64Unit(w))
		require.Equal(t, math.Ldexp(float64(2*(1<<52-1-m)+1), -54), 0.5-noise64HalfUnit(w))
	}
}

// TestNoise64Functions measures the relative errors of the building blocks in
// units of 2^-53, over numbers of every length, so that both ends of each interval
// are reached, against internal/dmath, whose own error is about 1 such unit.
func TestNoise64Functions(t *testing.T) {
	var sin, cos, neg, pow float64
	r := numtest.NewRand(2)
	see := func(worst *float64, got, want float64) {
		if e := math.Abs(got/want-1) * 0x1p53; !(e <= *worst) {
			*worst = e
		}
	}
	for range 200000 {
		w := r.Uint64() >> (r.Uint64() % 64)
		if r.Uint64()&1 != 0 {
			w = ^w
		}
		v := noise64HalfUnit(w)
		s, c := noise64SinCosPi(v)
		see(&sin, s, dmath.SinPi(v))
		see(&cos, c, dmath.SinPi(0.5-v))
		u, want := noise64Unit(w), 0.0
		if u < 0.5 {
			want = -dmath.Log2(u)
		} else {
			want = -dmath.Log1p(u-1) * math.Log2E
		}
		see(&neg, noise64NegLog2(w), want)
		x := math.Ldexp(1+math.Abs(r.Float64()), int(w>>20%200)-100)
		q := Noise64Params{ExpoHi: 0.75, Expo: 0.75 + 0x1p-30, ExpoLo: 0x1p-30, Bias: 0.125}
		bits, _, f, _ := noise64Power(x, &q)
		p := math.FMA(poly64(f, noise64Exp[:]), f, 1) * math.Float64frombits(noise64One+bits)
		see(&pow, p, dmath.Pow(x, q.Expo)*math.Exp2(0.125))
	}
	t.Logf("sin %.2f, cos %.2f, −log2 u %.2f, power %.2f", sin, cos, neg, pow)
	require.Less(t, max(sin, cos), 3.0)
	require.Less(t, neg, 5.0)
	require.Less(t, pow, 5.0)
}

func TestNoise64AllocatesNothing(t *testing.T) {
	dst := make([]float64, 150)
	numtest.EachLevel(t, func(t *testing.T) {
		for _, c := range noise64Cases {
			require.Zero(t, testing.AllocsPerRun(10, func() {
				p := NewPhilox(1, 2, 3, 4)
				q := c.q
				Noise64(dst, c.op, &p, 3, &q)
			}), c.name)
		}
		require.Zero(t, testing.AllocsPerRun(10, func() {
			p, q := NewPhilox(1, 2, 3, 4), NewGamma64Params(0.4)
			Gamma64(dst, &p, 3, &q)
		}))
	})
}

func TestNoise64Panics(t *testing.T) {
	p := NewPhilox(1, 2, 3, 4)
	dst := make([]float64, 4)
	q := &Noise64Params{}
	require.Panics(t, func() { Noise64(dst, noise64Ops, &p, 0, q) })
	require.Panics(t, func() { Noise64(dst, Noise64Uniform, &p, 1<<33-3, q) })
	require.Panics(t, func() { Noise64(dst, Noise64StudentT, &p, 1<<64-1, q) })
	require.NotPanics(t, func() { Noise64(dst, Noise64Uniform, &p, 1<<33-4, q) })
	require.NotPanics(t, func() { Noise64(nil, Noise64Uniform, &p, 1<<33, q) })
}

func FuzzNoise64(f *testing.F) {
	f.Add(uint64(1), uint32(2), uint16(3), uint16(40), uint16(5), uint8(3))
	f.Fuzz(func(t *testing.T, key uint64, c uint32, off, length, cut uint16, which uint8) {
		k := noise64Cases[int(which)%len(noise64Cases)]
		p := NewPhilox(key, c, c*2654435761, ^c)
		first, n := uint64(c>>1)+uint64(off), int(length%512)
		want, got := make([]float64, n), make([]float64, n)
		restore := isa.Force(isa.Generic)
		Noise64(want, k.op, &p, first, &k.q)
		restore()
		at := 0
		if n > 0 {
			at = int(cut) % n
		}
		Noise64(got[at:], k.op, &p, first+uint64(at), &k.q)
		Noise64(got[:at], k.op, &p, first, &k.q)
		if err := same64(want, got); err != nil {
			t.Fatal(k.name, err)
		}
	})
}

func BenchmarkNoise64(b *testing.B) {
	p := NewPhilox(1, 2, 3, 4)
	dst := make([]float64, 8192)
	for _, c := range noise64Cases {
		for _, l := range isa.Available() {
			b.Run(fmt.Sprintf("%s/%s", c.name, l), func(b *testing.B) {
				defer isa.Force(l)()
				for b.Loop() {
					Noise64(dst, c.op, &p, 0, &c.q)
				}
				b.ReportMetric(float64(len(dst))*float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
			})
		}
	}
}
