package kernels

import (
	"heavytail/internal/conv"
	"heavytail/internal/par"
	"heavytail/simd"
	"heavytail/tensor"
)

// pixels are n images of h×w pixels with c channels, pitch elements apart.
type pixels struct {
	f                 []float32
	n, h, w, c, pitch int
}

// pixelsOf is an [N,H,W,C] tensor.
func pixelsOf(t *tensor.Tensor) pixels {
	return pixels{t.Data(), t.Dim(0), t.Dim(1), t.Dim(2), t.Cols(), t.Pitch()}
}

// image is the distance of images.
func (p pixels) image() int { return p.h * p.w * p.pitch }

// part is the images lo…hi−1.
func (p pixels) part(lo, hi int) pixels {
	p.f, p.n = p.f[lo*p.image():], hi-lo
	return p
}

// row is row y of image n, without what lies behind its last pixel.
func (p pixels) row(n, y int) []float32 {
	at := n*p.image() + y*p.w*p.pitch
	return p.f[at : at+(p.w-1)*p.pitch+p.c]
}

// shape is the geometry of a convolution of the images with taps of side k.
func (p pixels) shape(k int, opt tensor.ConvOpt) conv.Shape {
	return conv.Shape{Up: opt.Up, After: opt.After, K: k, Stride: opt.Stride, H: p.h, W: p.w}
}

// upPointPanels returns the sums of taps of the points of simd.WinoUp, packed for a pass
// forward.
func upPointPanels(w *tensor.Tensor) []float32 {
	return packed(w, 0, panels(w.Cols())*simd.TileCols*conv.UpMats*w.Dim(2), fillUpPoints)
}

func fillUpPoints(dst []float32, w *tensor.Tensor) {
	size := w.Dim(2) * w.Cols()
	s := getScratch(conv.UpMats*size+15*upBlock, 0)
	defer s.free()
	for lo := 0; lo < size; lo += upBlock {
		upPoints(s.f, s.f[conv.UpMats*size:], w.Data(), size, lo, min(lo+upBlock, size))
	}
	packPanels(dst, s.f, conv.UpMats*w.Dim(2), w.Cols(), w.Cols())
}

// upBlock is how many elements of a matrix upPoints has in work, within the first-level
// cache.
const upBlock = 256

// upPoints sets elements lo…hi−1 of the points' matrices, which lie size apart, to the sums
// of taps: of those of a column first, then of these along the rows.
func upPoints(to, columns, w []float32, size, lo, hi int) {
	for j := range 3 {
		tap := func(i int) []float32 { return w[(3*i+j)*size:][lo:hi] }
		upSums1(func(i int) []float32 { return columns[(3*i+j)*upBlock:][:hi-lo] }, tap)
	}
	for i := range 5 {
		tap := func(j int) []float32 { return columns[(3*i+j)*upBlock:][:hi-lo] }
		upSums1(func(j int) []float32 { return to[(5*i+j)*size:][lo:hi] }, tap)
	}
}

// upSums1 sets to to the sums of taps along one axis, in ascending order.
func upSums1(to, tap func(i int) []float32) {
	for i := range simd.WinoUp.Side() {
		lo, hi := conv.UpTaps(i)
		sum := to(i)
		copy(sum, tap(lo))
		for j := lo + 1; j < hi; j++ {
			simd.Add(sum, sum, tap(j))
		}
	}
}

// boxFloats is how many sums of boxes are in memory at most, unless those of one image
// are more: of several images, so that dw is read and written once for all of them. It is
// a variable so that tests can cut small batches.
var boxFloats = 1 << 22

// upBackward computes dx and dw += (each nil: skipped) of a convolution that doubles x, from
// the sums of dy over boxes of 2×2 pixels, a group of images at a time.
func (c *CPU) upBackward(dx, dw, dy, x, w *tensor.Tensor, opt tensor.ConvOpt) {
	if dw != nil {
		defer dw.Touch()
	}
	if dx != nil {
		defer dx.Touch()
	}
	if x.Len() == 0 || dx == nil && dw == nil {
		return
	}
	in, from := pixelsOf(x), pixelsOf(dy)
	sh := in.shape(w.Dim(0), opt)
	box := pixels{h: sh.Grad(in.h), w: sh.Grad(in.w), c: from.c, pitch: from.c}
	group := min(in.n, max(1, boxFloats/max(1, box.image())))
	s := getScratch(group*box.image(), 0)
	defer s.free()
	for n := 0; n < in.n && !c.stop.Now(); n += group {
		m := min(in.n, n+group)
		box.f, box.n = s.f, m-n
		if from.c > 0 {
			c.boxes(box, from.part(n, m))
		}
		if from.c > 0 && dw != nil {
			c.directWeight(dw, box, in.part(n, m), opt)
		}
		if dx != nil {
			c.directInput(pixelsOf(dx).part(n, m), box, w, opt)
		}
	}
}

// boxJob makes sums of boxes, see conv.Shape.Grad.
type boxJob struct {
	box, dy pixels
	parts   int
}

var boxPool par.Pool[boxJob]

// boxes sets box, whose sides are one more than those of dy, to the sums of dy's boxes.
func (c *CPU) boxes(box, dy pixels) {
	j := boxPool.Get()
	j.box, j.dy = box, dy
	j.parts = min(box.n*box.h, partsFor(c.width(), 2*box.n*box.h*box.w*box.c))
	par.Run(c.width(), j.parts, j)
	boxPool.Free(j)
}

// Do makes the rows of one part.
func (j *boxJob) Do(part int) {
	s := getScratch(j.dy.w*j.dy.c, 0)
	defer s.free()
	rows := j.box.n * j.box.h
	for i := rows * part / j.parts; i < rows*(part+1)/j.parts; i++ {
		j.row(s.f, i/j.box.h, i%j.box.h)
	}
}

// row makes row r of image n: the sums of rows r−1 and r of dy, which room is for, and
// of those the sums of neighbours.
func (j *boxJob) row(room []float32, n, r int) {
	w, c := j.dy.w, j.dy.c
	sums, out := room[:w*c], j.box.row(n, r)
	above, below := j.dy.row(n, max(r-1, 0)), j.dy.row(n, min(r, j.dy.h-1))
	pieces, each := w, c
	if j.dy.pitch == c {
		pieces, each = 1, w*c
	}
	for i := range pieces {
		to, a, b := sums[i*each:][:each], above[i*j.dy.pitch:][:each], below[i*j.dy.pitch:][:each]
		if r == 0 || r == j.dy.h { // outside is one of the rows
			copy(to, a)
		} else {
			simd.Add(to, a, b)
		}
	}
	copy(out[:c], sums)
	simd.Add(out[c:w*c], sums[:(w-1)*c], sums[c:])
	copy(out[w*c:], sums[(w-1)*c:])
}
