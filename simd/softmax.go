package simd

import (
	"fmt"
	"math"
)

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

// softmaxRows and softmaxValues bound the rows of a group whose maxima are
// found, then whose exponentials are summed, then which are scaled: a maximum
// or a sum ends with folds that wait for each other, and the processor goes on
// with the next row meanwhile, but not with what needs the fold. A group stays
// in the first-level cache.
const softmaxRows, softmaxValues = 8, 1 << 12

// softmaxGroup returns how many rows of cols values are a group.
func softmaxGroup(cols int) int { return min(softmaxRows, max(1, softmaxValues/cols)) }

// SoftmaxRows does SoftmaxRow with each of rows rows of cols values that begin
// pitch apart in x. It panics if x is too short or rows overlap.
func SoftmaxRows(x []float32, rows, pitch, cols int) {
	mustRows("SoftmaxRows", rows, pitch, cols, len(x))
	if cols == 0 {
		return
	}
	var v [softmaxRows]float32
	group := softmaxGroup(cols)
	for at := 0; rows > 0; rows -= group {
		part := min(rows, group)
		row := func(r int) []float32 { return x[at+r*pitch:][:cols] }
		for r := range part {
			v[r] = vmax(row(r))
		}
		for r := range part {
			v[r] = softmaxExp(row(r), v[r])
		}
		for r := range part {
			scale(row(r), row(r), 1/v[r])
		}
		at += part * pitch
	}
}

// A ColSoftmax does SoftmaxRow with columns of a panel, rows of TileCols values in
// turn: after Reset Max of all rows, in any parts, then Exp of all of them at once, then
// Scale of all, in any parts, or Grad of all. Between, a part can be used while it is in
// a cache. Each is for the first cols columns; those that are left of the group of 16 in
// which they end become anything. It panics if x is shorter than rows or there are no
// such columns.
type ColSoftmax struct {
	v     [TileCols]float32            // maxima, then reciprocals of sums
	lanes [colGroup * colGroup]float32 // of a sum; to zero them here would take as long as some rows
}

// lowest are the maxima of no rows.
var lowest = func() (v [TileCols]float32) {
	for c := range v {
		v[c] = float32(math.Inf(-1))
	}
	return v
}()

// Reset makes s one that no row is part of.
func (s *ColSoftmax) Reset() { s.v = lowest }

// Max takes rows into account.
func (s *ColSoftmax) Max(x []float32, rows, cols int) {
	mustCols("Max", rows, cols, len(x))
	for c := 0; c < cols && rows > 0; c += colGroup {
		colMax(s.v[c:], x[c:], rows, min(colGroup, cols-c))
	}
}

// Exp sets the rows to exponentials of their differences from the maxima.
func (s *ColSoftmax) Exp(x []float32, rows, cols int) {
	mustCols("Exp", rows, cols, len(x))
	for c := 0; c < cols && rows > 0; c += colGroup {
		colExp(x[c:], s.v[c:], s.lanes[:], rows, min(colGroup, cols-c))
	}
}

// Scale multiplies rows by the reciprocals of the sums of the exponentials.
func (s *ColSoftmax) Scale(x []float32, rows, cols int) {
	mustCols("Scale", rows, cols, len(x))
	for c := 0; c < cols && rows > 0; c += colGroup {
		colScale(x[c:], s.v[c:], rows, min(colGroup, cols-c))
	}
}

// Grad multiplies rows of p, all of them, by the reciprocals of the sums of the
// exponentials, which makes probabilities of them, and then does SoftmaxBackwardRow with
// columns of p and of dp, which become those of ds.
func (s *ColSoftmax) Grad(p, dp []float32, rows, cols int) {
	mustCols("Grad", rows, cols, min(len(p), len(dp)))
	for c := 0; c < cols && rows > 0; c += colGroup {
		colBackward(p[c:], dp[c:], s.v[c:], s.lanes[:], rows, min(colGroup, cols-c))
	}
}

func mustCols(op string, rows, cols, n int) {
	if rows < 0 || cols < 0 || cols > TileCols || n < rows*TileCols {
		panic(fmt.Sprintf("simd: ColSoftmax.%s: %d columns of %d rows in %d values", op, cols, rows, n))
	}
}

// SoftmaxBackwardRow sets ds_i = p_i·(dp_i − Σ p·dp), the sum taken in 16
// lanes of fused terms. ds may be p or dp. It panics if the lengths differ.
func SoftmaxBackwardRow(ds, p, dp []float32) {
	if len(ds) != len(p) || len(dp) != len(p) {
		panic(fmt.Sprintf("simd: SoftmaxBackwardRow: lengths %d, %d, %d differ", len(ds), len(p), len(dp)))
	}
	softmaxGrad(ds, p, dp, dot(p, dp))
}

// SoftmaxBackwardRows does SoftmaxBackwardRow with each of rows rows of cols
// values that begin pitch apart. ds may be p or dp. It panics if one is too
// short or rows overlap.
func SoftmaxBackwardRows(ds, p, dp []float32, rows, pitch, cols int) {
	mustRows("SoftmaxBackwardRows", rows, pitch, cols, min(len(ds), len(p), len(dp)))
	if cols == 0 {
		return
	}
	var v [softmaxRows]float32
	group := softmaxGroup(cols)
	for at := 0; rows > 0; rows -= group {
		part := min(rows, group)
		for r := range part {
			i := at + r*pitch
			v[r] = dot(p[i:][:cols], dp[i:][:cols])
		}
		for r := range part {
			i := at + r*pitch
			softmaxGrad(ds[i:][:cols], p[i:][:cols], dp[i:][:cols], v[r])
		}
		at += part * pitch
	}
}

func mustRows(op string, rows, pitch, cols, n int) {
	if rows > 0 && (cols < 0 || pitch < cols || n < (rows-1)*pitch+cols) {
		panic(fmt.Sprintf("simd: %s: %d values for %d rows of %d, %d apart", op, n, rows, cols, pitch))
	}
}
