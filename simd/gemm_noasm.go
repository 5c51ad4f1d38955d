//go:build purego || (!amd64 && !arm64)

package simd

func runTiles(t *Tiles) { runTilesGeneric(t) }

func peak(n int) (lanes int) { return peakGeneric(n) }

func runMax(t *Tiles, top *[TileCols]float32) bool { return false }

func runScaled(t *Tiles, s *[TileCols]float32) bool { return false }
