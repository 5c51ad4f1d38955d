//go:build !purego

package simd

import (
	"unsafe"

	"heavytail/internal/isa"
)

// rowSumsNEON: s_i, q_i = Σ d, Σ d² over row i in 16 lanes, d = x − k_i.
//
//go:noescape
func rowSumsNEON(s, q []float32, x *float32, pitch, c int, k []float32)

func rowSums(s, q []float32, x Strip, c int, k []float32) {
	if isa.Cur() == isa.NEON {
		rowSumsNEON(s, q, unsafe.SliceData(x.Data), x.Pitch, c, k)
		return
	}
	rowSumsGeneric(s, q, x, c, k)
}

// rowApplyNEON: y = fma((x−mean)·rstd, gamma_c, beta_c) for n ≥ 1 rows.
//
//go:noescape
func rowApplyNEON(y, x *float32, yPitch, xPitch, n int, gamma, beta []float32, stats *float32)

func rowApply(y, x Strip, n int, gamma, beta, stats []float32) {
	if isa.Cur() == isa.NEON {
		rowApplyNEON(unsafe.SliceData(y.Data), unsafe.SliceData(x.Data), y.Pitch, x.Pitch, n, gamma, beta, unsafe.SliceData(stats))
		return
	}
	rowApplyGeneric(y, x, n, gamma, beta, stats)
}

// rowApplySiLUNEON: y = silu1(fma((x−mean)·rstd, gamma_c, beta_c)) for n ≥ 1 rows.
//
//go:noescape
func rowApplySiLUNEON(y, x *float32, yPitch, xPitch, n int, gamma, beta []float32, stats *float32)

func rowApplySiLU(y, x Strip, n int, gamma, beta, stats []float32) {
	if isa.Cur() == isa.NEON {
		rowApplySiLUNEON(unsafe.SliceData(y.Data), unsafe.SliceData(x.Data), y.Pitch, x.Pitch, n, gamma, beta, unsafe.SliceData(stats))
		return
	}
	rowApplySiLUGeneric(y, x, n, gamma, beta, stats)
}

// rowGradNEON: dv = dy·siluGrad1(fma((x−mean)·rstd, gamma_c, beta_c)) for n ≥ 1 rows.
//
//go:noescape
func rowGradNEON(dv, dy, x *float32, dvPitch, dyPitch, xPitch, n int, gamma, beta []float32, stats *float32)

func rowGrad(dv, dy, x Strip, n int, gamma, beta, stats []float32) {
	if isa.Cur() == isa.NEON {
		rowGradNEON(unsafe.SliceData(dv.Data), unsafe.SliceData(dy.Data), unsafe.SliceData(x.Data), dv.Pitch, dy.Pitch, x.Pitch, n, gamma, beta, unsafe.SliceData(stats))
		return
	}
	rowGradGeneric(dv, dy, x, n, gamma, beta, stats)
}

// rowGradSumsNEON: s1_i, s2_i = Σ g, Σ g·x̂ over row i in 16 lanes, g = dv·gamma_c.
//
//go:noescape
func rowGradSumsNEON(s1, s2 []float32, dv, x *float32, dvPitch, xPitch int, gamma []float32, stats *float32)

func rowGradSums(s1, s2 []float32, dv, x Strip, gamma, stats []float32) {
	if isa.Cur() == isa.NEON {
		rowGradSumsNEON(s1, s2, unsafe.SliceData(dv.Data), unsafe.SliceData(x.Data), dv.Pitch, x.Pitch, gamma, unsafe.SliceData(stats))
		return
	}
	rowGradSumsGeneric(s1, s2, dv, x, gamma, stats)
}

// rowGradInputNEON: dx = fma(dv·gamma_c, p, fma(x, q, r)) for n ≥ 1 rows, p, q, r at coef[3i].
//
//go:noescape
func rowGradInputNEON(dx, dv, x *float32, dxPitch, dvPitch, xPitch, n int, gamma []float32, coef *float32)

func rowGradInput(dx, dv, x Strip, n int, gamma, coef []float32) {
	if isa.Cur() == isa.NEON {
		rowGradInputNEON(unsafe.SliceData(dx.Data), unsafe.SliceData(dv.Data), unsafe.SliceData(x.Data), dx.Pitch, dv.Pitch, x.Pitch, n, gamma, unsafe.SliceData(coef))
		return
	}
	rowGradInputGeneric(dx, dv, x, n, gamma, coef)
}

// rowGradInputAccNEON: dx += fma(dv·gamma_c, p, fma(x, q, r)) for n ≥ 1 rows.
//
//go:noescape
func rowGradInputAccNEON(dx, dv, x *float32, dxPitch, dvPitch, xPitch, n int, gamma []float32, coef *float32)

func rowGradInputAcc(dx, dv, x Strip, n int, gamma, coef []float32) {
	if isa.Cur() == isa.NEON {
		rowGradInputAccNEON(unsafe.SliceData(dx.Data), unsafe.SliceData(dv.Data), unsafe.SliceData(x.Data), dx.Pitch, dv.Pitch, x.Pitch, n, gamma, unsafe.SliceData(coef))
		return
	}
	rowGradInputAccGeneric(dx, dv, x, n, gamma, coef)
}

// colGradNEON: for n ≥ 1 rows: dbeta_c += dv, dgamma_c = fma(dv, x̂, dgamma_c).
//
//go:noescape
func colGradNEON(dgamma, dbeta []float32, dv, x *float32, dvPitch, xPitch, n int, stats *float32)

func colGrad(dgamma, dbeta []float32, dv, x Strip, n int, stats []float32) {
	if isa.Cur() == isa.NEON {
		colGradNEON(dgamma, dbeta, unsafe.SliceData(dv.Data), unsafe.SliceData(x.Data), dv.Pitch, x.Pitch, n, unsafe.SliceData(stats))
		return
	}
	colGradGeneric(dgamma, dbeta, dv, x, n, stats)
}
