package kernels

import (
	"heavytail/internal/par"
	"heavytail/internal/shapes"
	"heavytail/simd"
	"heavytail/tensor"
)

// flatChunk is the number of elements of one part of an elementwise operation:
// enough to pay for handing it out (about a microsecond), small enough that
// three operands of it stay in a second-level cache.
const flatChunk = 1 << 15

// A flatOp computes rows of cols elements each (dense operands are one row).
type flatOp int

const (
	opFill flatOp = iota
	opCopy
	opAdd
	opScale
	opSiLU
	opSiLUBackward
	opLerp
	opAdamW
)

// flatJob is one elementwise operation: dst = op(a, b), by rows or, if every
// operand is dense, by chunks of the flat arrays.
type flatJob struct {
	op         flatOp
	dst, a, b  []float32
	dp, ap, bp int // pitches
	rows, cols int
	perPart    int // rows of a part; 0: flat chunks
	s, s2      float32
	m, v       []float32
	adam       simd.AdamW
}

var flatPool par.Pool[flatJob]

// runFlat runs op on dst and the operands a and b, which may be nil. j brings
// the constants.
func (c *CPU) runFlat(op flatOp, dst, a, b *tensor.Tensor, s, s2 float32) {
	j := flatPool.Get()
	j.op, j.s, j.s2 = op, s, s2
	j.set(dst, a, b)
	j.run(c.width())
	dst.Touch()
}

func (j *flatJob) set(dst, a, b *tensor.Tensor) {
	dense := true
	for _, t := range [...]*tensor.Tensor{dst, a, b} {
		dense = dense && (t == nil || t.Dense())
	}
	j.dst, j.dp = dst.Data(), dst.Pitch()
	j.a, j.ap, j.b, j.bp = nil, 0, nil, 0
	if a != nil {
		j.a, j.ap = a.Data(), a.Pitch()
	}
	if b != nil {
		j.b, j.bp = b.Data(), b.Pitch()
	}
	j.rows, j.cols = dst.Rows(), dst.Cols()
	j.perPart = 0
	if dense {
		j.rows, j.cols = 1, j.rows*j.cols
		return
	}
	j.perPart = max(1, flatChunk/max(1, j.cols))
}

// run executes the job and gives it back.
func (j *flatJob) run(threads int) {
	if j.rows*j.cols > 0 {
		parts := (j.cols + flatChunk - 1) / flatChunk
		if j.perPart > 0 {
			parts = (j.rows + j.perPart - 1) / j.perPart
		}
		par.Run(threads, parts, j)
	}
	flatPool.Free(j)
}

// Do computes one part.
func (j *flatJob) Do(part int) {
	if j.perPart == 0 {
		lo := part * flatChunk
		j.row(0, lo, min(lo+flatChunk, j.cols))
		return
	}
	for i := part * j.perPart; i < min(j.rows, (part+1)*j.perPart); i++ {
		j.row(i, 0, j.cols)
	}
}

// row computes the elements lo…hi−1 of row i.
func (j *flatJob) row(i, lo, hi int) {
	d := j.dst[i*j.dp+lo : i*j.dp+hi]
	switch j.op {
	case opFill:
		simd.Fill(d, j.s)
		return
	case opScale:
		simd.Scale(d, d, j.s)
		return
	}
	a := j.a[i*j.ap+lo : i*j.ap+hi]
	switch j.op {
	case opCopy:
		copy(d, a)
		return
	case opSiLU:
		simd.SiLU(d, a)
		return
	case opLerp:
		simd.AxpBy(d, j.s, d, j.s2, a)
		return
	case opAdamW:
		j.adam.Apply(d, a, j.m[lo:hi], j.v[lo:hi])
		return
	}
	b := j.b[i*j.bp+lo : i*j.bp+hi]
	switch j.op {
	case opAdd:
		simd.Add(d, a, b)
	case opSiLUBackward:
		simd.SiLUBackward(d, a, b)
	}
}

// Fill sets every element of t to v.
func (c *CPU) Fill(t *tensor.Tensor, v float32) { c.runFlat(opFill, t, nil, nil, v, 0) }

// Copy sets dst = src. It panics if the shapes differ.
func (c *CPU) Copy(dst, src *tensor.Tensor) {
	shapes.Match("Copy", dst, src)
	c.runFlat(opCopy, dst, src, nil, 0, 0)
}

// Add sets dst = a + b; dst may be a or b. It panics if the shapes differ.
func (c *CPU) Add(dst, a, b *tensor.Tensor) {
	shapes.Match("Add", dst, a)
	shapes.Match("Add", dst, b)
	c.runFlat(opAdd, dst, a, b, 0, 0)
}

// Scale sets x = s·x.
func (c *CPU) Scale(x *tensor.Tensor, s float32) { c.runFlat(opScale, x, nil, nil, s, 0) }

// ScaleSamples sets sample i of y to s[i] times sample i of x; y may be x. It
// panics if the shapes differ or s has not one factor per sample.
func (c *CPU) ScaleSamples(y, x *tensor.Tensor, s []float32) {
	shapes.ScaleSamples(y, x, len(s))
	cols, per := x.Cols(), x.Rows()/max(1, len(s))
	for i := range x.Rows() {
		simd.Scale(y.Data()[i*y.Pitch():][:cols], x.Data()[i*x.Pitch():][:cols], s[i/per])
	}
	y.Touch()
}

// SiLU sets y = x·sigmoid(x) as simd.SiLU defines it; y may be x. It panics if
// the shapes differ.
func (c *CPU) SiLU(y, x *tensor.Tensor) {
	shapes.Match("SiLU", y, x)
	c.runFlat(opSiLU, y, x, nil, 0, 0)
}

// SiLUBackward sets dx = dy·silu'(x); dx may be dy or x. It panics if the
// shapes differ.
func (c *CPU) SiLUBackward(dx, dy, x *tensor.Tensor) {
	shapes.Match("SiLUBackward", dx, dy)
	shapes.Match("SiLUBackward", dx, x)
	c.runFlat(opSiLUBackward, dx, dy, x, 0, 0)
}

// Upload copies src into dst, row-major. It panics unless src has dst's length.
func (c *CPU) Upload(dst *tensor.Tensor, src []float32) {
	shapes.Len("Upload", dst, len(src))
	n, p, d := dst.Cols(), dst.Pitch(), dst.Data()
	for i := range dst.Rows() {
		copy(d[i*p:i*p+n], src[i*n:])
	}
	dst.Touch()
}

// Download copies src into dst, row-major. It panics unless dst has src's
// length.
func (c *CPU) Download(dst []float32, src *tensor.Tensor) {
	shapes.Len("Download", src, len(dst))
	n, p, s := src.Cols(), src.Pitch(), src.Data()
	for i := range src.Rows() {
		copy(dst[i*n:(i+1)*n], s[i*p:])
	}
}
