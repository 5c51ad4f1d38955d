package ptx

import (
	"testing"

	"heavytail/simd"
)

// parameters of a symmetric stable law, after package stable.
func symmetric(alpha float64) (simd.NoiseOp, string, simd.NoiseParams) {
	a := float32(alpha)
	expo := (1 - alpha) / alpha
	q := simd.NoiseParams{Alpha: a, K: [2]float32{a / 2}, K1: [2]float32{float32(1 - alpha/2)}, Eps: float32(1 - alpha), Least: a * 0x1p-27,
		Expo: float32(expo), ExpoLo: float32(expo - float64(float32(expo))), Bias: float32(expo * 0.5287663729448977)}
	if alpha <= 1 {
		return simd.NoiseSymmetricLow, "symmetric_low", q
	}
	q.Eps = -q.Eps
	return simd.NoiseSymmetricHigh, "symmetric_high", q
}

// The fills give the bits of simd.Noise, from any block on.
func TestNoise(t *testing.T) {
	const blocks, first = 3000, 11
	p := simd.NewPhilox(0x123456789abcdef0, 3, 5, 7)
	fill := func(entry string, op simd.NoiseOp, per int, q simd.NoiseParams, extra ...any) {
		t.Helper()
		g := &gpu{t: t}
		at := g.room(per * blocks)
		params := append([]any{at, blocks, first, uint32(0x9abcdef0), uint32(0x12345678), 3, 5, 7}, extra...)
		g.run(entry, entry, launch(up(blocks, 256), 1, 256, 0, 5), params...)
		want := make([]float32, per*blocks)
		simd.Noise(want, op, &p, first*uint64(per), &q)
		same(t, want, g.floats(at, per*blocks), "%s %+v", entry, q)
	}
	fill("normal", simd.NoiseNormal, 4, simd.NoiseParams{Scale: 0.5}, float32(0.5))
	for _, alpha := range []float64{0.3, 0.9, 1, 1.2, 1.7, 1.99, 2} {
		op, entry, q := symmetric(alpha)
		fill(entry, op, 2, q, q.Alpha, q.K[0], q.K1[0], q.Eps, q.Least, q.Expo, q.ExpoLo, q.Bias)
	}
}
