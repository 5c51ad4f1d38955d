package simd

func rowSumsGeneric(x []float32, k float32) (s, q float32) {
	var ls, lq [16]float32
	for i, v := range x {
		d := v - k
		ls[i&15] += d
		lq[i&15] = FMA(d, d, lq[i&15])
	}
	return fold16(&ls), fold16(&lq)
}

func rowApplyGeneric(y, x, gamma, beta []float32, mean, rstd float32) {
	for i, v := range x {
		y[i] = FMA(float32((v-mean)*rstd), gamma[i], beta[i])
	}
}

func rowApplySiLUGeneric(y, x, gamma, beta []float32, mean, rstd float32) {
	for i, v := range x {
		y[i] = silu1(FMA(float32((v-mean)*rstd), gamma[i], beta[i]))
	}
}

// rowGradGeneric: dv = dy·silu'(v).
func rowGradGeneric(dv, dy, x, gamma, beta []float32, mean, rstd float32) {
	for i, v := range x {
		dv[i] = dy[i] * siluGrad1(FMA(float32((v-mean)*rstd), gamma[i], beta[i]))
	}
}

// rowGradSumsGeneric: Σ g and Σ g·x̂ in 16 lanes, g = dv·gamma.
func rowGradSumsGeneric(dv, x, gamma []float32, mean, rstd float32) (s1, s2 float32) {
	var l1, l2 [16]float32
	for i, v := range x {
		g := float32(dv[i] * gamma[i])
		l1[i&15] += g
		l2[i&15] = FMA(g, float32((v-mean)*rstd), l2[i&15])
	}
	return fold16(&l1), fold16(&l2)
}

func rowGradInputGeneric(dx, dv, x, gamma []float32, p, q, r float32) {
	for i, v := range x {
		dx[i] = FMA(float32(dv[i]*gamma[i]), p, FMA(v, q, r))
	}
}

func rowGradInputAccGeneric(dx, dv, x, gamma []float32, p, q, r float32) {
	for i, v := range x {
		dx[i] += FMA(float32(dv[i]*gamma[i]), p, FMA(v, q, r))
	}
}

func colGradGeneric(dgamma, dbeta []float32, dv, x Strip, n int, stats []float32) {
	for i := range n {
		m, rs := stats[2*i], stats[2*i+1]
		for c := range dgamma {
			g := dv.Data[i*dv.Pitch+c]
			dbeta[c] += g
			dgamma[c] = FMA(g, float32((x.Data[i*x.Pitch+c]-m)*rs), dgamma[c])
		}
	}
}
