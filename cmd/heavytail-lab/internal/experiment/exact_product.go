package experiment

import (
	"math"

	"heavytail/internal/dmath"
)

// Data of independent elements below isotropic noise. Given A the noise is normal of
// deviation ς = τ·√A and the elements are independent again:
//
//	p(x | A) = Π p(x_i; ς),   E[x_0,i | x, A] = x_i·(1 − q(x_i; ς))
//
// so that one table in (ς, x_i) and a sum over A are exact in any dimension.

// A productTable is p and q of one element below normal noise, for levels of ln ς at
// equal steps.
type productTable struct {
	lo, step float64
	levels   []*radial
}

// newProductTable makes it for data of the scale.
func newProductTable(law scaleLaw, scale float64) *productTable {
	t := &productTable{lo: -7, step: 0.06}
	for s := t.lo; s <= 14; s += t.step {
		t.levels = append(t.levels, newRadial(oneScale(law, normalLaw(1), scale*scale, dmath.Exp(2*s)), 1, true))
	}
	return t
}

// sum returns ln p(x | ς), but for a constant, of elements given by ln |x_i|, and
// where q is not nil sets it to the shares of the noise; between levels both are
// linear in ln ς.
func (t *productTable) sum(logx []float64, logs float64, q []float64) (logp float64) {
	at := min(max((logs-t.lo)/t.step, 0), float64(len(t.levels)-1)-1e-9)
	i := int(at)
	b := at - float64(i)
	for j, v := range logx {
		low, high := t.levels[i].pick(v), t.levels[i+1].pick(v)
		k, w := low.place(v)
		l, u := high.place(v)
		var l0, l1, q0, q1 float64
		for n := range w {
			l0 += float64(w[n] * low.logf[k+n])
			l1 += float64(u[n] * high.logf[l+n])
		}
		logp += l0 + float64(b*(l1-l0))
		if q == nil {
			continue
		}
		for n := range w {
			q0 += float64(w[n] * low.q[k+n])
			q1 += float64(u[n] * high.q[l+n])
		}
		q[j] = q0 + float64(b*(q1-q0))
	}
	return logp
}

// estimate sets data to E[x_0 | x_0 + τ·√A·z = x]. Of A it sums those within 40 of
// the largest ln p, found by steps of the width that p(x | ς) has at least,
// 1/√(2d) in ln ς.
func (t *productTable) estimate(noise scaleLaw, tau float64, data, x []float64) {
	q, logx := make([]float64, len(x)), make([]float64, len(x))
	for j, v := range x {
		logx[j] = logRadius(v * v)
	}
	if noise.constant > 0 {
		t.sum(logx, dmath.Log(tau)+float64(dmath.Log(noise.constant)/2), q)
		for j, v := range x {
			data[j] = float64(v * (1 - q[j]))
		}
		return
	}
	lt := dmath.Log(tau)
	of := func(w float64, q []float64) float64 { return noise.logf(w) + t.sum(logx, lt+float64(w/2), q) }
	step := min(0.2, 1/math.Sqrt(float64(len(x))))
	// coarse first: p(x | ς) has one place of note, near the size of x, and the law of A another
	best, most := noise.lo, math.Inf(-1)
	for w := noise.lo; w <= 40; w += float64(2.5 * step) {
		if v := of(w, nil); v > most {
			best, most = w, v
		}
	}
	weight, shrink := 0.0, make([]float64, len(x))
	add := func(w float64) bool {
		v := of(w, q)
		if v < most-25 {
			return false
		}
		f := dmath.Exp(v - most)
		weight += f
		for j := range shrink {
			shrink[j] += float64(f * (1 - q[j]))
		}
		return true
	}
	for w := best; w <= 40 && add(w); w += step {
	}
	for w := best - step; w >= noise.lo && add(w); w -= step {
	}
	for j, v := range x {
		data[j] = float64(v * shrink[j] / weight)
	}
}
