package kernels

import (
	"heavytail/internal/conv"
	"heavytail/internal/isa"
	"heavytail/internal/par"
	"heavytail/simd"
	"heavytail/tensor"
)

// winoJob runs a Winograd convolution over a batch. Its tiles, those of all
// images in turn, are the rows of one product per point of a tile; every part
// transforms the pixels and the taps that it needs.
type winoJob struct {
	form             simd.Wino
	tab              *winoTable
	a, b, c, bias    []float32
	res              []float32
	aImg, cImg, rImg int // distance of images
	n, k, cols       int // images, channels read, channels written
	flip             bool
	beyond           []float32    // is fetched with the products of the last panel
	stop             *tensor.Stop // ends the pass between two panels of a block

	tileParts, colParts int
}

var winoPool par.Pool[winoJob]

// Blocks: each transforms the taps again, so it has as many as winoTiles tiles; winoKeep,
// which BenchmarkConvWeights chose, is what of their pixels the panels read in turn from
// the second-level cache. There too stay the taps of winoK channels by 32 columns,
// transformed to a pair of rows of points at a time, or to all of them where channels are
// at most winoAll. A part of one panel keeps all its transformed taps, of up to winoDeep
// channels: its blocks need no more than winoOne tiles, so that what they are computed in,
// which passes of other layers push out of the cache, is small. Transformed taps of points
// lie winoPad float32 further apart than they are long: so many streams must not fall on
// the same cache sets. Nor may they fall on those of the nine taps that they are made of,
// which panels lay on the same sets: weights and scratch begin at pages, hence winoApart,
// half of the 4 KiB after which sets are the same. Where tiles are few the taps of winoFewK
// channels stay in the first-level cache, as they are, while each row of points transforms
// them again in registers.
const (
	winoV      = 1 << 18 // float32 of pixels and gradients of a part of winoWeightJob
	winoTiles  = 6 * simd.TileRows
	winoPart   = 4 * simd.TileRows // of a part, before panels are cut: each part transforms all taps, where parts of panels transform the pixels again
	leastTiles = 2 * simd.TileRows // of a part, where panels are too few for all threads
	winoPad    = 16
	winoApart  = 512 // float32
	winoFewK   = 32
	winoKeep   = 160 << 10 // float32 of pixels that panels read in turn
	winoDeep   = 128       // channels that are not cut for that
	winoAll    = 32        // channels
	winoOne    = 16        // tiles
)

// winoK channels' taps, transformed to a pair of rows of twelve points at most, take three
// eighths of the second-level cache, but no fewer channels than are kept for all blocks: on
// a Zen 3, whose cache is 512 KiB, 256 to 256 channels at 16×16 take 1.12 ms by 128 at a
// time and 1.23 by 256.
var winoK = deepTaps(isa.Cache())

func deepTaps(cache int) int { return max(winoDeep, min(256, cache/4096&^15)) }

// winograd sets out to the convolution of in with the taps panels, read in
// reverse order if flip; with WinoUp these are the sums of taps. What another operation
// reads next is fetched meanwhile.
func (c *CPU) winograd(m simd.Wino, out, in *tensor.Tensor, taps []float32, b, res *tensor.Tensor, flip bool, next []float32) {
	key := winoKey{form: m, h: in.Dim(1), w: in.Dim(2), aPitch: in.Pitch(), cPitch: out.Pitch()}
	j := winoPool.Get()
	if res != nil {
		key.rPitch = res.Pitch()
		j.res, j.rImg = res.Data(), res.Dim(1)*res.Dim(2)*res.Pitch()
	}
	j.form, j.flip, j.tab = m, flip, winoTables.of(key, buildWinoTable)
	j.a, j.aImg = in.Data(), in.Dim(1)*in.Dim(2)*in.Pitch()
	j.c, j.cImg = out.Data(), out.Dim(1)*out.Dim(2)*out.Pitch()
	j.b, j.bias, j.beyond = taps, dataOf(b), next
	j.n, j.k, j.cols, j.stop = in.Dim(0), in.Cols(), out.Cols(), c.stop
	threads := c.width()
	j.split(threads)
	par.Run(threads, j.tileParts*j.colParts, j)
	winoPool.Free(j)
}

// pitch is the distance of the points of a transformed tile of so many channels: whole
// vectors, and one more so that tiles do not fall on the same cache sets.
func pitch(channels int) int { return (channels+15)&^15 + 16 }

