package main

// Constants of Winograd's transforms; simd/wino_generic.go explains them.
const (
	a  = 11.0 / 16
	b  = 3.0 / 2
	p  = a * a
	q  = b * b
	k0 = 1 / (p * q)
	k1 = 1 / (2 * p * (p - q))
	k2 = 1 / (2 * q * (q - p))
)

// A form is F(m×m, 3×3) with its transforms of one dimension, two of their
// results at a time: in gives the rows pair[0] and pair[1] of a tile's columns,
// out those of a result's; the along functions transform a whole row. back, by
// inPairs, and taps, rows 0 and 2 or row 1 twice, are those of the gradient of the
// taps. What the functions get they may consume.
type form struct {
	m           int
	inPairs     [][2]int
	in          func(m *machine, pair int, d func(i int) value) (a, b value)
	inAlong     func(m *machine, z []value) []value
	inner       func(m *machine, w0, w1, w2 value, coef []vec) value
	weightAlong func(m *machine, w []value) []value
	outPairs    [][2]int
	out         func(m *machine, pair int, d func(i int) value) (a, b value)
	outAlong    func(m *machine, z []value) []value
	back        func(m *machine, pair int, d func(i int) value) (a, b value)
	backAlong   func(m *machine, z []value) []value
	taps        func(m *machine, pair int, d func(i int) value) (a, b value)
	tapsAlong   func(m *machine, z []value) []value
}

// sumsStep is simd.WinoSumsStep.
const sumsStep = 12*32 + 16

// side returns the points along a side.
func (f form) side() int { return f.m + 2 }

// fmaBy sets acc += k·v, fmsBy acc −= k·v; times returns k·v.
func (m *machine) fmaBy(acc value, k float32, v value) { m.fma(acc, v, all(m.float(k), len(v))) }
func (m *machine) fmsBy(acc value, k float32, v value) { m.fms(acc, v, all(m.float(k), len(v))) }
func (m *machine) product(k float32, v value) value    { return m.mul(v, all(m.float(k), len(v))) }

// both returns base + k·x and base − k·x; base is consumed.
func (m *machine) both(base value, k float32, x value) (plus, minus value) {
	plus = m.copy(base)
	m.fmaBy(plus, k, x)
	m.fmsBy(base, k, x)
	return plus, base
}

// four is F(4×4, 3×3).
var four = form{
	m:       4,
	inPairs: [][2]int{{1, 2}, {3, 4}, {5, 0}},
	in: func(m *machine, pair int, d func(i int) value) (value, value) {
		if pair == 2 {
			return m.edge(d(5), d(3), d(1)), m.edge(d(4), d(2), d(0))
		}
		return m.innerRows(pair, d(4), d(2), d(3), d(1))
	},
	inAlong: func(m *machine, z []value) []value {
		y1, y2 := m.innerRows(0, m.copy(z[4]), z[2], m.copy(z[3]), z[1])
		y3, y4 := m.innerRows(1, m.copy(z[4]), z[2], m.copy(z[3]), z[1])
		return []value{m.edge(z[4], z[2], z[0]), y1, y2, y3, y4, m.edge(z[5], z[3], z[1])}
	},
	inner: func(m *machine, w0, w1, w2 value, coef []vec) value {
		m.fma(w0, w2, all(coef[1], len(w2)))
		m.fma(w0, w1, all(coef[0], len(w1)))
		return w0
	},
	weightAlong: func(m *machine, w []value) []value {
		e, f := m.copy(w[0]), m.copy(w[0])
		m.fmaBy(e, p, w[2])
		m.fmaBy(f, q, w[2])
		y1, y2 := m.both(e, a, w[1])
		y3, y4 := m.both(f, b, w[1])
		return []value{w[0], y1, y2, y3, y4, w[2]}
	},
	outPairs: [][2]int{{0, 2}, {1, 3}},
	out: func(m *machine, pair int, d func(i int) value) (value, value) {
		m1, m2, m3, m4 := d(1), d(2), d(3), d(4)
		if pair == 0 {
			return m.even(d(0), m.add(m1, m2), m.add(m3, m4))
		}
		return m.odd(m.sub(m1, m2), m.sub(m3, m4), d(5))
	},
	outAlong: func(m *machine, z []value) []value {
		q, s := m.sub(z[1], z[2]), m.sub(z[3], z[4])
		y0, y2 := m.even(z[0], m.add(z[1], z[2]), m.add(z[3], z[4]))
		y1, y3 := m.odd(q, s, z[5])
		return []value{y0, y1, y2, y3}
	},
	back: func(m *machine, pair int, d func(i int) value) (value, value) {
		if pair == 2 {
			return d(3), d(0)
		}
		return m.backInner(pair, d(0), d(1), d(2), d(3))
	},
	backAlong: func(m *machine, z []value) []value {
		y1, y2 := m.backInner(0, m.copy(z[0]), m.copy(z[1]), z[2], z[3])
		y3, y4 := m.backInner(1, m.copy(z[0]), m.copy(z[1]), z[2], z[3])
		return []value{z[0], y1, y2, y3, y4, z[3]}
	},
	taps: func(m *machine, pair int, d func(i int) value) (value, value) {
		m1, m2, m3, m4 := d(1), d(2), d(3), d(4)
		if pair == 0 {
			return m.evenTaps(d(0), m.add(m1, m2), m.add(m3, m4), d(5))
		}
		y1 := m.oddTap(m.sub(m1, m2), m.sub(m3, m4))
		return y1, y1
	},
	tapsAlong: func(m *machine, z []value) []value {
		y1 := m.oddTap(m.sub(z[1], z[2]), m.sub(z[3], z[4]))
		y0, y2 := m.evenTaps(z[0], m.add(z[1], z[2]), m.add(z[3], z[4]), z[5])
		return []value{y0, y1, y2}
	},
}

