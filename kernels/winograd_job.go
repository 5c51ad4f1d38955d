package kernels

import (
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
	stop             *tensor.Stop // ends the pass between two panels of a block

	tileParts, colParts int
}

var winoPool par.Pool[winoJob]

// Blocks: winoV float32 of transformed pixels stay in the second-level cache,
// and with them the taps of winoK channels by 32 columns, transformed to a row
// of points at a time. Those points lie winoPad float32 further apart than they
// are long: so many streams must not fall on the same cache sets. Where tiles are few
// the taps of winoFewK channels stay in the first-level cache, as they are, while
// each row of points transforms them again in registers.
const (
	winoV    = 1 << 18
	winoK    = 256
	winoPad  = 16
	winoFewK = 32
)

// winograd sets out to the convolution of in with the taps panels, read in
// reverse order if flip.
func (c *CPU) winograd(m simd.Wino, out, in *tensor.Tensor, taps []float32, b, res *tensor.Tensor, flip bool) {
	key := winoKey{form: m, h: in.Dim(1), w: in.Dim(2), aPitch: in.Pitch(), cPitch: out.Pitch()}
	j := winoPool.Get()
	if res != nil {
		key.rPitch = res.Pitch()
		j.res, j.rImg = res.Data(), res.Dim(1)*res.Dim(2)*res.Pitch()
	}
	j.form, j.flip, j.tab = m, flip, winoTables.of(key, buildWinoTable)
	j.a, j.aImg = in.Data(), in.Dim(1)*in.Dim(2)*in.Pitch()
	j.c, j.cImg = out.Data(), out.Dim(1)*out.Dim(2)*out.Pitch()
	j.b, j.bias = taps, dataOf(b)
	j.n, j.k, j.cols, j.stop = in.Dim(0), in.Cols(), out.Cols(), c.stop
	threads := c.width()
	j.split(threads)
	par.Run(threads, j.tileParts*j.colParts, j)
	winoPool.Free(j)
}

// pitch is the distance of the points of a transformed tile: whole vectors,
// and one more so that tiles do not fall on the same cache sets.
func (j *winoJob) pitch() int { return (j.k+15)&^15 + 16 }

// block is how many tiles are transformed at a time, 24 to 48: every block
// transforms the taps again.
func (j *winoJob) block() int {
	fit := winoV / (j.form.Points() * j.pitch())
	return min(max(fit/simd.TileRows, 2), 4) * simd.TileRows
}

// split cuts tiles first, in parts of whole blocks, then panels: parts of
// tiles transform the taps again, parts of panels the pixels.
func (j *winoJob) split(threads int) {
	tiles := j.n * j.tab.tiles
	want := min(partsFor(threads, tiles*j.form.Points()*j.k*j.cols), 2*threads)
	j.tileParts = max(1, min(want, tiles/j.block()))
	j.colParts = min(panels(j.cols), (want+j.tileParts-1)/j.tileParts)
}

// rooms returns into how many blocks a part of so many tiles is cut, the tiles of
// the largest and the float32 of a row of taps.
func (j *winoJob) rooms(tiles int) (blocks, room, row int) {
	block := j.block()
	blocks = (tiles + block - 1) / block
	return blocks, (tiles + blocks - 1) / blocks, int(j.form+2) * (winoK*simd.TileCols + winoPad)
}

// scratch returns the float32 that a part of so many tiles is computed in.
func (j *winoJob) scratch(tiles int) int {
	_, room, row := j.rooms(tiles)
	return j.form.Points()*room*(j.pitch()+simd.TileCols) + row + 48
}

// Do computes one part.
func (j *winoJob) Do(part int) {
	col, tile := part%j.colParts, part/j.colParts
	tiles, np := j.n*j.tab.tiles, panels(j.cols)
	t0, t1 := tiles*tile/j.tileParts, tiles*(tile+1)/j.tileParts
	p0, p1 := np*col/j.colParts, np*(col+1)/j.colParts
	points, pitch := j.form.Points(), j.pitch()
	blocks, room, row := j.rooms(t1 - t0)
	s := getScratch(j.scratch(t1-t0), 2*simd.TileRows)
	defer s.free()
	w := winoBlock{winoJob: j, tables: s.i}
	var at int
	w.pixels, at = s.cut(0, room*points*pitch)
	w.prods, at = s.cut(at, room*points*simd.TileCols)
	w.taps, _ = s.cut(at, row)
	for i := range blocks {
		w.t0, w.t1 = t0+(t1-t0)*i/blocks, t0+(t1-t0)*(i+1)/blocks
		if j.stop.Now() {
			return
		}
		w.transform()
		for p := p0; p < p1 && !j.stop.Now(); p++ {
			w.panel(p)
		}
	}
}

