//go:build !purego

package simd

import "heavytail/internal/isa"

// Each function below is Tiles.Run for one height and a range of widths; all
// compute the bits of runTilesGeneric.

//go:noescape
func tiles12x32AVX512(t *Tiles)

//go:noescape
func tiles12x16AVX512(t *Tiles)

//go:noescape
func tiles8x32AVX512(t *Tiles)

//go:noescape
func tiles8x16AVX512(t *Tiles)

//go:noescape
func tiles4x32AVX512(t *Tiles)

//go:noescape
func tiles4x16AVX512(t *Tiles)

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

// runTilesAVX2 computes the tiles in parts of 6 or 4 rows and 16 columns, as
// many as its 16 registers can accumulate. Repeated rows are neighbours at the
// end of a tile, so they fall in one part.
func runTilesAVX2(t *Tiles) {
	part := *t
	height := 4
	if t.Rows == 12 {
		height = 6
	}
	for row := 0; row < t.Rows; row += height {
		part.COff = t.COff[row:]
		if t.Segs > 0 {
			part.AOff = t.AOff[row:]
		}
		if t.Res != nil {
			part.ROff = t.ROff[row:]
		}
		for col := 0; col < t.Cols; col += 16 {
			part.Cols = min(16, t.Cols-col)
			part.C = t.C[col:]
			if t.Segs > 0 {
				part.B = t.B[col:]
			}
			if t.Bias != nil {
				part.Bias = t.Bias[col:]
			}
			if t.Res != nil {
				part.Res = t.Res[col:]
			}
			switch {
			case height == 6 && part.Cols == 16:
				tiles6x16AVX2(&part)
			case height == 6:
				tiles6x16TailAVX2(&part)
			case part.Cols == 16:
				tiles4x16AVX2(&part)
			default:
				tiles4x16TailAVX2(&part)
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
