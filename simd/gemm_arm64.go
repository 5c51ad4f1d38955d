//go:build !purego

package simd

import "heavytail/internal/isa"

// Each function below is Tiles.Run for one height and one width; all compute
// the bits of runTilesGeneric.

//go:noescape
func tiles6x16NEON(t *Tiles)

//go:noescape
func tiles4x16NEON(t *Tiles)

//go:noescape
func tiles1x16NEON(t *Tiles)

//go:noescape
func tiles6x8NEON(t *Tiles)

//go:noescape
func tiles4x8NEON(t *Tiles)

//go:noescape
func tiles6x4NEON(t *Tiles)

//go:noescape
func tiles4x4NEON(t *Tiles)

//go:noescape
func tiles6x3NEON(t *Tiles)

//go:noescape
func tiles4x3NEON(t *Tiles)

//go:noescape
func tiles6x2NEON(t *Tiles)

//go:noescape
func tiles4x2NEON(t *Tiles)

//go:noescape
func tiles6x1NEON(t *Tiles)

//go:noescape
func tiles4x1NEON(t *Tiles)

// Those of 12 rows are for rows that are neighbours in A, one load for all of them.
//
//go:noescape
func tiles12x8BesideNEON(t *Tiles)

//go:noescape
func tiles12x4BesideNEON(t *Tiles)

//go:noescape
func tiles12x1BesideNEON(t *Tiles)

// peakNEON executes n·16 independent multiply-adds of 4 float32, n ≥ 1.
//
//go:noescape
func peakNEON(n int)

func runTiles(t *Tiles) {
	if isa.Cur() != isa.NEON {
		runTilesGeneric(t)
		return
	}
	p := *t
	one := t.N == 1 && t.COff[0] == t.COff[t.Rows-1] // the first row, repeated
	width := t.Cols
	if t.Loose && width%4 > 1 {
		width = (width + 3) &^ 3
	}
	for col := 0; col < width; {
		rows, cols := neonPart(t.Rows, width-col, t.Beside, one)
		for row := 0; row < t.Rows; row += rows {
			t.cut(&p, row, col, rows, cols)
			runTilePart(&p)
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
	switch {
	case cols >= 16:
		cols = 16
	case cols >= 8:
		cols = 8
	default:
		cols = min(cols, 4)
	}
	switch {
	case one && cols == 16:
		return 1, cols
	case rows < TileRows:
		return 4, cols
	case beside && (cols == 8 || cols == 4 || cols == 1):
		return TileRows, cols
	}
	return 6, cols
}

func runTilePart(t *Tiles) {
	switch {
	case t.Cols == 16 && t.Rows == 6:
		tiles6x16NEON(t)
	case t.Cols == 16 && t.Rows == 4:
		tiles4x16NEON(t)
	case t.Rows == 1:
		tiles1x16NEON(t)
	case t.Rows == 4:
		runTiles4(t)
	case t.Rows == 6:
		runTiles6(t)
	case t.Cols == 8:
		tiles12x8BesideNEON(t)
	case t.Cols == 4:
		tiles12x4BesideNEON(t)
	default:
		tiles12x1BesideNEON(t)
	}
}

// runTiles4 and runTiles6 run parts of fewer than 16 columns.
func runTiles4(t *Tiles) {
	switch t.Cols {
	case 8:
		tiles4x8NEON(t)
	case 4:
		tiles4x4NEON(t)
	case 3:
		tiles4x3NEON(t)
	case 2:
		tiles4x2NEON(t)
	default:
		tiles4x1NEON(t)
	}
}

func runTiles6(t *Tiles) {
	switch t.Cols {
	case 8:
		tiles6x8NEON(t)
	case 4:
		tiles6x4NEON(t)
	case 3:
		tiles6x3NEON(t)
	case 2:
		tiles6x2NEON(t)
	default:
		tiles6x1NEON(t)
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
