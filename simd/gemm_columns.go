package simd

import "fmt"

// Tiles of columns are Loose tiles of one segment in which rows of A are Beside and
// rows of C are those of a panel: TileCols apart. Products of attention are such, whose
// columns are queries. AVX-512 and AVX2 do what a softmax needs of them on the way.

// RunMax does Run with tiles of columns whose Acc is not set, and then s.Max with the
// rows of each.
func (t *Tiles) RunMax(s *ColSoftmax) {
	t.checkColumns("RunMax", t.Acc)
	if t.N <= 0 || runMax(t, &s.v) {
		return
	}
	runTiles(t)
	for n := range t.N {
		s.Max(t.C[n*t.CInc:], t.Rows, t.Cols)
	}
}

// RunScaled does s.Scale with the K rows of B, if s is not nil, and then Run with tiles
// of columns whose BInc is 0; with no tiles it does nothing. Columns of B from Cols on
// may become anything.
func (t *Tiles) RunScaled(s *ColSoftmax) {
	t.checkColumns("RunScaled", t.BInc != 0)
	if t.N <= 0 || runScaled(t, s.factors()) {
		return
	}
	if s != nil {
		s.Scale(t.B, t.K, t.Cols)
	}
	runTiles(t)
}

// factors returns what Scale multiplies by, if s is not nil.
func (s *ColSoftmax) factors() *[TileCols]float32 {
	if s == nil {
		return nil
	}
	return &s.v
}

func (t *Tiles) checkColumns(op string, other bool) {
	t.check()
	panel := t.N <= 0 || t.Segs == 1 && t.AOff[0] == 0 && t.BOff[0] == 0
	for i, c := range t.COff[:min(t.Rows, len(t.COff))] {
		panel = panel && int(c) == i*TileCols
	}
	if other || !t.Beside || !t.Loose || t.Segs != 1 || t.AStep != 0 || t.CStep != 0 || !panel {
		panic(fmt.Sprintf("simd: Tiles.%s: %d rows, %d columns, %d segments, steps %d and %d, BInc %d, Acc %v, Beside %v, Loose %v: tiles are not of columns",
			op, t.Rows, t.Cols, t.Segs, t.AStep, t.CStep, t.BInc, t.Acc, t.Beside, t.Loose))
	}
}
