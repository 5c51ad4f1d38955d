//go:build !purego

package simd

//go:noescape
func pointsFarAVX2(c, a *float32, cRow, cPoint, aApart, aPoint int, b *float32, bPoint, points, k, acc, sixes, fours, halves int, next *float32, lines int)

//go:noescape
func pointsBesideAVX2(c, a *float32, cRow, cPoint, aApart, aPoint int, b *float32, bPoint, points, k, acc, sixes, fours, halves int, next *float32, lines int)

// points is Run of what grouped says with AVX2.
func (t *WinoMany) points(m Wino) {
	p := m.Points()
	sixes, fours := t.groups()
	next, lines := nextLines(t.Next, t.fetched(), t.U)
	pointsFarAVX2(&t.M[0], &t.V[0], p*TileCols, TileCols, p*t.Pitch, t.Pitch, &t.U[0], t.UStep, t.Points, t.K,
		one(t.Acc), sixes, fours, (t.Cols+15)/16, next, lines)
}

// points is Run with AVX2 of tiles of regular rows, each with a B of its own: all parts of
// a tile before the next one, so that its B is read from the second-level cache only once.
// It reports whether the tiles are such.
func (t *Tiles) points() bool {
	if t.BInc == 0 || t.Segs != 1 || t.KB != TileCols || t.Bias != nil || t.Res != nil || t.AStep != 0 || t.CStep != 0 ||
		t.Cols%16 != 0 && !t.Loose || min(t.AOff[0], t.AOff[t.Rows-1]) < 0 {
		return false
	}
	aRow, cRow := t.AOff[1]-t.AOff[0], t.COff[1]-t.COff[0]
	for i := 1; i < t.Rows; i++ {
		if t.AOff[i]-t.AOff[i-1] != aRow || t.COff[i]-t.COff[i-1] != cRow {
			return false
		}
	}
	run, apart := pointsFarAVX2, int(aRow)
	switch {
	case aRow == 1:
		run, apart = pointsBesideAVX2, t.KA
	case t.KA != 1:
		return false
	}
	sixes, fours := 2, 0
	if t.Rows < TileRows {
		sixes, fours = 0, t.Rows/4
	}
	fetched := t.Fetched()
	if !t.Packed || t.KA != 1 {
		fetched = 0
	}
	next, lines := nextLines(t.Next, fetched, t.B)
	run(&t.C[t.COff[0]], &t.A[t.AOff[0]], int(cRow), t.CInc, apart, t.AInc, &t.B[t.BOff[0]], t.BInc, t.N, t.K,
		one(t.Acc), sixes, fours, (t.Cols+15)/16, next, lines)
	return true
}

// nextLines returns where so many float32 of next begin and how many lines they are, or
// none of other.
func nextLines(next []float32, fetched int, other []float32) (*float32, int) {
	if lines := min(len(next), fetched) / 16; lines > 0 {
		return &next[0], lines
	}
	return &other[0], 0
}

// one is 1 of true.
func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
