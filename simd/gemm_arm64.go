//go:build !purego

package simd

import "heavytail/internal/isa"

// Each function below is Tiles.Run for one height and 16 columns; both compute
// the bits of runTilesGeneric.

//go:noescape
func tiles6x16NEON(t *Tiles)

//go:noescape
func tiles4x16NEON(t *Tiles)

// peakNEON executes n·16 independent multiply-adds of 4 float32, n ≥ 1.
//
//go:noescape
func peakNEON(n int)

func runTiles(t *Tiles) {
	if isa.Cur() == isa.NEON {
		runTileParts(t)
		return
	}
	runTilesGeneric(t)
}

// runTilePart computes a part that runTileParts cut. NEON has no masks: fewer
// than 16 columns are left to the reference.
func runTilePart(t *Tiles, rows int) {
	switch {
	case t.Cols < 16:
		runTilesGeneric(t)
	case rows == 6:
		tiles6x16NEON(t)
	default:
		tiles4x16NEON(t)
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
