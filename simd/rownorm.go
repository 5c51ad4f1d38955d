package simd

// RowSums returns Σ(x−k) and Σ(x−k)² in 16 lanes (the square fused).
func RowSums(x []float32, k float32) (s, q float32) { return rowSums(x, k) }

// RowNorm holds the constants of the normalisation of one row: x̂ = (x −
// Mean)·Rstd, v = fma(x̂, Gamma, Beta).
type RowNorm struct {
	Gamma, Beta []float32
	Mean, Rstd  float32
}

// RowApply sets y = v, or SiLU(v) if act. y may be x.
func RowApply(y, x []float32, k RowNorm, act bool) {
	must3("RowApply", len(y), len(x), len(k.Gamma))
	must2("RowApply", len(y), len(k.Beta))
	if act {
		rowApplySiLU(y, x, k.Gamma, k.Beta, k.Mean, k.Rstd)
		return
	}
	rowApply(y, x, k.Gamma, k.Beta, k.Mean, k.Rstd)
}

// RowGradSums returns Σ g and Σ g·x̂ (fused) in 16 lanes, g = dv·Gamma, and
// stores dv = dy, or dy·silu'(v) if act. dv may be dy.
func RowGradSums(dv, dy, x []float32, k RowNorm, act bool) (s1, s2 float32) {
	must3("RowGradSums", len(dv), len(dy), len(x))
	must3("RowGradSums", len(dv), len(k.Gamma), len(k.Beta))
	if act {
		rowGrad(dv, dy, x, k.Gamma, k.Beta, k.Mean, k.Rstd)
	} else {
		copy(dv, dy)
	}
	return rowGradSums(dv, x, k.Gamma, k.Mean, k.Rstd)
}

// RowGradInput sets dx = fma(dv·gamma, p, fma(x, q, r)), the product dv·gamma
// rounded first, or adds that to dx if acc. dx may be dv.
func RowGradInput(dx, dv, x, gamma []float32, p, q, r float32, acc bool) {
	must3("RowGradInput", len(dx), len(dv), len(x))
	must2("RowGradInput", len(dx), len(gamma))
	if acc {
		rowGradInputAcc(dx, dv, x, gamma, p, q, r)
		return
	}
	rowGradInput(dx, dv, x, gamma, p, q, r)
}

// ColGrad continues, over n rows in ascending order, the chains dbeta[c] += dv
// and dgamma[c] = fma(dv, x̂, dgamma[c]) with x̂ = (x − mean)·rstd, where mean
// and rstd of row i are stats[2i] and stats[2i+1].
func ColGrad(dgamma, dbeta []float32, dv, x Strip, n int, stats []float32) {
	must2("ColGrad", len(dgamma), len(dbeta))
	must2("ColGrad", 2*n, len(stats))
	dv.need("ColGrad", n, len(dgamma))
	x.need("ColGrad", n, len(dgamma))
	if n > 0 && len(dgamma) > 0 {
		colGrad(dgamma, dbeta, dv, x, n, stats)
	}
}
