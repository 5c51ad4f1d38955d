package simd

import "heavytail/internal/dmath"

func expF64Generic(dst, x []float64) {
	for i, v := range x {
		dst[i] = dmath.QuickExp(max(min(v, 700), -700))
	}
}

func expm1F64Generic(dst, x []float64) {
	for i, v := range x {
		dst[i] = dmath.QuickExpm1(v)
	}
}

func logF64Generic(dst, x []float64) {
	for i, v := range x {
		dst[i] = dmath.QuickLog(v)
	}
}

func log1pF64Generic(dst, x []float64) {
	for i, v := range x {
		dst[i] = dmath.QuickLog1p(v)
	}
}

func sinF64Generic(dst, x []float64) {
	for i, v := range x {
		dst[i] = dmath.QuickSin(v)
	}
}

func expNegF64Generic(e, c, x []float64) {
	for i, v := range x {
		e[i], c[i] = dmath.QuickExpNeg(v)
	}
}

func sinCosF64Generic(s, c, x []float64) {
	for i, v := range x {
		s[i], c[i] = dmath.QuickSinCos(v)
	}
}
