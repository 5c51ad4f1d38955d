package simd

// chanStatsGeneric adds the sums of one block of n ≤ ChanBlock pixels.
func chanStatsGeneric(sum, sq []float64, x Strip, n int, shift []float32) {
	for c, k := range shift {
		var s, q float32
		for i := range n {
			d := x.Data[i*x.Pitch+c] - k
			s += d
			q = FMA(d, d, q)
		}
		sum[c] += float64(s)
		sq[c] += float64(q)
	}
}

func normApplyGeneric(y, x Strip, n int, a, b []float32, act bool) {
	for i := range n {
		xs, ys := x.Data[i*x.Pitch:], y.Data[i*y.Pitch:]
		for c, k := range a {
			v := FMA(xs[c], k, b[c])
			if act {
				v = silu1(v)
			}
			ys[c] = v
		}
	}
}

// normGradSumsGeneric adds the sums of one block of n ≤ ChanBlock pixels.
func normGradSumsGeneric(s1, s2 []float64, dv, dy, x Strip, n int, k NormCoef, act bool) {
	for c, a := range k.A {
		var s, q float32
		for i := range n {
			v, g := x.Data[i*x.Pitch+c], dy.Data[i*dy.Pitch+c]
			if act {
				g = float32(g * siluGrad1(FMA(v, a, k.B[c])))
				if dv.Data != nil {
					dv.Data[i*dv.Pitch+c] = g
				}
			}
			s += g
			q = FMA(g, float32((v-k.Mean[c])*k.Rstd[c]), q)
		}
		s1[c] += float64(s)
		s2[c] += float64(q)
	}
}

func normGradInputGeneric(dx, dv, x Strip, n int, p, q, r []float32, acc bool) {
	for i := range n {
		for c := range p {
			d := FMA(dv.Data[i*dv.Pitch+c], p[c], FMA(x.Data[i*x.Pitch+c], q[c], r[c]))
			if acc {
				d += dx.Data[i*dx.Pitch+c]
			}
			dx.Data[i*dx.Pitch+c] = d
		}
	}
}

func normGradInputSiLUGeneric(dx, dy, x Strip, n int, a, b, p, q, r []float32) {
	for i := range n {
		for c := range p {
			v := x.Data[i*x.Pitch+c]
			g := dy.Data[i*dy.Pitch+c] * siluGrad1(FMA(v, a[c], b[c]))
			dx.Data[i*dx.Pitch+c] += FMA(g, p[c], FMA(v, q[c], r[c]))
		}
	}
}
