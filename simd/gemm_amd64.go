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
		runTileParts(t)
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

// runTilePart computes a part that runTileParts cut: 6 or 4 rows, at most 16
// columns, as many as the 16 registers of AVX2 can accumulate.
func runTilePart(t *Tiles, rows int) {
	switch {
	case rows == 6 && t.Cols == 16:
		tiles6x16AVX2(t)
	case rows == 6:
		tiles6x16TailAVX2(t)
	case t.Cols == 16:
		tiles4x16AVX2(t)
	default:
		tiles4x16TailAVX2(t)
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