// deep is how many channels of a block of so many tiles are transformed at a time. More
// would not stay in the cache while the panels read them in turn; each time the sums of
// all panels are read and written once more.
func (j *winoJob) deep(tiles int) int {
	n := 1
	for j.k > winoDeep*n && j.form.Points()*tiles*pitch((j.k+n-1)/n) > winoKeep {
		n++
	}
	return min(j.k, ((j.k+n-1)/n+15)&^15)
}

// split cuts tiles first, in parts of winoPart or more, then panels: parts of
// tiles transform the taps again, parts of panels the pixels. Where that leaves threads
// without work, blocks are cut too.
func (j *winoJob) split(threads int) {
	tiles, np := j.n*j.tab.tiles, panels(j.cols)
	want := min(partsFor(threads, tiles*j.form.Points()*j.k*j.cols), 2*threads)
	j.tileParts = max(1, min(want, tiles/winoPart), min(threads, (want+np-1)/np, tiles/leastTiles))
	j.colParts = min(np, (want+j.tileParts-1)/j.tileParts)
}

// keeps says whether a part of np panels keeps all its transformed taps.
func (j *winoJob) keeps(np int) bool { return np == 1 && j.k <= winoDeep && j.form != simd.WinoUp }

// rooms returns into how many blocks a part of so many tiles and panels is cut, the tiles
// of the largest and the channels that it transforms at a time.
func (j *winoJob) rooms(tiles, np int) (blocks, room, deep int) {
	if j.keeps(np) {
		blocks = max(1, (tiles+winoOne-5)/winoOne) // four more go with the last ones: see rowRuns
		return blocks, max(min(tiles, winoOne), tiles-(blocks-1)*winoOne), j.k
	}
	blocks = (tiles + winoTiles - 1) / winoTiles
	room = (tiles + blocks - 1) / blocks
	return blocks, room, j.deep(room)
}

// block returns the tiles of block i of a part.
func (j *winoJob) block(i, blocks, tiles, np int) (first, end int) {
	switch {
	case !j.keeps(np):
		return tiles * i / blocks, tiles * (i + 1) / blocks
	case i == blocks-1:
		return i * winoOne, tiles
	}
	return i * winoOne, (i + 1) * winoOne
}

// whole says whether a part of np panels transforms the taps to all points at a time.
func (j *winoJob) whole(np int) bool { return j.keeps(np) || j.k <= winoAll }

// mats is how many matrices a panel has: the nine taps, or of WinoUp their sums, one for
// each point, which nothing transforms.
func (j *winoJob) mats() int {
	if j.form == simd.WinoUp {
		return conv.UpMats
	}
	return 9
}

// row returns the float32 of the transformed taps that a part of np panels has at a time.
func (j *winoJob) row(np int) int {
	if j.form == simd.WinoUp {
		return 0
	}
	line := int(j.form+2) * (min(j.k, winoK)*simd.TileCols + winoPad)
	if j.whole(np) {
		return int(j.form+2) * line
	}
	return 2 * line
}

// sums returns of how many of np panels a part keeps the sums at a time.
func (j *winoJob) sums(np, deep int) int {
	if deep < j.k {
		return np
	}
	return 1
}

// scratch returns the float32 that blocks of up to room tiles and np panels are computed in.
func (j *winoJob) scratch(room, np int) int {
	deep := j.deep(room)
	return j.form.Points()*room*(pitch(deep)+j.sums(np, deep)*simd.TileCols) + j.row(np) + 2*winoApart + 48
}

// most returns the float32 of the worst part of a pass on up to so many threads. It need
// not be the largest part: that may be cut into smaller blocks, and a tile more in each
// may leave no room for all channels, so that the sums of all panels are kept.
func (j *winoJob) most(threads int) (n int) {
	tiles, np := j.n*j.tab.tiles, panels(j.cols)
	for width := range threads {
		j.split(width + 1)
		for _, each := range []int{tiles / j.tileParts, (tiles + j.tileParts - 1) / j.tileParts} {
			for _, wide := range []int{np / j.colParts, (np + j.colParts - 1) / j.colParts} {
				_, room, _ := j.rooms(max(each, 1), wide)
				n = max(n, j.scratch(room, wide))
			}
		}
	}
	return n
}

// part returns the tiles t0…t1−1 and panels p0…p1−1 of a part.
func (j *winoJob) part(i int) (t0, t1, p0, p1 int) {
	col, tile := i%j.colParts, i/j.colParts
	tiles, np := j.n*j.tab.tiles, panels(j.cols)
	return tiles * tile / j.tileParts, tiles * (tile + 1) / j.tileParts, np * col / j.colParts, np * (col + 1) / j.colParts
}

