//go:build !purego

package simd

import "heavytail/internal/isa"

// Each function below is Tiles.Run for one height and a range of widths; all
// compute the bits of runTilesGeneric.

//go:noescape
func tiles12x32AVX512(t *Tiles)

//go:noescape
func tiles12x32TailAVX512(t *Tiles)

//go:noescape
func tiles12x16AVX512(t *Tiles)

//go:noescape
func tiles12x16TailAVX512(t *Tiles)

//go:noescape
func tiles8x32AVX512(t *Tiles)

//go:noescape
func tiles8x32TailAVX512(t *Tiles)

//go:noescape
func tiles8x16AVX512(t *Tiles)

//go:noescape
func tiles8x16TailAVX512(t *Tiles)

//go:noescape
func tiles4x32AVX512(t *Tiles)

//go:noescape
func tiles4x32TailAVX512(t *Tiles)

//go:noescape
func tiles4x16AVX512(t *Tiles)

//go:noescape
func tiles4x16TailAVX512(t *Tiles)

// Those of columns have the bits of Tiles.RunMax and Tiles.RunScaled.

//go:noescape
func tiles12x32MaxAVX512(t *Tiles, s *float32)

//go:noescape
func tiles12x32ScaledAVX512(t *Tiles, s *float32)

//go:noescape
func tiles8x32ScaledAVX512(t *Tiles, s *float32)

//go:noescape
func tiles4x32ScaledAVX512(t *Tiles, s *float32)

//go:noescape
func tiles6x16MaxAVX2(t *Tiles, s *float32)

//go:noescape
func tiles6x16ScaledAVX2(t *Tiles, s *float32)

//go:noescape
func tiles4x16ScaledAVX2(t *Tiles, s *float32)

//go:noescape
func tiles6x16AVX2(t *Tiles)

//go:noescape
func tiles6x16TailAVX2(t *Tiles)

//go:noescape
func tiles4x16AVX2(t *Tiles)

//go:noescape
func tiles4x16TailAVX2(t *Tiles)

// peakAVX512 executes n·16 independent multiply-adds of 16 float32, n ≥ 1.
//
//go:noescape
func peakAVX512(n int)

// peakAVX2 executes n·16 independent multiply-adds of 8 float32, n ≥ 1.
//
//go:noescape
func peakAVX2(n int)

func runTiles(t *Tiles) {
	switch isa.Cur() {
	case isa.AVX512:
		runTilesAVX512(t)
	case isa.AVX2:
		runTilesAVX2(t)
	default:
		runTilesGeneric(t)
	}
}

func runTilesAVX512(t *Tiles) {
	if t.Far && t.Rows == TileRows && t.Segs == 1 && t.KA == 1 && t.AInc == TileRows*t.K && t.AInc < len(t.A) {
		p := *t
		p.Next, p.Soon = t.A[t.AInc:], true
		t = &p
	}
	if t.Cols%16 != 0 && !t.Loose {
		runTailsAVX512(t)
		return
	}
	switch {
	case t.Rows == 12 && t.Cols > 16:
		tiles12x32AVX512(t)
	case t.Rows == 12:
		tiles12x16AVX512(t)
	case t.Rows == 8 && t.Cols > 16:
		tiles8x32AVX512(t)
	case t.Rows == 8:
		tiles8x16AVX512(t)
	case t.Cols > 16:
		tiles4x32AVX512(t)
	default:
		tiles4x16AVX512(t)
	}
}

// runTailsAVX512 is runTilesAVX512 of columns that do not fill vectors.
func runTailsAVX512(t *Tiles) {
	switch {
	case t.Rows == 12 && t.Cols > 16:
		tiles12x32TailAVX512(t)
	case t.Rows == 12:
		tiles12x16TailAVX512(t)
	case t.Rows == 8 && t.Cols > 16:
		tiles8x32TailAVX512(t)
	case t.Rows == 8:
		tiles8x16TailAVX512(t)
	case t.Cols > 16:
		tiles4x32TailAVX512(t)
	default:
		tiles4x16TailAVX512(t)
	}
}

