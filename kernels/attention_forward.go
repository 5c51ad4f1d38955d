package kernels

import (
	"heavytail/internal/isa"
	"heavytail/simd"
)

// attnKeys is how many keys are packed together, two tallest tiles: one alone is
// transposed without vectors. attnBlock is how many values of keys, 16 KiB, and
// attnProbs how many rows of probabilities of 128 bytes, 32 KiB, are used while they are
// in a first-level cache of 48 KiB; a smaller one reads them from the second, which costs
// less on a Zen 4, with 32 KiB, than shorter runs of terms. Where the products find the
// maxima themselves, nothing waits for a block of keys.
const (
	attnKeys  = 2 * simd.TileRows
	attnBlock = 1 << 12
	attnProbs = 256
)

// byColumns reports whether queries are columns, forward and backward. With AVX2 the
// products of large heads are faster in tiles that are all as tall as can be.
func (j *attnJob) byColumns() bool { return isa.Cur() != isa.AVX2 || j.d < simd.TileCols }

// scratch returns the float32 that forward computes in: keys and scores, by columns
// panels of queries and of outputs too. Values are read where they lie.
func (j *attnJob) scratch() int {
	const w = simd.TileCols
	if !j.byColumns() {
		return panels(j.t) * w * (j.d + min(j.t, attnMost))
	}
	const rounded = 3 * 16 // each of the three before the last begins with a cache line
	return j.room()*(j.d+w) + 2*j.d*w + rounded
}

// room returns how many keys whole panels have.
func (j *attnJob) room() int { return (j.t + attnKeys - 1) / attnKeys * attnKeys }

func (j *attnJob) forward(part int) {
	s := getScratch(j.scratch(), 0)
	defer s.free()
	if j.byColumns() {
		j.forwardColumns(s, part)
	} else {
		j.forwardRows(s, part)
	}
}

// forwardRows computes a block of queries at a time, each a row of scores.
func (j *attnJob) forwardRows(s *scratch, part int) {
	q, k, v, y := j.head(part / j.chunks)
	pitch, width := j.qkv.Pitch(), panels(j.t)*simd.TileCols
	keys, at := s.cut(0, width*j.d)
	scores, _ := s.cut(at, min(j.t, attnMost)*width)
	packKeys(keys, k, j.t, j.d, pitch, j.scale)
	lo, hi := j.share(part%j.chunks, attnRows)
	for n := 0; lo < hi && !j.stop.Now(); lo += n {
		n = queries(hi - lo)
		j.probabilities(scores, q[lo*pitch:], keys, n, width)
		out := product{
			a: scores, ai: width, ak: 1, b: v, bPanel: simd.TileCols, kb: pitch,
			c: y[lo*j.y.Pitch():], ci: j.y.Pitch(), k: j.t, cols: j.d,
		}
		out.run(0, n, 0, panels(j.d))
	}
}

// forwardColumns computes 32 queries at a time, which are columns: scores and
// probabilities have a row for each key, and outputs of small heads one for each
// element of a value. So vectors run across queries: a softmax folds none, and no
// column of a tile is empty.
func (j *attnJob) forwardColumns(s *scratch, part int) {
	const w = simd.TileCols
	q, k, v, y := j.head(part / j.chunks)
	pitch := j.qkv.Pitch()
	keys, at := s.cut(0, j.room()*j.d)
	query, at := s.cut(at, j.d*w)
	out, at := s.cut(at, j.d*w)
	p, _ := s.cut(at, j.room()*w)
	var soft simd.ColSoftmax
	tiles := columnTiles()
	for t := 0; t < j.t; t += attnKeys {
		simd.Transpose(keys[t*j.d:], k[t*pitch:], min(attnKeys, j.t-t), j.d, attnKeys, pitch, j.scale)
	}
	lo, hi := j.share(part%j.chunks, w)
	for ; lo < hi && !j.stop.Now(); lo += w {
		n := min(w, hi-lo)
		transpose(query, q[lo*pitch:], n, j.d, pitch, 1)
		j.exponentials(&tiles, &soft, p, keys, query, n)
		j.outputs(&tiles, y[lo*j.y.Pitch():], out, p, v, j.y.Pitch(), pitch, &soft, n)
	}
}

// exponentials sets rows of p, one for each key, to exponentials of the products of the
// keys with n queries, and soft to what is left to do of the softmax.
func (j *attnJob) exponentials(t *simd.Tiles, soft *simd.ColSoftmax, p, keys, query []float32, n int) {
	const w = simd.TileCols
	block := max(1, attnBlock/(attnKeys*j.d)) * attnKeys
	soft.Reset()
	if fuses(n) {
		block = j.t
	}
	for key := 0; key < j.t; key += block {
		m := min(block, j.t-key)
		seen := j.scores(t, p[key*w:], keys[key*j.d:], query, soft, m, n)
		soft.Max(p[(key+seen)*w:], m-seen, n)
	}
	soft.Exp(p, j.t, n)
}

