package simd

import "math"

// lanes are 16 values that go through the same operations in the Go reference,
// one call for all of them. A destination may be one of the operands.
type lanes [16]float32

func (d *lanes) add(x, y *lanes) {
	for j := range d {
		d[j] = x[j] + y[j]
	}
}

func (d *lanes) sub(x, y *lanes) {
	for j := range d {
		d[j] = x[j] - y[j]
	}
}

func (d *lanes) mul(k float32, x *lanes) {
	for j := range d {
		d[j] = k * x[j]
	}
}

// fma sets d to FMA(k, x, y).
func (d *lanes) fma(k float32, x, y *lanes) {
	if fusesLanes {
		d.fmaFused(k, x, y)
	} else {
		d.fmaExact(k, x, y)
	}
}

// fmaFused is fma where the compiler makes one instruction of a product and a
// sum; fusesLanesHere looks at it, and must see what callers get.
//
//go:noinline
func (d *lanes) fmaFused(k float32, x, y *lanes) {
	for j := range d {
		d[j] = k*x[j] + y[j]
	}
}

// fmaExact is fma by way of float64: what FMA does, without a call for each,
// and with one look for ties in each half. Where k has few digits, as many
// coefficients of Winograd's transforms, it finds some in most halves.
func (d *lanes) fmaExact(k float32, x, y *lanes) {
	if math.Float32bits(k)&(1<<12-1) == 0 {
		fmaTies((*[8]float32)(d[:8]), k, (*[8]float32)(x[:8]), (*[8]float32)(y[:8]))
		fmaTies((*[8]float32)(d[8:]), k, (*[8]float32)(x[8:]), (*[8]float32)(y[8:]))
		return
	}
	w := float64(k)
	s0, s1 := float64(w*float64(x[0]))+float64(y[0]), float64(w*float64(x[1]))+float64(y[1])
	s2, s3 := float64(w*float64(x[2]))+float64(y[2]), float64(w*float64(x[3]))+float64(y[3])
	s4, s5 := float64(w*float64(x[4]))+float64(y[4]), float64(w*float64(x[5]))+float64(y[5])
	s6, s7 := float64(w*float64(x[6]))+float64(y[6]), float64(w*float64(x[7]))+float64(y[7])
	if anyTie(below(s0) | below(s1) | below(s2) | below(s3) | below(s4) | below(s5) | below(s6) | below(s7)) {
		fmaTies((*[8]float32)(d[:8]), k, (*[8]float32)(x[:8]), (*[8]float32)(y[:8]))
	} else {
		d[0], d[1], d[2], d[3] = float32(s0), float32(s1), float32(s2), float32(s3)
		d[4], d[5], d[6], d[7] = float32(s4), float32(s5), float32(s6), float32(s7)
	}
	t0, t1 := float64(w*float64(x[8]))+float64(y[8]), float64(w*float64(x[9]))+float64(y[9])
	t2, t3 := float64(w*float64(x[10]))+float64(y[10]), float64(w*float64(x[11]))+float64(y[11])
	t4, t5 := float64(w*float64(x[12]))+float64(y[12]), float64(w*float64(x[13]))+float64(y[13])
	t6, t7 := float64(w*float64(x[14]))+float64(y[14]), float64(w*float64(x[15]))+float64(y[15])
	if anyTie(below(t0) | below(t1) | below(t2) | below(t3) | below(t4) | below(t5) | below(t6) | below(t7)) {
		fmaTies((*[8]float32)(d[8:]), k, (*[8]float32)(x[8:]), (*[8]float32)(y[8:]))
		return
	}
	d[8], d[9], d[10], d[11] = float32(t0), float32(t1), float32(t2), float32(t3)
	d[12], d[13], d[14], d[15] = float32(t4), float32(t5), float32(t6), float32(t7)
}

// fmaTies is a half of fmaExact where sums have few digits.
func fmaTies(d *[8]float32, k float32, x, y *[8]float32) {
	w := float64(k)
	s0, e0 := sumTie(float64(w*float64(x[0])), float64(y[0]))
	s1, e1 := sumTie(float64(w*float64(x[1])), float64(y[1]))
	s2, e2 := sumTie(float64(w*float64(x[2])), float64(y[2]))
	s3, e3 := sumTie(float64(w*float64(x[3])), float64(y[3]))
	s4, e4 := sumTie(float64(w*float64(x[4])), float64(y[4]))
	s5, e5 := sumTie(float64(w*float64(x[5])), float64(y[5]))
	s6, e6 := sumTie(float64(w*float64(x[6])), float64(y[6]))
	s7, e7 := sumTie(float64(w*float64(x[7])), float64(y[7]))
	if e0|e1|e2|e3|e4|e5|e6|e7 == 0 {
		d[0], d[1], d[2], d[3] = float32(s0), float32(s1), float32(s2), float32(s3)
		d[4], d[5], d[6], d[7] = float32(s4), float32(s5), float32(s6), float32(s7)
		return
	}
	for j := range d {
		d[j] = FMA(k, x[j], y[j])
	}
}