// runMax does RunMax, or reports that the level has nothing for it.
func runMax(t *Tiles, top *[TileCols]float32) bool {
	if t.Rows != 12 {
		return false
	}
	switch isa.Cur() {
	case isa.AVX2:
		p := *t
		for col := 0; col < t.Cols; col += 16 {
			for row := 0; row < 12; row += 6 {
				t.cutColumns(&p, row, col)
				tiles6x16MaxAVX2(&p, &top[col])
			}
		}
		return true
	case isa.AVX512:
		if t.Cols > 16 {
			tiles12x32MaxAVX512(t, &top[0])
			return true
		}
	}
	return false
}

// runScaled does RunScaled, or reports that the level has nothing for it.
func runScaled(t *Tiles, s *[TileCols]float32) bool {
	switch isa.Cur() {
	case isa.AVX2:
		runScaledAVX2(t, s)
		return true
	case isa.AVX512:
		if t.Cols > 16 {
			runScaledAVX512(t, s)
			return true
		}
	}
	return false
}

func runScaledAVX512(t *Tiles, s *[TileCols]float32) {
	var first *float32
	if s != nil {
		first = &s[0]
	}
	switch t.Rows {
	case 12:
		tiles12x32ScaledAVX512(t, first)
	case 8:
		tiles8x32ScaledAVX512(t, first)
	default:
		tiles4x32ScaledAVX512(t, first)
	}
}

// runScaledAVX2 scales B with the first rows of each 16 columns.
func runScaledAVX2(t *Tiles, s *[TileCols]float32) {
	rows, p := partRows(t.Rows), *t
	for col := 0; col < t.Cols; col += 16 {
		var first *float32
		if s != nil {
			first = &s[col]
		}
		for row := 0; row < t.Rows; row += rows {
			t.cutColumns(&p, row, col)
			if rows == 6 {
				tiles6x16ScaledAVX2(&p, first)
			} else {
				tiles4x16ScaledAVX2(&p, first)
			}
			first = nil
		}
	}
}

// cutColumns sets p, a copy of t, to the part of the tiles of columns at row and col.
func (t *Tiles) cutColumns(p *Tiles, row, col int) {
	p.A, p.B, p.C = t.A[row:], t.B[col:], t.C[row*TileCols+col:]
}

// runTilesAVX2 computes the tiles in parts of 6 or 4 rows and 16 columns, as many
// as the 16 registers of AVX2 can accumulate, but for those of points.
func runTilesAVX2(t *Tiles) {
	if t.points() {
		return
	}
	rows, p := partRows(t.Rows), *t
	for row := 0; row < t.Rows; row += rows {
		for col := 0; col < t.Cols; col += 16 {
			cols := min(16, t.Cols-col)
			if t.Loose {
				cols = 16
			}
			t.cut(&p, row, col, rows, cols)
			switch {
			case rows == 6 && p.Cols == 16:
				tiles6x16AVX2(&p)
			case rows == 6:
				tiles6x16TailAVX2(&p)
			case p.Cols == 16:
				tiles4x16AVX2(&p)
			default:
				tiles4x16TailAVX2(&p)
			}
			if p.Next = p.Next[min(p.lines()*16, len(p.Next)):]; !t.Soon {
				p.Next = nil
			}
		}
	}
}

// peak executes n·16·lanes independent multiply-adds.
func peak(n int) (lanes int) {
	switch isa.Cur() {
	case isa.AVX512:
		peakAVX512(n)
		return 16
	case isa.AVX2:
		peakAVX2(n)
		return 8
	}
	return peakGeneric(n)
}

// cut sets p, a copy of t, to the rows×cols part of the tiles at row and col.
// Repeated rows are neighbours at the end of a tile, so they fall in one part.
func (t *Tiles) cut(p *Tiles, row, col, rows, cols int) {
	p.Rows, p.Cols = rows, cols
	p.COff, p.C = t.COff[row:], t.C[col:]
	if t.Segs > 0 {
		p.AOff, p.B = t.AOff[row:], t.B[col:]
	}
	if t.Bias != nil {
		p.Bias = t.Bias[col:]
	}
	if t.Res != nil {
		p.ROff, p.Res = t.ROff[row:], t.Res[col:]
	}
}
