package kernels

import (
	"sync/atomic"

	"heavytail/internal/par"
	"heavytail/simd"
	"heavytail/tensor"
)

// convJob runs one pass (y from x, or dx from dy) over a batch.
type convJob struct {
	tab              *convTable
	a, b, c, bias    []float32
	res              []float32
	beyond           []float32 // is fetched with the last panel: what another operation reads
	aImg, cImg, rImg int       // distance of images
	n, k, cols       int       // images, channels read, channels written
	bPanel           int
	stop             *tensor.Stop // ends the pass between two images of a panel

	imgParts, tileParts, colParts int
}

var convPool par.Pool[convJob]

// run computes the pass and returns j to the pool.
func (j *convJob) run(threads int) {
	threads = par.Threads(threads)
	j.bPanel = j.tab.packTap * j.k * simd.TileCols
	j.split(threads)
	par.Run(threads, j.imgParts*j.tileParts*j.colParts, j)
	convPool.Free(j)
}

// split cuts images first, then, for a small batch, panels or tiles:
// whichever of weight and image is the larger is read by fewer parts.
func (j *convJob) split(threads int) {
	rows := j.tab.tiles * simd.TileRows
	want := partsFor(threads, j.n*rows*j.cols*j.k*j.tab.parts[0].segs)
	j.imgParts = min(j.n, want)
	each := (want + j.imgParts - 1) / j.imgParts
	tiles, np := j.tab.tiles, panels(j.cols)
	if j.cols*j.tab.packTap > rows {
		j.colParts = min(np, each)
		j.tileParts = min(tiles, (each+j.colParts-1)/j.colParts)
	} else {
		j.tileParts = min(tiles, each)
		j.colParts = min(np, (each+j.tileParts-1)/j.tileParts)
	}
}

// Do computes one part: panels outside, so that a panel of the weight stays
// in the cache for all images and tiles of the part.
func (j *convJob) Do(part int) {
	col, part := part%j.colParts, part/j.colParts
	tile, img := part%j.tileParts, part/j.tileParts
	t0, t1 := j.tab.tiles*tile/j.tileParts, j.tab.tiles*(tile+1)/j.tileParts
	n0, n1 := j.n*img/j.imgParts, j.n*(img+1)/j.imgParts
	np := panels(j.cols)
	zero := zeroRow(j.k)
	last := np*(col+1)/j.colParts - 1
	for p := np * col / j.colParts; p <= last; p++ {
		next := j.beyond // or the weight's next panel, fetched with the first image
		if p < last {
			next = j.b[(p+1)*j.bPanel:][:j.bPanel]
		}
		for n := n0; n < n1 && !j.stop.Now(); n++ {
			first := 0
			for i := range j.tab.parts {
				q := &j.tab.parts[i]
				next = j.tiles(q, zero, next, n, p, t0-first, t1-first)
				first += q.tileLen
			}
		}
	}
}

// tiles computes the tiles t0…t1−1 of part q, image n, panel p; the bounds may
// reach beyond the part. It fetches next and returns what of it is left.
func (j *convJob) tiles(q *convPart, zero, next []float32, n, p, t0, t1 int) []float32 {
	const rows = simd.TileRows
	col := p * simd.TileCols
	t := simd.Tiles{
		A: j.a[n*j.aImg:], B: j.b[p*j.bPanel:], C: j.c[n*j.cImg+col:], Zero: zero,
		BOff: q.bOff, Cols: min(simd.TileCols, j.cols-col), Segs: q.segs,
		K: j.k, KA: 1, KB: simd.TileCols, Packed: true,
		AStep: q.segs * rows, CStep: rows, RStep: rows,
		Soon: j.n <= 2 && q.tileLen <= 2,
	}
	if j.k == 0 {
		t.Segs = 0 // sums of nothing
	}
	if j.bias != nil {
		t.Bias = j.bias[col:]
	}
	if j.res != nil {
		t.Res = j.res[n*j.rImg+col:]
	}
	for _, r := range q.runs {
		lo, hi := max(t0, r.first), min(t1, r.first+r.tiles)
		if lo >= hi {
			continue
		}
		t.N, t.Rows = hi-lo, r.height
		t.AOff, t.COff, t.ROff = q.aOff[lo*t.AStep:], q.cOff[lo*rows:], q.rOff[lo*rows:]
		t.Next = next
		t.Run()
		next = next[min(t.Fetched(), len(next)):]
	}
	return next
}

var zeros atomic.Pointer[[]float32]

// zeroRow returns at least n zeros: what a tap outside the image reads.
func zeroRow(n int) []float32 {
	z := zeros.Load()
	if z == nil || len(*z) < n {
		row := tensor.Aligned(max(n, 1024))
		z = &row
		zeros.Store(z)
	}
	return *z
}
