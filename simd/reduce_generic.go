package simd

import "math"

// fold16 adds the 16 lanes: 16 → 8 → 4 → 2 → 1.
func fold16(l *[16]float32) float32 {
	for w := 8; w > 0; w >>= 1 {
		for j := range w {
			l[j] += l[j+w]
		}
	}
	return l[0]
}

// vmaxGeneric keeps 16 running maxima; a lane changes only for a larger value,
// so NaN is passed over. The maximum of nothing is −Inf.
//
//simd:kernel
func vmaxGeneric(x []float32) float32 {
	var l [16]float32
	for j := range l {
		l[j] = float32(math.Inf(-1))
	}
	for i, v := range x {
		if v > l[i&15] {
			l[i&15] = v
		}
	}
	for w := 8; w > 0; w >>= 1 {
		for j := range w {
			if l[j+w] > l[j] {
				l[j] = l[j+w]
			}
		}
	}
	return l[0]
}

// sumGeneric: the sum of x in 16 lanes.
//
//simd:kernel
func sumGeneric(x []float32) float32 {
	var l [16]float32
	for i, v := range x {
		l[i&15] += v
	}
	return fold16(&l)
}

// dotGeneric: the sum of a_i·b_i, fused, in 16 lanes.
//
//simd:kernel
func dotGeneric(a, b []float32) float32 {
	var l [16]float32
	for i, v := range a {
		l[i&15] = FMA(v, b[i], l[i&15])
	}
	return fold16(&l)
}
