//go:build !purego

package simd

import (
	"unsafe"

	"heavytail/internal/isa"
)

// rowSumsAVX512: s, q = Σ(x−k), Σ(x−k)² in 16 lanes.
//
//go:noescape
func rowSumsAVX512(x []float32, k float32) (s, q float32)

// rowSumsAVX2 is rowSumsAVX512 for AVX2.
//
//go:noescape
func rowSumsAVX2(x []float32, k float32) (s, q float32)

func rowSums(x []float32, k float32) (s, q float32) {
	switch isa.Cur() {
	case isa.AVX512:
		return rowSumsAVX512(x, k)
	case isa.AVX2:
		return rowSumsAVX2(x, k)
	}
	return rowSumsGeneric(x, k)
}

// rowApplyAVX512: y_i = fma((x_i−mean)·rstd, gamma_i, beta_i).
//
//go:noescape
func rowApplyAVX512(y, x, gamma, beta []float32, mean, rstd float32)

// rowApplyAVX2 is rowApplyAVX512 for AVX2.
//
//go:noescape
func rowApplyAVX2(y, x, gamma, beta []float32, mean, rstd float32)

func rowApply(y, x, gamma, beta []float32, mean, rstd float32) {
	switch isa.Cur() {
	case isa.AVX512:
		rowApplyAVX512(y, x, gamma, beta, mean, rstd)
	case isa.AVX2:
		rowApplyAVX2(y, x, gamma, beta, mean, rstd)
	default:
		rowApplyGeneric(y, x, gamma, beta, mean, rstd)
	}
}

// rowApplySiLUAVX512: y_i = silu1(fma((x_i−mean)·rstd, gamma_i, beta_i)).
//
//go:noescape
func rowApplySiLUAVX512(y, x, gamma, beta []float32, mean, rstd float32)

// rowApplySiLUAVX2 is rowApplySiLUAVX512 for AVX2.
//
//go:noescape
func rowApplySiLUAVX2(y, x, gamma, beta []float32, mean, rstd float32)

func rowApplySiLU(y, x, gamma, beta []float32, mean, rstd float32) {
	switch isa.Cur() {
	case isa.AVX512:
		rowApplySiLUAVX512(y, x, gamma, beta, mean, rstd)
	case isa.AVX2:
		rowApplySiLUAVX2(y, x, gamma, beta, mean, rstd)
	default:
		rowApplySiLUGeneric(y, x, gamma, beta, mean, rstd)
	}
}

// rowGradAVX512: dv_i = dy_i·siluGrad1(fma((x_i−mean)·rstd, gamma_i, beta_i)).
//
//go:noescape
func rowGradAVX512(dv, dy, x, gamma, beta []float32, mean, rstd float32)

// rowGradAVX2 is rowGradAVX512 for AVX2.
//
//go:noescape
func rowGradAVX2(dv, dy, x, gamma, beta []float32, mean, rstd float32)

func rowGrad(dv, dy, x, gamma, beta []float32, mean, rstd float32) {
	switch isa.Cur() {
	case isa.AVX512:
		rowGradAVX512(dv, dy, x, gamma, beta, mean, rstd)
	case isa.AVX2:
		rowGradAVX2(dv, dy, x, gamma, beta, mean, rstd)
	default:
		rowGradGeneric(dv, dy, x, gamma, beta, mean, rstd)
	}
}

// rowGradSumsAVX512: Σ g, Σ g·x̂ in 16 lanes, g = dv_i·gamma_i.
//
//go:noescape
func rowGradSumsAVX512(dv, x, gamma []float32, mean, rstd float32) (s1, s2 float32)

// rowGradSumsAVX2 is rowGradSumsAVX512 for AVX2.
//
//go:noescape
func rowGradSumsAVX2(dv, x, gamma []float32, mean, rstd float32) (s1, s2 float32)

func rowGradSums(dv, x, gamma []float32, mean, rstd float32) (s1, s2 float32) {
	switch isa.Cur() {
	case isa.AVX512:
		return rowGradSumsAVX512(dv, x, gamma, mean, rstd)
	case isa.AVX2:
		return rowGradSumsAVX2(dv, x, gamma, mean, rstd)
	}
	return rowGradSumsGeneric(dv, x, gamma, mean, rstd)
}

// rowGradInputAVX512: dx_i = fma(dv_i·gamma_i, p, fma(x_i, q, r)).
//
//go:noescape
func rowGradInputAVX512(dx, dv, x, gamma []float32, p, q, r float32)

// rowGradInputAVX2 is rowGradInputAVX512 for AVX2.
//
//go:noescape
func rowGradInputAVX2(dx, dv, x, gamma []float32, p, q, r float32)

func rowGradInput(dx, dv, x, gamma []float32, p, q, r float32) {
	switch isa.Cur() {
	case isa.AVX512:
		rowGradInputAVX512(dx, dv, x, gamma, p, q, r)
	case isa.AVX2:
		rowGradInputAVX2(dx, dv, x, gamma, p, q, r)
	default:
		rowGradInputGeneric(dx, dv, x, gamma, p, q, r)
	}
}

// rowGradInputAccAVX512: dx_i += fma(dv_i·gamma_i, p, fma(x_i, q, r)).
//
//go:noescape
func rowGradInputAccAVX512(dx, dv, x, gamma []float32, p, q, r float32)

// rowGradInputAccAVX2 is rowGradInputAccAVX512 for AVX2.
//
//go:noescape
func rowGradInputAccAVX2(dx, dv, x, gamma []float32, p, q, r float32)

func rowGradInputAcc(dx, dv, x, gamma []float32, p, q, r float32) {
	switch isa.Cur() {
	case isa.AVX512:
		rowGradInputAccAVX512(dx, dv, x, gamma, p, q, r)
	case isa.AVX2:
		rowGradInputAccAVX2(dx, dv, x, gamma, p, q, r)
	default:
		rowGradInputAccGeneric(dx, dv, x, gamma, p, q, r)
	}
}

// colGradAVX512: for n ≥ 1 rows: dbeta_c += dv, dgamma_c = fma(dv, x̂, dgamma_c).
//
//go:noescape
func colGradAVX512(dgamma, dbeta []float32, dv, x *float32, dvPitch, xPitch, n int, stats *float32)

// colGradAVX2 is colGradAVX512 for AVX2.
//
//go:noescape
func colGradAVX2(dgamma, dbeta []float32, dv, x *float32, dvPitch, xPitch, n int, stats *float32)

func colGrad(dgamma, dbeta []float32, dv, x Strip, n int, stats []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		colGradAVX512(dgamma, dbeta, unsafe.SliceData(dv.Data), unsafe.SliceData(x.Data), dv.Pitch, x.Pitch, n, unsafe.SliceData(stats))
	case isa.AVX2:
		colGradAVX2(dgamma, dbeta, unsafe.SliceData(dv.Data), unsafe.SliceData(x.Data), dv.Pitch, x.Pitch, n, unsafe.SliceData(stats))
	default:
		colGradGeneric(dgamma, dbeta, dv, x, n, stats)
	}
}
