package cuda

import (
	"math"

	"heavytail/internal/shapes"
	"heavytail/tensor"
)

// pointThreads is the size of a block of what works element by element.
const pointThreads = 256

// A pointwise kernel has an entry for one and one for four columns to a thread.
type pointwise struct{ module, one, four string }

func point(name string) pointwise { return pointwise{name, name + "_1", name + "_4"} }

var (
	pointFill         = point("fill")
	pointCopy         = point("copy")
	pointAdd          = point("add")
	pointScale        = point("scale")
	pointLerp         = point("lerp")
	pointSiLU         = point("silu")
	pointSiLUBackward = point("silu_backward")
	pointScaleSamples = point("scale_samples")
	pointAddChannels  = point("add_channels")
	pointEmbedding    = point("embedding")
	pointDropout      = point("dropout")

	pointLoss = [...]pointwise{
		tensor.Squared: point("loss_squared_backward"), tensor.Huber: point("loss_huber_backward"), tensor.PNorm: point("loss_pnorm_backward"),
	}
)

// A matrix is rows of so many columns in the GPU's memory, pitch float32 apart.
type matrix struct {
	at                uint64
	rows, cols, pitch int
}

// of is where t is.
func of(t *tensor.Tensor) matrix { return matrix{at(t), t.Rows(), t.Cols(), t.Pitch()} }

// matrix takes memory for a dense matrix until the method ends.
func (d *Device) matrix(rows, cols int) matrix { return matrix{d.room(rows * cols), rows, cols, cols} }

func (m matrix) dense() bool { return m.pitch == m.cols || m.rows <= 1 }

// fours reports whether every group of four columns is aligned for one access.
func (m matrix) fours() bool { return m.at%16 == 0 && m.cols%4 == 0 && (m.pitch%4 == 0 || m.rows <= 1) }

// mostGroups is how many threads one launch may have, at most what an int of 32
// bits counts in fours.
const mostGroups = min(1<<31, math.MaxInt/2+1)

// points runs a kernel that looks at no row's number on y and the operands, all of
// y's shape.
func (d *Device) points(k pointwise, y matrix, in []matrix, extra ...arg) {
	dense := y.dense()
	for _, x := range in {
		dense = dense && x.dense()
	}
	if !dense {
		d.pointRows(k, y, in, extra...)
		return
	}
	n := y.rows * y.cols
	for lo := 0; lo < n; lo += mostGroups {
		var flat [3]matrix
		part := func(m matrix) matrix {
			cols := min(n-lo, mostGroups)
			return matrix{m.at + 4*uint64(lo), 1, cols, cols}
		}
		for i, x := range in {
			flat[i] = part(x)
		}
		d.pointRows(k, part(y), flat[:len(in)], extra...)
	}
}

// pointRows runs a kernel on y and the operands, row by row.
func (d *Device) pointRows(k pointwise, y matrix, in []matrix, extra ...arg) {
	d.pointBeside(k, y, in, matrix{}, extra...)
}

// pointBeside is pointRows for a kernel that reads rows of beside, which extra names.
func (d *Device) pointBeside(k pointwise, y matrix, in []matrix, beside matrix, extra ...arg) {
	if y.rows*y.cols == 0 {
		return
	}
	width, entry := 4, k.four
	fours := y.fours() && beside.fours()
	for _, x := range in {
		fours = fours && x.fours()
	}
	if !fours {
		width, entry = 1, k.one
	}
	count := y.rows * y.cols / width
	if count > mostGroups {
		d.missing("so large a tensor in one piece (%d×%d values)", y.rows, y.cols)
	}
	var all [16]arg
	args := append(all[:0], ptr(y.at), num(y.pitch))
	for _, x := range in {
		args = append(args, ptr(x.at), num(x.pitch))
	}
	args = append(args, num(count), num(y.cols/width))
	d.launch(k.module, entry, grid(up(count, pointThreads), 1, 1), 0, append(args, extra...)...)
}

// Fill sets every element of t to v.
func (d *Device) Fill(t *tensor.Tensor, v float32) {
	defer d.begin("Fill", t).end()
	t.Touch()
	if t.Dense() && t.Len() > 0 {
		d.check(d.drv.Set(at(t), math.Float32bits(v), t.Len()))
		return
	}
	d.points(pointFill, of(t), nil, f32(v))
}

// Copy sets dst = src. It panics if the shapes differ.
func (d *Device) Copy(dst, src *tensor.Tensor) {
	shapes.Match("Copy", dst, src)
	defer d.begin("Copy", dst, src).end()
	dst.Touch()
	to, from, n := at(dst), at(src), 4*uint64(dst.Len())
	if n > 0 && dst.Dense() && src.Dense() && (to+n <= from || from+n <= to) {
		d.check(d.drv.Within(to, from, int64(n)))
		return
	}
	d.points(pointCopy, of(dst), []matrix{of(src)})
}

