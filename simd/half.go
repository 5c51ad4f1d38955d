package simd

import "math"

// F16ToF32 sets dst to the IEEE binary16 values whose bits are src; exact.
// NaN keeps its sign and payload. It panics if the lengths differ.
func F16ToF32(dst []float32, src []uint16) {
	must2("F16ToF32", len(dst), len(src))
	for i, h := range src {
		dst[i] = math.Float32frombits(f16ToBits(h))
	}
}

func f16ToBits(h uint16) uint32 {
	sign, e, m := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch {
	case e == 31:
		return sign | 0xff<<23 | m<<13
	case e == 0: // m·2^−24, exact
		return sign | math.Float32bits(float32(m)*0x1p-24)
	}
	return sign | (e+112)<<23 | m<<13
}

// F32ToF16 rounds src to IEEE binary16, ties to even, gradual underflow,
// overflow to infinity; NaN stays a (quiet) NaN. It panics if the lengths
// differ.
func F32ToF16(dst []uint16, src []float32) {
	must2("F32ToF16", len(dst), len(src))
	for i, v := range src {
		dst[i] = f16FromBits(math.Float32bits(v))
	}
}

func f16FromBits(b uint32) uint16 {
	sign, a := uint16(b>>16)&0x8000, b&0x7fffffff
	switch {
	case a > 0x7f800000:
		return sign | 0x7e00 | uint16(a>>13)&0x3ff
	case a >= 0x47800000: // 2^16 and above
		return sign | 0x7c00
	case a < 0x38800000: // below 2^−14: adding ½ leaves a multiple of 2^−24
		f := math.Float32frombits(a) + 0.5
		return sign | uint16(math.Float32bits(f)-0x3f000000)
	}
	a += 0xfff + a>>13&1 // to even; a carry may reach the exponent, or infinity
	return sign | uint16(a>>13-112<<10)
}

// BF16ToF32 sets dst to the bfloat16 values whose bits are src; exact. It
// panics if the lengths differ.
func BF16ToF32(dst []float32, src []uint16) {
	must2("BF16ToF32", len(dst), len(src))
	for i, h := range src {
		dst[i] = math.Float32frombits(uint32(h) << 16)
	}
}

// F32ToBF16 rounds src to bfloat16, ties to even; NaN stays a (quiet) NaN. It
// panics if the lengths differ.
func F32ToBF16(dst []uint16, src []float32) {
	must2("F32ToBF16", len(dst), len(src))
	for i, v := range src {
		b := math.Float32bits(v)
		if b&0x7fffffff > 0x7f800000 {
			dst[i] = uint16(b>>16) | 0x40
			continue
		}
		dst[i] = uint16((b + 0x7fff + b>>16&1) >> 16)
	}
}
