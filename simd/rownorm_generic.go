package simd

// row returns the c columns of row i.
func (s Strip) row(i, c int) []float32 { return s.Data[i*s.Pitch:][:c] }

// rowSumsGeneric: s_i, q_i = Σ d, Σ d² over row i in 16 lanes, d = x − k_i.
//
//simd:kernel
func rowSumsGeneric(s, q []float32, x Strip, c int, k []float32) {
	for i := range k {
		var ls, lq [16]float32
		for j, v := range x.row(i, c) {
			d := v - k[i]
			ls[j&15] += d
			lq[j&15] = FMA(d, d, lq[j&15])
		}
		s[i], q[i] = fold16(&ls), fold16(&lq)
	}
}

// rowApplyGeneric: y = fma((x−mean)·rstd, gamma_c, beta_c) for n ≥ 1 rows.
//
//simd:kernel y x n gamma beta *stats
func rowApplyGeneric(y, x Strip, n int, gamma, beta, stats []float32) {
	for i := range n {
		to := y.row(i, len(gamma))
		for j, v := range x.row(i, len(gamma)) {
			to[j] = (v - stats[2*i]) * stats[2*i+1]
		}
		fmaRow(to, to, gamma, beta)
	}
}

// rowApplySiLUGeneric: y = silu1(fma((x−mean)·rstd, gamma_c, beta_c)) for n ≥ 1 rows.
//
//simd:kernel y x n gamma beta *stats
func rowApplySiLUGeneric(y, x Strip, n int, gamma, beta, stats []float32) {
	for i := range n {
		to := y.row(i, len(gamma))
		for j, v := range x.row(i, len(gamma)) {
			to[j] = (v - stats[2*i]) * stats[2*i+1]
		}
		fmaRow(to, to, gamma, beta)
		for j, v := range to {
			to[j] = silu1(v)
		}
	}
}

// rowGradGeneric: dv = dy·siluGrad1(fma((x−mean)·rstd, gamma_c, beta_c)) for n ≥ 1 rows.
//
//simd:kernel dv dy x n gamma beta *stats
func rowGradGeneric(dv, dy, x Strip, n int, gamma, beta, stats []float32) {
	for i := range n {
		to, from := dv.row(i, len(gamma)), dy.row(i, len(gamma))
		for j, v := range x.row(i, len(gamma)) {
			to[j] = from[j] * siluGrad1(FMA(float32((v-stats[2*i])*stats[2*i+1]), gamma[j], beta[j]))
		}
	}
}

// rowGradSumsGeneric: s1_i, s2_i = Σ g, Σ g·x̂ over row i in 16 lanes, g = dv·gamma_c.
//
//simd:kernel s1 s2 dv x gamma *stats
func rowGradSumsGeneric(s1, s2 []float32, dv, x Strip, gamma, stats []float32) {
	for i := range s1 {
		var l1, l2 [16]float32
		from := dv.row(i, len(gamma))
		for j, v := range x.row(i, len(gamma)) {
			g := float32(from[j] * gamma[j])
			l1[j&15] += g
			l2[j&15] = FMA(g, float32((v-stats[2*i])*stats[2*i+1]), l2[j&15])
		}
		s1[i], s2[i] = fold16(&l1), fold16(&l2)
	}
}

// rowGradInputGeneric: dx = fma(dv·gamma_c, p, fma(x, q, r)) for n ≥ 1 rows, p, q, r at coef[3i].
//
//simd:kernel dx dv x n gamma *coef
func rowGradInputGeneric(dx, dv, x Strip, n int, gamma, coef []float32) {
	for i := range n {
		to, from := dx.row(i, len(gamma)), dv.row(i, len(gamma))
		for j, v := range x.row(i, len(gamma)) {
			to[j] = FMA(float32(from[j]*gamma[j]), coef[3*i], FMA(v, coef[3*i+1], coef[3*i+2]))
		}
	}
}

// rowGradInputAccGeneric: dx += fma(dv·gamma_c, p, fma(x, q, r)) for n ≥ 1 rows.
//
//simd:kernel dx dv x n gamma *coef
func rowGradInputAccGeneric(dx, dv, x Strip, n int, gamma, coef []float32) {
	for i := range n {
		to, from := dx.row(i, len(gamma)), dv.row(i, len(gamma))
		for j, v := range x.row(i, len(gamma)) {
			to[j] += FMA(float32(from[j]*gamma[j]), coef[3*i], FMA(v, coef[3*i+1], coef[3*i+2]))
		}
	}
}

// colGradGeneric: for n ≥ 1 rows: dbeta_c += dv, dgamma_c = fma(dv, x̂, dgamma_c).
//
//simd:kernel dgamma dbeta dv x n *stats
func colGradGeneric(dgamma, dbeta []float32, dv, x Strip, n int, stats []float32) {
	for i := range n {
		from := dv.row(i, len(dgamma))
		for j, v := range x.row(i, len(dgamma)) {
			dbeta[j] += from[j]
			dgamma[j] = FMA(from[j], float32((v-stats[2*i])*stats[2*i+1]), dgamma[j])
		}
	}
}
