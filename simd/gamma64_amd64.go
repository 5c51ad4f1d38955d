//go:build !purego

package simd

import "heavytail/internal/isa"

// gamma64Asm makes the attempts at try of the variates of the blocks at, whole
// groups of them, if there is assembly for it.
func gamma64Asm(dst []float64, at *[gamma64Batch]uint64, try uint32, p *Philox, q *Gamma64Params) bool {
	n, low := len(dst)/gamma64Group, q.Shape != 0
	if n == 0 {
		return true
	}
	switch isa.Cur() {
	case isa.AVX512:
		if low {
			gamma64LowAVX512(&dst[0], n, &p.m, &at[0], try, q)
		} else {
			gamma64AVX512(&dst[0], n, &p.m, &at[0], try, q)
		}
	case isa.AVX2:
		if low {
			gamma64LowAVX2(&dst[0], n, &p.m, &at[0], try, q)
		} else {
			gamma64AVX2(&dst[0], n, &p.m, &at[0], try, q)
		}
	default:
		return false
	}
	return true
}

// The kernels below are gamma64Try for groups times 16 variates: Low with the
// boost, the others without.

//go:noescape
func gamma64AVX512(dst *float64, groups int, p *[19]uint64, at *uint64, try uint32, q *Gamma64Params)

//go:noescape
func gamma64LowAVX512(dst *float64, groups int, p *[19]uint64, at *uint64, try uint32, q *Gamma64Params)

//go:noescape
func gamma64AVX2(dst *float64, groups int, p *[19]uint64, at *uint64, try uint32, q *Gamma64Params)

//go:noescape
func gamma64LowAVX2(dst *float64, groups int, p *[19]uint64, at *uint64, try uint32, q *Gamma64Params)
