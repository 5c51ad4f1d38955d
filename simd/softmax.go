package simd

import "fmt"

// SoftmaxRow sets row to its softmax in place: e_i/Σe with e_i = exp(x_i −
// max x), the sum taken in 16 lanes and its reciprocal multiplied in. The
// maximum passes over NaN; a NaN or +Inf in the row, or a row of −Inf alone,
// makes the whole row NaN.
func SoftmaxRow(row []float32) {
	if len(row) == 0 {
		return
	}
	scale(row, row, 1/softmaxExp(row, vmax(row)))
}

// SoftmaxBackwardRow sets ds_i = p_i·(dp_i − Σ p·dp), the sum taken in 16
// lanes of fused terms. ds may be p or dp. It panics if the lengths differ.
func SoftmaxBackwardRow(ds, p, dp []float32) {
	if len(ds) != len(p) || len(dp) != len(p) {
		panic(fmt.Sprintf("simd: SoftmaxBackwardRow: lengths %d, %d, %d differ", len(ds), len(p), len(dp)))
	}
	softmaxGrad(ds, p, dp, dot(p, dp))
}
