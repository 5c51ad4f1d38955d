//go:build !purego

package simd

import "heavytail/internal/isa"

// addAVX512: dst_i = a_i + b_i.
//
//go:noescape
func addAVX512(dst, a, b []float32)

// addAVX2 is addAVX512 for AVX2.
//
//go:noescape
func addAVX2(dst, a, b []float32)

func add(dst, a, b []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		addAVX512(dst, a, b)
	case isa.AVX2:
		addAVX2(dst, a, b)
	default:
		addGeneric(dst, a, b)
	}
}

// subAVX512: dst_i = a_i − b_i.
//
//go:noescape
func subAVX512(dst, a, b []float32)

// subAVX2 is subAVX512 for AVX2.
//
//go:noescape
func subAVX2(dst, a, b []float32)

func sub(dst, a, b []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		subAVX512(dst, a, b)
	case isa.AVX2:
		subAVX2(dst, a, b)
	default:
		subGeneric(dst, a, b)
	}
}

// mulAVX512: dst_i = a_i·b_i.
//
//go:noescape
func mulAVX512(dst, a, b []float32)

// mulAVX2 is mulAVX512 for AVX2.
//
//go:noescape
func mulAVX2(dst, a, b []float32)

func mul(dst, a, b []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		mulAVX512(dst, a, b)
	case isa.AVX2:
		mulAVX2(dst, a, b)
	default:
		mulGeneric(dst, a, b)
	}
}

// scaleAVX512: dst_i = x_i·s.
//
//go:noescape
func scaleAVX512(dst, x []float32, s float32)

// scaleAVX2 is scaleAVX512 for AVX2.
//
//go:noescape
func scaleAVX2(dst, x []float32, s float32)

func scale(dst, x []float32, s float32) {
	switch isa.Cur() {
	case isa.AVX512:
		scaleAVX512(dst, x, s)
	case isa.AVX2:
		scaleAVX2(dst, x, s)
	default:
		scaleGeneric(dst, x, s)
	}
}

// axpbyAVX512: dst_i = fma(a, x_i, b·y_i).
//
//go:noescape
func axpbyAVX512(dst []float32, a float32, x []float32, b float32, y []float32)

// axpbyAVX2 is axpbyAVX512 for AVX2.
//
//go:noescape
func axpbyAVX2(dst []float32, a float32, x []float32, b float32, y []float32)

func axpby(dst []float32, a float32, x []float32, b float32, y []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		axpbyAVX512(dst, a, x, b, y)
	case isa.AVX2:
		axpbyAVX2(dst, a, x, b, y)
	default:
		axpbyGeneric(dst, a, x, b, y)
	}
}

// linComb3AVX512: dst_i = fma(c, z_i, fma(b, y_i, a·x_i)).
//
//go:noescape
func linComb3AVX512(dst []float32, a float32, x []float32, b float32, y []float32, c float32, z []float32)

// linComb3AVX2 is linComb3AVX512 for AVX2.
//
//go:noescape
func linComb3AVX2(dst []float32, a float32, x []float32, b float32, y []float32, c float32, z []float32)

func linComb3(dst []float32, a float32, x []float32, b float32, y []float32, c float32, z []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		linComb3AVX512(dst, a, x, b, y, c, z)
	case isa.AVX2:
		linComb3AVX2(dst, a, x, b, y, c, z)
	default:
		linComb3Generic(dst, a, x, b, y, c, z)
	}
}

// clampAVX512: dst_i = atMost(atLeast(x_i, lo), hi).
//
//go:noescape
func clampAVX512(dst, x []float32, lo, hi float32)

// clampAVX2 is clampAVX512 for AVX2.
//
//go:noescape
func clampAVX2(dst, x []float32, lo, hi float32)

func clamp(dst, x []float32, lo, hi float32) {
	switch isa.Cur() {
	case isa.AVX512:
		clampAVX512(dst, x, lo, hi)
	case isa.AVX2:
		clampAVX2(dst, x, lo, hi)
	default:
		clampGeneric(dst, x, lo, hi)
	}
}

// huberAVX512: m = min(|x_i|, 1), dst_i = m·(|x_i| − m/2).
//
//go:noescape
func huberAVX512(dst, x []float32)

// huberAVX2 is huberAVX512 for AVX2.
//
//go:noescape
func huberAVX2(dst, x []float32)

func huber(dst, x []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		huberAVX512(dst, x)
	case isa.AVX2:
		huberAVX2(dst, x)
	default:
		huberGeneric(dst, x)
	}
}

// widenAddAVX512: sum_i += float64(x_i).
//
//go:noescape
func widenAddAVX512(sum []float64, x []float32)

// widenAddAVX2 is widenAddAVX512 for AVX2.
//
//go:noescape
func widenAddAVX2(sum []float64, x []float32)

func widenAdd(sum []float64, x []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		widenAddAVX512(sum, x)
	case isa.AVX2:
		widenAddAVX2(sum, x)
	default:
		widenAddGeneric(sum, x)
	}
}

// sumAVX512: the sum of x in 16 lanes.
//
//go:noescape
func sumAVX512(x []float32) float32

// sumAVX2 is sumAVX512 for AVX2.
//
//go:noescape
func sumAVX2(x []float32) float32

func sum(x []float32) float32 {
	switch isa.Cur() {
	case isa.AVX512:
		return sumAVX512(x)
	case isa.AVX2:
		return sumAVX2(x)
	}
	return sumGeneric(x)
}

// dotAVX512: the sum of a_i·b_i, fused, in 16 lanes.
//
//go:noescape
func dotAVX512(a, b []float32) float32

// dotAVX2 is dotAVX512 for AVX2.
//
//go:noescape
func dotAVX2(a, b []float32) float32

func dot(a, b []float32) float32 {
	switch isa.Cur() {
	case isa.AVX512:
		return dotAVX512(a, b)
	case isa.AVX2:
		return dotAVX2(a, b)
	}
	return dotGeneric(a, b)
}

// vmaxAVX512: the maximum of x in 16 lanes.
//
//go:noescape
func vmaxAVX512(x []float32) float32

// vmaxAVX2 is vmaxAVX512 for AVX2.
//
//go:noescape
func vmaxAVX2(x []float32) float32

func vmax(x []float32) float32 {
	switch isa.Cur() {
	case isa.AVX512:
		return vmaxAVX512(x)
	case isa.AVX2:
		return vmaxAVX2(x)
	}
	return maxGeneric(x)
}

// maskAVX512: dst_i = x_i·s where words_i ≥ limit, else 0.
//
//go:noescape
func maskAVX512(dst, x []float32, words []uint32, limit uint32, s float32)

// maskAVX2 is maskAVX512 for AVX2.
//
//go:noescape
func maskAVX2(dst, x []float32, words []uint32, limit uint32, s float32)

func mask(dst, x []float32, words []uint32, limit uint32, s float32) {
	switch isa.Cur() {
	case isa.AVX512:
		maskAVX512(dst, x, words, limit, s)
	case isa.AVX2:
		maskAVX2(dst, x, words, limit, s)
	default:
		maskGeneric(dst, x, words, limit, s)
	}
}
