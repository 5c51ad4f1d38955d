package kernels

import (
	"heavytail/internal/conv"
	"heavytail/internal/par"
	"heavytail/simd"
	"heavytail/tensor"
)

// weightJob computes dw: for every tap the product of the pixels of x that it
// sees, transposed, with dy, or with Up with the sums of its boxes. Rows of the image
// are segments of the sum, so taps outside the image are skipped and nothing is copied.
type weightJob struct {
	dw    []float32
	dy, x pixels
	shape conv.Shape
	stop  *tensor.Stop // ends the sum between two groups of images

	tapParts, rowParts, colParts int
}

var weightPool par.Pool[weightJob]

// convWeight adds the gradient of the weight to dw, in the form that
// conv.WinogradWeight chooses.
func (c *CPU) convWeight(dw, dy, x *tensor.Tensor, opt tensor.ConvOpt) {
	defer dw.Touch()
	if dw.Len() == 0 || dy.Len() == 0 {
		return
	}
	if m := simd.Wino(conv.WinogradWeight(x.Dim(1), x.Dim(2), dw, opt)); m != 0 {
		c.winogradWeight(m, dw, dy, x)
		return
	}
	c.directWeight(dw, pixelsOf(dy), pixelsOf(x), opt)
}

// directWeight is the direct form of convWeight; dy has conv.Shape.Grad's size.
func (c *CPU) directWeight(dw *tensor.Tensor, dy, x pixels, opt tensor.ConvOpt) {
	j := weightPool.Get()
	j.dw, j.dy, j.x, j.shape, j.stop = dw.Data(), dy, x, x.shape(dw.Dim(0), opt), c.stop
	threads, k := c.width(), j.shape.K
	fmas := x.n * j.rows() * j.width() * dy.c * x.c
	if partsFor(threads, fmas*k*k) == 1 {
		threads = 1
	}
	cut := max(1, min(threads, 2*fmas/leastPart))
	j.colParts = min(panels(dy.c), cut)
	j.rowParts = max(min((x.c+simd.TileRows-1)/simd.TileRows, (cut+j.colParts-1)/j.colParts), (x.c+mostRows-1)/mostRows)
	j.tapParts = tapParts(k, threads, j.rowParts*j.colParts)
	par.Run(threads, j.tapParts*j.rowParts*j.colParts, j)
	weightPool.Free(j)
}

// rows and width are the most that a view has: each of its pixels is one of x and one
// of dy.
func (j *weightJob) rows() int  { return min(j.x.h, j.dy.h) }
func (j *weightJob) width() int { return min(j.x.w, j.dy.w) }

// xBlock is how many values of x one call of the kernel sums over at most
// (but always one row of the image): they are read once per panel of dy, and then
// for every tap of a part, and should stay in the second-level cache.
const xBlock = 1 << 16

// mostRows is how many channels of x a part may have, so that a block has many
// pixels: dw is read and written once for each.
const mostRows = 11 * simd.TileRows

// mostTaps is how many taps a part may have: those of a 3×3 convolution.
const mostTaps = 9

// tapParts returns into how many parts the k×k taps are cut, of which each is cut
// into others: taps of a part find the pixels of the one before in the cache. One
// thread takes all, several a row of taps at a time if that makes three parts or
// more for each.
func tapParts(k, threads, others int) int {
	switch {
	case k*k > mostTaps || threads > 1 && k*others < 3*threads:
		return k * k
	case threads > 1:
		return k
	}
	return 1
}

// Do computes the rows × panels of one part's taps, block after block of pixels.
func (j *weightJob) Do(part int) {
	col, part := part%j.colParts, part/j.colParts
	row, part := part%j.rowParts, part/j.rowParts
	c, o := j.x.c, j.dy.c
	m0, m1 := cutRows(c, row, j.rowParts)
	np := panels(o)
	p0, p1 := np*col/j.colParts, np*(col+1)/j.colParts
	p := product{ai: 1, bPanel: simd.TileCols, ci: o, cols: o, acc: true}
	var views [mostTaps]tapView
	taps := j.shape.K * j.shape.K / j.tapParts
	most := 0 // rows of a view
	for i := range taps {
		tap := part*taps + i
		views[i] = j.view(tap/j.shape.K, tap%j.shape.K)
		most = max(most, views[i].rows)
	}
	rows := max(1, xBlock/((m1-m0)*j.width())) // of an image, per call
	group := max(1, min(rows/j.rows(), j.x.n))
	s := getScratch(0, 2*group*j.dy.h)
	defer s.free()
	for img := 0; img < j.x.n && !j.stop.Now(); img += group {
		p.a, p.b = j.x.f[img*j.x.image():], j.dy.f[img*j.dy.image():]
		for row := 0; row < most; row += rows {
			for i, v := range views[:taps] {
				if row < v.rows {
					p.c = j.dw[(part*taps+i)*c*o:]
					j.segments(&p, &v, s, row, min(rows, v.rows-row), min(group, j.x.n-img))
					p.run(m0, m1, p0, p1)
				}
			}
		}
	}
}

// tapView is the rectangle of outputs for which a tap lies inside the image:
// rows×k pixels, the first at a0 in x and b0 in dy.
type tapView struct {
	rows, k      int
	a0, aRow, ak int
	b0, bRow, kb int
}

// segments sets p to sum over rows row…row+rows−1 of the view in each of n
// images.
func (j *weightJob) segments(p *product, v *tapView, s *scratch, row, rows, n int) {
	segs := n * rows
	p.aSeg, p.bSeg = s.i[:segs], s.i[segs:2*segs]
	p.k, p.ak, p.kb = v.k, v.ak, v.kb
	for i := range segs {
		img, r := i/rows, row+i%rows
		p.aSeg[i] = int32(img*j.x.image() + v.a0 + r*v.aRow)
		p.bSeg[i] = int32(img*j.dy.image() + v.b0 + r*v.bRow)
	}
}

// view is that of tap (ky, kx).
func (j *weightJob) view(ky, kx int) tapView {
	w, xp := j.x.w, j.x.pitch
	wo, yp := j.dy.w, j.dy.pitch
	v := j.shape.View(ky, kx)
	return tapView{
		rows: v.Rows, k: v.Cols,
		a0: (v.Y*w + v.X) * xp, aRow: v.Stride * w * xp, ak: v.Stride * xp,
		b0: (v.OutY*wo + v.OutX) * yp, bRow: v.Step * wo * yp, kb: v.Step * yp,
	}
}
