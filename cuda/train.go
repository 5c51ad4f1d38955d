package cuda

import (
	"math"

	"heavytail/internal/shapes"
	"heavytail/kernels"
	"heavytail/tensor"
)

// A timeTable is the frequencies of an embedding of times on the GPU.
type timeTable struct {
	*buffer
	half, shift int
}

// TimestepEmbedding sets row i of y [N,D] to the cosines and sines of t_i as
// kernels.CPU.TimestepEmbedding defines them. It panics if D is odd, len(t) ≠ N or
// the shift is not 0 or less than D/2.
func (d *Device) TimestepEmbedding(y *tensor.Tensor, t []float32, opt tensor.TimeOpt) {
	shapes.Timestep(y, len(t), opt)
	defer d.begin("TimestepEmbedding", y).end()
	y.Touch()
	half := y.Cols() / 2
	if y.Len() == 0 {
		return
	}
	if d.times.buffer == nil || d.times.half != half || d.times.shift != opt.Shift {
		f := make([]float64, half)
		kernels.Frequencies(f, opt)
		b := d.buffer(2 * half)
		d.check(d.drv.ToDevice(b.at, raw(f)))
		d.times = timeTable{b, half, opt.Shift}
	}
	n := len(t) * half
	d.launch("timestep", "timestep", grid(up(n, pointThreads), 1, 1), 0, ptr(at(y)), num(y.Pitch()), ptr(d.put(raw(t))), ptr(d.times.at),
		num(n), num(half), f32(opt.Scale), flag(opt.SinFirst))
}

// Lerp sets dst = fma(mu, dst, (1−mu)·src), 1−mu computed in float64. It panics
// unless both are dense and of equal length.
func (d *Device) Lerp(dst, src *tensor.Tensor, mu float64) {
	shapes.Flat("Lerp", dst, dst.Len())
	shapes.Flat("Lerp", src, dst.Len())
	defer d.begin("Lerp", dst, src).end()
	dst.Touch()
	d.points(pointLerp, of(dst), []matrix{of(dst), of(src)}, f32(float32(mu)), f32(float32(1-mu)))
}

// EmbeddingBackward adds dy[i] to row ids[i] of dtable, i ascending; a negative id
// adds nothing. It panics as Embedding does.
func (d *Device) EmbeddingBackward(dtable, dy *tensor.Tensor, ids []int) {
	shapes.Embedding("EmbeddingBackward", dy, dtable, ids)
	defer d.begin("EmbeddingBackward", dtable, dy).end()
	dtable.Touch()
	if dtable.Len() == 0 || len(ids) == 0 {
		return
	}
	d.launch("embedding_backward", "embedding_backward", grid(up(dtable.Cols(), 32), dtable.Rows(), 1), 0,
		ptr(at(dtable)), ptr(at(dy)), num(dy.Pitch()), ptr(d.putIDs(ids)), num(len(ids)), num(dtable.Cols()))
}

// sumBlock is the number of elements that are summed in float32.
const sumBlock = 4096

// lossEntries are the sums of losses by their kinds.
var lossEntries = [...]string{tensor.Squared: "loss_squared", tensor.Huber: "loss_huber", tensor.PNorm: "loss_pnorm"}

// Loss sets out[i] to the mean over sample i of kind's function of pred − target, as
// kernels.CPU.Loss defines it. It waits for the GPU. It panics if the shapes differ,
// len(out) is not the batch, or kind is unknown.
func (d *Device) Loss(out []float64, pred, target *tensor.Tensor, kind tensor.LossKind, p float64) {
	shapes.Loss("Loss", pred, target, kind, len(out))
	defer d.begin("Loss", pred, target).end()
	if pred.Len() == 0 {
		for i := range out {
			out[i] = math.NaN() // the mean of nothing
		}
		return
	}
	rows, cols := pred.Rows()/len(out), pred.Cols()
	blocks := up(rows*cols, sumBlock)
	part := d.room(len(out) * blocks)
	var all [11]arg
	args := append(all[:0], ptr(part), ptr(at(pred)), num(pred.Pitch()), ptr(at(target)), num(target.Pitch()),
		num(rows*cols), num(rows), num(cols), num(blocks), num(len(out)*blocks))
	if kind == tensor.PNorm {
		args = append(args, f64(p))
	}
	d.launch("loss", lossEntries[kind], grid(up(len(out)*blocks, rowsPerBlock), 1, 1), 0, args...)
	d.sumBlocks(out, part, blocks, 1, float64(rows*cols))
}

