//go:build !purego

package simd

import (
	"unsafe"

	"heavytail/internal/isa"
)

// noiseGroupsAsm fills dst with whole groups, if there is assembly for it.
func noiseGroupsAsm(dst []float32, op NoiseOp, p *Philox, block uint32, q *NoiseParams) bool {
	n := len(dst) / int(op.perBlock()*noiseGroup)
	if n == 0 || isa.Cur() != isa.AVX512 && isa.Cur() != isa.AVX2 {
		return false
	}
	if op == NoiseTable {
		noiseTableAsm(dst, p, block, q.Table)
		return true
	}
	noiseKernel(&dst[0], n, op, &p.m, block, q)
	return true
}

// noiseGivenAsm is noiseGroupsAsm for words in memory: the kernels take them
// where there is no generator.
func noiseGivenAsm(dst []float32, op NoiseOp, words []uint32, q *NoiseParams) bool {
	if isa.Cur() != isa.AVX512 && isa.Cur() != isa.AVX2 {
		return false
	}
	if op == NoiseTable {
		copy(unsafe.Slice((*uint32)(unsafe.Pointer(&dst[0])), len(dst)), words)
		noiseTransform(dst, q.Table)
		return true
	}
	r := *q
	r.words = &words[0]
	noiseKernel(&dst[0], len(words)/(4*noiseGroup), op, nil, 0, &r)
	return true
}

// tableChunk is the number of variates whose words are made before they are
// transformed in place, a multiple of those of a group.
const tableChunk = 2048

// noiseTableAsm makes the words and turns them into variates in place.
func noiseTableAsm(dst []float32, p *Philox, block uint32, t *OctaveTable) {
	for len(dst) > 0 {
		d := dst[:min(len(dst), tableChunk)]
		noiseKernel(&d[0], len(d)/(4*noiseGroup), NoiseWords, &p.m, block, nil)
		noiseTransform(d, t)
		block += uint32(len(d)) / 4
		dst = dst[len(d):]
	}
}

// noiseTransform turns the words in x into variates.
func noiseTransform(x []float32, t *OctaveTable) {
	switch wide := isa.Cur() == isa.AVX512; {
	case wide && t.terms == 8:
		noiseTable8AVX512(&x[0], len(x), t)
	case wide:
		noiseTable10AVX512(&x[0], len(x), t)
	case t.terms == 8:
		noiseTable8AVX2(&x[0], len(x), t)
	default:
		noiseTable10AVX2(&x[0], len(x), t)
	}
}

// noiseKernel calls the kernel of a family.
func noiseKernel(dst *float32, groups int, op NoiseOp, m *[19]uint64, block uint32, q *NoiseParams) {
	if isa.Cur() == isa.AVX512 {
		noiseAVX512(dst, groups, op, m, block, q)
	} else {
		noiseAVX2(dst, groups, op, m, block, q)
	}
}

func noiseAVX512(dst *float32, groups int, op NoiseOp, m *[19]uint64, block uint32, q *NoiseParams) {
	switch op {
	case NoiseWords:
		noiseWordsAVX512(dst, groups, m, block, q)
	case NoiseUniform:
		noiseUniformAVX512(dst, groups, m, block, q)
	case NoiseExponential:
		noiseExponentialAVX512(dst, groups, m, block, q)
	case NoiseNormal:
		noiseNormalAVX512(dst, groups, m, block, q)
	case NoiseSymmetricLow:
		noiseSymmetricLowAVX512(dst, groups, m, block, q)
	case NoiseSymmetricHigh:
		noiseSymmetricHighAVX512(dst, groups, m, block, q)
	case NoiseSkewed:
		noiseSkewedAVX512(dst, groups, m, block, q)
	case NoisePositiveLow:
		noisePositiveLowAVX512(dst, groups, m, block, q)
	case NoisePositiveHigh:
		noisePositiveHighAVX512(dst, groups, m, block, q)
	case NoiseRootLow:
		noiseRootLowAVX512(dst, groups, m, block, q)
	case NoiseRootHigh:
		noiseRootHighAVX512(dst, groups, m, block, q)
	case NoiseLogLow:
		noiseLogLowAVX512(dst, groups, m, block, q)
	case NoiseLogHigh:
		noiseLogHighAVX512(dst, groups, m, block, q)
	}
}

func noiseAVX2(dst *float32, groups int, op NoiseOp, m *[19]uint64, block uint32, q *NoiseParams) {
	switch op {
	case NoiseWords:
		noiseWordsAVX2(dst, groups, m, block, q)
	case NoiseUniform:
		noiseUniformAVX2(dst, groups, m, block, q)
	case NoiseExponential:
		noiseExponentialAVX2(dst, groups, m, block, q)
	case NoiseNormal:
		noiseNormalAVX2(dst, groups, m, block, q)
	case NoiseSymmetricLow:
		noiseSymmetricLowAVX2(dst, groups, m, block, q)
	case NoiseSymmetricHigh:
		noiseSymmetricHighAVX2(dst, groups, m, block, q)
	case NoiseSkewed:
		noiseSkewedAVX2(dst, groups, m, block, q)
	case NoisePositiveLow:
		noisePositiveLowAVX2(dst, groups, m, block, q)
	case NoisePositiveHigh:
		noisePositiveHighAVX2(dst, groups, m, block, q)
	case NoiseRootLow:
		noiseRootLowAVX2(dst, groups, m, block, q)
	case NoiseRootHigh:
		noiseRootHighAVX2(dst, groups, m, block, q)
	case NoiseLogLow:
		noiseLogLowAVX2(dst, groups, m, block, q)
	case NoiseLogHigh:
		noiseLogHighAVX2(dst, groups, m, block, q)
	}
}

// The kernels of tables turn the words in x into variates in place, n being a
// multiple of 64.

//go:noescape
func noiseTable8AVX512(x *float32, n int, t *OctaveTable)

//go:noescape
func noiseTable10AVX512(x *float32, n int, t *OctaveTable)

//go:noescape
func noiseTable8AVX2(x *float32, n int, t *OctaveTable)

//go:noescape
func noiseTable10AVX2(x *float32, n int, t *OctaveTable)

// The kernels below are noiseGroupsGeneric for one family: groups times 32
// blocks from block on.

//go:noescape
func noiseWordsAVX512(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseUniformAVX512(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseExponentialAVX512(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseNormalAVX512(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseSymmetricLowAVX512(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseSymmetricHighAVX512(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseSkewedAVX512(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noisePositiveLowAVX512(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noisePositiveHighAVX512(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseRootLowAVX512(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseRootHighAVX512(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseLogLowAVX512(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseLogHighAVX512(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseWordsAVX2(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseUniformAVX2(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseExponentialAVX2(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseNormalAVX2(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseSymmetricLowAVX2(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseSymmetricHighAVX2(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseSkewedAVX2(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noisePositiveLowAVX2(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noisePositiveHighAVX2(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseRootLowAVX2(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseRootHighAVX2(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseLogLowAVX2(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)

//go:noescape
func noiseLogHighAVX2(dst *float32, groups int, p *[19]uint64, block uint32, q *NoiseParams)