// fuses reports whether products of n queries do parts of the softmax on the way.
func fuses(n int) bool {
	return isa.Cur() == isa.AVX2 || isa.Cur() == isa.AVX512 && n > simd.TileCols/2
}

// scores sets rows of s, one for each of m keys, to the products of the keys with n
// queries, and up to three rows behind them to something. It returns how many rows soft
// knows, the first ones, if it is not nil.
func (j *attnJob) scores(t *simd.Tiles, s, keys, query []float32, soft *simd.ColSoftmax, m, n int) (seen int) {
	least := 9 // keys of a tile
	if fuses(n) && soft != nil {
		least, seen = simd.TileRows, m/simd.TileRows*simd.TileRows
	}
	t.B, t.K, t.KA, t.Cols, t.Acc = query, j.d, attnKeys, n, false
	t.AInc, t.CInc = attnKeys*j.d, attnKeys*simd.TileCols
	for row := 0; row < attnKeys; row += simd.TileRows {
		tiles := (m - row + attnKeys - least) / attnKeys
		if tiles > 0 {
			t.A, t.C, t.Rows, t.N = keys[row:], s[row*simd.TileCols:], simd.TileRows, tiles
			if seen > 0 {
				t.RunMax(soft)
			} else {
				t.RunScaled(nil)
			}
		}
		if left := m - row - tiles*attnKeys; left > 0 {
			t.A, t.C = keys[tiles*attnKeys*j.d+row:], s[(tiles*attnKeys+row)*simd.TileCols:]
			t.Rows, t.N = (left+3)&^3, 1
			t.RunScaled(nil)
		}
	}
	return seen
}

// outputs finishes the softmax of n queries, if soft is not nil, and sets rows of y, yp
// apart, to the products of p with the values, rows vp apart. Where a head fills tiles,
// or leaves no whole ones as columns, these are rows; else they are columns first.
func (j *attnJob) outputs(t *simd.Tiles, y, out, p, v []float32, yp, vp int, soft *simd.ColSoftmax, n int) {
	const w = simd.TileCols
	inRows := j.d%j.tile() == 0 || j.d%4 != 0
	for key := 0; key < j.t; key += attnProbs {
		m, p, v := min(attnProbs, j.t-key), p[key*w:], v[key*vp:]
		if soft != nil && (inRows || !fuses(n)) {
			soft.Scale(p, m, n)
		}
		if inRows {
			o := product{a: p, ai: 1, ak: w, b: v, bPanel: w, kb: vp, c: y, ci: yp, k: m, cols: j.d, acc: key > 0}
			o.run(0, n, 0, panels(j.d))
			continue
		}
		t.B, t.K, t.KA, t.Cols, t.Acc = p, m, vp, n, key > 0
		j.columns(t, out, v, soft)
	}
	if !inRows {
		simd.Transpose(y, out, j.d, n, yp, w, 1)
	}
}

// columns sets rows of out, one for each element of a value, to the products of the
// values with t.B, rows of exponentials, which become probabilities if soft is not nil
// and they are not yet.
func (j *attnJob) columns(t *simd.Tiles, out, v []float32, soft *simd.ColSoftmax) {
	if !fuses(t.Cols) {
		soft = nil
	}
	runs, count := rowRuns(j.d)
	if count > 1 && runs[count-2].height == runs[count-1].height { // two of eight rows
		count--
		runs[count-1].tiles++
	}
	for _, r := range runs[:count] {
		t.A, t.C, t.Rows, t.N = v[r.row:], out[r.row*simd.TileCols:], r.height, r.tiles
		t.AInc, t.CInc = r.height, r.height*simd.TileCols
		t.RunScaled(soft)
		soft = nil
	}
}

// tile returns how many columns of a head make rows as fast as columns. AVX2 fills its
// tiles with 16, but only products of columns scale the probabilities on the way.
func (j *attnJob) tile() int {
	if fuses(simd.TileCols) {
		return simd.TileCols
	}
	return simd.TileCols / 2
}

// The tables of tiles whose rows are neighbours in A and rows of a panel in C.
var besideA, panelC = func() (a, c [simd.TileRows]int32) {
	for i := range a {
		a[i], c[i] = int32(i), int32(i*simd.TileCols)
	}
	return a, c
}()

// columnTiles returns tiles of C = Aᵀ·B, where C and B are panels of Cols queries and A
// has K rows, KA apart. They serve for many products: to make them takes as long as the
// product of some terms.
func columnTiles() simd.Tiles {
	return simd.Tiles{
		AOff: besideA[:], BOff: oneSeg, COff: panelC[:], Segs: 1, KB: simd.TileCols,
		Packed: true, Beside: true, Loose: true,
	}
}
