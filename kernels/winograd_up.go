package kernels

import "heavytail/simd"

// summed computes the products of panel p with the sums of taps, by rows of points, and of
// each row those of tiles that need it.
func (w *winoBlock) summed(p int) {
	const cols = simd.TileCols
	side, step := w.form.Side(), w.k*cols
	w.fetch(p)
	t := simd.Tiles{
		A: w.pixels, C: w.prods, AOff: w.tables[:simd.TileRows], COff: w.tables[simd.TileRows:], BOff: zeroOff[:],
		N: side, Cols: min(cols, w.cols-p*cols), Segs: 1, K: w.k1 - w.k0, KA: 1, KB: cols, Packed: true,
		AInc: w.pitch, BInc: step, CInc: cols, Acc: w.k0 > 0,
	}
	for r := range side {
		t.B = w.b[(p*w.mats()+r*side)*step+w.k0*cols:]
		tiles, n := w.tilesOf(r)
		runs, m := rowRuns(n)
		for _, run := range runs[:m] {
			for i := range run.tiles {
				for row := range run.height {
					at := int(tiles[run.row+i*run.height+min(row, run.valid-1)])*side*side + r*side
					t.AOff[row], t.COff[row] = int32(at*w.pitch), int32(at*cols)
				}
				t.Rows, t.Next = run.height, w.next
				t.Run()
				w.fetched(t.Fetched())
			}
		}
	}
}

var zeroOff [1]int32

// tilesOf lists the block's tiles that need row r of points.
func (w *winoBlock) tilesOf(r int) (tiles [winoTiles]int16, n int) {
	for t := w.t0; t < w.t1; t++ {
		if w.tab.needed[t%w.tab.tiles/w.tab.wide]>>r&1 != 0 {
			tiles[n] = int16(t - w.t0)
			n++
		}
	}
	return tiles, n
}