// Do computes one part.
func (j *winoJob) Do(part int) {
	t0, t1, p0, p1 := j.part(part)
	blocks, room, deep := j.rooms(t1-t0, p1-p0)
	s := getScratch(j.scratch(room, p1-p0), 2*simd.TileRows)
	defer s.free()
	w := winoBlock{winoJob: j, tables: s.i, pitch: pitch(deep), last: p1 - 1, end: t1, keep: j.keeps(p1 - p0), whole: j.whole(p1 - p0)}
	points, sums := j.form.Points(), j.sums(p1-p0, deep)
	var at int
	w.pixels, at = s.cut(0, room*points*w.pitch)
	prods, at := s.cut(at, sums*room*points*simd.TileCols)
	w.taps, _ = s.cut(at+(winoApart-at)&(2*winoApart-1), j.row(p1-p0))
	for i := range blocks {
		first, end := j.block(i, blocks, t1-t0, p1-p0)
		w.t0, w.t1 = t0+first, t0+end
		for w.k0 = 0; w.k0 < j.k; w.k0 = w.k1 {
			if w.k1 = min(w.k0+deep, j.k); j.stop.Now() {
				return
			}
			w.transform()
			for p := p0; p < p1 && !j.stop.Now(); p++ {
				w.prods = prods[(p-p0)%sums*room*points*simd.TileCols:]
				w.panel(p)
			}
		}
	}
}

// winoBlock computes a block of tiles.
type winoBlock struct {
	*winoJob
	t0, t1 int  // tiles
	end    int  // of the part's tiles
	k0, k1 int  // channels
	last   int  // panel of the part
	whole  bool // the taps of all points are transformed at a time
	keep   bool // they are kept for all blocks
	kept   bool // and lie in taps already
	pitch  int
	pixels []float32 // [tile][point][pitch], channels k0…k1−1
	prods  []float32 // [tile][point][32]
	taps   []float32 // [point of rows][channel][32], winoPad between the points
	tables []int32

	next    []float32 // what of tap nextTap is left for the products to fetch
	nextAt  []float32 // where the first tap that they fetch begins
	nextTap int
}

// run returns the tiles from t on that lie in one image: how many, the image
// and the first one's number in it.
func (w *winoBlock) run(t int) (n, image, first int) {
	image, first = t/w.tab.tiles, t%w.tab.tiles
	return min(w.tab.tiles-first, w.t1-t), image, first
}

// transform transforms the block's pixels.
func (w *winoBlock) transform() {
	zero := zeroRow(w.k)
	points, read := w.form.Points(), w.form.Pixels()*w.form.Pixels()
	for t := w.t0; t < w.t1; {
		n, image, first := w.run(t)
		in := simd.WinoIn{
			V: w.pixels[(t-w.t0)*points*w.pitch:], X: w.a[image*w.aImg+w.k0:], Zero: zero,
			Off: w.tab.in[first*read:], N: n, C: w.k1 - w.k0, Pitch: w.pitch,
		}
		in.Run(w.form)
		t += n
	}
}

// panel adds the channels to the sums of panel p, and after the last ones computes the
// block's outputs.
func (w *winoBlock) panel(p int) {
	switch {
	case w.form == simd.WinoUp:
		w.summed(p)
	case w.form == simd.Wino4 && w.t1-w.t0 <= 2*simd.WinoFewTiles && simd.WinoFewPays():
		w.few(p)
	default:
		w.many(p)
	}
	if w.k1 == w.k {
		w.outputs(p)
	}
}

// outputs computes the block's outputs in panel p.
func (w *winoBlock) outputs(p int) {
	const cols = simd.TileCols
	q := w.form.Outputs() * w.form.Outputs()
	for t := w.t0; t < w.t1; {
		n, image, first := w.run(t)
		out := simd.WinoOut{
			C: w.c[image*w.cImg+p*cols:], M: w.prods[(t-w.t0)*w.form.Points()*cols:],
			COff: w.tab.cOut[first*q:], ROff: w.tab.rOut[first*q:], N: n, Cols: min(cols, w.cols-p*cols),
		}
		if w.bias != nil {
			out.Bias = w.bias[p*cols:]
		}
		if w.res != nil {
			out.Res = w.res[image*w.rImg+p*cols:]
		}
		out.Run(w.form)
		t += n
	}
}
