//go:build purego || (!amd64 && !arm64)

package simd

func rowSums(s, q []float32, x Strip, c int, k []float32) {
	rowSumsGeneric(s, q, x, c, k)
}

func rowApply(y, x Strip, n int, gamma, beta, stats []float32) {
	rowApplyGeneric(y, x, n, gamma, beta, stats)
}

func rowApplySiLU(y, x Strip, n int, gamma, beta, stats []float32) {
	rowApplySiLUGeneric(y, x, n, gamma, beta, stats)
}

func rowGrad(dv, dy, x Strip, n int, gamma, beta, stats []float32) {
	rowGradGeneric(dv, dy, x, n, gamma, beta, stats)
}

func rowGradSums(s1, s2 []float32, dv, x Strip, gamma, stats []float32) {
	rowGradSumsGeneric(s1, s2, dv, x, gamma, stats)
}

func rowGradInput(dx, dv, x Strip, n int, gamma, coef []float32) {
	rowGradInputGeneric(dx, dv, x, n, gamma, coef)
}

func rowGradInputAcc(dx, dv, x Strip, n int, gamma, coef []float32) {
	rowGradInputAccGeneric(dx, dv, x, n, gamma, coef)
}

func colGrad(dgamma, dbeta []float32, dv, x Strip, n int, stats []float32) {
	colGradGeneric(dgamma, dbeta, dv, x, n, stats)
}
