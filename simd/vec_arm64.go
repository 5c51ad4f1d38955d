//go:build !purego

package simd

import "heavytail/internal/isa"

// addNEON: dst_i = a_i + b_i.
//
//go:noescape
func addNEON(dst, a, b []float32)

func add(dst, a, b []float32) {
	if isa.Cur() == isa.NEON {
		addNEON(dst, a, b)
		return
	}
	addGeneric(dst, a, b)
}

// subNEON: dst_i = a_i − b_i.
//
//go:noescape
func subNEON(dst, a, b []float32)

func sub(dst, a, b []float32) {
	if isa.Cur() == isa.NEON {
		subNEON(dst, a, b)
		return
	}
	subGeneric(dst, a, b)
}

// mulNEON: dst_i = a_i·b_i.
//
//go:noescape
func mulNEON(dst, a, b []float32)

func mul(dst, a, b []float32) {
	if isa.Cur() == isa.NEON {
		mulNEON(dst, a, b)
		return
	}
	mulGeneric(dst, a, b)
}

// scaleNEON: dst_i = x_i·s.
//
//go:noescape
func scaleNEON(dst, x []float32, s float32)

func scale(dst, x []float32, s float32) {
	if isa.Cur() == isa.NEON {
		scaleNEON(dst, x, s)
		return
	}
	scaleGeneric(dst, x, s)
}

// axpbyNEON: dst_i = fma(a, x_i, b·y_i).
//
//go:noescape
func axpbyNEON(dst []float32, a float32, x []float32, b float32, y []float32)

func axpby(dst []float32, a float32, x []float32, b float32, y []float32) {
	if isa.Cur() == isa.NEON {
		axpbyNEON(dst, a, x, b, y)
		return
	}
	axpbyGeneric(dst, a, x, b, y)
}

// linComb3NEON: dst_i = fma(c, z_i, fma(b, y_i, a·x_i)).
//
//go:noescape
func linComb3NEON(dst []float32, a float32, x []float32, b float32, y []float32, c float32, z []float32)

func linComb3(dst []float32, a float32, x []float32, b float32, y []float32, c float32, z []float32) {
	if isa.Cur() == isa.NEON {
		linComb3NEON(dst, a, x, b, y, c, z)
		return
	}
	linComb3Generic(dst, a, x, b, y, c, z)
}

// clampNEON: dst_i = atMost(atLeast(x_i, lo), hi).
//
//go:noescape
func clampNEON(dst, x []float32, lo, hi float32)

func clamp(dst, x []float32, lo, hi float32) {
	if isa.Cur() == isa.NEON {
		clampNEON(dst, x, lo, hi)
		return
	}
	clampGeneric(dst, x, lo, hi)
}

// huberNEON: m = min(|x_i|, 1), dst_i = m·(|x_i| − m/2).
//
//go:noescape
func huberNEON(dst, x []float32)

func huber(dst, x []float32) {
	if isa.Cur() == isa.NEON {
		huberNEON(dst, x)
		return
	}
	huberGeneric(dst, x)
}

// widenAddNEON: sum_i += float64(x_i).
//
//go:noescape
func widenAddNEON(sum []float64, x []float32)

func widenAdd(sum []float64, x []float32) {
	if isa.Cur() == isa.NEON {
		widenAddNEON(sum, x)
		return
	}
	widenAddGeneric(sum, x)
}

// sumNEON: the sum of x in 16 lanes.
//
//go:noescape
func sumNEON(x []float32) float32

func sum(x []float32) float32 {
	if isa.Cur() == isa.NEON {
		return sumNEON(x)
	}
	return sumGeneric(x)
}

// dotNEON: the sum of a_i·b_i, fused, in 16 lanes.
//
//go:noescape
func dotNEON(a, b []float32) float32

func dot(a, b []float32) float32 {
	if isa.Cur() == isa.NEON {
		return dotNEON(a, b)
	}
	return dotGeneric(a, b)
}

// vmaxNEON: the maximum of x in 16 lanes.
//
//go:noescape
func vmaxNEON(x []float32) float32

func vmax(x []float32) float32 {
	if isa.Cur() == isa.NEON {
		return vmaxNEON(x)
	}
	return maxGeneric(x)
}

// maskNEON: dst_i = x_i·s where words_i ≥ limit, else 0.
//
//go:noescape
func maskNEON(dst, x []float32, words []uint32, limit uint32, s float32)

func mask(dst, x []float32, words []uint32, limit uint32, s float32) {
	if isa.Cur() == isa.NEON {
		maskNEON(dst, x, words, limit, s)
		return
	}
	maskGeneric(dst, x, words, limit, s)
}
