//go:build purego || (!amd64 && !arm64)

package simd

func runTiles(t *Tiles) { runTilesGeneric(t) }

func peak(n int) (lanes int) { return peakGeneric(n) }
