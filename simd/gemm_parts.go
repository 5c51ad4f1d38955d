//go:build !purego && (amd64 || arm64)

package simd

// cut sets p, a copy of t, to the rows×cols part of the tiles at row and col.
// Repeated rows are neighbours at the end of a tile, so they fall in one part.
func (t *Tiles) cut(p *Tiles, row, col, rows, cols int) {
	p.Rows, p.Cols = rows, cols
	p.COff, p.C = t.COff[row:], t.C[col:]
	if t.Segs > 0 {
		p.AOff, p.B = t.AOff[row:], t.B[col:]
	}
	if t.Bias != nil {
		p.Bias = t.Bias[col:]
	}
	if t.Res != nil {
		p.ROff, p.Res = t.ROff[row:], t.Res[col:]
	}
}
