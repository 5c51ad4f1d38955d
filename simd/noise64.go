package simd

import (
	"fmt"
	"unsafe"
)

// A Noise64Op names a family of float64 variates made from Philox words. The
// four words of a block are two 64-bit numbers, W0 = w0·2^32 + w1 and W1 =
// w2·2^32 + w3. A uniform takes one of them: u(W) = (k+½)/2^52 with k the high
// 52 bits, or v(W) = (k+½)/2^53 with k the 52 bits below the highest, which is
// then a sign. Both are exact in float64, and so are 1−u and ½−v: both ends of
// an interval keep their full relative precision.
//
// Families with one number per variate (Uniform, Exponential, Normal) give two
// variates 2n and 2n+1 to block n, all others give one.
type Noise64Op uint8

// The families. The formulas are in noise64_generic.go.
const (
	// Noise64Uniform: u(W0), u(W1) in (0, 1).
	Noise64Uniform Noise64Op = iota
	// Noise64Exponential: −ln u(W0), −ln u(W1).
	Noise64Exponential
	// Noise64Normal: Box and Muller with v = v(W0) and r = √(−2 ln u(W1)):
	// r·cos πv with the sign of bit 0 of W1 and r·sin πv with that of bit 63 of
	// W0.
	Noise64Normal
	// Noise64SymmetricLow and Noise64SymmetricHigh: symmetric α-stable variates
	// by Chambers, Mallows and Stuck, 0.1 ≤ α ≤ 1 and 1 < α ≤ 2.
	Noise64SymmetricLow
	Noise64SymmetricHigh
	// Noise64SkewedS0 and Noise64SkewedS1: α-stable variates with skewness, S0
	// for 0.1 ≤ α ≤ 2 including α = 1, S1 for the same without α = 1.
	Noise64SkewedS0
	Noise64SkewedS1
	// Noise64StudentT: Bailey's √(ν(u^(−2/ν) − 1))·cos πv with the sign of bit 63
	// of W0, u = u(W1).
	Noise64StudentT
	noise64Ops
)

// perBlock is the number of variates that one block of four words gives.
func (op Noise64Op) perBlock() uint64 {
	if op <= Noise64Normal {
		return 2
	}
	return 1
}

// Noise64Params are the parameters of the families, in the order in which the
// kernels read them. Unused ones are 0.
type Noise64Params struct {
	A, K   float64 // Symmetric: y = A·v + K, A = −α or α−1
	ExpoHi float64 // the exponent of the power, its leading 41 bits
	Expo   float64 // the exponent
	ExpoLo float64 // Expo − ExpoHi and what Expo lacks
	Bias   float64 // Symmetric: added to the binary logarithm of the power

	Eps, HalfEps float64 // Skewed: ε = 1−α and ε/2
	InvSin       float64 // Skewed: ε/sin(πε/2)
	Bp, Bm       float64 // Skewed: (1±β)·κ with κ = ε·cot(πε/2), for U > 0 and U < 0
	Kp, Km       float64 // Skewed: ±βκ (S0) or ±β·cot(πε/2) (S1)
	InvAlpha     float64 // SkewedS0: 1/α
	InvEps       float64 // SkewedS0: 1/ε, 0 where |ε| < 2^-12
	Lo, Hi       float64 // Skewed: the ends of the support, to which rounding is clamped

	Nu float64 // StudentT: ν; Expo is −1/ν
}

// Noise64 sets dst[i] to variate off+i of the family op of the generator p, so
// that any cut of a range gives the same values. It panics when off+len(dst)
// exceeds what 2^32 blocks hold.
func Noise64(dst []float64, op Noise64Op, p *Philox, off uint64, q *Noise64Params) {
	if op >= noise64Ops {
		panic(fmt.Sprintf("simd: Noise64: no family %d", op))
	}
	per := op.perBlock()
	limit := per << 32
	if off > limit || uint64(len(dst)) > limit-off {
		panic(fmt.Sprintf("simd: Noise64: %d variates at offset %d exceed %d", len(dst), off, limit))
	}
	each, size := 2/int(per), int(per*noiseGroup)
	for len(dst) > 0 {
		block, skip := uint32(off/per), int(off%per)
		n := min(len(dst), noiseChunk/2) / each / size * size
		if skip != 0 || n == 0 {
			n = noise64Ragged(dst, op, p, block, skip, q)
		} else {
			words := unsafe.Slice((*uint32)(unsafe.Pointer(&dst[:n*each][0])), 2*n*each)
			p.words(words, block, nil)
			noise64Transform(dst[:n], words, op, q)
		}
		dst, off = dst[n:], off+uint64(n)
	}
}

// noise64Ragged makes a group, or as much as is needed of it, and copies what of
// it lies in dst; it returns how much that is.
func noise64Ragged(dst []float64, op Noise64Op, p *Philox, block uint32, skip int, q *Noise64Params) int {
	var buf [2 * noiseGroup]float64
	per := int(op.perBlock())
	blocks := min((skip+len(dst)+per-1)/per, noiseGroup)
	if noise64Grouped() {
		blocks = noiseGroup
	}
	words, x := (*[4 * noiseGroup]uint32)(unsafe.Pointer(&buf))[:4*blocks], buf[:per*blocks]
	p.words(words, block, nil)
	noise64Transform(x, words, op, q)
	return copy(dst, x[skip:])
}

// noise64Transform turns whole blocks of words into the variates dst, which may
// begin where the words do.
func noise64Transform(dst []float64, words []uint32, op Noise64Op, q *Noise64Params) {
	n := noise64TransformAsm(dst, words, op, q)
	noise64TransformGeneric(dst[n*int(op.perBlock()):], words[4*n:], op, q)
}
