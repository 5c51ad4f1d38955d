//go:build !purego

package simd

import "heavytail/internal/isa"

// Each function below is Tiles.Run for the part of the tiles at row and col that has its
// height and width; all compute the bits of runTilesGeneric. rest is how many of the last
// four columns there are, 0 for all.

//go:noescape
func tiles6x16NEON(t *Tiles, row, col, rest int)

//go:noescape
func tiles4x16NEON(t *Tiles, row, col, rest int)

//go:noescape
func tiles1x16NEON(t *Tiles, row, col, rest int)

// Those of 8 columns are for 5 to 8, those of 4 for 1 to 4, of rows that are neighbours
// for 2 to 4.

//go:noescape
func tiles6x8NEON(t *Tiles, row, col, rest int)

//go:noescape
func tiles4x8NEON(t *Tiles, row, col, rest int)

//go:noescape
func tiles12x4NEON(t *Tiles, row, col, rest int)

//go:noescape
func tiles8x4NEON(t *Tiles, row, col, rest int)

//go:noescape
func tiles4x4NEON(t *Tiles, row, col, rest int)

// These are for rows that are neighbours in A, one load for all of them.
//
//go:noescape
func tiles12x8BesideNEON(t *Tiles, row, col, rest int)

//go:noescape
func tiles12x4BesideNEON(t *Tiles, row, col, rest int)

//go:noescape
func tiles12x1BesideNEON(t *Tiles, row, col, rest int)

// peakNEON executes n·16 independent multiply-adds of 4 float32, n ≥ 1.
//
//go:noescape
func peakNEON(n int)

func runTiles(t *Tiles) {
	if isa.Cur() != isa.NEON {
		runTilesGeneric(t)
		return
	}
	one := t.N == 1 && t.COff[0] == t.COff[t.Rows-1] // the first row, repeated
	width := t.Cols
	if t.Loose && width%4 > 1 {
		width = (width + 3) &^ 3
	}
	for col := 0; col < width; {
		rows, cols := neonPart(t.Rows, width-col, t.Beside, one)
		for row := 0; row < t.Rows; row += rows {
			runTilePart(t, row, col, rows, cols)
			if one {
				break
			}
		}
		col += cols
	}
}

// neonPart returns the size of the part that comes next where so many rows and
// columns are left.
func neonPart(rows, cols int, beside, one bool) (int, int) {
	if beside && rows == TileRows {
		switch { // 16 columns would leave room for six rows at a time, two loads for each term
		case cols >= 8:
			return rows, 8
		case cols >= 4:
			return rows, 4
		}
		return rows, cols
	}
	if cols >= 8 {
		cols = cols &^ 7 // 16 or 8
	}
	switch {
	case one && cols >= 16:
		return 1, 16
	case cols <= 4:
		return rows, cols
	case rows == TileRows:
		return 6, min(cols, 16)
	}
	return 4, min(cols, 16)
}

func runTilePart(t *Tiles, row, col, rows, cols int) {
	rest := cols % 4
	switch {
	case cols == 16 && rows == 6:
		tiles6x16NEON(t, row, col, rest)
	case cols == 16 && rows == 4:
		tiles4x16NEON(t, row, col, rest)
	case rows == 1:
		tiles1x16NEON(t, row, col, rest)
	case rows == 12 && t.Beside:
		runTilesBeside(t, col, cols)
	case rows == 12:
		tiles12x4NEON(t, row, col, rest)
	case rows == 8:
		tiles8x4NEON(t, row, col, rest)
	case rows == 6:
		tiles6x8NEON(t, row, col, rest)
	case cols > 4:
		tiles4x8NEON(t, row, col, rest)
	default:
		tiles4x4NEON(t, row, col, rest)
	}
}

func runTilesBeside(t *Tiles, col, cols int) {
	switch {
	case cols == 8:
		tiles12x8BesideNEON(t, 0, col, 0)
	case cols > 1:
		tiles12x4BesideNEON(t, 0, col, cols%4)
	default:
		tiles12x1BesideNEON(t, 0, col, 0)
	}
}

// peak executes n·16·lanes independent multiply-adds.
func peak(n int) (lanes int) {
	if isa.Cur() == isa.NEON {
		peakNEON(n)
		return 4
	}
	return peakGeneric(n)
}

func runMax(t *Tiles, top *[TileCols]float32) bool { return false }

func runScaled(t *Tiles, s *[TileCols]float32) bool { return false }
