package dmath

import "math"

// FMA returns x·y + z rounded once: the bits of math.FMA for all arguments, NaN
// apart, whose payload nobody reads. Where the processor has the instruction it
// is math.FMA; elsewhere that computes with integers, 4 to 7 times slower than
// fmaSplit.
func FMA(x, y, z float64) float64 {
	if noFMA {
		return fmaSplit(x, y, z)
	}
	return math.FMA(x, y, z)
}

// fmaSplit is FMA by sums and products of float64. The product is p + e and the
// sum of p and z is s + t, without any error (Dekker 1971 with Veltkamp's
// splitting; Knuth's TwoSum), so that s + (t + e) is to be rounded once. Where t
// or e is 0 the last sum does that. Else r, which is t + e rounded, is off by at
// most half a unit of its last place, and d = 2⁻⁵²·r is a whole one or more: if
// s + (r − d) and s + (r + d) round to one number, so does s + t + e between
// them (Ziv 1991). The rest is math.FMA's: what is next to a tie, exponents with
// which a part could overflow or lose bits, and 0, NaN and infinities. An
// infinite s needs no test of z: t and then r is NaN, which equals nothing.
func fmaSplit(x, y, z float64) float64 {
	const (
		low  = 1023 - 450 // x and y from 2⁻⁴⁵⁰: the last bits of e are 2⁻¹⁰⁰⁴ or above
		span = 900        // and below 2⁴⁵¹: |p| is too small to make an s that overflows
		half = 1<<27 + 1  // splits 53 bits into 26 and 26, and a sign
	)
	ex := uint32(math.Float64bits(x)>>52) & 0x7ff
	ey := uint32(math.Float64bits(y)>>52) & 0x7ff
	if ex-low > span || ey-low > span {
		return math.FMA(x, y, z)
	}
	gx, gy := float64(half*x), float64(half*y)
	xh, yh := gx-(gx-x), gy-(gy-y)
	xl, yl := x-xh, y-yh
	p := float64(x * y)
	e := float64(xl*yl) - (((p - float64(xh*yh)) - float64(xl*yh)) - float64(xh*yl))
	s := p + z
	zz := s - p
	t := (p - (s - zz)) + (z - zz)
	if t == 0 || e == 0 {
		return s + e // e is exact, or s is RN(s + t)
	}
	r := t + e
	d := float64(r * 0x1p-52)
	if a := s + (r + d); a == s+(r-d) {
		return a
	}
	return math.FMA(x, y, z)
}
