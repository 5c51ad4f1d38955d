package kernels

import (
	"fmt"
	"math"
	"sync"

	"heavytail/internal/par"
	"heavytail/simd"
	"heavytail/tensor"
)

// rowsElements is the number of elements of one part of a row operation.
const rowsElements = 1 << 14

// layerJob is a layer normalisation or its gradient; phase 0 is cut by rows,
// phase 1 (the sums over rows) by channels.
type layerJob struct {
	tensor.NormOpt
	backward     bool
	phase        int
	m, c         int
	rowsPer      int
	colsPer      int
	x, y, dy, dx simd.Strip
	dv           simd.Strip
	gamma, beta  []float32
	dgamma, dbet []float32
	stats        []float32
}

var layerPool = sync.Pool{New: func() any { return new(layerJob) }}

// LayerNorm sets y = act((x−mean)·rstd·gamma + beta) with the mean and the
// biased variance of each row, rstd = 1/√(var+eps). x, y [M,C] (views allowed;
// y may be x), gamma, beta [C], stats [M,2] receives mean and rstd.
//
// With k the rounded mean of simd.RowSums(x, 0), a second pass sums x−k and
// (x−k)²; the rest is float64. Then x̂ = (x−mean)·rstd in two roundings and
// v = fma(x̂, gamma, beta). It panics on other shapes.
func (c *CPU) LayerNorm(y, x, gamma, beta, stats *tensor.Tensor, opt tensor.NormOpt) {
	j := newLayerJob("LayerNorm", y, x, gamma, beta, stats, opt)
	j.backward, j.phase, j.y = false, 0, strip(y)
	par.Run(c.threads, (j.m+j.rowsPer-1)/j.rowsPer, j)
	j.free()
	y.Touch()
	stats.Touch()
}

// LayerNormBackward computes the gradients of LayerNorm: dx (added to if
// opt.AddDX), dgamma += Σ dv·x̂, dbeta += Σ dv, chains over the rows in
// ascending order. With dv the gradient at v,
//
//	dx = rstd·(dv·gamma − m1 − x̂·m2), m1 = mean(dv·gamma), m2 = mean(dv·gamma·x̂)
//
// dx may be dy, not x. It panics on other shapes.
func (c *CPU) LayerNormBackward(dx, dgamma, dbeta, dy, x, gamma, beta, stats *tensor.Tensor, opt tensor.NormOpt) {
	j := newLayerJob("LayerNormBackward", dy, x, gamma, beta, stats, opt)
	mustMatch("LayerNormBackward", dx, x)
	mustFlat("LayerNormBackward", dgamma, j.c)
	mustFlat("LayerNormBackward", dbeta, j.c)
	j.backward, j.phase = true, 0
	j.dy, j.dx = strip(dy), strip(dx)
	j.dgamma, j.dbet = dgamma.Data(), dbeta.Data()
	// dv is kept apart because dx is written before the sums over rows are.
	s := getScratch(j.m*j.c, 0)
	j.dv = simd.Strip{Data: s.f, Pitch: j.c}
	par.Run(c.threads, (j.m+j.rowsPer-1)/j.rowsPer, j)
	j.phase = 1
	parts := 1
	if j.m*j.c > rowsElements {
		parts = min(par.Threads(c.threads), (j.c+15)/16)
	}
	j.colsPer = ((j.c+parts-1)/parts + 15) &^ 15
	par.Run(c.threads, parts, j)
	s.free()
	j.free()
	dx.Touch()
	dgamma.Touch()
	dbeta.Touch()
}

func newLayerJob(op string, y, x, gamma, beta, stats *tensor.Tensor, opt tensor.NormOpt) *layerJob {
	m, ch := x.Rows(), x.Cols()
	if ch == 0 {
		panic(fmt.Sprintf("kernels: %s: x %v has no columns", op, x.Shape()))
	}
	mustMatch(op, y, x)
	mustFlat(op, gamma, ch)
	mustFlat(op, beta, ch)
	mustFlat(op, stats, 2*m)
	j := layerPool.Get().(*layerJob)
	j.NormOpt, j.m, j.c = opt, m, ch
	j.rowsPer = max(1, rowsElements/ch)
	j.x = strip(x)
	j.gamma, j.beta, j.stats = gamma.Data(), beta.Data(), stats.Data()
	return j
}

func (j *layerJob) free() {
	*j = layerJob{}
	layerPool.Put(j)
}

// Do computes one part of the current phase.
func (j *layerJob) Do(part int) {
	if j.phase == 1 {
		lo, hi := part*j.colsPer, min(j.c, (part+1)*j.colsPer)
		if lo < hi {
			dv := simd.Strip{Data: j.dv.Data[lo:], Pitch: j.dv.Pitch}
			x := simd.Strip{Data: j.x.Data[lo:], Pitch: j.x.Pitch}
			simd.ColGrad(j.dgamma[lo:hi], j.dbet[lo:hi], dv, x, j.m, j.stats[:2*j.m])
		}
		return
	}
	for i := part * j.rowsPer; i < min(j.m, (part+1)*j.rowsPer); i++ {
		if j.backward {
			j.gradRow(i)
		} else {
			j.row(i)
		}
	}
}

// of returns row i of s.
func (j *layerJob) of(s simd.Strip, i int) []float32 {
	return s.Data[i*s.Pitch : i*s.Pitch+j.c]
}

func (j *layerJob) row(i int) {
	x, n := j.of(j.x, i), float64(j.c)
	s, _ := simd.RowSums(x, 0)
	k := float32(float64(s) / n)
	s, q := simd.RowSums(x, k)
	own := float64(s) / n
	v := (float64(q) - float64(own*float64(s))) / n
	mean := float32(float64(k) + own)
	rstd := float32(1 / math.Sqrt(max(v, 0)+float64(j.Eps)))
	j.stats[2*i], j.stats[2*i+1] = mean, rstd
	simd.RowApply(j.of(j.y, i), x, simd.RowNorm{Gamma: j.gamma, Beta: j.beta, Mean: mean, Rstd: rstd}, j.SiLU)
}

func (j *layerJob) gradRow(i int) {
	x, dv, n := j.of(j.x, i), j.of(j.dv, i), float64(j.c)
	mean, rstd := j.stats[2*i], j.stats[2*i+1]
	k := simd.RowNorm{Gamma: j.gamma, Beta: j.beta, Mean: mean, Rstd: rstd}
	s1, s2 := simd.RowGradSums(dv, j.of(j.dy, i), x, k, j.SiLU)
	m1, rs := float64(s1)/n, float64(rstd)
	m2 := float64(rs * (float64(s2) / n))
	q := float32(-rs * m2)
	r := float32(rs * (float64(float64(mean)*m2) - m1))
	simd.RowGradInput(j.of(j.dx, i), dv, x, j.gamma, rstd, q, r, j.AddDX)
}
