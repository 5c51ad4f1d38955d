package simd

// chanSumsGeneric: s_c, q_c = Σ d, Σ d² over n pixels, d = x − shift_c.
//
//simd:kernel
func chanSumsGeneric(s, q []float32, x Strip, n int, shift []float32) {
	clear(s)
	clear(q)
	for i := range n {
		sumsRow(s, q, x.Data[i*x.Pitch:], shift)
	}
}

// normApplyGeneric: y = fma(x, a_c, b_c) for n ≥ 1 pixels.
//
//simd:kernel
func normApplyGeneric(y, x Strip, n int, a, b []float32) {
	for i := range n {
		fmaRow(y.Data[i*y.Pitch:], x.Data[i*x.Pitch:], a, b)
	}
}

// normApplySiLUGeneric: y = silu1(fma(x, a_c, b_c)) for n ≥ 1 pixels.
//
//simd:kernel
func normApplySiLUGeneric(y, x Strip, n int, a, b []float32) {
	for i := range n {
		ys := y.Data[i*y.Pitch:][:len(a)]
		fmaRow(ys, x.Data[i*x.Pitch:], a, b)
		for c, v := range ys {
			ys[c] = silu1(v)
		}
	}
}

// gradSumsGeneric: s1_c, s2_c = Σ dy, Σ dy·x̂ over n pixels.
//
//simd:kernel s1 s2 dy x n *k.Mean *k.Rstd
func gradSumsGeneric(s1, s2 []float32, dy, x Strip, n int, k NormCoef) {
	clear(s1)
	clear(s2)
	for i := range n {
		xs, gs := x.Data[i*x.Pitch:], dy.Data[i*dy.Pitch:]
		for c := range s1 {
			s1[c] += gs[c]
			s2[c] = FMA(gs[c], float32((xs[c]-k.Mean[c])*k.Rstd[c]), s2[c])
		}
	}
}

// gradSumsSiLUGeneric is gradSumsGeneric of dv = dy·silu'(fma(x, a_c, b_c)),
// which it stores unless dv is nil.
//
//simd:kernel s1 s2 dv dy x n *k.A *k.B *k.Mean *k.Rstd
func gradSumsSiLUGeneric(s1, s2 []float32, dv, dy, x Strip, n int, k NormCoef) {
	clear(s1)
	clear(s2)
	for i := range n {
		xs, gs := x.Data[i*x.Pitch:], dy.Data[i*dy.Pitch:]
		for c, a := range k.A {
			g := float32(gs[c] * siluGrad1(FMA(xs[c], a, k.B[c])))
			if dv.Data != nil {
				dv.Data[i*dv.Pitch+c] = g
			}
			s1[c] += g
			s2[c] = FMA(g, float32((xs[c]-k.Mean[c])*k.Rstd[c]), s2[c])
		}
	}
}

// gradInputGeneric: dx = fma(dv, p_c, fma(x, q_c, r_c)) for n ≥ 1 pixels.
//
//simd:kernel
func gradInputGeneric(dx, dv, x Strip, n int, p, q, r []float32) {
	for i := range n {
		for c := range p {
			dx.Data[i*dx.Pitch+c] = FMA(dv.Data[i*dv.Pitch+c], p[c], FMA(x.Data[i*x.Pitch+c], q[c], r[c]))
		}
	}
}

// gradInputAccGeneric: dx += fma(dv, p_c, fma(x, q_c, r_c)) for n ≥ 1 pixels.
//
//simd:kernel
func gradInputAccGeneric(dx, dv, x Strip, n int, p, q, r []float32) {
	for i := range n {
		for c := range p {
			dx.Data[i*dx.Pitch+c] += FMA(dv.Data[i*dv.Pitch+c], p[c], FMA(x.Data[i*x.Pitch+c], q[c], r[c]))
		}
	}
}

// gradInputSiLUGeneric: gradInputAcc of dv = dy·siluGrad1(fma(x, a_c, b_c)).
//
//simd:kernel
func gradInputSiLUGeneric(dx, dy, x Strip, n int, a, b, p, q, r []float32) {
	for i := range n {
		for c := range p {
			v := x.Data[i*x.Pitch+c]
			g := float32(dy.Data[i*dy.Pitch+c] * siluGrad1(FMA(v, a[c], b[c])))
			dx.Data[i*dx.Pitch+c] += FMA(g, p[c], FMA(v, q[c], r[c]))
		}
	}
}
