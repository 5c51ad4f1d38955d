package simd

import "math"

// FMA returns a·b + c rounded once to float32, on every architecture.
//
// The product of two float32 is exact in float64. The sum s is rounded to
// float64 first, so rounding s again to float32 is wrong only where s lies
// exactly between two neighbours of float32; there the error of the first
// rounding decides. See fmaTie.
//
//go:noinline
func FMA(a, b, c float32) float32 {
	if fuses {
		return a*b + c // one instruction, as init has seen
	}
	p := float64(float64(a) * float64(b)) // exact
	s := p + float64(c)
	if fmaTie(s) {
		s = fmaOdd(p, float64(c), s)
	}
	return float32(s)
}

// fmaTie reports whether s lies exactly between two neighbours of float32. In
// float32's normal range its last 29 bits are then a 1 and 28 zeros. In the
// subnormal range the middles are odd multiples of 2⁻¹⁵⁰, which end in more
// zeros; there any s but 0 that does counts. The first comparison suffices for
// almost every sum, the others are for sums of few digits, as where a pixel
// is 0.
func fmaTie(s float64) bool {
	bits := math.Float64bits(s)
	return bits&(1<<28-1) == 0 && (bits&(1<<28) != 0 || bits<<1-1 < (1023-126)<<53-1)
}

// below and anyTie look for ties of many sums with one branch, and take some for
// one that are none: anyTie(below(s) | below(t) | …) holds where one of the sums
// meets the first comparison of fmaTie, without which none is a tie. A number
// of 28 bits less 1 is negative only where it is 0, and so is what is ored of such.
func below(s float64) int64 { return int64(math.Float64bits(s)&(1<<28-1)) - 1 }

func anyTie(below int64) bool { return below < 0 }

// sumTie returns the sum s = p + c, and tie = 0 unless s meets the first
// comparison of fmaTie and is not exact: only then may float32(s) be wrong.
func sumTie(p, c float64) (s float64, tie int64) {
	s = p + c
	return s, below(s) >> 63 & int64(math.Float64bits(sumError(p, c, s))<<1)
}

// sumError returns p + c − s, exactly, of the sum s; it is NaN where s is
// infinite or NaN.
func sumError(p, c, s float64) float64 {
	bb := s - p
	return float64(p-float64(s-bb)) + float64(c-bb)
}

// fmaOdd returns p + c, whose float64 sum is s, rounded to odd: truncated, and
// the last bit set unless s is exact. That lies on the right side of every
// middle between two float32, so it rounds to float32 as p + c does.
func fmaOdd(p, c, s float64) float64 {
	e := sumError(p, c, s)
	bits := math.Float64bits(s)
	if d := float64(e * s); d > 0 {
		bits |= 1
	} else if d < 0 {
		bits = (bits - 1) | 1
	}
	return math.Float64frombits(bits) // s where s is infinite or NaN: so is d
}
