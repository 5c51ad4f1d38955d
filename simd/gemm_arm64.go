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
func tiles6x8NEON(t *Tiles)

//go:noescape
func tiles4x8NEON(t *Tiles)

//go:noescape
func tiles4x4NEON(t *Tiles)

//go:noescape
func tiles4x3NEON(t *Tiles)

//go:noescape
func tiles4x2NEON(t *Tiles)

//go:noescape
func tiles4x1NEON(t *Tiles)

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
	for col := 0; col < t.Cols; {
		rows, cols := neonPart(t.Rows, t.Cols-col)
		for row := 0; row < t.Rows; row += rows {
			t.cut(&p, row, col, rows, cols)
			runTilePart(&p)
		}
		col += cols
	}
}

// neonPart returns the size of the part that comes next where so many rows and
// columns are left.
func neonPart(rows, cols int) (int, int) {
	height := 4
	if rows == 12 && cols >= 8 {
		height = 6
	}
	switch {
	case cols >= 16:
		return height, 16
	case cols >= 8:
		return height, 8
	}
	return height, min(cols, 4)
}

func runTilePart(t *Tiles) {
	switch {
	case t.Cols == 16 && t.Rows == 6:
		tiles6x16NEON(t)
	case t.Cols == 16:
		tiles4x16NEON(t)
	case t.Cols == 8 && t.Rows == 6:
		tiles6x8NEON(t)
	case t.Cols == 8:
		tiles4x8NEON(t)
	case t.Cols == 4:
		tiles4x4NEON(t)
	case t.Cols == 3:
		tiles4x3NEON(t)
	case t.Cols == 2:
		tiles4x2NEON(t)
	default:
		tiles4x1NEON(t)
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
