//go:build !purego

package simd

import "heavytail/internal/isa"

// philoxWordsAsm is Philox.words for the whole groups of dst, if there is
// assembly for it. It returns how many blocks they are.
func philoxWordsAsm(dst []uint32, p *Philox, block uint32, at []uint64) (blocks int) {
	n := len(dst) / (4 * noiseGroup)
	if n == 0 {
		return 0
	}
	var list *uint64
	if at != nil {
		list = &at[:n*noiseGroup][0]
	}
	switch isa.Cur() {
	case isa.AVX512:
		philoxWordsAVX512(&dst[0], n, &p.m, block, list)
	case isa.AVX2:
		philoxWordsAVX2(&dst[0], n, &p.m, block, list)
	default:
		return 0
	}
	return n * noiseGroup
}

// noiseGrouped tells whether it is quicker to make whole groups of blocks.
func noiseGrouped() bool { return isa.Cur() != isa.Generic }

// noiseTransformAsm is noiseTransform for the whole groups of words, if there is
// assembly for it. It returns how many blocks they are.
func noiseTransformAsm(dst []float32, words []uint32, op NoiseOp, q *NoiseParams) (blocks int) {
	n := len(words) / (4 * noiseGroup)
	if n == 0 {
		return 0
	}
	_ = dst[n*noiseGroup*int(op.perBlock())-1]
	switch isa.Cur() {
	case isa.AVX512:
		noiseAVX512(&dst[0], &words[0], n, op, q)
	case isa.AVX2:
		noiseAVX2(&dst[0], &words[0], n, op, q)
	default:
		return 0
	}
	return n * noiseGroup
}

func noiseAVX512(dst *float32, words *uint32, groups int, op NoiseOp, q *NoiseParams) {
	switch op {
	case NoiseUniform:
		noiseUniformAVX512(dst, words, groups, q)
	case NoiseExponential:
		noiseExponentialAVX512(dst, words, groups, q)
	case NoiseNormal:
		noiseNormalAVX512(dst, words, groups, q)
	case NoiseSymmetricLow:
		noiseSymmetricLowAVX512(dst, words, groups, q)
	case NoiseSymmetricHigh:
		noiseSymmetricHighAVX512(dst, words, groups, q)
	case NoiseSkewed:
		noiseSkewedAVX512(dst, words, groups, q)
	case NoisePositiveLow:
		noisePositiveLowAVX512(dst, words, groups, q)
	case NoisePositiveHigh:
		noisePositiveHighAVX512(dst, words, groups, q)
	case NoiseRootLow:
		noiseRootLowAVX512(dst, words, groups, q)
	case NoiseRootHigh:
		noiseRootHighAVX512(dst, words, groups, q)
	case NoiseLogLow:
		noiseLogLowAVX512(dst, words, groups, q)
	case NoiseLogHigh:
		noiseLogHighAVX512(dst, words, groups, q)
	case NoiseTable:
		if q.Table.terms == 8 {
			noiseTable8AVX512(dst, words, groups, q)
		} else {
			noiseTable10AVX512(dst, words, groups, q)
		}
	}
}

func noiseAVX2(dst *float32, words *uint32, groups int, op NoiseOp, q *NoiseParams) {
	switch op {
	case NoiseUniform:
		noiseUniformAVX2(dst, words, groups, q)
	case NoiseExponential:
		noiseExponentialAVX2(dst, words, groups, q)
	case NoiseNormal:
		noiseNormalAVX2(dst, words, groups, q)
	case NoiseSymmetricLow:
		noiseSymmetricLowAVX2(dst, words, groups, q)
	case NoiseSymmetricHigh:
		noiseSymmetricHighAVX2(dst, words, groups, q)
	case NoiseSkewed:
		noiseSkewedAVX2(dst, words, groups, q)
	case NoisePositiveLow:
		noisePositiveLowAVX2(dst, words, groups, q)
	case NoisePositiveHigh:
		noisePositiveHighAVX2(dst, words, groups, q)
	case NoiseRootLow:
		noiseRootLowAVX2(dst, words, groups, q)
	case NoiseRootHigh:
		noiseRootHighAVX2(dst, words, groups, q)
	case NoiseLogLow:
		noiseLogLowAVX2(dst, words, groups, q)
	case NoiseLogHigh:
		noiseLogHighAVX2(dst, words, groups, q)
	case NoiseTable:
		if q.Table.terms == 8 {
			noiseTable8AVX2(dst, words, groups, q)
		} else {
			noiseTable10AVX2(dst, words, groups, q)
		}
	}
}

// The kernels of the cipher: groups times 32 blocks, of the numbers block, block+1,
// … or, if at is not nil, block+at[listed(0)], block+at[listed(1)], …

//go:noescape
func philoxWordsAVX512(dst *uint32, groups int, m *[19]uint64, block uint32, at *uint64)

//go:noescape
func philoxWordsAVX2(dst *uint32, groups int, m *[19]uint64, block uint32, at *uint64)

// The kernels below are noiseTransformGeneric for one family: groups times 32
// blocks of words.

//go:noescape
func noiseUniformAVX512(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseExponentialAVX512(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseNormalAVX512(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseSymmetricLowAVX512(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseSymmetricHighAVX512(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseSkewedAVX512(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noisePositiveLowAVX512(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noisePositiveHighAVX512(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseRootLowAVX512(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseRootHighAVX512(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseLogLowAVX512(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseLogHighAVX512(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseTable8AVX512(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseTable10AVX512(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseUniformAVX2(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseExponentialAVX2(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseNormalAVX2(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseSymmetricLowAVX2(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseSymmetricHighAVX2(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseSkewedAVX2(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noisePositiveLowAVX2(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noisePositiveHighAVX2(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseRootLowAVX2(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseRootHighAVX2(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseLogLowAVX2(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseLogHighAVX2(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseTable8AVX2(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseTable10AVX2(dst *float32, words *uint32, groups int, q *NoiseParams)