// sumBlocks downloads the sums over blocks, of which per are joined at a time, over
// count.
func (d *Device) sumBlocks(out []float64, part uint64, blocks, per int, count float64) {
	sums := d.room(2 * len(out))
	d.launch("loss", "sum_blocks", grid(len(out), 1, 1), 0, ptr(sums), ptr(part), num(blocks), num(per), f64(count))
	d.get(raw(out), sums)
}

// LossBackward sets dpred = w[i]·∂out[i]/∂pred; dpred may be pred or target. The
// derivative of |r|^p at r = 0 is taken as 0. It panics as Loss does.
func (d *Device) LossBackward(dpred, pred, target *tensor.Tensor, kind tensor.LossKind, p float64, w []float64) {
	shapes.Match("LossBackward", dpred, pred)
	shapes.Loss("LossBackward", pred, target, kind, len(w))
	defer d.begin("LossBackward", dpred, pred, target).end()
	dpred.Touch()
	if pred.Len() == 0 {
		return
	}
	per := pred.Rows() / len(w)
	n := float64(per * pred.Cols())
	in := []matrix{of(pred), of(target)}
	if kind == tensor.PNorm {
		d.doubles = d.doubles[:0]
		for _, v := range w {
			d.doubles = append(d.doubles, v/n*p)
		}
		d.pointRows(pointLoss[kind], of(dpred), in, ptr(d.put(raw(d.doubles))), num(per), f64(p-1))
		return
	}
	d.words = d.words[:0]
	for _, v := range w {
		s := v / n
		if kind == tensor.Squared {
			s *= 2
		}
		d.words = append(d.words, math.Float32bits(float32(s)))
	}
	d.pointRows(pointLoss[kind], of(dpred), in, ptr(d.put(raw(d.words))), num(per))
}

// SumSq returns Σ x² of a dense tensor as kernels.CPU.SumSq defines it. It waits for
// the GPU.
func (d *Device) SumSq(x *tensor.Tensor) float64 {
	shapes.Flat("SumSq", x, x.Len())
	defer d.begin("SumSq", x).end()
	n := x.Len()
	if n == 0 {
		return 0
	}
	blocks := up(n, sumBlock)
	part := d.room(blocks)
	d.launch("loss", "sumsq", grid(up(blocks, rowsPerBlock), 1, 1), 0, ptr(part), ptr(at(x)), num(n), num(blocks))
	d.sumBlocks(d.one[:], part, blocks, 16, 1)
	return d.one[0]
}

// AdamW makes one step on p (and the moments m, v) from the gradient g, as simd.AdamW
// states it. It panics unless all are dense and of equal length and Step ≥ 1.
func (d *Device) AdamW(p, g, m, v *tensor.Tensor, opt tensor.AdamWOpt) {
	shapes.AdamW(p, g, m, v, opt.Step)
	defer d.begin("AdamW", p, g, m, v).end()
	p.Touch()
	m.Touch()
	v.Touch()
	n := p.Len()
	if n == 0 {
		return
	}
	width, entry := 4, "adamw_4"
	if (at(p)|at(g)|at(m)|at(v))%16 != 0 || n%4 != 0 {
		width, entry = 1, "adamw_1"
	}
	c := kernels.AdamWConstants(opt)
	d.launch("adamw", entry, grid(up(n/width, pointThreads), 1, 1), 0, ptr(at(p)), ptr(at(g)), ptr(at(m)), ptr(at(v)), num(n/width),
		f32(c.Grad), f32(c.Beta1), f32(c.C1), f32(c.Beta2), f32(c.C2), f32(c.Decay), f32(c.Step), f32(c.ISqrt), f32(c.Eps))
}
