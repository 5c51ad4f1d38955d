package simd

// fmaRow sets y_c = FMA(x_c, a_c, b_c); y may be x. Where FMA has no instruction,
// ties of eight sums are looked for at once, as in blockPlain.
func fmaRow(y, x, a, b []float32) {
	for !fuses && len(a) >= 8 {
		ks, bs, xs, ys := (*[8]float32)(a), (*[8]float32)(b), (*[8]float32)(x), (*[8]float32)(y)
		s0, s1 := float64(float64(xs[0])*float64(ks[0]))+float64(bs[0]), float64(float64(xs[1])*float64(ks[1]))+float64(bs[1])
		s2, s3 := float64(float64(xs[2])*float64(ks[2]))+float64(bs[2]), float64(float64(xs[3])*float64(ks[3]))+float64(bs[3])
		s4, s5 := float64(float64(xs[4])*float64(ks[4]))+float64(bs[4]), float64(float64(xs[5])*float64(ks[5]))+float64(bs[5])
		s6, s7 := float64(float64(xs[6])*float64(ks[6]))+float64(bs[6]), float64(float64(xs[7])*float64(ks[7]))+float64(bs[7])
		if anyTie(below(s0) | below(s1) | below(s2) | below(s3) | below(s4) | below(s5) | below(s6) | below(s7)) {
			for c, k := range ks {
				ys[c] = FMA(xs[c], k, bs[c])
			}
		} else {
			ys[0], ys[1], ys[2], ys[3] = float32(s0), float32(s1), float32(s2), float32(s3)
			ys[4], ys[5], ys[6], ys[7] = float32(s4), float32(s5), float32(s6), float32(s7)
		}
		a, b, x, y = a[8:], b[8:], x[8:], y[8:]
	}
	for c, k := range a {
		y[c] = FMA(x[c], k, b[c])
	}
}

// sumsRow adds d_c = x_c − k_c to s_c and d_c² to q_c, fused, four at once.
func sumsRow(s, q, x, k []float32) {
	for !fuses && len(k) >= 4 {
		ks, xs, ss, qs := (*[4]float32)(k), (*[4]float32)(x), (*[4]float32)(s), (*[4]float32)(q)
		d0, d1, d2, d3 := xs[0]-ks[0], xs[1]-ks[1], xs[2]-ks[2], xs[3]-ks[3]
		ss[0], ss[1], ss[2], ss[3] = ss[0]+d0, ss[1]+d1, ss[2]+d2, ss[3]+d3
		q0, q1 := float64(float64(d0)*float64(d0))+float64(qs[0]), float64(float64(d1)*float64(d1))+float64(qs[1])
		q2, q3 := float64(float64(d2)*float64(d2))+float64(qs[2]), float64(float64(d3)*float64(d3))+float64(qs[3])
		if anyTie(below(q0) | below(q1) | below(q2) | below(q3)) {
			for c, d := range [4]float32{d0, d1, d2, d3} {
				qs[c] = FMA(d, d, qs[c])
			}
		} else {
			qs[0], qs[1], qs[2], qs[3] = float32(q0), float32(q1), float32(q2), float32(q3)
		}
		k, x, s, q = k[4:], x[4:], s[4:], q[4:]
	}
	for c, v := range k {
		d := x[c] - v
		s[c] += d
		q[c] = FMA(d, d, q[c])
	}
}
