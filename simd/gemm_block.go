package simd

import "unsafe"

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

// blockExact is block by way of float64, as FMA. Ties are so rare that a branch
// for each would cost more than the sums: blockPlain has one for eight. Where
// sums have few digits, as where a pixel is 0, it ends at every term; blockTies
// then takes twice as many terms each time. What both leave is rare.
func blockExact(sum *[blockRows][blockCols]float32, a0, a1, b []float32, k, ka, kb int) {
	_, _, _ = a0[(k-1)*ka], a1[(k-1)*ka], b[(k-1)*kb+blockCols-1] // all that is read lies before these
	ties := 0
	for i := 0; i < k; i++ {
		if n := blockPlain(sum, a0[i*ka:], a1[i*ka:], b[i*kb:], k-i, ka, kb); n > 0 {
			ties = 0
			if i += n; i == k {
				return
			}
		}
		ties = min(2*ties+1, k-i)
		n := blockTies(sum, a0[i*ka:], a1[i*ka:], b[i*kb:], ties, ka, kb)
		if i += n; n == ties {
			i--
			continue
		}
		for r, v := range [blockRows]float32{a0[i*ka], a1[i*ka]} {
			for j := range sum[r] {
				sum[r][j] = FMA(v, b[i*kb+j], sum[r][j])
			}
		}
	}
}

// blockPlain adds terms as long as no sum may be a tie, and returns how many it
// added, of k. The slices must hold all that the terms read: there are no
// checks in the loop, since each is a jump by a table in WebAssembly.
func blockPlain(sum *[blockRows][blockCols]float32, a0, a1, b []float32, k, ka, kb int) int {
	s0, s1, s2, s3 := sum[0][0], sum[0][1], sum[0][2], sum[0][3]
	t0, t1, t2, t3 := sum[1][0], sum[1][1], sum[1][2], sum[1][3]
	pa, pb, pw := unsafe.Pointer(unsafe.SliceData(a0)), unsafe.Pointer(unsafe.SliceData(a1)), unsafe.Pointer(unsafe.SliceData(b))
	const size = 4 // bytes of a float32
	i := 0
	for ; i < k; i++ {
		row := (*[blockCols]float32)(unsafe.Add(pw, size*i*kb))
		x, y := float64(*(*float32)(unsafe.Add(pa, size*i*ka))), float64(*(*float32)(unsafe.Add(pb, size*i*ka)))
		w0, w1, w2, w3 := float64(row[0]), float64(row[1]), float64(row[2]), float64(row[3])
		p0, q0 := float64(x*w0)+float64(s0), float64(y*w0)+float64(t0)
		p1, q1 := float64(x*w1)+float64(s1), float64(y*w1)+float64(t1)
		p2, q2 := float64(x*w2)+float64(s2), float64(y*w2)+float64(t2)
		p3, q3 := float64(x*w3)+float64(s3), float64(y*w3)+float64(t3)
		if anyTie(below(p0) | below(q0) | below(p1) | below(q1) | below(p2) | below(q2) | below(p3) | below(q3)) {
			break
		}
		s0, s1, s2, s3 = float32(p0), float32(p1), float32(p2), float32(p3)
		t0, t1, t2, t3 = float32(q0), float32(q1), float32(q2), float32(q3)
	}
	sum[0] = [blockCols]float32{s0, s1, s2, s3}
	sum[1] = [blockCols]float32{t0, t1, t2, t3}
	return i
}

// blockTies is blockPlain where sums have few digits: it goes on over ties that
// are none, or are rounded right because the sum before is exact.
func blockTies(sum *[blockRows][blockCols]float32, a0, a1, b []float32, k, ka, kb int) int {
	s0, s1, s2, s3 := float64(sum[0][0]), float64(sum[0][1]), float64(sum[0][2]), float64(sum[0][3])
	t0, t1, t2, t3 := float64(sum[1][0]), float64(sum[1][1]), float64(sum[1][2]), float64(sum[1][3])
	i := 0
	for ; i < k; i++ {
		row := (*[blockCols]float32)(b[i*kb:])
		x, y := float64(a0[i*ka]), float64(a1[i*ka])
		w0, w1, w2, w3 := float64(row[0]), float64(row[1]), float64(row[2]), float64(row[3])
		p0, e0 := sumTie(float64(x*w0), s0)
		p1, e1 := sumTie(float64(x*w1), s1)
		p2, e2 := sumTie(float64(x*w2), s2)
		p3, e3 := sumTie(float64(x*w3), s3)
		q0, f0 := sumTie(float64(y*w0), t0)
		q1, f1 := sumTie(float64(y*w1), t1)
		q2, f2 := sumTie(float64(y*w2), t2)
		q3, f3 := sumTie(float64(y*w3), t3)
		if e0|e1|e2|e3|f0|f1|f2|f3 != 0 {
			break
		}
		s0, s1, s2, s3 = float64(float32(p0)), float64(float32(p1)), float64(float32(p2)), float64(float32(p3))
		t0, t1, t2, t3 = float64(float32(q0)), float64(float32(q1)), float64(float32(q2)), float64(float32(q3))
	}
	sum[0] = [blockCols]float32{float32(s0), float32(s1), float32(s2), float32(s3)}
	sum[1] = [blockCols]float32{float32(t0), float32(t1), float32(t2), float32(t3)}
	return i
}
