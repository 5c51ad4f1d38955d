package simd

func runTiles(t *Tiles) { runTilesGeneric(t) }
