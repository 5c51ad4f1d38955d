package kernels

import (
	"heavytail/internal/par"
	"heavytail/simd"
	"heavytail/tensor"
)

// winoWeightJob computes the gradient of the weight in Winograd's form: for every
// image and point of a tile the product of the transformed pixels of x,
// transposed, with the transformed dy, which sums over the image's tiles; their nine
// taps are then added to dw. A part is some channels of x by some panels of dy; it
// transforms the pixels that it needs.
type winoWeightJob struct {
	form       simd.Wino
	tab        *winoTable
	dw, dy, x  []float32
	yImg, xImg int          // distance of images
	n, c, o    int          // images, channels of x and of dy
	stop       *tensor.Stop // ends the sum between two images

	rowParts, colParts int

	own          []float32 // of winograd_images.go: [image][9][c][o]; nil: taps go to dw
	first, round int       // images that own has
}

var winoWeightPool par.Pool[winoWeightJob]

// winogradWeight adds the gradient of the weight to dw in form m.
func (c *CPU) winogradWeight(m simd.Wino, dw, dy, x *tensor.Tensor) {
	key := winoKey{form: m, h: x.Dim(1), w: x.Dim(2), aPitch: x.Pitch(), cPitch: dy.Pitch()}
	j := winoWeightPool.Get()
	j.form, j.tab, j.stop = m, winoTables.of(key, buildWinoTable), c.stop
	j.dw = dw.Data()
	j.x, j.xImg = x.Data(), x.Dim(1)*x.Dim(2)*x.Pitch()
	j.dy, j.yImg = dy.Data(), dy.Dim(1)*dy.Dim(2)*dy.Pitch()
	j.n, j.c, j.o = x.Dim(0), x.Cols(), dy.Cols()
	threads := par.Threads(c.width())
	if time := j.split(threads); j.apart(threads, time) {
		j.images(threads)
	} else {
		par.Run(threads, j.rowParts*j.colParts, j)
	}
	winoWeightPool.Free(j)
}

// block is how many tiles are transformed at a time at most: all of an image of
// 32×32 pixels.
func (j *winoWeightJob) block() int { return min(j.tab.tiles, 64*36/j.form.Points()) }

// leastRows is the least number of channels of x of a part but the last: the rows of
// the lowest tile of products.
const leastRows = 4

// split cuts channels of x and panels of dy into parts, one for each thread, such
// that the largest takes the least time, which it returns. A part's transformed
// pixels must fit into the cache with its gradients, which every image adds to.
func (j *winoWeightJob) split(threads int) (least int) {
	threads = j.worth(threads)
	rows, np := (j.c+leastRows-1)/leastRows, panels(j.o)
	for cols := 1; cols <= min(np, threads); cols++ {
		parts := max(j.fit(), min(rows, (threads+cols-1)/cols))
		r, c := (rows+parts-1)/parts*leastRows, (np+cols-1)/cols
		if time := winoTime(r, c) * ((parts*cols + threads - 1) / threads); least == 0 || time < least {
			least, j.rowParts, j.colParts = time, parts, cols
		}
	}
	return least
}

// worth returns how many of the threads the work is worth.
func (j *winoWeightJob) worth(threads int) int {
	return min(threads, partsFor(threads, j.n*j.tab.tiles*j.form.Points()*j.c*j.o))
}

// fit returns into how many parts the rows must be cut for the cache.
func (j *winoWeightJob) fit() int {
	each := max(1, winoV/((j.form.Points()*j.block()+9*j.o)*leastRows))
	return ((j.c+leastRows-1)/leastRows + each - 1) / each
}

// winoTime is the time of a part with so many rows and panels: products, and, in as
// many products of a row with a panel as they take, the transforms of a row and of a
// panel, as measured.
func winoTime(rows, panels int) int { return rows*panels + rows/5 + 5*panels }

// winoSums computes one part's gradient. Points lie a little further apart than the
// tiles are long: so many streams must not fall on the same cache sets.
type winoSums struct {
	*winoWeightJob
	out          []float32 // where the taps go
	c0, c1       int       // channels of x
	blocks       int       // of tiles
	pixels       []float32 // x: [point][tile][pitch]
	grads        []float32 // dy: [point][tile][32]
	sums         []float32 // [12 rows][point][row][32]; with one block of tiles those of 12 rows
	pitch        int
	pStep, gStep int // distance of points
	aOff, cOff   []int32
	t0, t1       int // the block's tiles
}

