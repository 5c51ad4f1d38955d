//go:build !purego

package simd

import "heavytail/internal/isa"

// noiseGroupsAsm fills dst with whole groups, if there is assembly for it.
func noiseGroupsAsm(dst []float32, op NoiseOp, p *Philox, block uint32, q *NoiseParams) bool {
	n := len(dst) / int(op.perBlock()*noiseGroup)
	if n == 0 {
		return false
	}
	switch isa.Cur() {
	case isa.AVX512:
		noiseAVX512(&dst[0], n, op, p, block, q)
	case isa.AVX2:
		noiseAVX2(&dst[0], n, op, p, block, q)
	default:
		return false
	}
	return true
}

func noiseAVX512(dst *float32, groups int, op NoiseOp, p *Philox, block uint32, q *NoiseParams) {
	switch op {
	case NoiseWords:
		noiseWordsAVX512(dst, groups, &p.m, block, q)
	case NoiseUniform:
		noiseUniformAVX512(dst, groups, &p.m, block, q)
	case NoiseExponential:
		noiseExponentialAVX512(dst, groups, &p.m, block, q)
	case NoiseNormal:
		noiseNormalAVX512(dst, groups, &p.m, block, q)
	case NoiseSymmetricLow:
		noiseSymmetricLowAVX512(dst, groups, &p.m, block, q)
	case NoiseSymmetricHigh:
		noiseSymmetricHighAVX512(dst, groups, &p.m, block, q)
	case NoiseSkewed:
		noiseSkewedAVX512(dst, groups, &p.m, block, q)
	case NoisePositiveLow:
		noisePositiveLowAVX512(dst, groups, &p.m, block, q)
	case NoisePositiveHigh:
		noisePositiveHighAVX512(dst, groups, &p.m, block, q)
	case NoiseRootLow:
		noiseRootLowAVX512(dst, groups, &p.m, block, q)
	case NoiseRootHigh:
		noiseRootHighAVX512(dst, groups, &p.m, block, q)
	case NoiseLogLow:
		noiseLogLowAVX512(dst, groups, &p.m, block, q)
	case NoiseLogHigh:
		noiseLogHighAVX512(dst, groups, &p.m, block, q)
	}
}

func noiseAVX2(dst *float32, groups int, op NoiseOp, p *Philox, block uint32, q *NoiseParams) {
	switch op {
	case NoiseWords:
		noiseWordsAVX2(dst, groups, &p.m, block, q)
	case NoiseUniform:
		noiseUniformAVX2(dst, groups, &p.m, block, q)
	case NoiseExponential:
		noiseExponentialAVX2(dst, groups, &p.m, block, q)
	case NoiseNormal:
		noiseNormalAVX2(dst, groups, &p.m, block, q)
	case NoiseSymmetricLow:
		noiseSymmetricLowAVX2(dst, groups, &p.m, block, q)
	case NoiseSymmetricHigh:
		noiseSymmetricHighAVX2(dst, groups, &p.m, block, q)
	case NoiseSkewed:
		noiseSkewedAVX2(dst, groups, &p.m, block, q)
	case NoisePositiveLow:
		noisePositiveLowAVX2(dst, groups, &p.m, block, q)
	case NoisePositiveHigh:
		noisePositiveHighAVX2(dst, groups, &p.m, block, q)
	case NoiseRootLow:
		noiseRootLowAVX2(dst, groups, &p.m, block, q)
	case NoiseRootHigh:
		noiseRootHighAVX2(dst, groups, &p.m, block, q)
	case NoiseLogLow:
		noiseLogLowAVX2(dst, groups, &p.m, block, q)
	case NoiseLogHigh:
		noiseLogHighAVX2(dst, groups, &p.m, block, q)
	}
}

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