// backInner returns rows 1 and 2 (pair 0) or 3 and 4 of A·d; d0 and d1 are
// consumed.
func (m *machine) backInner(pair int, d0, d1, d2, d3 value) (value, value) {
	square, root := []float32{p, q}[pair], []float32{a, b}[pair]
	m.fmaBy(d0, square, d2)
	m.fmaBy(d1, square, d3)
	return m.both(d0, root, d1)
}

// evenTaps returns taps 0 and 2 from m0, sum = m1+m2, r = m3+m4 and m5, which is
// consumed.
func (m *machine) evenTaps(m0, sum, r, m5 value) (y0, y2 value) {
	m.fmaBy(m5, k2*q, r)
	m.fmaBy(m5, k1*p, sum)
	y0 = m.product(k2, r)
	m.fmaBy(y0, k1, sum)
	m.fmaBy(y0, k0, m0)
	return y0, m5
}

// oddTap returns tap 1 from diff = m1−m2 and s = m3−m4.
func (m *machine) oddTap(diff, s value) value {
	y1 := m.product(k2*b, s)
	m.fmaBy(y1, k1*a, diff)
	return y1
}

// innerRows returns rows 1 and 2 (pair 0) or 3 and 4 of Bᵀd; d4 and d3 are
// consumed.
func (m *machine) innerRows(pair int, d4, d2, d3, d1 value) (value, value) {
	square, root := []float32{q, p}[pair], []float32{a, b}[pair]
	m.fmsBy(d4, square, d2)
	m.fmsBy(d3, square, d1)
	return m.both(d4, root, d3)
}

// edge returns row 0 of Bᵀd, or row 5 from d5, d3, d1; d4 is consumed.
func (m *machine) edge(d4, d2, d0 value) value {
	m.fmsBy(d4, p+q, d2)
	m.fmaBy(d4, p*q, d0)
	return d4
}

// even returns results 0 and 2 from m0, p = m1+m2 and r = m3+m4.
func (m *machine) even(m0, sum, r value) (y0, y2 value) {
	y0, y2 = m.product(k2, r), m.product(k2*q, r)
	m.fmaBy(y0, k1, sum)
	m.fmaBy(y0, k0, m0)
	m.fmaBy(y2, k1*p, sum)
	return y0, y2
}

// odd returns results 1 and 3 from q = m1−m2, s = m3−m4 and m5, which is
// consumed.
func (m *machine) odd(diff, s, m5 value) (y1, y3 value) {
	m.fmaBy(m5, k2*q*b, s)
	m.fmaBy(m5, k1*p*a, diff)
	y1 = m.product(k2*b, s)
	m.fmaBy(y1, k1*a, diff)
	return y1, m5
}

// two is F(2×2, 3×3).
var two = form{
	m:       2,
	inPairs: [][2]int{{1, 2}, {3, 0}},
	in: func(m *machine, pair int, d func(i int) value) (value, value) {
		if pair == 0 {
			d1, d2 := d(1), d(2)
			return m.add(d1, d2), m.sub(d2, d1)
		}
		return m.sub(d(1), d(3)), m.sub(d(0), d(2))
	},
	inAlong: func(m *machine, z []value) []value {
		return []value{m.sub(z[0], z[2]), m.add(z[1], z[2]), m.sub(z[2], z[1]), m.sub(z[1], z[3])}
	},
	inner: func(m *machine, w0, w1, w2 value, coef []vec) value {
		m.addTo(w0, w2)
		m.fma(w0, w1, all(coef[0], len(w1)))
		return w0
	},
	weightAlong: func(m *machine, w []value) []value {
		h := m.add(w[0], w[2])
		return []value{w[0], m.add(h, w[1]), m.sub(h, w[1]), w[2]}
	},
	outPairs: [][2]int{{0, 1}},
	out: func(m *machine, _ int, d func(i int) value) (value, value) {
		m1, m2 := d(1), d(2)
		return m.halves(d(0), m.add(m1, m2), m.sub(m1, m2), d(3))
	},
	outAlong: func(m *machine, z []value) []value {
		y0, y1 := m.halves(z[0], m.add(z[1], z[2]), m.sub(z[1], z[2]), z[3])
		return []value{y0, y1}
	},
	back: func(m *machine, pair int, d func(i int) value) (value, value) {
		d0, d1 := d(0), d(1)
		if pair == 0 {
			return m.add(d0, d1), m.sub(d0, d1)
		}
		return d1, d0
	},
	backAlong: func(m *machine, z []value) []value {
		return []value{z[0], m.add(z[0], z[1]), m.sub(z[0], z[1]), z[1]}
	},
	taps: func(m *machine, pair int, d func(i int) value) (value, value) {
		m1, m2 := d(1), d(2)
		if pair == 0 {
			sum := m.add(m1, m2)
			return m.halves(d(0), sum, sum, d(3))
		}
		y1 := m.product(0.5, m.sub(m1, m2))
		return y1, y1
	},
	tapsAlong: func(m *machine, z []value) []value {
		sum := m.add(z[1], z[2])
		y1 := m.product(0.5, m.sub(z[1], z[2]))
		y0, y2 := m.halves(z[0], sum, sum, z[3])
		return []value{y0, y1, y2}
	},
}

// halves returns m0 + p/2 and q/2 − m3; m0 is consumed.
func (m *machine) halves(m0, sum, diff, m3 value) (y0, y1 value) {
	m.fmaBy(m0, 0.5, sum)
	y1 = m.op1("FNEG", m3)
	m.fmaBy(y1, 0.5, diff)
	return m0, y1
}
