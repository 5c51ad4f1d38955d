package simd

// colGroup is how many columns the kernels below take, of rows that begin TileCols
// apart, and how many lanes a sum has. The assembly treats all of them; the Go
// reference, where they do not cost nothing, the first cols, and the others are
// anything.
const colGroup = 16

// colMaxGeneric: top_c = the maximum of top_c and of column c of rows rows, which
// passes over NaN.
//
//simd:kernel top x rows
func colMaxGeneric(top, x []float32, rows, cols int) {
	for r := range rows {
		for c, v := range x[r*TileCols:][:cols] {
			if v > top[c] {
				top[c] = v
			}
		}
	}
}

// colExpGeneric: x = exp1(x − top_c) in rows rows of column c, none of which is above
// top_c, and then top_c = 1/Σ of them. Lane i of the sum is at sums[16·i+c], whatever
// was there.
//
//simd:kernel x top sums rows
func colExpGeneric(x, top, sums []float32, rows, cols int) {
	clear(sums)
	for r := range rows {
		lane := sums[r%colGroup*colGroup:][:colGroup]
		row := x[r*TileCols:][:cols]
		for c, v := range row {
			e := exp1(v - top[c])
			row[c] = e
			lane[c] += e
		}
	}
	foldCols(sums)
	for c, v := range sums[:cols] {
		top[c] = 1 / v
	}
}

// colScaleGeneric: x *= s_c in rows rows of column c.
//
//simd:kernel x s rows
func colScaleGeneric(x, s []float32, rows, cols int) {
	for r := range rows {
		for c, v := range s[:cols] {
			x[r*TileCols+c] *= v
		}
	}
}

// colBackwardGeneric: p *= s_c, then dp = p·(dp − Σ p·dp) in rows rows of column c. Lane i of
// the sum, of fused terms, is at sums[16·i+c], whatever was there.
//
//simd:kernel p dp s sums rows
func colBackwardGeneric(p, dp, s, sums []float32, rows, cols int) {
	clear(sums)
	for r := range rows {
		lane, row, grad := sums[r%colGroup*colGroup:][:colGroup], p[r*TileCols:], dp[r*TileCols:]
		for c, v := range s[:cols] {
			row[c] *= v
			lane[c] = FMA(row[c], grad[c], lane[c])
		}
	}
	foldCols(sums)
	for r := range rows {
		row, grad := p[r*TileCols:], dp[r*TileCols:]
		for c, d := range sums[:cols] {
			grad[c] = row[c] * (grad[c] - d)
		}
	}
}

// foldCols folds the lanes of sums of 16 columns, 16 → 8 → 4 → 2 → 1, to the first one.
func foldCols(sums []float32) {
	for w := colGroup / 2; w > 0; w >>= 1 {
		for i, v := range sums[w*colGroup:][:w*colGroup] {
			sums[i] += v
		}
	}
}
