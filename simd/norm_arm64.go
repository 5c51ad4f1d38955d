//go:build !purego

package simd

import (
	"unsafe"

	"heavytail/internal/isa"
)

// chanSumsNEON: s_c, q_c = Σ d, Σ d² over n ≥ 1 pixels, d = x − shift_c.
//
//go:noescape
func chanSumsNEON(s, q []float32, x *float32, pitch, n int, shift []float32)

func chanSums(s, q []float32, x Strip, n int, shift []float32) {
	if isa.Cur() == isa.NEON {
		chanSumsNEON(s, q, unsafe.SliceData(x.Data), x.Pitch, n, shift)
		return
	}
	chanSumsGeneric(s, q, x, n, shift)
}

// normApplyNEON: y = fma(x, a_c, b_c) for n ≥ 1 pixels.
//
//go:noescape
func normApplyNEON(y, x *float32, yPitch, xPitch, n int, a, b []float32)

func normApply(y, x Strip, n int, a, b []float32) {
	if isa.Cur() == isa.NEON {
		normApplyNEON(unsafe.SliceData(y.Data), unsafe.SliceData(x.Data), y.Pitch, x.Pitch, n, a, b)
		return
	}
	normApplyGeneric(y, x, n, a, b)
}

// normApplySiLUNEON: y = silu1(fma(x, a_c, b_c)) for n ≥ 1 pixels.
//
//go:noescape
func normApplySiLUNEON(y, x *float32, yPitch, xPitch, n int, a, b []float32)

func normApplySiLU(y, x Strip, n int, a, b []float32) {
	if isa.Cur() == isa.NEON {
		normApplySiLUNEON(unsafe.SliceData(y.Data), unsafe.SliceData(x.Data), y.Pitch, x.Pitch, n, a, b)
		return
	}
	normApplySiLUGeneric(y, x, n, a, b)
}

// gradSumsNEON: s1_c, s2_c = Σ dy, Σ dy·x̂ over n ≥ 1 pixels; see gradSumsGeneric.
//
//go:noescape
func gradSumsNEON(s1, s2 []float32, dy, x *float32, dyPitch, xPitch, n int, mean, rstd *float32)

func gradSums(s1, s2 []float32, dy, x Strip, n int, k NormCoef) {
	if isa.Cur() == isa.NEON {
		gradSumsNEON(s1, s2, unsafe.SliceData(dy.Data), unsafe.SliceData(x.Data), dy.Pitch, x.Pitch, n, unsafe.SliceData(k.Mean), unsafe.SliceData(k.Rstd))
		return
	}
	gradSumsGeneric(s1, s2, dy, x, n, k)
}

// gradSumsSiLUNEON: gradSums of dv = dy·siluGrad1(fma(x, a_c, b_c)), stored unless dv is nil.
//
//go:noescape
func gradSumsSiLUNEON(s1, s2 []float32, dv, dy, x *float32, dvPitch, dyPitch, xPitch, n int, a, b, mean, rstd *float32)

func gradSumsSiLU(s1, s2 []float32, dv, dy, x Strip, n int, k NormCoef) {
	if isa.Cur() == isa.NEON {
		gradSumsSiLUNEON(s1, s2, unsafe.SliceData(dv.Data), unsafe.SliceData(dy.Data), unsafe.SliceData(x.Data), dv.Pitch, dy.Pitch, x.Pitch, n, unsafe.SliceData(k.A), unsafe.SliceData(k.B), unsafe.SliceData(k.Mean), unsafe.SliceData(k.Rstd))
		return
	}
	gradSumsSiLUGeneric(s1, s2, dv, dy, x, n, k)
}

// gradInputNEON: dx = fma(dv, p_c, fma(x, q_c, r_c)) for n ≥ 1 pixels.
//
//go:noescape
func gradInputNEON(dx, dv, x *float32, dxPitch, dvPitch, xPitch, n int, p, q, r []float32)

func gradInput(dx, dv, x Strip, n int, p, q, r []float32) {
	if isa.Cur() == isa.NEON {
		gradInputNEON(unsafe.SliceData(dx.Data), unsafe.SliceData(dv.Data), unsafe.SliceData(x.Data), dx.Pitch, dv.Pitch, x.Pitch, n, p, q, r)
		return
	}
	gradInputGeneric(dx, dv, x, n, p, q, r)
}

// gradInputAccNEON: dx += fma(dv, p_c, fma(x, q_c, r_c)) for n ≥ 1 pixels.
//
//go:noescape
func gradInputAccNEON(dx, dv, x *float32, dxPitch, dvPitch, xPitch, n int, p, q, r []float32)

func gradInputAcc(dx, dv, x Strip, n int, p, q, r []float32) {
	if isa.Cur() == isa.NEON {
		gradInputAccNEON(unsafe.SliceData(dx.Data), unsafe.SliceData(dv.Data), unsafe.SliceData(x.Data), dx.Pitch, dv.Pitch, x.Pitch, n, p, q, r)
		return
	}
	gradInputAccGeneric(dx, dv, x, n, p, q, r)
}

// gradInputSiLUNEON: gradInputAcc of dv = dy·siluGrad1(fma(x, a_c, b_c)).
//
//go:noescape
func gradInputSiLUNEON(dx, dy, x *float32, dxPitch, dyPitch, xPitch, n int, a, b, p, q, r []float32)

func gradInputSiLU(dx, dy, x Strip, n int, a, b, p, q, r []float32) {
	if isa.Cur() == isa.NEON {
		gradInputSiLUNEON(unsafe.SliceData(dx.Data), unsafe.SliceData(dy.Data), unsafe.SliceData(x.Data), dx.Pitch, dy.Pitch, x.Pitch, n, a, b, p, q, r)
		return
	}
	gradInputSiLUGeneric(dx, dy, x, n, a, b, p, q, r)
}