// winoBlock computes a block of tiles.
type winoBlock struct {
	*winoJob
	t0, t1 int       // tiles
	pixels []float32 // [tile][point][pitch]
	prods  []float32 // [tile][point][32]
	taps   []float32 // [point of a row][channel][32], winoPad between the points
	tables []int32
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
	points, pitch := w.form.Points(), w.pitch()
	for t := w.t0; t < w.t1; {
		n, image, first := w.run(t)
		in := simd.WinoIn{
			V: w.pixels[(t-w.t0)*points*pitch:], X: w.a[image*w.aImg:], Zero: zero,
			Off: w.tab.in[first*points:], N: n, C: w.k, Pitch: pitch,
		}
		in.Run(w.form)
		t += n
	}
}

// panel computes the block's outputs in panel p.
func (w *winoBlock) panel(p int) {
	const cols = simd.TileCols
	if w.form == simd.Wino4 && w.t1-w.t0 <= 2*simd.WinoFewTiles && simd.WinoFewPays() {
		w.few(p)
	} else {
		w.many(p)
	}
	q := int(w.form * w.form)
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

// products adds the terms k…k+n−1 to the products of a row of points. Meanwhile it
// fetches next, and returns what of it is left.
func (w *winoBlock) products(next []float32, line, k, n, cols int) []float32 {
	const rows = simd.TileRows
	points, side, pitch := w.form.Points(), int(w.form)+2, w.pitch()
	t := simd.Tiles{
		B: w.taps, AOff: w.tables[:rows], BOff: oneSeg, COff: w.tables[rows : 2*rows],
		N: side, Cols: cols, Segs: 1, K: n, KA: 1, KB: simd.TileCols, Packed: true,
		AInc: pitch, BInc: n*simd.TileCols + winoPad, CInc: simd.TileCols, Acc: k > 0,
	}
	runs, m := rowRuns(w.t1 - w.t0)
	for _, r := range runs[:m] {
		for l := range r.height {
			at := l * points
			if r.tiles == 1 {
				at = min(l, r.valid-1) * points
			}
			t.AOff[l], t.COff[l] = int32(at*pitch), int32(at*simd.TileCols)
		}
		t.Rows = r.height
		for i := range r.tiles {
			at := (r.row+i*r.height)*points + line*side
			t.A, t.C, t.Next = w.pixels[at*pitch+k:], w.prods[at*simd.TileCols:], next
			t.Run()
			next = next[min(t.Fetched(), len(next)):]
		}
	}
	return next
}

// few computes the products of panel p where tiles are so few that transformed taps
// would be written, and read again, for hardly more products than they took.
func (w *winoBlock) few(p int) {
	const cols = simd.TileCols
	b := w.b[p*9*w.k*cols:]
	points, pitch := w.form.Points(), w.pitch()
	f := simd.WinoFew{Pitch: pitch, WStep: w.k * cols, Flip: w.flip}
	for k := 0; k < w.k; k += winoFewK {
		f.K, f.W, f.Acc = min(winoFewK, w.k-k), b[k*cols:], k > 0
		f.Next = w.ahead(p, k+winoFewK)
		for t := w.t0; t < w.t1; t += simd.WinoFewTiles {
			at := (t - w.t0) * points
			f.N, f.V, f.M = min(simd.WinoFewTiles, w.t1-t), w.pixels[at*pitch+k:], w.prods[at*cols:]
			f.Run()
			f.Next = nil
		}
	}
}

// ahead returns where the taps of panel p begin at channel k, or those of the next
// panel if k is beyond the last channel; nil after the last panel.
func (w *winoBlock) ahead(p, k int) []float32 {
	const cols = simd.TileCols
	if k >= w.k {
		p, k = p+1, 0
	}
	if p == panels(w.cols) {
		return nil
	}
	return w.b[(p*9*w.k+k)*cols:]
}

// many computes the products of panel p where tiles are many: each row of points
// transforms the taps once for all of them.
func (w *winoBlock) many(p int) {
	const cols = simd.TileCols
	panel := 9 * w.k * cols
	b := w.b[p*panel:]
	var next []float32 // the next panel, for the products to fetch
	if p+1 < panels(w.cols) {
		next = b[panel:][:panel]
	}
	for k := 0; k < w.k; k += winoK {
		n := min(winoK, w.k-k) * cols
		ahead := w.ahead(p, k+winoK)
		for row := range int(w.form) + 2 {
			var soon []float32
			if ahead != nil {
				soon = ahead[min(2*row, 8)*w.k*cols:]
			}
			simd.WinoWeights(w.form, row, w.taps, n+winoPad, b[k*cols:], w.k*cols, n, w.flip, soon)
			next = w.products(next, row, k, n/cols, min(cols, w.cols-p*cols))
		}
	}
}
