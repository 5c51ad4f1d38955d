//go:build !purego

package simd

import "heavytail/internal/isa"

// expAVX512: dst_i = exp1(x_i).
//
//go:noescape
func expAVX512(dst, x []float32)

// expAVX2 is expAVX512 for AVX2.
//
//go:noescape
func expAVX2(dst, x []float32)

func exp(dst, x []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		expAVX512(dst, x)
	case isa.AVX2:
		expAVX2(dst, x)
	default:
		expGeneric(dst, x)
	}
}

// logAVX512: dst_i = log x_i; see logGeneric.
//
//go:noescape
func logAVX512(dst, x []float32)

// logAVX2 is logAVX512 for AVX2.
//
//go:noescape
func logAVX2(dst, x []float32)

func log(dst, x []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		logAVX512(dst, x)
	case isa.AVX2:
		logAVX2(dst, x)
	default:
		logGeneric(dst, x)
	}
}

// sinCosAVX512: s_i, c_i = sin x_i, cos x_i; see sinCosGeneric.
//
//go:noescape
func sinCosAVX512(s, c, x []float32)

// sinCosAVX2 is sinCosAVX512 for AVX2.
//
//go:noescape
func sinCosAVX2(s, c, x []float32)

func sinCos(s, c, x []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		sinCosAVX512(s, c, x)
	case isa.AVX2:
		sinCosAVX2(s, c, x)
	default:
		sinCosGeneric(s, c, x)
	}
}

// sigmoidAVX512: dst_i = sigmoid1(x_i).
//
//go:noescape
func sigmoidAVX512(dst, x []float32)

// sigmoidAVX2 is sigmoidAVX512 for AVX2.
//
//go:noescape
func sigmoidAVX2(dst, x []float32)

func sigmoid(dst, x []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		sigmoidAVX512(dst, x)
	case isa.AVX2:
		sigmoidAVX2(dst, x)
	default:
		sigmoidGeneric(dst, x)
	}
}

// tanhAVX512: dst_i = tanh x_i; see tanhGeneric.
//
//go:noescape
func tanhAVX512(dst, x []float32)

// tanhAVX2 is tanhAVX512 for AVX2.
//
//go:noescape
func tanhAVX2(dst, x []float32)

func tanh(dst, x []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		tanhAVX512(dst, x)
	case isa.AVX2:
		tanhAVX2(dst, x)
	default:
		tanhGeneric(dst, x)
	}
}

// siluAVX512: dst_i = silu1(x_i).
//
//go:noescape
func siluAVX512(dst, x []float32)

// siluAVX2 is siluAVX512 for AVX2.
//
//go:noescape
func siluAVX2(dst, x []float32)

func silu(dst, x []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		siluAVX512(dst, x)
	case isa.AVX2:
		siluAVX2(dst, x)
	default:
		siluGeneric(dst, x)
	}
}

// siluBackwardAVX512: dx_i = dy_i·siluGrad1(x_i).
//
//go:noescape
func siluBackwardAVX512(dx, dy, x []float32)

// siluBackwardAVX2 is siluBackwardAVX512 for AVX2.
//
//go:noescape
func siluBackwardAVX2(dx, dy, x []float32)

func siluBackward(dx, dy, x []float32) {
	switch isa.Cur() {
	case isa.AVX512:
		siluBackwardAVX512(dx, dy, x)
	case isa.AVX2:
		siluBackwardAVX2(dx, dy, x)
	default:
		siluBackwardGeneric(dx, dy, x)
	}
}

// softmaxExpAVX512: row_i = exp1(row_i − max), returning their sum in 16 lanes.
//
//go:noescape
func softmaxExpAVX512(row []float32, max float32) float32

// softmaxExpAVX2 is softmaxExpAVX512 for AVX2.
//
//go:noescape
func softmaxExpAVX2(row []float32, max float32) float32

func softmaxExp(row []float32, max float32) float32 {
	switch isa.Cur() {
	case isa.AVX512:
		return softmaxExpAVX512(row, max)
	case isa.AVX2:
		return softmaxExpAVX2(row, max)
	}
	return softmaxExpGeneric(row, max)
}

// softmaxGradAVX512: ds_i = p_i·(dp_i − d).
//
//go:noescape
func softmaxGradAVX512(ds, p, dp []float32, d float32)

// softmaxGradAVX2 is softmaxGradAVX512 for AVX2.
//
//go:noescape
func softmaxGradAVX2(ds, p, dp []float32, d float32)

func softmaxGrad(ds, p, dp []float32, d float32) {
	switch isa.Cur() {
	case isa.AVX512:
		softmaxGradAVX512(ds, p, dp, d)
	case isa.AVX2:
		softmaxGradAVX2(ds, p, dp, d)
	default:
		softmaxGradGeneric(ds, p, dp, d)
	}
}
