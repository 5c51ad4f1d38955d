package bench

import (
	"time"

	"heavytail/simd"
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
// together read from and write to memory, copying far more than caches hold. It
// takes 128 MiB.
func PeakBandwidth(threads int) float64 {
	const size = 64 << 20
	threads = max(1, threads)
	from, to := make([][]byte, threads), make([][]byte, threads)
	for i := range from {
		from[i], to[i] = make([]byte, size/threads+1), make([]byte, size/threads+1)
		copy(to[i], from[i]) // the pages are there
		clear(from[i])
	}
	best := 0.0
	for range 5 {
		done := make(chan int, threads)
		start := time.Now()
		for i := range threads {
			go func() { done <- copy(to[i], from[i]) }()
		}
		n := 0
		for range threads {
			n += <-done
		}
		best = max(best, 2*float64(n)/time.Since(start).Seconds())
	}
	return best
}
