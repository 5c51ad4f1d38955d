//go:build !purego

package simd

import "heavytail/internal/isa"

// noise64Grouped tells whether it is quicker to make whole groups of blocks.
func noise64Grouped() bool { return isa.Cur() != isa.Generic }

// noise64TransformAsm is noise64Transform for the whole groups of words, if there
// is assembly for it. It returns how many blocks they are.
func noise64TransformAsm(dst []float64, words []uint32, op Noise64Op, q *Noise64Params) (blocks int) {
	n := len(words) / (4 * noiseGroup)
	if n == 0 {
		return 0
	}
	_ = dst[n*noiseGroup*int(op.perBlock())-1]
	switch isa.Cur() {
	case isa.AVX512:
		noise64AVX512(&dst[0], &words[0], n, op, q)
	case isa.AVX2:
		noise64AVX2(&dst[0], &words[0], n, op, q)
	default:
		return 0
	}
	return n * noiseGroup
}

func noise64AVX512(dst *float64, words *uint32, groups int, op Noise64Op, q *Noise64Params) {
	switch op {
	case Noise64Uniform:
		noise64UniformAVX512(dst, words, groups, q)
	case Noise64Exponential:
		noise64ExponentialAVX512(dst, words, groups, q)
	case Noise64Normal:
		noise64NormalAVX512(dst, words, groups, q)
	case Noise64SymmetricLow:
		noise64SymmetricLowAVX512(dst, words, groups, q)
	case Noise64SymmetricHigh:
		noise64SymmetricHighAVX512(dst, words, groups, q)
	case Noise64SkewedS0:
		noise64SkewedS0AVX512(dst, words, groups, q)
	case Noise64SkewedS1:
		noise64SkewedS1AVX512(dst, words, groups, q)
	case Noise64StudentT:
		noise64StudentTAVX512(dst, words, groups, q)
	}
}

func noise64AVX2(dst *float64, words *uint32, groups int, op Noise64Op, q *Noise64Params) {
	switch op {
	case Noise64Uniform:
		noise64UniformAVX2(dst, words, groups, q)
	case Noise64Exponential:
		noise64ExponentialAVX2(dst, words, groups, q)
	case Noise64Normal:
		noise64NormalAVX2(dst, words, groups, q)
	case Noise64SymmetricLow:
		noise64SymmetricLowAVX2(dst, words, groups, q)
	case Noise64SymmetricHigh:
		noise64SymmetricHighAVX2(dst, words, groups, q)
	case Noise64SkewedS0:
		noise64SkewedS0AVX2(dst, words, groups, q)
	case Noise64SkewedS1:
		noise64SkewedS1AVX2(dst, words, groups, q)
	case Noise64StudentT:
		noise64StudentTAVX2(dst, words, groups, q)
	}
}

// The kernels below are noise64TransformGeneric for one family: groups times 32
// blocks of words.

//go:noescape
func noise64UniformAVX512(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64ExponentialAVX512(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64NormalAVX512(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64SymmetricLowAVX512(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64SymmetricHighAVX512(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64SkewedS0AVX512(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64SkewedS1AVX512(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64StudentTAVX512(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64UniformAVX2(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64ExponentialAVX2(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64NormalAVX2(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64SymmetricLowAVX2(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64SymmetricHighAVX2(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64SkewedS0AVX2(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64SkewedS1AVX2(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64StudentTAVX2(dst *float64, words *uint32, groups int, q *Noise64Params)
