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

func rowApplyGeneric(y, x []float32, k RowNorm, act bool) {
	for i, v := range x {
		v = FMA(float32((v-k.Mean)*k.Rstd), k.Gamma[i], k.Beta[i])
		if act {
			v = silu1(v)
		}
		y[i] = v
	}
}

func rowGradSumsGeneric(dv, dy, x []float32, k RowNorm, act bool) (s1, s2 float32) {
	var l1, l2 [16]float32
	for i, v := range x {
		xh := float32((v - k.Mean) * k.Rstd)
		g := dy[i]
		if act {
			g = float32(g * siluGrad1(FMA(xh, k.Gamma[i], k.Beta[i])))
		}
		dv[i] = g
		g = float32(g * k.Gamma[i])
		l1[i&15] += g
		l2[i&15] = FMA(g, xh, l2[i&15])
	}
	return fold16(&l1), fold16(&l2)
}

func rowGradInputGeneric(dx, dv, x, gamma []float32, p, q, r float32, acc bool) {
	for i, v := range x {
		d := FMA(float32(dv[i]*gamma[i]), p, FMA(v, q, r))
		if acc {
			d += dx[i]
		}
		dx[i] = d
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
