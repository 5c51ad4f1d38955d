//go:build !purego

package simd

func rowSums(x []float32, k float32) (s, q float32) { return rowSumsGeneric(x, k) }

func rowApply(y, x []float32, k RowNorm, act bool) { rowApplyGeneric(y, x, k, act) }

func rowGradSums(dv, dy, x []float32, k RowNorm, act bool) (s1, s2 float32) {
	return rowGradSumsGeneric(dv, dy, x, k, act)
}

func rowGradInput(dx, dv, x, gamma []float32, p, q, r float32, acc bool) {
	rowGradInputGeneric(dx, dv, x, gamma, p, q, r, acc)
}

func colGrad(dgamma, dbeta []float32, dv, x Strip, n int, stats []float32) {
	colGradGeneric(dgamma, dbeta, dv, x, n, stats)
}
