//go:build purego || (!amd64 && !arm64)

package simd

func exp(dst, x []float32) { expGeneric(dst, x) }

func log(dst, x []float32) { logGeneric(dst, x) }

func sinCos(s, c, x []float32) { sinCosGeneric(s, c, x) }

func sigmoid(dst, x []float32) { sigmoidGeneric(dst, x) }

func tanh(dst, x []float32) { tanhGeneric(dst, x) }

func silu(dst, x []float32) { siluGeneric(dst, x) }

func siluBackward(dx, dy, x []float32) { siluBackwardGeneric(dx, dy, x) }

func softmaxExp(row []float32, max float32) float32 { return softmaxExpGeneric(row, max) }

func softmaxGrad(ds, p, dp []float32, d float32) { softmaxGradGeneric(ds, p, dp, d) }
