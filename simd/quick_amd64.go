//go:build !purego

package simd

import "heavytail/internal/isa"

// expF64AVX512: dst_i = QuickExp(x_i), x_i held to ±700.
//
//go:noescape
func expF64AVX512(dst, x []float64)

// expF64AVX2 is expF64AVX512 for AVX2.
//
//go:noescape
func expF64AVX2(dst, x []float64)

func expF64(dst, x []float64) {
	switch isa.Cur() {
	case isa.AVX512:
		expF64AVX512(dst, x)
	case isa.AVX2:
		expF64AVX2(dst, x)
	default:
		expF64Generic(dst, x)
	}
}

// expm1F64AVX512: dst_i = QuickExpm1(x_i).
//
//go:noescape
func expm1F64AVX512(dst, x []float64)

// expm1F64AVX2 is expm1F64AVX512 for AVX2.
//
//go:noescape
func expm1F64AVX2(dst, x []float64)

func expm1F64(dst, x []float64) {
	switch isa.Cur() {
	case isa.AVX512:
		expm1F64AVX512(dst, x)
	case isa.AVX2:
		expm1F64AVX2(dst, x)
	default:
		expm1F64Generic(dst, x)
	}
}

// logF64AVX512: dst_i = QuickLog(x_i).
//
//go:noescape
func logF64AVX512(dst, x []float64)

// logF64AVX2 is logF64AVX512 for AVX2.
//
//go:noescape
func logF64AVX2(dst, x []float64)

func logF64(dst, x []float64) {
	switch isa.Cur() {
	case isa.AVX512:
		logF64AVX512(dst, x)
	case isa.AVX2:
		logF64AVX2(dst, x)
	default:
		logF64Generic(dst, x)
	}
}

// log1pF64AVX512: dst_i = QuickLog1p(x_i).
//
//go:noescape
func log1pF64AVX512(dst, x []float64)

// log1pF64AVX2 is log1pF64AVX512 for AVX2.
//
//go:noescape
func log1pF64AVX2(dst, x []float64)

func log1pF64(dst, x []float64) {
	switch isa.Cur() {
	case isa.AVX512:
		log1pF64AVX512(dst, x)
	case isa.AVX2:
		log1pF64AVX2(dst, x)
	default:
		log1pF64Generic(dst, x)
	}
}

// sinF64AVX512: dst_i = QuickSin(x_i).
//
//go:noescape
func sinF64AVX512(dst, x []float64)

// sinF64AVX2 is sinF64AVX512 for AVX2.
//
//go:noescape
func sinF64AVX2(dst, x []float64)

func sinF64(dst, x []float64) {
	switch isa.Cur() {
	case isa.AVX512:
		sinF64AVX512(dst, x)
	case isa.AVX2:
		sinF64AVX2(dst, x)
	default:
		sinF64Generic(dst, x)
	}
}

// expNegF64AVX512: e_i, c_i = QuickExpNeg(x_i).
//
//go:noescape
func expNegF64AVX512(e, c, x []float64)

// expNegF64AVX2 is expNegF64AVX512 for AVX2.
//
//go:noescape
func expNegF64AVX2(e, c, x []float64)

func expNegF64(e, c, x []float64) {
	switch isa.Cur() {
	case isa.AVX512:
		expNegF64AVX512(e, c, x)
	case isa.AVX2:
		expNegF64AVX2(e, c, x)
	default:
		expNegF64Generic(e, c, x)
	}
}

// sinCosF64AVX512: s_i, c_i = QuickSinCos(x_i).
//
//go:noescape
func sinCosF64AVX512(s, c, x []float64)

// sinCosF64AVX2 is sinCosF64AVX512 for AVX2.
//
//go:noescape
func sinCosF64AVX2(s, c, x []float64)

func sinCosF64(s, c, x []float64) {
	switch isa.Cur() {
	case isa.AVX512:
		sinCosF64AVX512(s, c, x)
	case isa.AVX2:
		sinCosF64AVX2(s, c, x)
	default:
		sinCosF64Generic(s, c, x)
	}
}
