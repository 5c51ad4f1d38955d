package kernels

import (
	"heavytail/internal/par"
	"heavytail/simd"
	"heavytail/tensor"
)

// normWork holds the values of each channel of a slice, or of each row of a
// part of a layer normalisation.
type normWork struct {
	f64           []float64
	f32           []float32
	s1, s2        []float64 // sums
	shift         []float32
	a, b, p, q, r []float32 // coefficients
	pqr           []float32 // p, q and r as one
}

var normWorkPool par.Pool[normWork]

// getNormWork returns a workspace for n channels or rows, of unknown content.
func getNormWork(n int) *normWork {
	w := normWorkPool.Get()
	if len(w.f32) < 6*n {
		w.f32 = tensor.Aligned(roomFor(6 * n))
	}
	if len(w.f64) < 2*n {
		w.f64 = make([]float64, roomFor(2*n))
	}
	w.s1, w.s2 = w.f64[:n], w.f64[n:2*n]
	w.shift, w.a, w.b = w.f32[:n], w.f32[n:2*n], w.f32[2*n:3*n]
	w.pqr = w.f32[3*n : 6*n]
	w.p, w.q, w.r = w.f32[3*n:4*n], w.f32[4*n:5*n], w.f32[5*n:6*n]
	return w
}

func (w *normWork) free() { normWorkPool.Put(w) }

// gradSlice computes the gradients of channels c0…c1−1 of sample n.
func (j *normJob) gradSlice(w *normWork, n, c0, c1 int) {
	x, dy, dx := j.at(j.x, n, c0), j.at(j.dy, n, c0), j.at(j.dx, n, c0)
	j.coefficients(w, n, c0, c1)
	mean, rstd := j.saved(n, c0, c1)
	clear(w.s1)
	clear(w.s2)
	// Unless dx is added to, it holds dv between the two passes.
	var dv simd.Strip
	if j.SiLU && !j.AddDX {
		dv = dx
	}
	k := simd.NormCoef{A: w.a, B: w.b, Mean: mean, Rstd: rstd}
	simd.NormGradSums(w.s1, w.s2, dv, dy, x, j.p, k, j.SiLU)
	j.paramGrads(w, n, c0, c1)
	per := j.c / j.Groups
	for g := 0; g < c1-c0; g += per {
		j.inputCoefficients(w, n, c0, g, g+per)
	}
	switch {
	case j.SiLU && j.AddDX:
		simd.NormGradInputSiLU(dx, dy, x, j.p, w.a, w.b, w.p, w.q, w.r)
	case j.SiLU:
		simd.NormGradInput(dx, dv, x, j.p, w.p, w.q, w.r, false)
	default:
		simd.NormGradInput(dx, dy, x, j.p, w.p, w.q, w.r, j.AddDX)
	}
}

// paramGrads sets the sample's gradients of gamma, beta, scale and shift from
// the sums s1 = Σ dv and s2 = Σ dv·x̂.
func (j *normJob) paramGrads(w *normWork, n, c0, c1 int) {
	row := n * 2 * j.c
	for c := c0; c < c1; c++ {
		s1, s2 := w.s1[c-c0], w.s2[c-c0]
		scale, _ := j.scaleShift(n, c)
		j.grads[row+c] = float32(scale * s2)
		j.grads[row+j.c+c] = float32(scale * s1)
		if j.dss != nil {
			j.dss[row+c] = float32(float64(float64(j.gamma[c])*s2) + float64(float64(j.beta[c])*s1))
			j.dss[row+j.c+c] = float32(s1)
		}
	}
}

// inputCoefficients sets p, q, r of the group of channels c0+g0…c0+g1−1:
// p = rstd·A, q = −rstd²·m2, r = rstd·(mean·rstd·m2 − m1).
func (j *normJob) inputCoefficients(w *normWork, n, c0, g0, g1 int) {
	mean, rstd := j.saved(n, c0, c0+g1)
	m, rs := float64(mean[g0]), float64(rstd[g0])
	m1, m2 := 0.0, 0.0
	for c := g0; c < g1; c++ {
		scale, _ := j.scaleShift(n, c0+c)
		a := float64(float64(j.gamma[c0+c]) * scale)
		m1 += float64(a * w.s1[c])
		m2 += float64(a * w.s2[c])
		w.p[c] = float32(rs * a)
	}
	count := float64(j.p * (g1 - g0))
	m1, m2 = m1/count, m2/count
	for c := g0; c < g1; c++ {
		w.q[c] = float32(-rs * float64(rs*m2))
		w.r[c] = float32(rs * (float64(m*float64(rs*m2)) - m1))
	}
}
