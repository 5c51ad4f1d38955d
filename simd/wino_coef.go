//go:build !purego && (amd64 || arm64)

package simd

// winoCoef4 are the coefficients of w1 and w2 in the inner rows of G of F(4×4), which the
// assembly gets.
var winoCoef4 = [4][2]float32{{winoA, winoA2}, {-winoA, winoA2}, {winoB, winoB2}, {-winoB, winoB2}}
