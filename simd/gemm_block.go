package simd

// blockRows and blockCols are the part of a tile whose sums the Go reference
// keeps in registers: amd64 has 15 for Go's floats.
const (
	blockRows = 2
	blockCols = 4
)

// block adds k terms to sums of two rows and four columns:
//
//	sum[r][j] = fma(a_r[i·ka], b[i·kb+j], sum[r][j]), i < k ascending
func block(sum *[blockRows][blockCols]float32, a0, a1, b []float32, k, ka, kb int) {
	if fuses {
		blockFused(sum, a0, a1, b, k, ka, kb)
	} else {
		blockExact(sum, a0, a1, b, k, ka, kb)
	}
}

// blockFused is block where the compiler makes one instruction of a product
// and a sum; fusesHere looks at each of the eight.
func blockFused(sum *[blockRows][blockCols]float32, a0, a1, b []float32, k, ka, kb int) {
	s0, s1, s2, s3 := sum[0][0], sum[0][1], sum[0][2], sum[0][3]
	t0, t1, t2, t3 := sum[1][0], sum[1][1], sum[1][2], sum[1][3]
	for i := range k {
		w := (*[blockCols]float32)(b[i*kb:])
		x, y := a0[i*ka], a1[i*ka]
		s0, t0 = x*w[0]+s0, y*w[0]+t0
		s1, t1 = x*w[1]+s1, y*w[1]+t1
		s2, t2 = x*w[2]+s2, y*w[2]+t2
		s3, t3 = x*w[3]+s3, y*w[3]+t3
	}
	sum[0] = [blockCols]float32{s0, s1, s2, s3}
	sum[1] = [blockCols]float32{t0, t1, t2, t3}
}

// blockExact is block by way of float64, as FMA; what FMA does is written out
// because a call in the loop would cost more than the rest of it.
func blockExact(sum *[blockRows][blockCols]float32, a0, a1, b []float32, k, ka, kb int) {
	s0, s1, s2, s3 := sum[0][0], sum[0][1], sum[0][2], sum[0][3]
	t0, t1, t2, t3 := sum[1][0], sum[1][1], sum[1][2], sum[1][3]
	for i := range k {
		row := (*[blockCols]float32)(b[i*kb:])
		x, y := float64(a0[i*ka]), float64(a1[i*ka])

		w := float64(row[0])
		p, q := float64(x*w), float64(y*w)
		s, t := p+float64(s0), q+float64(t0)
		if fmaTie(s) {
			s = fmaOdd(p, float64(s0), s)
		}
		if fmaTie(t) {
			t = fmaOdd(q, float64(t0), t)
		}
		s0, t0 = float32(s), float32(t)

		w = float64(row[1])
		p, q = float64(x*w), float64(y*w)
		s, t = p+float64(s1), q+float64(t1)
		if fmaTie(s) {
			s = fmaOdd(p, float64(s1), s)
		}
		if fmaTie(t) {
			t = fmaOdd(q, float64(t1), t)
		}
		s1, t1 = float32(s), float32(t)

		w = float64(row[2])
		p, q = float64(x*w), float64(y*w)
		s, t = p+float64(s2), q+float64(t2)
		if fmaTie(s) {
			s = fmaOdd(p, float64(s2), s)
		}
		if fmaTie(t) {
			t = fmaOdd(q, float64(t2), t)
		}
		s2, t2 = float32(s), float32(t)

		w = float64(row[3])
		p, q = float64(x*w), float64(y*w)
		s, t = p+float64(s3), q+float64(t3)
		if fmaTie(s) {
			s = fmaOdd(p, float64(s3), s)
		}
		if fmaTie(t) {
			t = fmaOdd(q, float64(t3), t)
		}
		s3, t3 = float32(s), float32(t)
	}
	sum[0] = [blockCols]float32{s0, s1, s2, s3}
	sum[1] = [blockCols]float32{t0, t1, t2, t3}
}
