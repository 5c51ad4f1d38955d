//go:build !purego

package simd

import (
	"unsafe"

	"heavytail/internal/isa"
)

// chanSumsAVX512: s_c, q_c = Σ d, Σ d² over n ≥ 1 pixels, d = x − shift_c.
//
//go:noescape
func chanSumsAVX512(s, q []float32, x *float32, pitch, n int, shift []float32)

// chanSumsAVX2 is chanSumsAVX512 for AVX2.
//
//go:noescape
func chanSumsAVX2(s, q []float32, x *float32, pitch, n int, shift []float32)

func chanSums(s, q []float32, x Strip, n int, shift []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		chanSumsAVX512(s, q, unsafe.SliceData(x.Data), x.Pitch, n, shift)
	case isa.AVX2:
		chanSumsAVX2(s, q, unsafe.SliceData(x.Data), x.Pitch, n, shift)
	default:
		chanSumsGeneric(s, q, x, n, shift)
	}
}

// normApplyAVX512: y = fma(x, a_c, b_c) for n ≥ 1 pixels.
//
//go:noescape
func normApplyAVX512(y, x *float32, yPitch, xPitch, n int, a, b []float32)

// normApplyAVX2 is normApplyAVX512 for AVX2.
//
//go:noescape
func normApplyAVX2(y, x *float32, yPitch, xPitch, n int, a, b []float32)

func normApply(y, x Strip, n int, a, b []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		normApplyAVX512(unsafe.SliceData(y.Data), unsafe.SliceData(x.Data), y.Pitch, x.Pitch, n, a, b)
	case isa.AVX2:
		normApplyAVX2(unsafe.SliceData(y.Data), unsafe.SliceData(x.Data), y.Pitch, x.Pitch, n, a, b)
	default:
		normApplyGeneric(y, x, n, a, b)
	}
}

// normApplySiLUAVX512: y = silu1(fma(x, a_c, b_c)) for n ≥ 1 pixels.
//
//go:noescape
func normApplySiLUAVX512(y, x *float32, yPitch, xPitch, n int, a, b []float32)

// normApplySiLUAVX2 is normApplySiLUAVX512 for AVX2.
//
//go:noescape
func normApplySiLUAVX2(y, x *float32, yPitch, xPitch, n int, a, b []float32)

func normApplySiLU(y, x Strip, n int, a, b []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		normApplySiLUAVX512(unsafe.SliceData(y.Data), unsafe.SliceData(x.Data), y.Pitch, x.Pitch, n, a, b)
	case isa.AVX2:
		normApplySiLUAVX2(unsafe.SliceData(y.Data), unsafe.SliceData(x.Data), y.Pitch, x.Pitch, n, a, b)
	default:
		normApplySiLUGeneric(y, x, n, a, b)
	}
}

// gradSumsAVX512: s1_c, s2_c = Σ dy, Σ dy·x̂ over n ≥ 1 pixels; see gradSumsGeneric.
//
//go:noescape
func gradSumsAVX512(s1, s2 []float32, dy, x *float32, dyPitch, xPitch, n int, mean, rstd *float32)

// gradSumsAVX2 is gradSumsAVX512 for AVX2.
//
//go:noescape
func gradSumsAVX2(s1, s2 []float32, dy, x *float32, dyPitch, xPitch, n int, mean, rstd *float32)

func gradSums(s1, s2 []float32, dy, x Strip, n int, k NormCoef) {
	switch isa.Cur() {
	case isa.AVX512:
		gradSumsAVX512(s1, s2, unsafe.SliceData(dy.Data), unsafe.SliceData(x.Data), dy.Pitch, x.Pitch, n, unsafe.SliceData(k.Mean), unsafe.SliceData(k.Rstd))
	case isa.AVX2:
		gradSumsAVX2(s1, s2, unsafe.SliceData(dy.Data), unsafe.SliceData(x.Data), dy.Pitch, x.Pitch, n, unsafe.SliceData(k.Mean), unsafe.SliceData(k.Rstd))
	default:
		gradSumsGeneric(s1, s2, dy, x, n, k)
	}
}

// gradSumsSiLUAVX512: gradSums of dv = dy·siluGrad1(fma(x, a_c, b_c)), stored unless dv is nil.
//
//go:noescape
func gradSumsSiLUAVX512(s1, s2 []float32, dv, dy, x *float32, dvPitch, dyPitch, xPitch, n int, a, b, mean, rstd *float32)

// gradSumsSiLUAVX2 is gradSumsSiLUAVX512 for AVX2.
//
//go:noescape
func gradSumsSiLUAVX2(s1, s2 []float32, dv, dy, x *float32, dvPitch, dyPitch, xPitch, n int, a, b, mean, rstd *float32)

