//go:build purego || !amd64

package simd

func chanStats(sum, sq []float64, x Strip, n int, shift []float32) {
	chanStatsGeneric(sum, sq, x, n, shift)
}

func normApply(y, x Strip, n int, a, b []float32, act bool) { normApplyGeneric(y, x, n, a, b, act) }

func normGradSums(s1, s2 []float64, dv, dy, x Strip, n int, k NormCoef, act bool) {
	normGradSumsGeneric(s1, s2, dv, dy, x, n, k, act)
}

func normGradInput(dx, dv, x Strip, n int, p, q, r []float32, acc bool) {
	normGradInputGeneric(dx, dv, x, n, p, q, r, acc)
}

func normGradInputSiLU(dx, dy, x Strip, n int, a, b, p, q, r []float32) {
	normGradInputSiLUGeneric(dx, dy, x, n, a, b, p, q, r)
}