// Add sets dst = a + b; dst may be a or b. It panics if the shapes differ.
func (d *Device) Add(dst, a, b *tensor.Tensor) {
	shapes.Match("Add", dst, a)
	shapes.Match("Add", dst, b)
	defer d.begin("Add", dst, a, b).end()
	dst.Touch()
	d.points(pointAdd, of(dst), []matrix{of(a), of(b)})
}

// Scale sets x = s·x.
func (d *Device) Scale(x *tensor.Tensor, s float32) {
	defer d.begin("Scale", x).end()
	x.Touch()
	d.points(pointScale, of(x), []matrix{of(x)}, f32(s))
}

// ScaleSamples sets sample i of y to s[i] times sample i of x; y may be x. It
// panics if the shapes differ or s has not one factor per sample.
func (d *Device) ScaleSamples(y, x *tensor.Tensor, s []float32) {
	shapes.ScaleSamples(y, x, len(s))
	defer d.begin("ScaleSamples", y, x).end()
	y.Touch()
	if y.Len() > 0 {
		d.pointRows(pointScaleSamples, of(y), []matrix{of(x)}, ptr(d.put(raw(s))), num(x.Rows()/len(s)))
	}
}

// SiLU sets y = x·sigmoid(x) as simd.SiLU defines it; y may be x. It panics if the
// shapes differ.
func (d *Device) SiLU(y, x *tensor.Tensor) {
	shapes.Match("SiLU", y, x)
	defer d.begin("SiLU", y, x).end()
	y.Touch()
	d.points(pointSiLU, of(y), []matrix{of(x)})
}

// SiLUBackward sets dx = dy·silu'(x); dx may be dy or x. It panics if the shapes
// differ.
func (d *Device) SiLUBackward(dx, dy, x *tensor.Tensor) {
	shapes.Match("SiLUBackward", dx, dy)
	shapes.Match("SiLUBackward", dx, x)
	defer d.begin("SiLUBackward", dx, dy, x).end()
	dx.Touch()
	d.points(pointSiLUBackward, of(dx), []matrix{of(dy), of(x)})
}

// AddChannels adds row n of v [N,C] to every pixel of sample n: y = x + v; y may be
// x. It panics on other shapes.
func (d *Device) AddChannels(y, x, v *tensor.Tensor) {
	shapes.Match("AddChannels", y, x)
	shapes.Channels("AddChannels", x, v)
	defer d.begin("AddChannels", y, x, v).end()
	y.Touch()
	if y.Len() > 0 {
		d.pointBeside(pointAddChannels, of(y), []matrix{of(x)}, of(v), ptr(at(v)), num(v.Pitch()), num(x.Rows()/x.Dim(0)))
	}
}

// Embedding adds row ids[i] of table [K,C] to row i of y [N,C]; a negative id adds
// nothing. It panics if an id is ≥ K or the shapes do not fit.
func (d *Device) Embedding(y, table *tensor.Tensor, ids []int) {
	shapes.Embedding("Embedding", y, table, ids)
	defer d.begin("Embedding", y, table).end()
	y.Touch()
	if y.Len() > 0 {
		d.pointBeside(pointEmbedding, of(y), []matrix{of(y)}, of(table), ptr(at(table)), num(table.Cols()), ptr(d.putIDs(ids)))
	}
}

// Dropout sets y = x·mask/(1−p); y may be x. Element j of sample i is dropped when
// word j mod 4 of Philox4x32-10 under the key seed at the counter (j/4, keys[i]) is
// less than p·2³². It panics unless 0 ≤ p < 1 and there is one key per sample.
func (d *Device) Dropout(y, x *tensor.Tensor, p float32, seed uint64, keys []uint64) {
	shapes.Dropout(y, x, p, len(keys))
	defer d.begin("Dropout", y, x).end()
	y.Touch()
	if y.Len() == 0 {
		return
	}
	d.words = d.words[:0]
	for _, k := range keys {
		d.words = append(d.words, uint32(k), uint32(k>>32))
	}
	d.pointRows(pointDropout, of(y), []matrix{of(x)}, ptr(d.put(raw(d.words))), num(x.Rows()/len(keys)), num(x.Cols()),
		u32(uint32(seed)), u32(uint32(seed>>32)), u32(uint32(math.Ceil(float64(p)*(1<<32)))), f32(float32(1/(1-float64(p)))))
}

// put uploads bytes, a multiple of four, to memory that the method has until it ends.
func (d *Device) put(b []byte) uint64 {
	to := d.room(len(b) / 4)
	d.check(d.drv.ToDevice(to, b))
	return to
}

// putIDs uploads ids as 32-bit words.
func (d *Device) putIDs(ids []int) uint64 {
	d.words = d.words[:0]
	for _, id := range ids {
		d.words = append(d.words, uint32(int32(max(id, -1))))
	}
	return d.put(raw(d.words))
}
