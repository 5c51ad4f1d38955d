package simd

// The functions below normalise the rows of strips of c columns, c being the
// length of gamma. x̂ = (x − mean)·rstd with mean and rstd of row i at
// stats[2i] and stats[2i+1]; v = fma(x̂, gamma, beta).

// RowSums sets s[i] = Σ d and q[i] = Σ d² (fused) over the c columns of row i,
// d = x − k[i], in 16 lanes.
func RowSums(s, q []float32, x Strip, c int, k []float32) {
	must3("RowSums", len(s), len(q), len(k))
	x.need("RowSums", len(k), c)
	if len(k) > 0 {
		rowSums(s, q, x, c, k)
	}
}

// RowApply sets y = v, or SiLU(v) if act, for n rows. y may be x.
func RowApply(y, x Strip, n int, gamma, beta, stats []float32, act bool) {
	must2("RowApply", len(gamma), len(beta))
	must2("RowApply", len(stats), 2*n)
	y.need("RowApply", n, len(gamma))
	x.need("RowApply", n, len(gamma))
	switch {
	case n == 0:
	case act:
		rowApplySiLU(y, x, n, gamma, beta, stats)
	default:
		rowApply(y, x, n, gamma, beta, stats)
	}
}

// RowGrad sets dv = dy·silu'(v) for n rows. dv may be dy.
func RowGrad(dv, dy, x Strip, n int, gamma, beta, stats []float32) {
	must2("RowGrad", len(gamma), len(beta))
	must2("RowGrad", len(stats), 2*n)
	dv.need("RowGrad", n, len(gamma))
	dy.need("RowGrad", n, len(gamma))
	x.need("RowGrad", n, len(gamma))
	if n > 0 {
		rowGrad(dv, dy, x, n, gamma, beta, stats)
	}
}

// RowGradSums sets s1[i] = Σ g and s2[i] = Σ g·x̂ (fused) over row i in 16
// lanes, g = dv·gamma.
func RowGradSums(s1, s2 []float32, dv, x Strip, gamma, stats []float32) {
	n := len(s1)
	must3("RowGradSums", 2*n, 2*len(s2), len(stats))
	dv.need("RowGradSums", n, len(gamma))
	x.need("RowGradSums", n, len(gamma))
	if n > 0 {
		rowGradSums(s1, s2, dv, x, gamma, stats)
	}
}

// RowGradInput sets dx = fma(dv·gamma, p, fma(x, q, r)) for n rows, dv·gamma
// rounded first, or adds that to dx if acc; p, q, r of row i are the three
// values at coef[3i]. dx may be dv.
func RowGradInput(dx, dv, x Strip, n int, gamma, coef []float32, acc bool) {
	must2("RowGradInput", len(coef), 3*n)
	dx.need("RowGradInput", n, len(gamma))
	dv.need("RowGradInput", n, len(gamma))
	x.need("RowGradInput", n, len(gamma))
	switch {
	case n == 0:
	case acc:
		rowGradInputAcc(dx, dv, x, n, gamma, coef)
	default:
		rowGradInput(dx, dv, x, n, gamma, coef)
	}
}

// ColGrad continues, over n rows in ascending order, the chains dbeta[c] += dv
// and dgamma[c] = fma(dv, x̂, dgamma[c]).
func ColGrad(dgamma, dbeta []float32, dv, x Strip, n int, stats []float32) {
	must2("ColGrad", len(dgamma), len(dbeta))
	must2("ColGrad", 2*n, len(stats))
	dv.need("ColGrad", n, len(dgamma))
	x.need("ColGrad", n, len(dgamma))
	if n > 0 {
		colGrad(dgamma, dbeta, dv, x, n, stats)
	}
}
