package main

import "github.com/mmcloughlin/avo/operand"

// A constant is an index into constants; simd/wino_generic.go explains them.
type constant int

const (
	a1   constant = iota // a
	a2                   // a²
	b1                   // b
	b2                   // b²
	sum                  // a² + b²
	prod                 // a²b²
	k0                   // 1/(a²b²)
	k1                   // 1/(2a²(a²−b²)), times a, a², a³
	k1a
	k1aa
	k1aaa
	k2 // 1/(2b²(b²−a²)), times b, b², b³
	k2b
	k2bb
	k2bbb
	half
)

const (
	a  = 11.0 / 16
	b  = 3.0 / 2
	p  = a * a
	q  = b * b
	c1 = 1 / (2 * p * (p - q))
	c2 = 1 / (2 * q * (q - p))
)

var constants = [...]float32{
	a, p, b, q, p + q, p * q, 1 / (p * q), c1, c1 * a, c1 * p, c1 * p * a, c2, c2 * b, c2 * q, c2 * q * b, 0.5,
}

// both returns base + c·x and base − c·x; base is consumed.
func (m *machine) both(base vec, c constant, x vec) (plus, minus vec) {
	plus = m.copy(base)
	m.fma(c, x, plus)
	m.fnma(c, x, base)
	return plus, base
}

// four is F(4×4, 3×3).
var four = form{
	m:       4,
	inPairs: [][2]int{{1, 2}, {3, 4}, {5, 0}},
	in: func(m *machine, pair int, d func(i int) vec) (vec, vec) {
		if pair == 2 {
			return m.edge(d(5), d(3), d(1)), m.edge(d(4), d(2), d(0))
		}
		return m.inner(pair, d(4), d(2), d(3), d(1))
	},
	inAlong: func(m *machine, z []vec, store func(v vec, j int)) {
		for pair := range 2 {
			p, q := m.inner(pair, m.copy(z[4]), z[2], m.copy(z[3]), z[1])
			store(p, 1+2*pair)
			store(q, 2+2*pair)
		}
		store(m.edge(z[4], z[2], z[0]), 0)
		store(m.edge(z[5], z[3], z[1]), 5)
	},
	weights: []weightKind{
		{"First", "row 0", 0, func(m *machine, _ []vec, w func(i int) operand.Op) vec { return m.load(w(0), false) }},
		{"Last", "row 5", 0, func(m *machine, _ []vec, w func(i int) operand.Op) vec { return m.load(w(2), false) }},
		{"Inner", "rows 1 to 4, w0 + coef1*w2 + coef0*w1", 2, func(m *machine, c []vec, w func(i int) operand.Op) vec {
			v := m.load(w(0), false)
			m.VFMADD231PS(w(2), c[1], v)
			m.VFMADD231PS(w(1), c[0], v)
			return v
		}},
	},
	weightAlong: func(m *machine, w []vec, store func(v vec, j int)) {
		store(w[0], 0)
		store(w[2], 5)
		for pair := range 2 {
			c := [][2]constant{{a1, a2}, {b1, b2}}[pair]
			v := m.copy(w[0])
			m.fma(c[1], w[2], v)
			p, q := m.both(v, c[0], w[1])
			store(p, 1+2*pair)
			store(q, 2+2*pair)
		}
	},
	outPairs: [][2]int{{0, 2}, {1, 3}},
	out: func(m *machine, pair int, d func(i int) vec) (vec, vec) {
		m1, m2, m3, m4 := d(1), d(2), d(3), d(4)
		if pair == 0 {
			return m.even(d(0), m.add(m1, m2), m.add(m3, m4))
		}
		return m.odd(m.sub(m1, m2), m.sub(m3, m4), d(5))
	},
	outAlong: func(m *machine, z []vec) []vec {
		p, q := m.add(z[1], z[2]), m.sub(z[1], z[2])
		r, s := m.add(z[3], z[4]), m.sub(z[3], z[4])
		y0, y2 := m.even(z[0], p, r)
		y1, y3 := m.odd(q, s, z[5])
		return []vec{y0, y1, y2, y3}
	},
	back: func(m *machine, pair int, d func(i int) vec) (vec, vec) {
		if pair == 2 {
			return d(3), d(0)
		}
		return m.backInner(pair, d(0), d(1), d(2), d(3))
	},
	backAlong: func(m *machine, z []vec, store func(v vec, j int)) {
		store(z[0], 0)
		store(z[3], 5)
		for pair := range 2 {
			e, o := z[0], z[1]
			if pair == 0 {
				e, o = m.copy(e), m.copy(o)
			}
			p, q := m.backInner(pair, e, o, z[2], z[3])
			store(p, 1+2*pair)
			store(q, 2+2*pair)
		}
	},
	tapPairs: [][]int{{0, 2}, {1}},
	taps: func(m *machine, pair int, d func(i int) vec) (vec, vec) {
		m1, m2, m3, m4 := d(1), d(2), d(3), d(4)
		if pair == 0 {
			return m.evenTaps(d(0), m.add(m1, m2), m.add(m3, m4), d(5))
		}
		y1 := m.oddTap(m.sub(m1, m2), m.sub(m3, m4))
		return y1, y1
	},
	tapsAlong: func(m *machine, z []vec) []vec {
		y1 := m.oddTap(m.sub(z[1], z[2]), m.sub(z[3], z[4]))
		y0, y2 := m.evenTaps(z[0], m.add(z[1], z[2]), m.add(z[3], z[4]), z[5])
		return []vec{y0, y1, y2}
	},
}

