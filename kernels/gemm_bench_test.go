package kernels

import (
	"fmt"
	"testing"
	"time"

	"heavytail/internal/numtest"
	"heavytail/simd"
	"heavytail/tensor"
)

// measure runs f b.N times and reports GFLOP/s and the share of the peak of
// threads cores at the current level, measured in the same run.
func measure(b *testing.B, threads int, flops float64, f func()) {
	b.Helper()
	f()
	start := time.Now()
	peak := simd.PeakFlops(2_000_000) / time.Since(start).Seconds() * float64(threads)
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
	rate := flops * float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(rate/1e9, "GFLOP/s")
	b.ReportMetric(100*rate/peak, "%peak")
}

type convBench struct {
	n, size, c, o, k int
	opt              tensor.ConvOpt
}

var convBenches = []convBench{
	{1, 32, 1, 32, 3, tensor.ConvOpt{}},
	{1, 32, 32, 32, 3, tensor.ConvOpt{}},
	{1, 32, 64, 32, 3, tensor.ConvOpt{}},
	{1, 16, 64, 64, 3, tensor.ConvOpt{}},
	{1, 8, 64, 64, 3, tensor.ConvOpt{}},
	{1, 4, 64, 64, 3, tensor.ConvOpt{}},
	{1, 4, 128, 64, 3, tensor.ConvOpt{}},
	{1, 16, 64, 64, 1, tensor.ConvOpt{}},
	{1, 32, 128, 128, 3, tensor.ConvOpt{}},
	{1, 32, 256, 128, 3, tensor.ConvOpt{}},
	{1, 16, 256, 256, 3, tensor.ConvOpt{}},
	{1, 8, 256, 256, 3, tensor.ConvOpt{}},
	{1, 4, 256, 256, 3, tensor.ConvOpt{}},
	{1, 4, 512, 256, 3, tensor.ConvOpt{}},
	{1, 32, 32, 32, 3, tensor.ConvOpt{Stride: 2}},
	{1, 16, 64, 64, 3, tensor.ConvOpt{Up: true}},
	{1, 16, 256, 256, 3, tensor.ConvOpt{Up: true}},
}

func (s convBench) name() string {
	return fmt.Sprintf("batch=%d/size=%d/in=%d/out=%d/taps=%d/stride=%d/up=%v", s.n, s.size, s.c, s.o, s.k, max(1, s.opt.Stride), s.opt.Up)
}

// tensors returns x, w, y and the flops of the plain definition (with Up, of
// the four taps per output that are left when weights are added first).
func (s convBench) tensors() (x, w, y *tensor.Tensor, flops float64) {
	r := numtest.NewRand(1)
	out, taps := (s.size-1)/max(1, s.opt.Stride)+1, s.k*s.k
	if s.opt.Up {
		out = 2 * s.size
		taps = min(taps, 4)
	}
	x, w, y = view(r, 0, s.n, s.size, s.size, s.c), view(r, 0, s.k, s.k, s.c, s.o), view(r, 0, s.n, out, out, s.o)
	return x, w, y, 2 * float64(y.Len()*s.c*taps)
}

func BenchmarkConv2D(b *testing.B) {
	for _, threads := range []int{1, 2} {
		for _, s := range convBenches {
			b.Run(fmt.Sprintf("threads=%d/%s", threads, s.name()), func(b *testing.B) {
				x, w, y, flops := s.tensors()
				c := New(threads)
				measure(b, threads, flops, func() { c.Conv2D(y, x, w, nil, nil, s.opt) })
			})
		}
	}
}

func BenchmarkConv2DBackward(b *testing.B) {
	for _, threads := range []int{1, 2} {
		for _, s := range convBenches {
			s.n = 4
			b.Run(fmt.Sprintf("threads=%d/%s", threads, s.name()), func(b *testing.B) {
				x, w, dy, flops := s.tensors()
				c := New(threads)
				dx, dw := c.New(x.Shape()...), c.New(w.Shape()...)
				measure(b, threads, 2*flops, func() { c.Conv2DBackward(dx, dw, nil, dy, x, w, s.opt) })
			})
		}
	}
}

// The shapes are those of the networks (mnist, the built-in model, cifar10_lt) and a
// large one.
func BenchmarkAttention(b *testing.B) {
	for _, s := range [][3]int{{256, 64, 4}, {64, 64, 4}, {16, 64, 4}, {196, 64, 4}, {49, 96, 4}, {256, 256, 4}, {1024, 256, 4}} {
		r := numtest.NewRand(1)
		qkv, y, dqkv := view(r, 0, 1, s[0], 3*s[1]), view(r, 0, 1, s[0], s[1]), view(r, 0, 1, s[0], 3*s[1])
		c := New(1)
		flops := 4 * float64(s[0]*s[0]*s[1])
		name := fmt.Sprintf("tokens=%d/channels=%d/heads=%d/", s[0], s[1], s[2])
		b.Run(name+"forward", func(b *testing.B) { measure(b, 1, flops, func() { c.Attention(y, qkv, s[2]) }) })
		b.Run(name+"backward", func(b *testing.B) {
			measure(b, 1, 2.5*flops, func() { c.AttentionBackward(dqkv, y, qkv, s[2]) })
		})
	}
}
