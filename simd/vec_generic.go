package simd

import "math"

// addGeneric: dst_i = a_i + b_i.
//
//simd:kernel
func addGeneric(dst, a, b []float32) {
	for i, v := range a {
		dst[i] = v + b[i]
	}
}

// subGeneric: dst_i = a_i − b_i.
//
//simd:kernel
func subGeneric(dst, a, b []float32) {
	for i, v := range a {
		dst[i] = v - b[i]
	}
}

// mulGeneric: dst_i = a_i·b_i.
//
//simd:kernel
func mulGeneric(dst, a, b []float32) {
	for i, v := range a {
		dst[i] = v * b[i]
	}
}

// scaleGeneric: dst_i = x_i·s.
//
//simd:kernel
func scaleGeneric(dst, x []float32, s float32) {
	for i, v := range x {
		dst[i] = v * s
	}
}

// axpbyGeneric: dst_i = fma(a, x_i, b·y_i).
//
//simd:kernel
func axpbyGeneric(dst []float32, a float32, x []float32, b float32, y []float32) {
	for i, v := range x {
		dst[i] = FMA(a, v, float32(b*y[i]))
	}
}

// linComb3Generic: dst_i = fma(c, z_i, fma(b, y_i, a·x_i)).
//
//simd:kernel
func linComb3Generic(dst []float32, a float32, x []float32, b float32, y []float32, c float32, z []float32) {
	for i, v := range x {
		dst[i] = FMA(c, z[i], FMA(b, y[i], float32(a*v)))
	}
}

// clampGeneric: dst_i = atMost(atLeast(x_i, lo), hi).
//
//simd:kernel
func clampGeneric(dst, x []float32, lo, hi float32) {
	for i, v := range x {
		dst[i] = atMost(atLeast(v, lo), hi)
	}
}

// atLeast returns lo if x < lo, else x: NaN stays.
func atLeast(x, lo float32) float32 {
	if x < lo {
		return lo
	}
	return x
}

// atMost returns hi if x > hi, else x: NaN stays.
func atMost(x, hi float32) float32 {
	if x > hi {
		return hi
	}
	return x
}

// huberGeneric: m = min(|x_i|, 1), dst_i = m·(|x_i| − m/2).
//
//simd:kernel
func huberGeneric(dst, x []float32) {
	for i, v := range x {
		a := math.Float32frombits(math.Float32bits(v) &^ (1 << 31))
		m := atMost(a, 1)
		dst[i] = m * (a - float32(m*0.5))
	}
}

// widenAddGeneric joins float32 sums of blocks to running float64 sums.
//
//simd:kernel
func widenAddGeneric(sum []float64, x []float32) {
	for i, v := range x {
		sum[i] += float64(v)
	}
}

// maskGeneric: dst_i = x_i·s where words_i ≥ limit, else 0.
//
//simd:kernel
func maskGeneric(dst, x []float32, words []uint32, limit uint32, s float32) {
	for i, v := range x {
		v *= s
		if words[i] < limit {
			v = 0
		}
		dst[i] = v
	}
}

// transposeGeneric: dst[to·c+r] = scale·src[r·pitch+c] for r < 16 and c < cols, a
// multiple of 4.
//
//simd:kernel
func transposeGeneric(dst, src []float32, cols, to, pitch int, scale float32) {
	for r := 0; r < transposed; r += 4 {
		r0, r1 := src[r*pitch:][:cols], src[(r+1)*pitch:][:cols]
		r2, r3 := src[(r+2)*pitch:][:cols], src[(r+3)*pitch:][:cols]
		for c := range r0 {
			d := (*[4]float32)(dst[c*to+r:])
			d[0], d[1], d[2], d[3] = r0[c]*scale, r1[c]*scale, r2[c]*scale, r3[c]*scale
		}
	}
}
