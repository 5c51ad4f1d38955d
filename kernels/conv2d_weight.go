package kernels

import (
	"heavytail/internal/conv"
	"heavytail/internal/par"
	"heavytail/simd"
	"heavytail/tensor"
)

// weightJob computes dw: for every tap the product of the pixels of x that it
// sees, transposed, with dy. Rows of the image are segments of the sum, so
// taps outside the image are skipped and nothing is copied.
type weightJob struct {
	dw, dy, x *tensor.Tensor
	opt       tensor.ConvOpt
	k         int
	stop      *tensor.Stop // ends the sum between two groups of images

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
	j := weightPool.Get()
	j.dw, j.dy, j.x, j.opt, j.k, j.stop = dw, dy, x, opt, dw.Dim(0), c.stop
	threads, taps := c.width(), j.k*j.k
	fmas := dy.Rows() * dy.Cols() * x.Cols()
	if partsFor(threads, fmas*taps) == 1 {
		threads = 1
	}
	cut := max(1, min(threads, 2*fmas/leastPart))
	j.colParts = min(panels(dy.Cols()), cut)
	j.rowParts = max(min((x.Cols()+simd.TileRows-1)/simd.TileRows, (cut+j.colParts-1)/j.colParts), (x.Cols()+mostRows-1)/mostRows)
	j.tapParts = tapParts(j.k, threads, j.rowParts*j.colParts)
	par.Run(threads, j.tapParts*j.rowParts*j.colParts, j)
	weightPool.Free(j)
}

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
	c, o := j.x.Cols(), j.dy.Cols()
	m0, m1 := cutRows(c, row, j.rowParts)
	np := panels(o)
	p0, p1 := np*col/j.colParts, np*(col+1)/j.colParts
	p := product{ai: 1, bPanel: simd.TileCols, ci: o, cols: o, acc: true}
	var views [mostTaps][4]tapView
	taps := j.k * j.k / j.tapParts
	most, n := 0, 0 // rows of a view, views of a tap
	for i := range taps {
		tap := part*taps + i
		n = j.views(&views[i], tap/j.k, tap%j.k)
		for _, v := range views[i][:n] {
			most = max(most, v.rows)
		}
	}
	aImg, bImg := j.x.Dim(1)*j.x.Dim(2)*j.x.Pitch(), j.dy.Dim(1)*j.dy.Dim(2)*j.dy.Pitch()
	rows := max(1, xBlock/((m1-m0)*j.dy.Dim(2))) // of an image, per call
	step, group := most, 1                       // several views of a tap are summed image after image, whole ones
	if n == 1 {
		step, group = rows, max(1, min(rows/j.dy.Dim(1), j.x.Dim(0)))
	}
	s := getScratch(0, 2*group*j.dy.Dim(1))
	defer s.free()
	for img := 0; img < j.x.Dim(0) && !j.stop.Now(); img += group {
		p.a, p.b = j.x.Data()[img*aImg:], j.dy.Data()[img*bImg:]
		for block := 0; block < most; block += step {
			for i := range taps {
				p.c = j.dw.Data()[(part*taps+i)*c*o:]
				for _, v := range views[i][:n] {
					for r := block; r < min(block+step, v.rows); r += rows {
						v.segments(&p, s, r, min(rows, v.rows-r), min(group, j.x.Dim(0)-img), aImg, bImg)
						p.run(m0, m1, p0, p1)
					}
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
func (v *tapView) segments(p *product, s *scratch, row, rows, n, aImg, bImg int) {
	segs := n * rows
	p.aSeg, p.bSeg = s.i[:segs], s.i[segs:2*segs]
	p.k, p.ak, p.kb = v.k, v.ak, v.kb
	for i := range segs {
		img, r := i/rows, row+i%rows
		p.aSeg[i] = int32(img*aImg + v.a0 + r*v.aRow)
		p.bSeg[i] = int32(img*bImg + v.b0 + r*v.bRow)
	}
}

// views fills the views of tap (ky, kx): one, or with Up one per parity of
// the output, in ascending order.
func (j *weightJob) views(out *[4]tapView, ky, kx int) int {
	w, xp := j.x.Dim(2), j.x.Pitch()
	wo, yp := j.dy.Dim(2), j.dy.Pitch()
	views, n := conv.Of(j.x, j.dw, j.opt).Views(ky, kx)
	for i, v := range views[:n] {
		out[i] = tapView{
			rows: v.Rows, k: v.Cols,
			a0: (v.Y*w + v.X) * xp, aRow: v.Stride * w * xp, ak: v.Stride * xp,
			b0: (v.OutY*wo + v.OutX) * yp, bRow: v.Step * wo * yp, kb: v.Step * yp,
		}
	}
	return n
}
