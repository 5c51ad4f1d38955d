package tensor

import "math"

// ToF16 returns x rounded to IEEE half precision, to nearest, ties to even.
// What is too large becomes infinite; a NaN stays one.
func ToF16(x float32) uint16 {
	b := math.Float32bits(x)
	sign := uint16(b >> 16 & 0x8000)
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000: // NaN: quiet, the top of the payload kept
		return sign | 0x7e00 | uint16(b>>13&0x1ff)
	case b >= 0x477ff000: // at least 65520 rounds to infinity
		return sign | 0x7c00
	case b >= 0x38800000: // normal: move the exponent, round off 13 bits
		b -= 112 << 23
		return sign | uint16((b+0xfff+b>>13&1)>>13)
	}
	// Subnormal: adding ½ moves the last bit of half precision (2^-24) to the
	// last bit of float32 (ulp of ½ is 2^-24) and the addition rounds.
	return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-0x3f000000)
}

// FromF16 returns the value of an IEEE half.
func FromF16(h uint16) float32 {
	sign, mag := uint32(h&0x8000)<<16, uint32(h&0x7fff)
	switch {
	case mag >= 0x7c00:
		return math.Float32frombits(sign | 0x7f800000 | (mag&0x3ff)<<13)
	case mag >= 0x400:
		return math.Float32frombits(sign | (mag+112<<10)<<13)
	}
	return math.Float32frombits(sign | math.Float32bits(float32(mag)*0x1p-24))
}

// ToBF16 returns x rounded to bfloat16, to nearest, ties to even; a NaN stays one.
func ToBF16(x float32) uint16 {
	b := math.Float32bits(x)
	if x != x {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// FromBF16 returns the value of a bfloat16.
func FromBF16(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }
