package diffusion

import (
	"context"
	"testing"
)

// BenchmarkStep times one step of a batch of 64 samples of 1024 values without
// a network: noise, update and checks.
func BenchmarkStep(b *testing.B) {
	const T = 101
	none := func(_ context.Context, eps, x, _ []float32) error { copy(eps, x); return nil }
	for name, s := range map[string]sampler{
		"dlpm":      DLPMSampler{Process: Default(1.7, T)},
		"dlpm each": DLPMSampler{Process: DLPM{Alpha: 1.7, Scale: Preserving, Steps: T}},
		"dlim":      DLIM{Process: Default(1.7, T)},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(64 * 1024 * 4)
			for i := 0; i < b.N; i += T - 1 {
				if _, err := s.Sample(context.Background(), none, seeds(64), 1024); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
