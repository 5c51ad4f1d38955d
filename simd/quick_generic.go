package simd

import "heavytail/internal/dmath"

// expF64Generic: dst_i = QuickExp(x_i), x_i held to ±700.
//
//simd:kernel
func expF64Generic(dst, x []float64) {
	for i, v := range x {
		dst[i] = dmath.QuickExp(max(min(v, 700), -700))
	}
}

// expm1F64Generic: dst_i = QuickExpm1(x_i).
//
//simd:kernel
func expm1F64Generic(dst, x []float64) {
	for i, v := range x {
		dst[i] = dmath.QuickExpm1(v)
	}
}

// logF64Generic: dst_i = QuickLog(x_i).
//
//simd:kernel
func logF64Generic(dst, x []float64) {
	for i, v := range x {
		dst[i] = dmath.QuickLog(v)
	}
}

// log1pF64Generic: dst_i = QuickLog1p(x_i).
//
//simd:kernel
func log1pF64Generic(dst, x []float64) {
	for i, v := range x {
		dst[i] = dmath.QuickLog1p(v)
	}
}

// sinF64Generic: dst_i = QuickSin(x_i).
//
//simd:kernel
func sinF64Generic(dst, x []float64) {
	for i, v := range x {
		dst[i] = dmath.QuickSin(v)
	}
}

// expNegF64Generic: e_i, c_i = QuickExpNeg(x_i).
//
//simd:kernel
func expNegF64Generic(e, c, x []float64) {
	for i, v := range x {
		e[i], c[i] = dmath.QuickExpNeg(v)
	}
}

// sinCosF64Generic: s_i, c_i = QuickSinCos(x_i).
//
//simd:kernel
func sinCosF64Generic(s, c, x []float64) {
	for i, v := range x {
		s[i], c[i] = dmath.QuickSinCos(v)
	}
}