// Do computes one part.
func (j *winoWeightJob) Do(part int) {
	col, part := part%j.colParts, part/j.colParts
	row, img := part%j.rowParts, part/j.rowParts
	np := panels(j.o)
	p0, p1 := np*col/j.colParts, np*(col+1)/j.colParts
	w := winoSums{winoWeightJob: j, out: j.dw}
	rows := (j.c + leastRows - 1) / leastRows
	w.c0, w.c1 = rows*row/j.rowParts*leastRows, min(j.c, rows*(row+1)/j.rowParts*leastRows)
	s := getScratch(w.layout(), 2*simd.TileRows)
	defer s.free()
	w.room(s)
	if j.own != nil {
		w.place(img)
		w.image(j.first+img, p0, p1)
		return
	}
	for img := 0; img < j.n && !j.stop.Now(); img++ {
		w.image(img, p0, p1)
	}
}

// image adds the taps of one image and the panels p0…p1−1.
func (w *winoSums) image(img, p0, p1 int) {
	for p := p0; p < p1; p++ {
		for i := range w.blocks {
			w.t0, w.t1 = w.tab.tiles*i/w.blocks, w.tab.tiles*(i+1)/w.blocks
			if p == p0 || w.blocks > 1 {
				w.transform(img)
			}
			w.gradients(img, p)
			w.products(p, i)
		}
	}
}

// layout sets the sizes of the pieces and returns how many float32 they are.
func (w *winoSums) layout() int {
	block := w.block()
	w.blocks = (w.tab.tiles + block - 1) / block
	w.pitch = (w.c1 - w.c0 + 15) &^ 15
	w.pStep, w.gStep = block*w.pitch+winoPad, block*simd.TileCols+winoPad
	points, tiles := w.form.Points(), 1
	if w.blocks > 1 {
		tiles = (w.c1 - w.c0 + simd.TileRows - 1) / simd.TileRows
	}
	return (points+1)*(w.pStep+w.gStep) + tiles*points*simd.WinoSumsStep + 48
}

func (w *winoSums) room(s *scratch) {
	points, at := w.form.Points(), 0
	w.pixels, at = s.cut(0, (points+1)*w.pStep)
	w.grads, at = s.cut(at, (points+1)*w.gStep)
	w.sums = s.f[at:]
	w.aOff, w.cOff = s.i[:simd.TileRows], s.i[simd.TileRows:2*simd.TileRows]
}

// transform transforms the block's pixels of x, a tile at a time: those of a point
// lie together.
func (w *winoSums) transform(img int) {
	points := w.form.Points()
	t := simd.WinoIn{X: w.x[img*w.xImg+w.c0:], Zero: zeroRow(w.c), N: 1, C: w.c1 - w.c0, Pitch: w.pStep}
	for i := w.t0; i < w.t1; i++ {
		t.V, t.Off = w.pixels[(i-w.t0)*w.pitch:], w.tab.in[i*points:]
		t.Run(w.form)
	}
}

// gradients transforms the block's panel p of dy.
func (w *winoSums) gradients(img, p int) {
	const cols = simd.TileCols
	q := int(w.form * w.form)
	t := simd.WinoIn{X: w.dy[img*w.yImg+p*cols:], Zero: zeroRow(cols), N: 1, C: min(cols, w.o-p*cols), Pitch: w.gStep}
	for i := w.t0; i < w.t1; i++ {
		t.V, t.Off = w.grads[(i-w.t0)*cols:], w.tab.cOut[i*q:]
		t.RunBack(w.form)
	}
}

// products adds the block's terms to the sums of panel p and, with the last block,
// their taps to dw.
func (w *winoSums) products(p, block int) {
	const rows, cols = simd.TileRows, simd.TileCols
	points, last := w.form.Points(), block == w.blocks-1
	t := simd.Tiles{
		A: w.pixels, B: w.grads, AOff: w.aOff, BOff: oneSeg, COff: w.cOff,
		N: points, Cols: min(cols, w.o-p*cols), Segs: 1, K: w.t1 - w.t0, KA: w.pitch, KB: cols,
		AInc: w.pStep, BInc: w.gStep, CInc: simd.WinoSumsStep, Acc: block > 0,
	}
	taps := simd.WinoTaps{Cols: t.Cols, Step: w.c * w.o, Pitch: w.o}
	runs, m := rowRuns(w.c1 - w.c0)
	for _, r := range runs[:m] {
		for l := range r.height {
			at := l
			if r.tiles == 1 {
				at = min(l, r.valid-1)
			}
			t.AOff[l], t.COff[l] = int32(at), int32(at*cols)
		}
		t.Rows = r.height
		for i := range r.tiles {
			row, sums := r.row+i*r.height, w.sums
			if w.blocks > 1 {
				sums = sums[(row+rows-1)/rows*points*simd.WinoSumsStep:]
			}
			t.A, t.C = w.pixels[row:], sums
			t.Run()
			if taps.Rows = r.height; r.tiles == 1 {
				taps.Rows = r.valid
			}
			if last {
				taps.M, taps.DW = sums, w.out[(w.c0+row)*w.o+p*cols:]
				taps.Run(w.form)
			}
		}
	}
}