func gradSumsSiLU(s1, s2 []float32, dv, dy, x Strip, n int, k NormCoef) {
	switch isa.Cur() {
	case isa.AVX512:
		gradSumsSiLUAVX512(s1, s2, unsafe.SliceData(dv.Data), unsafe.SliceData(dy.Data), unsafe.SliceData(x.Data), dv.Pitch, dy.Pitch, x.Pitch, n, unsafe.SliceData(k.A), unsafe.SliceData(k.B), unsafe.SliceData(k.Mean), unsafe.SliceData(k.Rstd))
	case isa.AVX2:
		gradSumsSiLUAVX2(s1, s2, unsafe.SliceData(dv.Data), unsafe.SliceData(dy.Data), unsafe.SliceData(x.Data), dv.Pitch, dy.Pitch, x.Pitch, n, unsafe.SliceData(k.A), unsafe.SliceData(k.B), unsafe.SliceData(k.Mean), unsafe.SliceData(k.Rstd))
	default:
		gradSumsSiLUGeneric(s1, s2, dv, dy, x, n, k)
	}
}

// gradInputAVX512: dx = fma(dv, p_c, fma(x, q_c, r_c)) for n ≥ 1 pixels.
//
//go:noescape
func gradInputAVX512(dx, dv, x *float32, dxPitch, dvPitch, xPitch, n int, p, q, r []float32)

// gradInputAVX2 is gradInputAVX512 for AVX2.
//
//go:noescape
func gradInputAVX2(dx, dv, x *float32, dxPitch, dvPitch, xPitch, n int, p, q, r []float32)

func gradInput(dx, dv, x Strip, n int, p, q, r []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		gradInputAVX512(unsafe.SliceData(dx.Data), unsafe.SliceData(dv.Data), unsafe.SliceData(x.Data), dx.Pitch, dv.Pitch, x.Pitch, n, p, q, r)
	case isa.AVX2:
		gradInputAVX2(unsafe.SliceData(dx.Data), unsafe.SliceData(dv.Data), unsafe.SliceData(x.Data), dx.Pitch, dv.Pitch, x.Pitch, n, p, q, r)
	default:
		gradInputGeneric(dx, dv, x, n, p, q, r)
	}
}

// gradInputAccAVX512: dx += fma(dv, p_c, fma(x, q_c, r_c)) for n ≥ 1 pixels.
//
//go:noescape
func gradInputAccAVX512(dx, dv, x *float32, dxPitch, dvPitch, xPitch, n int, p, q, r []float32)

// gradInputAccAVX2 is gradInputAccAVX512 for AVX2.
//
//go:noescape
func gradInputAccAVX2(dx, dv, x *float32, dxPitch, dvPitch, xPitch, n int, p, q, r []float32)

func gradInputAcc(dx, dv, x Strip, n int, p, q, r []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		gradInputAccAVX512(unsafe.SliceData(dx.Data), unsafe.SliceData(dv.Data), unsafe.SliceData(x.Data), dx.Pitch, dv.Pitch, x.Pitch, n, p, q, r)
	case isa.AVX2:
		gradInputAccAVX2(unsafe.SliceData(dx.Data), unsafe.SliceData(dv.Data), unsafe.SliceData(x.Data), dx.Pitch, dv.Pitch, x.Pitch, n, p, q, r)
	default:
		gradInputAccGeneric(dx, dv, x, n, p, q, r)
	}
}

// gradInputSiLUAVX512: gradInputAcc of dv = dy·siluGrad1(fma(x, a_c, b_c)).
//
//go:noescape
func gradInputSiLUAVX512(dx, dy, x *float32, dxPitch, dyPitch, xPitch, n int, a, b, p, q, r []float32)

// gradInputSiLUAVX2 is gradInputSiLUAVX512 for AVX2.
//
//go:noescape
func gradInputSiLUAVX2(dx, dy, x *float32, dxPitch, dyPitch, xPitch, n int, a, b, p, q, r []float32)

func gradInputSiLU(dx, dy, x Strip, n int, a, b, p, q, r []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		gradInputSiLUAVX512(unsafe.SliceData(dx.Data), unsafe.SliceData(dy.Data), unsafe.SliceData(x.Data), dx.Pitch, dy.Pitch, x.Pitch, n, a, b, p, q, r)
	case isa.AVX2:
		gradInputSiLUAVX2(unsafe.SliceData(dx.Data), unsafe.SliceData(dy.Data), unsafe.SliceData(x.Data), dx.Pitch, dy.Pitch, x.Pitch, n, a, b, p, q, r)
	default:
		gradInputSiLUGeneric(dx, dy, x, n, a, b, p, q, r)
	}
}
