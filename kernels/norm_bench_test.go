package kernels

import (
	"fmt"
	"testing"

	"heavytail/internal/isa"
	"heavytail/tensor"
)

// BenchmarkNorm times the normalisations and their gradients per element.
func BenchmarkNorm(b *testing.B) {
	report := func(b *testing.B, n int) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/elem")
	}
	for _, k := range []normCase{
		{n: 1, p: 1024, c: 128, groups: 32, ss: true, silu: true},
		{n: 4, p: 1024, c: 128, groups: 32, ss: true, silu: true},
		{n: 4, p: 1024, c: 128, groups: 32, ss: true, silu: true, add: true},
		{n: 4, p: 256, c: 256, groups: 32},
		{n: 4, p: 64, c: 512, groups: 32, silu: true},
		{n: 16, p: 1024, c: 32, groups: 32, silu: true},
	} {
		for _, l := range isa.Available()[1:] {
			c := New(1)
			m := newNormRun(c, k)
			n := m.x.Len()
			b.Run(fmt.Sprintf("%v/level=%v/pass=forward", k, l), func(b *testing.B) {
				defer isa.Force(l)()
				for b.Loop() {
					m.forward(c)
				}
				report(b, n)
			})
			b.Run(fmt.Sprintf("%v/level=%v/pass=backward", k, l), func(b *testing.B) {
				defer isa.Force(l)()
				for b.Loop() {
					m.backward(c)
				}
				report(b, n)
			})
		}
	}
	c := New(1)
	x, y, stats := c.New(1024, 64), c.New(1024, 64), c.New(1024, 2)
	g, h, dg, dh := c.New(64), c.New(64), c.New(64), c.New(64)
	opt := tensor.NormOpt{Eps: 1e-5, SiLU: true}
	b.Run("layer/pass=forward", func(b *testing.B) {
		for b.Loop() {
			c.LayerNorm(y, x, g, h, stats, opt)
		}
		report(b, x.Len())
	})
	b.Run("layer/pass=backward", func(b *testing.B) {
		for b.Loop() {
			c.LayerNormBackward(y, dg, dh, y, x, g, h, stats, opt)
		}
		report(b, x.Len())
	})
}
