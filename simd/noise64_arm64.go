//go:build !purego

package simd

import "heavytail/internal/isa"

// noise64Grouped tells whether it is quicker to make whole groups of blocks.
func noise64Grouped() bool { return isa.Cur() == isa.NEON }

// noise64TransformAsm is noise64Transform for the whole groups of words, if there
// is assembly for it. It returns how many blocks they are.
func noise64TransformAsm(dst []float64, words []uint32, op Noise64Op, q *Noise64Params) (blocks int) {
	n := len(words) / (4 * noiseGroup)
	if n == 0 || isa.Cur() != isa.NEON {
		return 0
	}
	x, w := &dst[:n*noiseGroup*int(op.perBlock())][0], &words[0]
	switch op {
	case Noise64Uniform:
		noise64UniformNEON(x, w, n, q)
	case Noise64Exponential:
		noise64ExponentialNEON(x, w, n, q)
	case Noise64Normal:
		noise64NormalNEON(x, w, n, q)
	case Noise64SymmetricLow:
		noise64SymmetricLowNEON(x, w, n, q)
	case Noise64SymmetricHigh:
		noise64SymmetricHighNEON(x, w, n, q)
	case Noise64SkewedS0:
		noise64SkewedS0NEON(x, w, n, q)
	case Noise64SkewedS1:
		noise64SkewedS1NEON(x, w, n, q)
	case Noise64StudentT:
		noise64StudentTNEON(x, w, n, q)
	}
	return n * noiseGroup
}

// gamma64Asm makes attempts of w for the whole groups of dst, if there is
// assembly for it. It returns how many variates they are.
func gamma64Asm(dst []float64, w *gamma64Words, q *Gamma64Params) (done int) {
	n := len(dst) / gamma64Group
	if n == 0 || isa.Cur() != isa.NEON {
		return 0
	}
	_ = w.first[4*gamma64Group*n-1]
	if q.Shape != 0 {
		gamma64LowNEON(&dst[0], &w.first[0], &w.second[0], &w.boost[0], n, q)
	} else {
		gamma64NEON(&dst[0], &w.first[0], &w.second[0], nil, n, q)
	}
	return n * gamma64Group
}

// The kernels below are noise64TransformGeneric for one family, of groups times 32
// blocks of words, and gamma64Try for groups times 16 variates.

//go:noescape
func noise64UniformNEON(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64ExponentialNEON(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64NormalNEON(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64SymmetricLowNEON(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64SymmetricHighNEON(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64SkewedS0NEON(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64SkewedS1NEON(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func noise64StudentTNEON(dst *float64, words *uint32, groups int, q *Noise64Params)

//go:noescape
func gamma64NEON(dst *float64, first, second, boost *uint32, groups int, q *Gamma64Params)

//go:noescape
func gamma64LowNEON(dst *float64, first, second, boost *uint32, groups int, q *Gamma64Params)
