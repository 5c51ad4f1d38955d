package simd

import (
	"fmt"
	"testing"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

// noiseCase names the families with parameters that exercise them.
var noiseCases = []struct {
	name string
	op   NoiseOp
	q    NoiseParams
}{
	{"words", NoiseWords, NoiseParams{}},
	{"uniform", NoiseUniform, NoiseParams{}},
	{"exponential", NoiseExponential, NoiseParams{}},
	{"normal", NoiseNormal, NoiseParams{Scale: 1.25}},
	{"symmetric-low", NoiseSymmetricLow, NoiseParams{A: 0.85, K: 0.075, Expo: 0.17647, Bias: 0.0933}},
	{"symmetric-high", NoiseSymmetricHigh, NoiseParams{A: 0.7, K: 0.15, Expo: -0.41176, Bias: -0.2177}},
	{"skewed", NoiseSkewed, NoiseParams{Eps: -0.5, Expo: -0.33333, Bias: -0.1, Kp: 0.6, Km: 0.9, Kp1: 0.4, Km1: 0.1, Shift: 0.5}},
	{"positive-low", NoisePositiveLow, NoiseParams{A: 0.3, Expo: 2.3333, Bias: 1.23}},
	{"positive-high", NoisePositiveHigh, NoiseParams{A: 0.15, Expo: 0.17647, Bias: 0.0933}},
	{"root-low", NoiseRootLow, NoiseParams{A: 0.3, Expo: 1.1667, Bias: 0.6}},
	{"root-high", NoiseRootHigh, NoiseParams{A: 0.15, Expo: 0.088, Bias: 0.0466}},
	{"log-low", NoiseLogLow, NoiseParams{A: 0.3, Expo: 2.3333, Bias: 1.23}},
	{"log-high", NoiseLogHigh, NoiseParams{A: 0.15, Expo: 0.17647, Bias: 0.0933}},
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
