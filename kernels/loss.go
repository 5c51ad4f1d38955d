package kernels

import (
	"math"

	"heavytail/internal/dmath"
	"heavytail/internal/par"
	"heavytail/internal/shapes"
	"heavytail/simd"
	"heavytail/tensor"
)

// lossJob is a loss (out) or its gradient (dpred), cut into runs of samples.
type lossJob struct {
	pred, target *tensor.Tensor
	dpred        *tensor.Tensor // nil: the loss itself
	kind         tensor.LossKind
	p            float64
	out, w       []float64
	rows         int // rows of a sample
	each         int // samples of a part
}

var (
	lossPool     par.Pool[lossJob]
	lossWorkPool par.Pool[[simd.SumBlock]float32]
)

// Loss sets out[i] to the mean over sample i of r² (Squared), of r²/2 where
// |r| < 1 else |r| − ½ (Huber), or of |r|^p (PNorm), r = pred − target rounded
// to float32. Blocks of simd.SumBlock elements (row-major) are summed in
// float32 lanes, the blocks in float64. It panics if the shapes differ,
// len(out) is not the batch, or kind is unknown.
func (c *CPU) Loss(out []float64, pred, target *tensor.Tensor, kind tensor.LossKind, p float64) {
	j := newLossJob("Loss", pred, target, kind, p, len(out))
	j.out = out
	j.run(c.width())
}

// LossBackward sets dpred = w[i]·∂out[i]/∂pred; dpred may be pred or target.
// The derivative of |r|^p at r = 0 is taken as 0. It panics as Loss does.
func (c *CPU) LossBackward(dpred, pred, target *tensor.Tensor, kind tensor.LossKind, p float64, w []float64) {
	shapes.Match("LossBackward", dpred, pred)
	j := newLossJob("LossBackward", pred, target, kind, p, len(w))
	j.dpred, j.w = dpred, w
	j.run(c.width())
	dpred.Touch()
}

func newLossJob(op string, pred, target *tensor.Tensor, kind tensor.LossKind, p float64, n int) *lossJob {
	shapes.Loss(op, pred, target, kind, n)
	j := lossPool.Get()
	j.pred, j.target, j.kind, j.p = pred, target, kind, p
	if n > 0 {
		j.rows = pred.Rows() / n
	}
	return j
}

func (j *lossJob) run(threads int) {
	n := j.pred.Dim(0)
	j.each = max(1, flatChunk/2/max(1, j.rows*j.pred.Cols()))
	par.Run(threads, (n+j.each-1)/j.each, j)
	lossPool.Free(j)
}

// Do computes the samples of one part.
func (j *lossJob) Do(part int) {
	buf := lossWorkPool.Get()
	for i := part * j.each; i < min(j.pred.Dim(0), (part+1)*j.each); i++ {
		j.sample(i, buf)
	}
	lossWorkPool.Put(buf)
}

// sample computes the loss or the gradient of sample i.
func (j *lossJob) sample(i int, buf *[simd.SumBlock]float32) {
	n := j.rows * j.pred.Cols()
	sum := 0.0
	for at := 0; at < n; at += simd.SumBlock {
		r := buf[:min(n-at, simd.SumBlock)]
		j.residuals(r, i, at)
		if j.dpred == nil {
			sum += j.sum(r)
		} else {
			j.gradient(r, j.w[i]/float64(n))
			j.store(r, i, at)
		}
	}
	if j.dpred == nil {
		j.out[i] = sum / float64(n)
	}
}

// residuals sets r to pred − target for the elements of sample i from at on.
func (j *lossJob) residuals(r []float32, i, at int) {
	cols := j.pred.Cols()
	for len(r) > 0 {
		row, c := i*j.rows+at/cols, at%cols
		n := min(len(r), cols-c)
		simd.Sub(r[:n], j.pred.Data()[row*j.pred.Pitch()+c:][:n], j.target.Data()[row*j.target.Pitch()+c:][:n])
		r, at = r[n:], at+n
	}
}

// store copies r to the elements of sample i of dpred from at on.
func (j *lossJob) store(r []float32, i, at int) {
	cols := j.dpred.Cols()
	for len(r) > 0 {
		row, c := i*j.rows+at/cols, at%cols
		n := copy(j.dpred.Data()[row*j.dpred.Pitch()+c:][:min(len(r), cols-c)], r)
		r, at = r[n:], at+n
	}
}

// sum returns the sum over one block of residuals, which it overwrites.
func (j *lossJob) sum(r []float32) float64 {
	switch j.kind {
	case tensor.Squared:
		return simd.SumSq(r)
	case tensor.Huber:
		simd.Huber(r, r)
	default:
		for i, v := range r {
			r[i] = float32(pow(math.Abs(float64(v)), j.p))
		}
	}
	return simd.Sum(r)
}

// gradient replaces residuals by s·(derivative of kind's function).
func (j *lossJob) gradient(r []float32, s float64) {
	switch j.kind {
	case tensor.Squared:
		simd.Scale(r, r, float32(2*s))
	case tensor.Huber:
		simd.Clamp(r, r, -1, 1)
		simd.Scale(r, r, float32(s))
	default:
		for i, v := range r {
			a := math.Abs(float64(v))
			if a == 0 {
				r[i] = 0
				continue
			}
			g := s * j.p * pow(a, j.p-1)
			if v < 0 {
				g = -g
			}
			r[i] = float32(g)
		}
	}
}

// pow returns a^p for a ≥ 0 with the usual exponents exact.
func pow(a, p float64) float64 {
	switch p {
	case 0:
		return 1
	case 1:
		return a
	}
	return dmath.Pow(a, p)
}