// backInner returns rows 1 and 2 (pair 0) or 3 and 4 of A·d; d0 and d1 are
// consumed.
func (m *machine) backInner(pair int, d0, d1, d2, d3 vec) (vec, vec) {
	square, root := []constant{a2, b2}[pair], []constant{a1, b1}[pair]
	m.fma(square, d2, d0)
	m.fma(square, d3, d1)
	return m.both(d0, root, d1)
}

// evenTaps returns taps 0 and 2 from m0, p = m1+m2, r = m3+m4 and m5; r and m5
// are consumed.
func (m *machine) evenTaps(m0, p, r, m5 vec) (y0, y2 vec) {
	m.fma(k2bb, r, m5)
	m.fma(k1aa, p, m5)
	m.mul(k2, r)
	m.fma(k1, p, r)
	m.fma(k0, m0, r)
	return r, m5
}

// oddTap returns tap 1 from q = m1−m2 and s = m3−m4, which is consumed.
func (m *machine) oddTap(q, s vec) vec {
	m.mul(k2b, s)
	m.fma(k1a, q, s)
	return s
}

// inner returns rows 1 and 2 (pair 0) or 3 and 4 of Bᵀd; d4 and d3 are
// consumed.
func (m *machine) inner(pair int, d4, d2, d3, d1 vec) (vec, vec) {
	square, root := []constant{b2, a2}[pair], []constant{a1, b1}[pair]
	m.fnma(square, d2, d4)
	m.fnma(square, d1, d3)
	return m.both(d4, root, d3)
}

// edge returns row 0 of Bᵀd, or row 5 from d5, d3, d1; d4 is consumed.
func (m *machine) edge(d4, d2, d0 vec) vec {
	m.fnma(sum, d2, d4)
	m.fma(prod, d0, d4)
	return d4
}

// even returns results 0 and 2 from m0, p = m1+m2 and r = m3+m4; m0 and r are
// consumed.
func (m *machine) even(m0, p, r vec) (y0, y2 vec) {
	y2 = m.copy(r)
	m.mul(k2, r)
	m.fma(k1, p, r)
	m.fma(k0, m0, r)
	m.mul(k2bb, y2)
	m.fma(k1aa, p, y2)
	return r, y2
}

