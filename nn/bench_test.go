package nn

import (
	"fmt"
	"testing"

	"heavytail/kernels"
)

// The names of benchmarks are of the form that benchstat groups by: key=value parts.

// BenchmarkForward times one network evaluation.
func BenchmarkForward(b *testing.B) {
	for _, name := range []string{"mnist", "fashion", "cifar10_lt"} {
		for _, n := range []int{1, 4, 16, 64} {
			b.Run(fmt.Sprintf("net=%s/batch=%d/threads=1", name, n), func(b *testing.B) {
				net := preset(b, kernels.New(1), name)
				fixture(net.Params())
				in := newBatch(net, n, 1)
				ws := workspace(b, net, n, false)
				x := upload(net.Device(), in.x, append([]int{n}, net.SampleShape()...)...)
				macs, err := net.MACs(0, 0)
				if err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					net.Forward(ws, x, in.t, in.labels)
				}
				b.ReportMetric(2e-9*float64(macs)*float64(n*b.N)/b.Elapsed().Seconds(), "GFLOP/s")
			})
		}
	}
}

// BenchmarkStep times one training step.
func BenchmarkStep(b *testing.B) {
	for _, name := range []string{"mnist", "fashion", "2d"} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("net=%s/batch=16/threads=%d", name, threads), func(b *testing.B) {
				net := preset(b, kernels.New(threads), name)
				fixture(net.Params())
				in := newBatch(net, 16, 1)
				ws := workspace(b, net, 16, true)
				shape := append([]int{16}, net.SampleShape()...)
				x, dy := upload(net.Device(), in.x, shape...), upload(net.Device(), in.dy, shape...)
				opt, ema := NewAdamW(net.Params()), NewEMA(net.Params(), 0.999)
				for b.Loop() {
					net.Params().ZeroGrad()
					net.Forward(ws, x, in.t, in.labels)
					net.Backward(ws, dy)
					if _, err := opt.Update(1e-5, 1); err != nil {
						b.Fatal(err)
					}
					ema.Update(opt.Step)
				}
			})
		}
	}
}
