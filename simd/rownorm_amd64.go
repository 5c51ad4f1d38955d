//go:build !purego

package simd

import (
	"unsafe"

	"heavytail/internal/isa"
)

// rowSumsAVX512: s_i, q_i = Σ d, Σ d² over row i in 16 lanes, d = x − k_i.
//
//go:noescape
func rowSumsAVX512(s, q []float32, x *float32, pitch, c int, k []float32)

// rowSumsAVX2 is rowSumsAVX512 for AVX2.
//
//go:noescape
func rowSumsAVX2(s, q []float32, x *float32, pitch, c int, k []float32)

func rowSums(s, q []float32, x Strip, c int, k []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		rowSumsAVX512(s, q, unsafe.SliceData(x.Data), x.Pitch, c, k)
	case isa.AVX2:
		rowSumsAVX2(s, q, unsafe.SliceData(x.Data), x.Pitch, c, k)
	default:
		rowSumsGeneric(s, q, x, c, k)
	}
}

// rowApplyAVX512: y = fma((x−mean)·rstd, gamma_c, beta_c) for n ≥ 1 rows.
//
//go:noescape
func rowApplyAVX512(y, x *float32, yPitch, xPitch, n int, gamma, beta []float32, stats *float32)

// rowApplyAVX2 is rowApplyAVX512 for AVX2.
//
//go:noescape
func rowApplyAVX2(y, x *float32, yPitch, xPitch, n int, gamma, beta []float32, stats *float32)

func rowApply(y, x Strip, n int, gamma, beta, stats []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		rowApplyAVX512(unsafe.SliceData(y.Data), unsafe.SliceData(x.Data), y.Pitch, x.Pitch, n, gamma, beta, unsafe.SliceData(stats))
	case isa.AVX2:
		rowApplyAVX2(unsafe.SliceData(y.Data), unsafe.SliceData(x.Data), y.Pitch, x.Pitch, n, gamma, beta, unsafe.SliceData(stats))
	default:
		rowApplyGeneric(y, x, n, gamma, beta, stats)
	}
}

// rowApplySiLUAVX512: y = silu1(fma((x−mean)·rstd, gamma_c, beta_c)) for n ≥ 1 rows.
//
//go:noescape
func rowApplySiLUAVX512(y, x *float32, yPitch, xPitch, n int, gamma, beta []float32, stats *float32)

// rowApplySiLUAVX2 is rowApplySiLUAVX512 for AVX2.
//
//go:noescape
func rowApplySiLUAVX2(y, x *float32, yPitch, xPitch, n int, gamma, beta []float32, stats *float32)

func rowApplySiLU(y, x Strip, n int, gamma, beta, stats []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		rowApplySiLUAVX512(unsafe.SliceData(y.Data), unsafe.SliceData(x.Data), y.Pitch, x.Pitch, n, gamma, beta, unsafe.SliceData(stats))
	case isa.AVX2:
		rowApplySiLUAVX2(unsafe.SliceData(y.Data), unsafe.SliceData(x.Data), y.Pitch, x.Pitch, n, gamma, beta, unsafe.SliceData(stats))
	default:
		rowApplySiLUGeneric(y, x, n, gamma, beta, stats)
	}
}

// rowGradAVX512: dv = dy·siluGrad1(fma((x−mean)·rstd, gamma_c, beta_c)) for n ≥ 1 rows.
//
//go:noescape
func rowGradAVX512(dv, dy, x *float32, dvPitch, dyPitch, xPitch, n int, gamma, beta []float32, stats *float32)

// rowGradAVX2 is rowGradAVX512 for AVX2.
//
//go:noescape
func rowGradAVX2(dv, dy, x *float32, dvPitch, dyPitch, xPitch, n int, gamma, beta []float32, stats *float32)

func rowGrad(dv, dy, x Strip, n int, gamma, beta, stats []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		rowGradAVX512(unsafe.SliceData(dv.Data), unsafe.SliceData(dy.Data), unsafe.SliceData(x.Data), dv.Pitch, dy.Pitch, x.Pitch, n, gamma, beta, unsafe.SliceData(stats))
	case isa.AVX2:
		rowGradAVX2(unsafe.SliceData(dv.Data), unsafe.SliceData(dy.Data), unsafe.SliceData(x.Data), dv.Pitch, dy.Pitch, x.Pitch, n, gamma, beta, unsafe.SliceData(stats))
	default:
		rowGradGeneric(dv, dy, x, n, gamma, beta, stats)
	}
}

