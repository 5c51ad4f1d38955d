//go:build !purego

package simd

import "heavytail/internal/isa"

// noise64GroupsAsm fills dst with whole groups, if there is assembly for it.
func noise64GroupsAsm(dst []float64, op Noise64Op, p *Philox, block uint32, q *Noise64Params) bool {
	n := len(dst) / int(op.perBlock()*noiseGroup)
	if n == 0 {
		return false
	}
	switch isa.Cur() {
	case isa.AVX512:
		noise64AVX512(&dst[0], n, op, p, block, q)
	case isa.AVX2:
		noise64AVX2(&dst[0], n, op, p, block, q)
	default:
		return false
	}
	return true
}

func noise64AVX512(dst *float64, groups int, op Noise64Op, p *Philox, block uint32, q *Noise64Params) {
	switch op {
	case Noise64Uniform:
		noise64UniformAVX512(dst, groups, &p.m, block, q)
	case Noise64Exponential:
		noise64ExponentialAVX512(dst, groups, &p.m, block, q)
	case Noise64Normal:
		noise64NormalAVX512(dst, groups, &p.m, block, q)
	case Noise64SymmetricLow:
		noise64SymmetricLowAVX512(dst, groups, &p.m, block, q)
	case Noise64SymmetricHigh:
		noise64SymmetricHighAVX512(dst, groups, &p.m, block, q)
	case Noise64SkewedS0:
		noise64SkewedS0AVX512(dst, groups, &p.m, block, q)
	case Noise64SkewedS1:
		noise64SkewedS1AVX512(dst, groups, &p.m, block, q)
	case Noise64StudentT:
		noise64StudentTAVX512(dst, groups, &p.m, block, q)
	}
}

func noise64AVX2(dst *float64, groups int, op Noise64Op, p *Philox, block uint32, q *Noise64Params) {
	switch op {
	case Noise64Uniform:
		noise64UniformAVX2(dst, groups, &p.m, block, q)
	case Noise64Exponential:
		noise64ExponentialAVX2(dst, groups, &p.m, block, q)
	case Noise64Normal:
		noise64NormalAVX2(dst, groups, &p.m, block, q)
	case Noise64SymmetricLow:
		noise64SymmetricLowAVX2(dst, groups, &p.m, block, q)
	case Noise64SymmetricHigh:
		noise64SymmetricHighAVX2(dst, groups, &p.m, block, q)
	case Noise64SkewedS0:
		noise64SkewedS0AVX2(dst, groups, &p.m, block, q)
	case Noise64SkewedS1:
		noise64SkewedS1AVX2(dst, groups, &p.m, block, q)
	case Noise64StudentT:
		noise64StudentTAVX2(dst, groups, &p.m, block, q)
	}
}

// The kernels below are noise64GroupsGeneric for one family: groups times 32
// blocks from block on.

//go:noescape
func noise64UniformAVX512(dst *float64, groups int, p *[19]uint64, block uint32, q *Noise64Params)

//go:noescape
func noise64ExponentialAVX512(dst *float64, groups int, p *[19]uint64, block uint32, q *Noise64Params)

//go:noescape
func noise64NormalAVX512(dst *float64, groups int, p *[19]uint64, block uint32, q *Noise64Params)

//go:noescape
func noise64SymmetricLowAVX512(dst *float64, groups int, p *[19]uint64, block uint32, q *Noise64Params)

//go:noescape
func noise64SymmetricHighAVX512(dst *float64, groups int, p *[19]uint64, block uint32, q *Noise64Params)

//go:noescape
func noise64SkewedS0AVX512(dst *float64, groups int, p *[19]uint64, block uint32, q *Noise64Params)

//go:noescape
func noise64SkewedS1AVX512(dst *float64, groups int, p *[19]uint64, block uint32, q *Noise64Params)

//go:noescape
func noise64StudentTAVX512(dst *float64, groups int, p *[19]uint64, block uint32, q *Noise64Params)

//go:noescape
func noise64UniformAVX2(dst *float64, groups int, p *[19]uint64, block uint32, q *Noise64Params)

//go:noescape
func noise64ExponentialAVX2(dst *float64, groups int, p *[19]uint64, block uint32, q *Noise64Params)

//go:noescape
func noise64NormalAVX2(dst *float64, groups int, p *[19]uint64, block uint32, q *Noise64Params)

//go:noescape
func noise64SymmetricLowAVX2(dst *float64, groups int, p *[19]uint64, block uint32, q *Noise64Params)

//go:noescape
func noise64SymmetricHighAVX2(dst *float64, groups int, p *[19]uint64, block uint32, q *Noise64Params)

//go:noescape
func noise64SkewedS0AVX2(dst *float64, groups int, p *[19]uint64, block uint32, q *Noise64Params)

//go:noescape
func noise64SkewedS1AVX2(dst *float64, groups int, p *[19]uint64, block uint32, q *Noise64Params)

//go:noescape
func noise64StudentTAVX2(dst *float64, groups int, p *[19]uint64, block uint32, q *Noise64Params)
