package bench

import (
	"time"

	"heavytail/simd"
	"heavytail/tensor"
)

// PeakFlops measures the processor's peak of multiply-adds of float32 in FLOP/s, two
// for each, on threads goroutines at once (at least 1): the best of several loops,
// each long beside the time that the scheduler takes to wake a second processor.
func PeakFlops(threads int) float64 {
	const iters = 1 << 22
	threads = max(1, threads)
	best := 0.0
	for range 4 {
		done := make(chan float64, threads)
		start := time.Now()
		for range threads {
			go func() { done <- simd.PeakFlops(iters) }()
		}
		flops := 0.0
		for range threads {
			flops += <-done
		}
		best = max(best, flops/time.Since(start).Seconds())
	}
	return best
}

// PeakBandwidth measures the bytes a second that threads goroutines (at least 1)
// together read from memory, in order and in such pages as weights lie in, far more of
// them than most caches hold: 256 MiB, which it takes. Without vector kernels it is the
// rate of a loop, which may be less than memory's.
func PeakBandwidth(threads int) float64 {
	const size = 256 << 20
	threads = max(1, threads)
	parts := make([][]float32, threads)
	for i := range parts {
		parts[i] = tensor.Aligned(size / 4 / threads)
		for k := range parts[i] {
			parts[i][k] = 1 // the pages are there
		}
	}
	best := 0.0
	for range 5 {
		done := make(chan float32, threads)
		start := time.Now()
		for _, p := range parts {
			go func() { done <- simd.Max(p) }()
		}
		for range threads {
			<-done
		}
		best = max(best, float64(size)/time.Since(start).Seconds())
	}
	return best
}