// odd returns results 1 and 3 from q = m1−m2, s = m3−m4 and m5; s and m5 are
// consumed.
func (m *machine) odd(q, s, m5 vec) (y1, y3 vec) {
	m.fma(k2bbb, s, m5)
	m.fma(k1aaa, q, m5)
	m.mul(k2b, s)
	m.fma(k1a, q, s)
	return s, m5
}

// two is F(2×2, 3×3).
var two = form{
	m:       2,
	inPairs: [][2]int{{1, 2}, {3, 0}},
	in: func(m *machine, pair int, d func(i int) vec) (vec, vec) {
		if pair == 0 {
			d1, d2 := d(1), d(2)
			return m.add(d1, d2), m.sub(d2, d1)
		}
		return m.sub(d(1), d(3)), m.sub(d(0), d(2))
	},
	inAlong: func(m *machine, z []vec, store func(v vec, j int)) {
		store(m.add(z[1], z[2]), 1)
		store(m.sub(z[2], z[1]), 2)
		store(m.sub(z[1], z[3]), 3)
		store(m.sub(z[0], z[2]), 0)
	},
	weights: []weightKind{
		{"First", "row 0", 0, func(m *machine, _ []vec, w func(i int) operand.Op) vec { return m.load(w(0), false) }},
		{"Last", "row 3", 0, func(m *machine, _ []vec, w func(i int) operand.Op) vec { return m.load(w(2), false) }},
		{"Inner", "rows 1 and 2, w0 + w2 + coef0*w1, coef0 1 or -1", 1, func(m *machine, c []vec, w func(i int) operand.Op) vec {
			v := m.load(w(0), false)
			m.VADDPS(w(2), v, v)
			m.VFMADD231PS(w(1), c[0], v)
			return v
		}},
	},
	weightAlong: func(m *machine, w []vec, store func(v vec, j int)) {
		h := m.add(w[0], w[2])
		store(w[0], 0)
		store(m.add(h, w[1]), 1)
		store(m.sub(h, w[1]), 2)
		store(w[2], 3)
	},
	outPairs: [][2]int{{0, 1}},
	out: func(m *machine, _ int, d func(i int) vec) (vec, vec) {
		m1, m2 := d(1), d(2)
		return m.halves(d(0), m.add(m1, m2), m.sub(m1, m2), d(3))
	},
	outAlong: func(m *machine, z []vec) []vec {
		y0, y1 := m.halves(z[0], m.add(z[1], z[2]), m.sub(z[1], z[2]), z[3])
		return []vec{y0, y1}
	},
	back: func(m *machine, pair int, d func(i int) vec) (vec, vec) {
		d0, d1 := d(0), d(1)
		if pair == 0 {
			return m.add(d0, d1), m.sub(d0, d1)
		}
		return d1, d0
	},
	backAlong: func(m *machine, z []vec, store func(v vec, j int)) {
		store(z[0], 0)
		store(m.add(z[0], z[1]), 1)
		store(m.sub(z[0], z[1]), 2)
		store(z[1], 3)
	},
	tapPairs: [][]int{{0, 2}, {1}},
	taps: func(m *machine, pair int, d func(i int) vec) (vec, vec) {
		m1, m2 := d(1), d(2)
		if pair == 0 {
			p := m.add(m1, m2)
			return m.halves(d(0), p, p, d(3))
		}
		y1 := m.mul(half, m.sub(m1, m2))
		return y1, y1
	},
	tapsAlong: func(m *machine, z []vec) []vec {
		p := m.add(z[1], z[2])
		y1 := m.mul(half, m.sub(z[1], z[2]))
		y0, y2 := m.halves(z[0], p, p, z[3])
		return []vec{y0, y1, y2}
	},
}

// halves returns m0 + p/2 and q/2 − m3; m0 and m3 are consumed.
func (m *machine) halves(m0, p, q, m3 vec) (y0, y1 vec) {
	m.fma(half, p, m0)
	m.VFMSUB231PS(m.constant(half), q, m3)
	return m0, m3
}
