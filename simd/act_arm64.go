//go:build !purego

package simd

import "heavytail/internal/isa"

// expNEON: dst_i = exp1(x_i).
//
//go:noescape
func expNEON(dst, x []float32)

func exp(dst, x []float32) {
	if isa.Cur() == isa.NEON {
		expNEON(dst, x)
		return
	}
	expGeneric(dst, x)
}

// logNEON: dst_i = log x_i; see logGeneric.
//
//go:noescape
func logNEON(dst, x []float32)

func log(dst, x []float32) {
	if isa.Cur() == isa.NEON {
		logNEON(dst, x)
		return
	}
	logGeneric(dst, x)
}

// sinCosNEON: s_i, c_i = sin x_i, cos x_i; see sinCosGeneric.
//
//go:noescape
func sinCosNEON(s, c, x []float32)

func sinCos(s, c, x []float32) {
	if isa.Cur() == isa.NEON {
		sinCosNEON(s, c, x)
		return
	}
	sinCosGeneric(s, c, x)
}

// sigmoidNEON: dst_i = sigmoid1(x_i).
//
//go:noescape
func sigmoidNEON(dst, x []float32)

func sigmoid(dst, x []float32) {
	if isa.Cur() == isa.NEON {
		sigmoidNEON(dst, x)
		return
	}
	sigmoidGeneric(dst, x)
}

// tanhNEON: dst_i = tanh x_i; see tanhGeneric.
//
//go:noescape
func tanhNEON(dst, x []float32)

func tanh(dst, x []float32) {
	if isa.Cur() == isa.NEON {
		tanhNEON(dst, x)
		return
	}
	tanhGeneric(dst, x)
}

// siluNEON: dst_i = silu1(x_i).
//
//go:noescape
func siluNEON(dst, x []float32)

func silu(dst, x []float32) {
	if isa.Cur() == isa.NEON {
		siluNEON(dst, x)
		return
	}
	siluGeneric(dst, x)
}

// siluBackwardNEON: dx_i = dy_i·siluGrad1(x_i).
//
//go:noescape
func siluBackwardNEON(dx, dy, x []float32)

func siluBackward(dx, dy, x []float32) {
	if isa.Cur() == isa.NEON {
		siluBackwardNEON(dx, dy, x)
		return
	}
	siluBackwardGeneric(dx, dy, x)
}

// softmaxExpNEON: row_i = exp1(row_i − max), returning their sum in 16 lanes.
//
//go:noescape
func softmaxExpNEON(row []float32, max float32) float32

func softmaxExp(row []float32, max float32) float32 {
	if isa.Cur() == isa.NEON {
		return softmaxExpNEON(row, max)
	}
	return softmaxExpGeneric(row, max)
}

// softmaxGradNEON: ds_i = p_i·(dp_i − d).
//
//go:noescape
func softmaxGradNEON(ds, p, dp []float32, d float32)

func softmaxGrad(ds, p, dp []float32, d float32) {
	if isa.Cur() == isa.NEON {
		softmaxGradNEON(ds, p, dp, d)
		return
	}
	softmaxGradGeneric(ds, p, dp, d)
}
