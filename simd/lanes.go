package simd

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

// fmaExact is fma by way of float64: what FMA does, without a call for each.
func (d *lanes) fmaExact(k float32, x, y *lanes) {
	w := float64(k)
	for j := range d {
		p, c := float64(w*float64(x[j])), float64(y[j])
		s := p + c
		if fmaTie(s) {
			s = fmaOdd(p, c, s)
		}
		d[j] = float32(s)
	}
}
