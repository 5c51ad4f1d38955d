//go:build !purego && (amd64 || arm64)

package simd

// runTileParts computes the tiles in parts of 6 or 4 rows and 16 columns, for
// levels whose registers hold no larger tile. Repeated rows are neighbours at
// the end of a tile, so they fall in one part.
func runTileParts(t *Tiles) {
	part := *t
	height := 4
	if t.Rows == 12 {
		height = 6
	}
	part.Rows = height
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
			runTilePart(&part, height)
		}
	}
}
