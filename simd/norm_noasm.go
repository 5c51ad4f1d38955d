//go:build purego || (!amd64 && !arm64)

package simd

func chanSums(s, q []float32, x Strip, n int, shift []float32) {
	chanSumsGeneric(s, q, x, n, shift)
}

func normApply(y, x Strip, n int, a, b []float32) {
	normApplyGeneric(y, x, n, a, b)
}

func normApplySiLU(y, x Strip, n int, a, b []float32) {
	normApplySiLUGeneric(y, x, n, a, b)
}

func gradSums(s1, s2 []float32, dy, x Strip, n int, k NormCoef) {
	gradSumsGeneric(s1, s2, dy, x, n, k)
}

func gradSumsSiLU(s1, s2 []float32, dv, dy, x Strip, n int, k NormCoef) {
	gradSumsSiLUGeneric(s1, s2, dv, dy, x, n, k)
}

func gradInput(dx, dv, x Strip, n int, p, q, r []float32) {
	gradInputGeneric(dx, dv, x, n, p, q, r)
}

func gradInputAcc(dx, dv, x Strip, n int, p, q, r []float32) {
	gradInputAccGeneric(dx, dv, x, n, p, q, r)
}

func gradInputSiLU(dx, dy, x Strip, n int, a, b, p, q, r []float32) {
	gradInputSiLUGeneric(dx, dy, x, n, a, b, p, q, r)
}
