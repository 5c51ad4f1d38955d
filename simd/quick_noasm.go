//go:build purego || !amd64

package simd

func expF64(dst, x []float64) { expF64Generic(dst, x) }

func expm1F64(dst, x []float64) { expm1F64Generic(dst, x) }

func logF64(dst, x []float64) { logF64Generic(dst, x) }

func log1pF64(dst, x []float64) { log1pF64Generic(dst, x) }

func sinF64(dst, x []float64) { sinF64Generic(dst, x) }

func expNegF64(e, c, x []float64) { expNegF64Generic(e, c, x) }

func sinCosF64(s, c, x []float64) { sinCosF64Generic(s, c, x) }
