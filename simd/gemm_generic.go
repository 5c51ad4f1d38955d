package simd

// runTilesGeneric computes Tiles.Run without assembly: the bits of tileRow,
// which defines it, but in blocks whose sums stay in registers.
func runTilesGeneric(t *Tiles) {
	for n := range t.N {
		var rows [TileRows]int
		distinct := 0
		for i := range t.Rows {
			if c := t.COff[n*t.CStep:]; i > 0 && c[i] == c[i-1] {
				continue // a repeated row
			}
			rows[distinct] = i
			distinct++
		}
		for i := 0; i < distinct; i += blockRows {
			pair := rows[i:min(i+blockRows, distinct)]
			if t.Cols >= blockCols {
				tilePair(t, n, pair)
				continue
			}
			for _, row := range pair {
				tileRow(t, n, row)
			}
		}
	}
}

// tileRow computes row i of tile n: the definition of Tiles.Run.
func tileRow(t *Tiles, n, i int) {
	var sum [TileCols]float32
	acc := sum[:t.Cols]
	if t.Acc {
		copy(acc, t.row(n, i))
	}
	for s := range t.Segs {
		a, b := t.operands(n, s, i, 0)
		for k := range t.K {
			v := a[k*t.KA]
			row := b[k*t.KB:][:len(acc)]
			for j := range acc {
				acc[j] = FMA(v, row[j], acc[j])
			}
		}
	}
	t.finish(n, i, 0, acc)
}

// tilePair computes the rows, one or two, of tile n, which has at least four
// columns. The last block ends with the last column and begins inside the one
// before it, of which it stores nothing.
func tilePair(t *Tiles, n int, rows []int) {
	for j := 0; j < t.Cols; j += blockCols {
		at := min(j, t.Cols-blockCols)
		var sum [blockRows][blockCols]float32
		if t.Acc {
			for r, i := range rows {
				copy(sum[r][j-at:], t.row(n, i)[j:])
			}
		}
		for s := range t.Segs {
			a0, b := t.operands(n, s, rows[0], at)
			a1, _ := t.operands(n, s, rows[len(rows)-1], at)
			block(&sum, a0, a1, b, t.K, t.KA, t.KB)
		}
		for r, i := range rows {
			t.finish(n, i, j, sum[r][j-at:])
		}
	}
}

// row returns C from row i of tile n on.
func (t *Tiles) row(n, i int) []float32 { return t.C[n*t.CInc+int(t.COff[n*t.CStep+i]):] }

// operands returns A and B from where row i of tile n begins to read them in
// segment s, B from column j on.
func (t *Tiles) operands(n, s, i, j int) (a, b []float32) {
	a = t.Zero
	if off := t.AOff[n*t.AStep+s*TileRows+i]; off >= 0 {
		a = t.A[n*t.AInc+int(off):]
	}
	return a, t.B[n*t.BInc+int(t.BOff[s])+j:]
}

// finish adds bias and residual to the sums of row i of tile n from column j
// on, and stores them.
func (t *Tiles) finish(n, i, j int, sum []float32) {
	if t.Bias != nil {
		for e, v := range t.Bias[j:][:len(sum)] {
			sum[e] += v
		}
	}
	if t.Res != nil {
		for e, v := range t.Res[n*t.RInc+int(t.ROff[n*t.RStep+i])+j:][:len(sum)] {
			sum[e] += v
		}
	}
	copy(t.row(n, i)[j:], sum)
}

// peakGeneric executes n·16 independent multiply-adds of one float32.
func peakGeneric(n int) (lanes int) {
	var sum [blockRows][blockCols]float32
	a, b := []float32{1.0 / 3}, []float32{1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13} // with all their digits
	for range 16 / (blockRows * blockCols) {
		block(&sum, a, a, b, n, 0, 0)
	}
	return 1
}
