//go:build !purego

package simd

import "heavytail/internal/isa"

// gamma64Asm makes attempts of w for the whole groups of dst, if there is
// assembly for it. It returns how many variates they are.
func gamma64Asm(dst []float64, w *gamma64Words, q *Gamma64Params) (done int) {
	n, low := len(dst)/gamma64Group, q.Shape != 0
	if n == 0 {
		return 0
	}
	_ = w.first[4*gamma64Group*n-1]
	switch isa.Cur() {
	case isa.AVX512:
		if low {
			gamma64LowAVX512(&dst[0], &w.first[0], &w.second[0], &w.boost[0], n, q)
		} else {
			gamma64AVX512(&dst[0], &w.first[0], &w.second[0], nil, n, q)
		}
	case isa.AVX2:
		if low {
			gamma64LowAVX2(&dst[0], &w.first[0], &w.second[0], &w.boost[0], n, q)
		} else {
			gamma64AVX2(&dst[0], &w.first[0], &w.second[0], nil, n, q)
		}
	default:
		return 0
	}
	return n * gamma64Group
}

// The kernels below are gamma64Try for groups times 16 variates: Low with the
// boost, the others without.

//go:noescape
func gamma64AVX512(dst *float64, first, second, boost *uint32, groups int, q *Gamma64Params)

//go:noescape
func gamma64LowAVX512(dst *float64, first, second, boost *uint32, groups int, q *Gamma64Params)

//go:noescape
func gamma64AVX2(dst *float64, first, second, boost *uint32, groups int, q *Gamma64Params)

//go:noescape
func gamma64LowAVX2(dst *float64, first, second, boost *uint32, groups int, q *Gamma64Params)
