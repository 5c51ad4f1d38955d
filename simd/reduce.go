package simd

// SumBlock is the number of elements that Sum, Dot and SumSq add in float32,
// in 16 lanes folded 16 → 8 → 4 → 2 → 1, before they go on in float64. At 256
// additions per lane the error of a block is below 2e−5 of Σ|x|, usually far
// below.
const SumBlock = 4096

// Sum returns Σ x_i: blocks of SumBlock in float32, their sums in float64.
func Sum(x []float32) float64 {
	s := 0.0
	for len(x) > SumBlock {
		s += float64(sum(x[:SumBlock]))
		x = x[SumBlock:]
	}
	return s + float64(sum(x))
}

// Dot returns Σ a_i·b_i: in a block each lane is a chain of fused terms. It
// panics if the lengths differ.
func Dot(a, b []float32) float64 {
	must2("Dot", len(a), len(b))
	s := 0.0
	for len(a) > SumBlock {
		s += float64(dot(a[:SumBlock], b[:SumBlock]))
		a, b = a[SumBlock:], b[SumBlock:]
	}
	return s + float64(dot(a, b))
}

// SumSq returns Σ x_i², the same sum as Dot(x, x).
func SumSq(x []float32) float64 { return Dot(x, x) }

// Max returns the largest x_i, passing over NaN; −Inf if there is none. Of
// zeros of both signs it may return either, the same one at every level.
func Max(x []float32) float32 { return vmax(x) }
