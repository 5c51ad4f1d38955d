//go:build purego || !amd64

package simd

func rowSums(x []float32, k float32) (s, q float32) {
	return rowSumsGeneric(x, k)
}

func rowApply(y, x, gamma, beta []float32, mean, rstd float32) {
	rowApplyGeneric(y, x, gamma, beta, mean, rstd)
}

func rowApplySiLU(y, x, gamma, beta []float32, mean, rstd float32) {
	rowApplySiLUGeneric(y, x, gamma, beta, mean, rstd)
}

func rowGrad(dv, dy, x, gamma, beta []float32, mean, rstd float32) {
	rowGradGeneric(dv, dy, x, gamma, beta, mean, rstd)
}

func rowGradSums(dv, x, gamma []float32, mean, rstd float32) (s1, s2 float32) {
	return rowGradSumsGeneric(dv, x, gamma, mean, rstd)
}

func rowGradInput(dx, dv, x, gamma []float32, p, q, r float32) {
	rowGradInputGeneric(dx, dv, x, gamma, p, q, r)
}

func rowGradInputAcc(dx, dv, x, gamma []float32, p, q, r float32) {
	rowGradInputAccGeneric(dx, dv, x, gamma, p, q, r)
}

func colGrad(dgamma, dbeta []float32, dv, x Strip, n int, stats []float32) {
	colGradGeneric(dgamma, dbeta, dv, x, n, stats)
}
