package simd

import (
	"testing"
	"unsafe"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

// aligned returns n random values that start at a cache line.
func aligned(n int) []float32 {
	b := make([]float32, n+15)
	for i := range b {
		if uintptr(unsafe.Pointer(&b[i]))&63 == 0 {
			b = b[i : i+n]
			break
		}
	}
	return numtest.NewRand(1).Fill(b, 3)
}

// BenchmarkVec times the vector kernels on data of the first (4096 values) and
// second level cache (64 Ki values); ns/elem is the figure to compare.
func BenchmarkVec(b *testing.B) {
	for _, n := range []int{1 << 12, 1 << 16} {
		x, y, z, w := aligned(n), aligned(n), aligned(n), aligned(n)
		const c = 128
		s := func(v []float32) Strip { return Strip{v, c} }
		sum, sq := make([]float64, c), make([]float64, c)
		k := NormCoef{aligned(c), aligned(c), aligned(c), aligned(c)}
		adam := &AdamW{1, 0.9, 0.999, 0.1, 0.001, 1, 1e-8, 1, 1e-8}
		ops := []struct {
			name string
			f    func()
		}{
			{"Add", func() { Add(z, x, y) }},
			{"Exp", func() { Exp(z, x) }},
			{"Log", func() { Log(z, x) }},
			{"SinCos", func() { SinCos(z, w, x) }},
			{"Sigmoid", func() { Sigmoid(z, x) }},
			{"Tanh", func() { Tanh(z, x) }},
			{"SiLU", func() { SiLU(z, x) }},
			{"SiLUBackward", func() { SiLUBackward(z, y, x) }},
			{"SoftmaxRow", func() {
				for i := 0; i < n; i += 256 {
					SoftmaxRow(z[i : i+256])
				}
			}},
			{"SumSq", func() { SumSq(x) }},
			{"Max", func() { Max(x) }},
			{"ChanStats", func() { ChanStats(sum, sq, s(x), n/c, k.A) }},
			{"NormApply", func() { NormApply(s(z), s(x), n/c, k.A, k.B, false) }},
			{"NormApplySiLU", func() { NormApply(s(z), s(x), n/c, k.A, k.B, true) }},
			{"NormGradSums", func() { NormGradSums(sum, sq, Strip{}, s(y), s(x), n/c, k, false) }},
			{"NormGradSumsSiLU", func() { NormGradSums(sum, sq, s(z), s(y), s(x), n/c, k, true) }},
			{"NormGradInput", func() { NormGradInput(s(w), s(z), s(x), n/c, k.A, k.B, k.Mean, false) }},
			{"NormGradInputSiLU", func() { NormGradInputSiLU(s(w), s(y), s(x), n/c, k.A, k.B, k.A, k.B, k.Mean) }},
			{"AdamW", func() { adam.Apply(z, x, y, w) }},
		}
		for _, op := range ops {
			for _, l := range isa.Available() {
				b.Run(op.name+"/"+l.String()+map[bool]string{true: "/L1", false: "/L2"}[n == 1<<12], func(b *testing.B) {
					defer isa.Force(l)()
					for b.Loop() {
						op.f()
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/elem")
				})
			}
		}
	}
}
