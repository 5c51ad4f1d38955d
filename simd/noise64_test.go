package simd

import (
	"fmt"
	"math"
	"testing"

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
	{"student-t", Noise64StudentT, Noise64Params{ExpoHi: -0.25, Expo: -0.25 - 1e-13, ExpoLo: -1e-13, Nu: 4}},
}

func same64(want, got []float64) error {
	for i, w := range want {
		if g := got[i]; math.Float64bits(w) != math.Float64bits(g) {
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
