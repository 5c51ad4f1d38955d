package kernels

import (
	"heavytail/simd"
	"heavytail/tensor"
)

// rowRun is a run of equally tall tiles of consecutive rows. Only the last of
// a run of one tile may have fewer valid rows than its height.
type rowRun struct {
	row, height, tiles, valid int // valid: rows of the last tile that exist
}

// rowRuns cuts m rows into tiles of 12 and a rest of 4, 8, 12 or 8+8 rows.
func rowRuns(m int) (runs [3]rowRun, n int) {
	q, r := m/simd.TileRows, m%simd.TileRows
	if r >= 1 && r <= 4 && q > 0 {
		q, r = q-1, r+simd.TileRows
	}
	add := func(row, height, tiles, valid int) {
		if tiles > 0 {
			runs[n] = rowRun{row, height, tiles, valid}
			n++
		}
	}
	row := q * simd.TileRows
	add(0, simd.TileRows, q, simd.TileRows)
	switch {
	case r == 0:
	case r <= 4:
		add(row, 4, 1, r)
	case r <= 8:
		add(row, 8, 1, r)
	case r <= simd.TileRows:
		add(row, simd.TileRows, 1, r)
	default:
		add(row, 8, 1, 8)
		add(row+8, 8, 1, r-8)
	}
	return runs, n
}

// product is C (+)= A·B (+ bias) (+ res) with regular rows: row i, term k of A
// is a[i·ai + k·ak] (so either order of storage), B is a sequence of panels of
// 32 columns bPanel apart whose rows are kb apart (packed: bPanel = 32·k,
// kb = 32; a matrix as it is: bPanel = 32, kb = its pitch). If aSeg is set the
// sum runs over segments of k terms that start at aSeg[s] in a, bSeg[s] in b.
type product struct {
	a, b, c, bias, res []float32
	aSeg, bSeg         []int32
	ai, ak             int
	bPanel, kb         int
	ci, ri             int // distance of rows in c and res
	k, cols            int
	acc                bool
	far                bool         // the first two caches have no room for a or c
	stop               *tensor.Stop // ends the product between two panels
}

var oneSeg = []int32{0}

// run computes rows m0…m1−1 of the panels p0…p1−1.
func (p *product) run(m0, m1, p0, p1 int) {
	if m1 <= m0 || p1 <= p0 {
		return
	}
	aSeg, bSeg := p.aSeg, p.bSeg
	if aSeg == nil {
		aSeg, bSeg = oneSeg, oneSeg
	}
	t := simd.Tiles{Segs: len(aSeg), K: p.k, KA: p.ak, KB: p.kb, BOff: bSeg, Acc: p.acc, Packed: p.packed(), Far: p.far}
	if p.k == 0 {
		t.Segs = 0
	}
	runs, n := rowRuns(m1 - m0)
	s := getScratch(0, (len(aSeg)+2)*simd.TileRows)
	defer s.free()
	for _, r := range runs[:n] {
		row := m0 + r.row
		p.tables(&t, s, aSeg, &r)
		t.N, t.Rows = r.tiles, r.height
		t.Beside = r.valid == r.height && p.ai == 1
		if t.Segs > 0 {
			t.A, t.AInc = p.a[row*p.ai:], r.height*p.ai
		}
		t.CInc, t.RInc = r.height*p.ci, r.height*p.ri
		for j := p0; j < p1 && !p.stop.Now(); j++ {
			col := j * simd.TileCols
			t.Cols = min(simd.TileCols, p.cols-col)
			if t.Segs > 0 {
				t.B, t.Next, t.Soon = p.b[j*p.bPanel:], nil, runs[0].height < simd.TileRows
				if t.Packed && j+1 < p1 {
					t.Next = p.b[(j+1)*p.bPanel:][:p.bPanel]
				}
			}
			t.C = p.c[row*p.ci+col:]
			if p.bias != nil {
				t.Bias = p.bias[col:]
			}
			if p.res != nil {
				t.Res = p.res[row*p.ri+col:]
			}
			t.Run()
		}
	}
}

// packed reports whether b is panels of whole rows. A panel of one row looks like a
// matrix as it is.
func (p *product) packed() bool { return p.kb == simd.TileCols && p.bPanel > simd.TileCols }

// tables fills the tables of one tile of run r; all its tiles share them.
func (p *product) tables(t *simd.Tiles, s *scratch, aSeg []int32, r *rowRun) {
	const w = simd.TileRows
	t.COff, t.ROff, t.AOff = s.i[:w], s.i[w:2*w], s.i[2*w:(2+len(aSeg))*w]
	for i := range r.height {
		row := i
		if r.tiles == 1 {
			row = min(i, r.valid-1)
		}
		t.COff[i], t.ROff[i] = int32(row*p.ci), int32(row*p.ri)
		a := int32(row * p.ai)
		for k, base := range aSeg {
			t.AOff[k*w+i] = base + a
		}
	}
}

// panels returns the number of column panels.
func panels(cols int) int { return (cols + simd.TileCols - 1) / simd.TileCols }

// leastPart is how many multiply-adds repay waking a goroutine. It is a
// variable so that tests can cut small operations.
var leastPart = 1 << 19

// partsFor returns into how many parts fmas multiply-adds are cut: four per thread
// for balance.
func partsFor(threads, fmas int) int { return partsOf(threads, 4, fmas) }

// partsOf returns into how many parts fmas multiply-adds are cut: each per thread,
// none smaller than leastPart.
func partsOf(threads, each, fmas int) int {
	if threads <= 1 {
		return 1
	}
	return max(1, min(each*threads, fmas/leastPart))
}

// splits returns how many parts rows and panels are cut into for want parts. Panels
// are cut first when B is larger than A.
func splits(want, rows, cols int, bLarger bool) (rowParts, colParts int) {
	tiles, np := (rows+simd.TileRows-1)/simd.TileRows, panels(cols)
	if bLarger {
		colParts = min(np, want)
		return min(tiles, (want+colParts-1)/colParts), colParts
	}
	rowParts = min(tiles, want)
	return rowParts, min(np, (want+rowParts-1)/rowParts)
}

// cutRows returns the bounds of part i of n of m rows, on tile boundaries.
func cutRows(m, i, n int) (lo, hi int) {
	tiles := (m + simd.TileRows - 1) / simd.TileRows
	return min(m, tiles*i/n*simd.TileRows), min(m, tiles*(i+1)/n*simd.TileRows)
}
