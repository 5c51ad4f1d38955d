package kernels

import (
	"math"

	"heavytail/internal/par"
	"heavytail/internal/shapes"
	"heavytail/simd"
	"heavytail/tensor"
)

// rowsElements is the number of elements of one part of a row operation.
const rowsElements = 1 << 14

// A layerPhase is one parallel pass of a layer normalisation.
type layerPhase int

const (
	layerForward layerPhase = iota // by rows
	layerInput                     // the gradient of x, by rows
	layerParams                    // the gradients of gamma and beta, by columns
)

type layerJob struct {
	tensor.NormOpt
	phase         layerPhase
	m, c          int
	rowsPer       int
	colsPer       int
	x, y, dy, dx  simd.Strip
	dv            simd.Strip
	gamma, beta   []float32
	dgamma, dbeta []float32
	stats         []float32
}

var layerPool par.Pool[layerJob]

// LayerNorm sets y = act((x−mean)·rstd·gamma + beta) with the mean and the
// biased variance of each row, rstd = 1/√(var+eps). x, y [M,C] (views allowed;
// y may be x), gamma, beta [C], stats [M,2] receives mean and rstd.
//
// simd.RowSums sums x−k and (x−k)² with k the median of the first, the middle
// and the last value of the row; the rest is float64. Then x̂ = (x−mean)·rstd
// in two roundings and v = fma(x̂, gamma, beta). It panics on other shapes.
func (c *CPU) LayerNorm(y, x, gamma, beta, stats *tensor.Tensor, opt tensor.NormOpt) {
	shapes.LayerNorm("LayerNorm", y, x, gamma, beta, stats)
	j := newLayerJob(x, gamma, beta, stats, opt)
	j.phase, j.y = layerForward, strip(y)
	par.Run(c.width(), (j.m+j.rowsPer-1)/j.rowsPer, j)
	j.free()
	y.Touch()
	stats.Touch()
}

// LayerNormBackward computes the gradients of LayerNorm: dx (added to if
// opt.AddDX), dgamma += Σ dv·x̂, dbeta += Σ dv, chains over the rows in
// ascending order (both nil: skipped). With dv the gradient at v,
//
//	dx = rstd·(dv·gamma − m1 − x̂·m2), m1 = mean(dv·gamma), m2 = mean(dv·gamma·x̂)
//
// dx may be dy, not x. It panics on other shapes.
func (c *CPU) LayerNormBackward(dx, dgamma, dbeta, dy, x, gamma, beta, stats *tensor.Tensor, opt tensor.NormOpt) {
	shapes.LayerNormBackward(dx, dgamma, dbeta, dy, x, gamma, beta, stats)
	j := newLayerJob(x, gamma, beta, stats, opt)
	j.dy, j.dx, j.dv = strip(dy), strip(dx), strip(dy)
	if dgamma != nil {
		j.dgamma, j.dbeta = dgamma.Data(), dbeta.Data()
		defer dgamma.Touch()
		defer dbeta.Touch()
	}
	if opt.SiLU {
		// dv is kept apart: dx is written before the sums over rows are made.
		s := getScratch(j.m*j.c, 0)
		j.dv = simd.Strip{Data: s.f, Pitch: j.c}
		j.runInput(c.width())
		j.runParams(c.width())
		s.free()
	} else {
		j.runParams(c.width()) // first, since dx may be dy
		j.runInput(c.width())
	}
	j.free()
	dx.Touch()
}

func (j *layerJob) runInput(threads int) {
	j.phase = layerInput
	par.Run(threads, (j.m+j.rowsPer-1)/j.rowsPer, j)
}

func (j *layerJob) runParams(threads int) {
	if j.dgamma == nil {
		return
	}
	j.phase = layerParams
	parts := 1
	if j.m*j.c > rowsElements {
		parts = min(par.Threads(threads), (j.c+15)/16)
	}
	j.colsPer = ((j.c+parts-1)/parts + 15) &^ 15
	par.Run(threads, parts, j)
}

func newLayerJob(x, gamma, beta, stats *tensor.Tensor, opt tensor.NormOpt) *layerJob {
	m, ch := x.Rows(), x.Cols()
	j := layerPool.Get()
	j.NormOpt, j.m, j.c = opt, m, ch
	j.rowsPer = max(1, rowsElements/ch)
	j.x = strip(x)
	j.gamma, j.beta, j.stats = gamma.Data(), beta.Data(), stats.Data()
	return j
}

func (j *layerJob) free() {
	layerPool.Free(j)
}

// Do computes one part of the current phase.
func (j *layerJob) Do(part int) {
	if j.phase == layerParams {
		lo, hi := part*j.colsPer, min(j.c, (part+1)*j.colsPer)
		if lo < hi && j.m > 0 {
			simd.ColGrad(j.dgamma[lo:hi], j.dbeta[lo:hi], column(j.dv, lo), column(j.x, lo), j.m, j.stats[:2*j.m])
		}
		return
	}
	lo := part * j.rowsPer
	n := min(j.m-lo, j.rowsPer)
	w := getNormWork(n)
	if j.phase == layerForward {
		j.rows(w, lo, n)
	} else {
		j.gradRows(w, lo, n)
	}
	w.free()
}

// column returns the strip that begins at column c of s.
func column(s simd.Strip, c int) simd.Strip { return simd.Strip{Data: s.Data[c:], Pitch: s.Pitch} }

// rows normalises n rows from row lo on.
func (j *layerJob) rows(w *normWork, lo, n int) {
	x, stats := j.x.From(lo), j.stats[2*lo:][:2*n]
	for i := range w.shift {
		row := x.Data[i*x.Pitch:]
		w.shift[i] = median(row[0], row[j.c/2], row[j.c-1])
	}
	simd.RowSums(w.p, w.q, x, j.c, w.shift)
	size := float64(j.c)
	for i, s := range w.p {
		own := float64(s) / size
		v := (float64(w.q[i]) - float64(own*float64(s))) / size
		stats[2*i] = float32(float64(w.shift[i]) + own)
		stats[2*i+1] = float32(1 / math.Sqrt(max(v, 0)+float64(j.Eps)))
	}
	simd.RowApply(j.y.From(lo), x, n, j.gamma, j.beta, stats, j.SiLU)
}

// gradRows sets dx of n rows from row lo on, and dv if there is an activation.
func (j *layerJob) gradRows(w *normWork, lo, n int) {
	x, dv, stats := j.x.From(lo), j.dv.From(lo), j.stats[2*lo:][:2*n]
	if j.SiLU {
		simd.RowGrad(dv, j.dy.From(lo), x, n, j.gamma, j.beta, stats)
	}
	s1, s2 := w.a, w.b
	simd.RowGradSums(s1, s2, dv, x, j.gamma, stats)
	coef, size := w.pqr, float64(j.c)
	for i := range n {
		mean, rs := float64(stats[2*i]), float64(stats[2*i+1])
		m1 := float64(s1[i]) / size
		m2 := float64(rs * (float64(s2[i]) / size))
		coef[3*i] = stats[2*i+1]
		coef[3*i+1] = float32(-rs * m2)
		coef[3*i+2] = float32(rs * (float64(mean*m2) - m1))
	}
	simd.RowGradInput(j.dx.From(lo), dv, x, n, j.gamma, coef, j.AddDX)
}
