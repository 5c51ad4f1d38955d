package main

// Constants of the exponential; they equal those of simd/act_generic.go, which
// says what they are.
const (
	log2e = 1.44269504
	ln2Hi = 0.693147182
	ln2Lo = -1.90465421e-9
	magic = 12582912
	sigLo = -110
	sigHi = 30
	expHi = 89
	expLo = -104
)

var expC = [5]float32{0.49999994, 0.166665211, 0.0416682772, 0.00836868677, 0.00138198235}

// An exponential writes e^x and what is built on it.
type exponential struct {
	*machine
	one, log2e, hi, lo, magic, least, most vec
	c                                      []vec
}

// exponential loads the constants for arguments between least and most.
func (m *machine) exponential(least, most float32) *exponential {
	return &exponential{m, m.float(1), m.float(log2e), m.float(ln2Hi), m.float(ln2Lo), m.float(magic), m.float(least), m.float(most),
		m.floats(expC[:]...)}
}

// reduce returns n = round(x·log₂ e), the sum u that holds it in its low bits,
// and r = x − n·ln 2, in x.
func (e *exponential) reduce(x value) (u, r value) {
	u = e.copies(e.magic, len(x))
	e.fma(u, x, all(e.log2e, len(x)))
	n := e.sub(u, all(e.magic, len(x)))
	e.fms(x, n, all(e.hi, len(x)))
	e.fms(x, n, all(e.lo, len(x)))
	return u, x
}

// horner returns q(r), or q(−r) if negative.
func (e *exponential) horner(r value, negative bool) value {
	step := e.fma
	if negative {
		step = e.fms
	}
	q := all(e.c[4], len(r))
	for k := 3; k >= 0; k-- {
		next := e.copies(e.c[k], len(r))
		step(next, q, r)
		q = next
	}
	return q
}

// parts returns t of e^x = 2^n·(1 + t) and the power; x is consumed.
func (e *exponential) parts(x value) (t value, p power) {
	u, r := e.reduce(x)
	p = e.power(u)
	e.fma(r, e.horner(r, false), e.mul(r, r))
	return r, p
}

// sigmoid returns −t and d of e^−x = 2^−n·(1 + t) and d = 2^n + 1 + t, and 2^n.
// The reduced argument is that of x, so everything up to t has the other sign;
// x is consumed.
func (e *exponential) sigmoid(x value) (minusT, d value, p power) {
	u, r := e.reduce(x)
	p = e.power(u)
	e.fms(r, e.horner(r, true), e.mul(r, r))
	d = e.add(all(e.one, len(x)), e.mul(p.a, p.b))
	return r, e.sub(d, r), p
}

// A power is 2^n for an integral |n| ≤ 252, two normal factors of which the
// first product with a number near 1 is exact.
type power struct{ a, b value }

// power returns 2^n from u, whose low bits hold n: what else u has is shifted
// out of the exponent's place.
func (e *exponential) power(u value) power {
	one := all(e.one, len(u)) // its bits are the exponent's bias
	h := e.shiftLeft(e.shiftRight(u, 1), 23)
	return power{e.addInt(h, one), e.addInt(e.subInt(e.shiftLeft(u, 23), h), one)}
}

// scale sets v = v·2^n.
func (e *exponential) scale(v value, p power) {
	e.scaleBy(v, p.a)
	e.scaleBy(v, p.b)
}

// exp returns exp1(x).
func (e *exponential) exp(x value) value {
	t, p := e.parts(e.max(e.min(x, e.most), e.least))
	v := e.add(t, all(e.one, len(t)))
	e.scale(v, p)
	return v
}

// silu returns silu1(x).
func (e *exponential) silu(x value) value {
	lo := e.max(x, e.least)
	_, d, p := e.sigmoid(e.min(lo, e.most))
	y := e.div(lo, d)
	e.scale(y, p)
	return y
}

// siluGrad returns siluGrad1(x).
func (e *exponential) siluGrad(x value) value {
	one := all(e.one, len(x))
	c := e.min(e.max(x, e.least), e.most)
	minusT, d, p := e.sigmoid(e.copy(c))
	w := e.div(one, d)
	s := e.copy(one)
	e.fma(s, c, e.mul(e.sub(one, minusT), w))
	e.scaleBy(w, s)
	e.scale(w, p)
	return w
}

// logistic returns sigmoid1(x).
func (e *exponential) logistic(x value) value {
	_, d, p := e.sigmoid(e.min(e.max(x, e.least), e.most))
	w := e.div(all(e.one, len(x)), d)
	e.scale(w, p)
	return w
}