// rowGradSumsAVX512: s1_i, s2_i = Σ g, Σ g·x̂ over row i in 16 lanes, g = dv·gamma_c.
//
//go:noescape
func rowGradSumsAVX512(s1, s2 []float32, dv, x *float32, dvPitch, xPitch int, gamma []float32, stats *float32)

// rowGradSumsAVX2 is rowGradSumsAVX512 for AVX2.
//
//go:noescape
func rowGradSumsAVX2(s1, s2 []float32, dv, x *float32, dvPitch, xPitch int, gamma []float32, stats *float32)

func rowGradSums(s1, s2 []float32, dv, x Strip, gamma, stats []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		rowGradSumsAVX512(s1, s2, unsafe.SliceData(dv.Data), unsafe.SliceData(x.Data), dv.Pitch, x.Pitch, gamma, unsafe.SliceData(stats))
	case isa.AVX2:
		rowGradSumsAVX2(s1, s2, unsafe.SliceData(dv.Data), unsafe.SliceData(x.Data), dv.Pitch, x.Pitch, gamma, unsafe.SliceData(stats))
	default:
		rowGradSumsGeneric(s1, s2, dv, x, gamma, stats)
	}
}

// rowGradInputAVX512: dx = fma(dv·gamma_c, p, fma(x, q, r)) for n ≥ 1 rows, p, q, r at coef[3i].
//
//go:noescape
func rowGradInputAVX512(dx, dv, x *float32, dxPitch, dvPitch, xPitch, n int, gamma []float32, coef *float32)

// rowGradInputAVX2 is rowGradInputAVX512 for AVX2.
//
//go:noescape
func rowGradInputAVX2(dx, dv, x *float32, dxPitch, dvPitch, xPitch, n int, gamma []float32, coef *float32)

func rowGradInput(dx, dv, x Strip, n int, gamma, coef []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		rowGradInputAVX512(unsafe.SliceData(dx.Data), unsafe.SliceData(dv.Data), unsafe.SliceData(x.Data), dx.Pitch, dv.Pitch, x.Pitch, n, gamma, unsafe.SliceData(coef))
	case isa.AVX2:
		rowGradInputAVX2(unsafe.SliceData(dx.Data), unsafe.SliceData(dv.Data), unsafe.SliceData(x.Data), dx.Pitch, dv.Pitch, x.Pitch, n, gamma, unsafe.SliceData(coef))
	default:
		rowGradInputGeneric(dx, dv, x, n, gamma, coef)
	}
}

// rowGradInputAccAVX512: dx += fma(dv·gamma_c, p, fma(x, q, r)) for n ≥ 1 rows.
//
//go:noescape
func rowGradInputAccAVX512(dx, dv, x *float32, dxPitch, dvPitch, xPitch, n int, gamma []float32, coef *float32)

// rowGradInputAccAVX2 is rowGradInputAccAVX512 for AVX2.
//
//go:noescape
func rowGradInputAccAVX2(dx, dv, x *float32, dxPitch, dvPitch, xPitch, n int, gamma []float32, coef *float32)

func rowGradInputAcc(dx, dv, x Strip, n int, gamma, coef []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		rowGradInputAccAVX512(unsafe.SliceData(dx.Data), unsafe.SliceData(dv.Data), unsafe.SliceData(x.Data), dx.Pitch, dv.Pitch, x.Pitch, n, gamma, unsafe.SliceData(coef))
	case isa.AVX2:
		rowGradInputAccAVX2(unsafe.SliceData(dx.Data), unsafe.SliceData(dv.Data), unsafe.SliceData(x.Data), dx.Pitch, dv.Pitch, x.Pitch, n, gamma, unsafe.SliceData(coef))
	default:
		rowGradInputAccGeneric(dx, dv, x, n, gamma, coef)
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
