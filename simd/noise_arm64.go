//go:build !purego

package simd

import "heavytail/internal/isa"

// philoxWordsAsm is Philox.words for the whole groups of dst, if there is
// assembly for it. It returns how many blocks they are.
func philoxWordsAsm(dst []uint32, p *Philox, block uint32, at []uint64) (blocks int) {
	n := len(dst) / (4 * noiseGroup)
	if n == 0 || isa.Cur() != isa.NEON {
		return 0
	}
	var list *uint64
	if at != nil {
		list = &at[:n*noiseGroup][0]
	}
	philoxWordsNEON(&dst[0], n, &p.m, block, list)
	return n * noiseGroup
}

// noiseGrouped tells whether it is quicker to make whole groups of blocks.
func noiseGrouped() bool { return isa.Cur() == isa.NEON }

// noiseTransformAsm is noiseTransform for the whole groups of words, if there is
// assembly for it. It returns how many blocks they are.
func noiseTransformAsm(dst []float32, words []uint32, op NoiseOp, q *NoiseParams) (blocks int) {
	n := len(words) / (4 * noiseGroup)
	if n == 0 || isa.Cur() != isa.NEON {
		return 0
	}
	x, w := &dst[:n*noiseGroup*int(op.perBlock())][0], &words[0]
	switch op {
	case NoiseUniform:
		noiseUniformNEON(x, w, n, q)
	case NoiseExponential:
		noiseExponentialNEON(x, w, n, q)
	case NoiseNormal:
		noiseNormalNEON(x, w, n, q)
	case NoiseSymmetricLow:
		noiseSymmetricLowNEON(x, w, n, q)
	case NoiseSymmetricHigh:
		noiseSymmetricHighNEON(x, w, n, q)
	case NoiseSkewed:
		noiseSkewedNEON(x, w, n, q)
	case NoisePositiveLow:
		noisePositiveLowNEON(x, w, n, q)
	case NoisePositiveHigh:
		noisePositiveHighNEON(x, w, n, q)
	case NoiseRootLow:
		noiseRootLowNEON(x, w, n, q)
	case NoiseRootHigh:
		noiseRootHighNEON(x, w, n, q)
	case NoiseLogLow:
		noiseLogLowNEON(x, w, n, q)
	case NoiseLogHigh:
		noiseLogHighNEON(x, w, n, q)
	case NoiseTable:
		if q.Table.terms == 8 {
			noiseTable8NEON(x, w, n, q)
		} else {
			noiseTable10NEON(x, w, n, q)
		}
	}
	return n * noiseGroup
}

// philoxWordsNEON makes the words of groups times 32 blocks from block on or, if at
// is not nil, of block plus those of the list.
//
//go:noescape
func philoxWordsNEON(dst *uint32, groups int, m *[19]uint64, block uint32, at *uint64)

// The kernels below are noiseTransformGeneric for one family: groups times 32
// blocks of words.

//go:noescape
func noiseUniformNEON(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseExponentialNEON(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseNormalNEON(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseSymmetricLowNEON(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseSymmetricHighNEON(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseSkewedNEON(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noisePositiveLowNEON(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noisePositiveHighNEON(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseRootLowNEON(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseRootHighNEON(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseLogLowNEON(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseLogHighNEON(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseTable8NEON(dst *float32, words *uint32, groups int, q *NoiseParams)

//go:noescape
func noiseTable10NEON(dst *float32, words *uint32, groups int, q *NoiseParams)
