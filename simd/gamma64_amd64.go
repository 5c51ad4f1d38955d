//go:build !purego

package simd

import "heavytail/internal/isa"

// gamma64GroupsAsm is gamma64Generic for whole groups of 32 variates, if there
// is assembly for it.
func gamma64GroupsAsm(dst []float64, p *Philox, block uint32, q *Gamma64Params) bool {
	n, low := len(dst)/noiseGroup, q.Shape != 0
	if n == 0 {
		return true
	}
	switch isa.Cur() {
	case isa.AVX512:
		if low {
			gamma64LowAVX512(&dst[0], n, &p.m, block, q)
		} else {
			gamma64AVX512(&dst[0], n, &p.m, block, q)
		}
	case isa.AVX2:
		if low {
			gamma64LowAVX2(&dst[0], n, &p.m, block, q)
		} else {
			gamma64AVX2(&dst[0], n, &p.m, block, q)
		}
	default:
		return false
	}
	return true
}

// The kernels below are gamma64Generic for groups times 32 variates: Low with
// the boost, the others without.

//go:noescape
func gamma64AVX512(dst *float64, groups int, p *[19]uint64, block uint32, q *Gamma64Params)

//go:noescape
func gamma64LowAVX512(dst *float64, groups int, p *[19]uint64, block uint32, q *Gamma64Params)

//go:noescape
func gamma64AVX2(dst *float64, groups int, p *[19]uint64, block uint32, q *Gamma64Params)

//go:noescape
func gamma64LowAVX2(dst *float64, groups int, p *[19]uint64, block uint32, q *Gamma64Params)
