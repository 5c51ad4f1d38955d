package kernels

import (
	"fmt"
	"testing"
	"time"

	"heavytail/internal/numtest"
	"heavytail/simd"
	"heavytail/tensor"
)

// BenchmarkWinogradWeight takes the least time of each form of the gradient of a
// weight; the ratios to the direct form are what conv.WinogradWeight rests on.
func BenchmarkWinogradWeight(b *testing.B) {
	for _, s := range []struct{ size, c, o int }{
		{32, 128, 128}, {16, 256, 256}, {16, 512, 256}, {8, 256, 256}, {4, 256, 256}, {32, 32, 32}, {16, 64, 64}, {28, 32, 32}, {14, 64, 64}, {7, 64, 64}, {8, 64, 64}, {32, 128, 3}, {28, 32, 1},{28,8,8},{14,16,16},{6,64,64},{5,64,64},
	} {
		for _, threads := range []int{1, 2} {
			const n = 4
			c := New(threads)
			r := numtest.NewRand(1)
			x, dw, dy := c.New(n, s.size, s.size, s.c), c.New(3, 3, s.c, s.o), c.New(n, s.size, s.size, s.o)
			r.Fill(x.Data(), 1)
			r.Fill(dy.Data(), 1)
			took := [3]time.Duration{1 << 60, 1 << 60, 1 << 60}
			forms := []simd.Wino{0, simd.Wino2, simd.Wino4}
			b.Run(fmt.Sprintf("in=%d/out=%d/size=%d/threads=%d", s.c, s.o, s.size, threads), func(b *testing.B) {
				for range b.N {
					for i, m := range forms {
						start := time.Now()
						if m == 0 {
							c.convWeight(dw, dy, x, tensor.ConvOpt{Stride: 1})
						} else {
							c.winogradWeight(m, dw, dy, x)
						}
						took[i] = min(took[i], time.Since(start))
					}
				}
				b.ReportMetric(float64(took[0].Nanoseconds())/1e3, "direct-us")
				b.ReportMetric(float64(took[0])/float64(took[1]), "F2-times")
				b.ReportMetric(float64(took[0])/float64(took[2]), "F4-times")
			})
		}
	}
}
