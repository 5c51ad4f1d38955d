package simd

import "math"

// FMA returns a·b + c rounded once to float32, on every architecture.
//
// The product of two float32 is exact in float64. The sum s is rounded to
// float64 first, so rounding s again to float32 is wrong only where s lies
// exactly on a tie of float32 (low 29 bits 1 and 28 zeros) or in float32's
// subnormal range; there the error of the first rounding decides.
func FMA(a, b, c float32) float32 {
	p := float64(float64(a) * float64(b)) // exact
	s := p + float64(c)
	bits := math.Float64bits(s)
	if bits&(1<<29-1) != 1<<28 && bits>>52&0x7ff > 1023-126 {
		return float32(s)
	}
	return fmaOdd(p, float64(c), s)
}

// fmaOdd rounds p + c, whose float64 sum is s, to odd and then to float32.
func fmaOdd(p, c, s float64) float32 {
	bb := s - p
	e := float64(p-float64(s-bb)) + float64(c-bb)
	if e != 0 && math.Float64bits(s)&1 == 0 {
		if (e > 0) == (s > 0) {
			s = math.Float64frombits(math.Float64bits(s) + 1)
		} else {
			s = math.Float64frombits(math.Float64bits(s) - 1)
		}
	}
	return float32(s)
}
