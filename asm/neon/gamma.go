package main

import "heavytail/asm/internal/defs"

// gamma writes gamma64NEON, or gamma64LowNEON for shapes below 1: gamma64Try for
// groups times 16 variates, four in a turn.
func (m *machine) gamma(low bool) {
	name := "gamma64"
	if low {
		name += "Low"
	}
	m.begin(name, "dst *float64, first, second, boost *uint32, groups int, q *Gamma64Params", "",
		"gamma64Try of groups times 16 variates, of the words of their blocks.")
	dst, first, second, n, q := m.arg("dst"), m.arg("first"), m.arg("second"), m.arg("groups"), m.arg("q")
	var boost gp
	if low {
		boost = m.arg("boost")
	}
	m.ins("LSL $2, %s, %s", n, n)
	m.fresh(1, 1) // the table of constants
	m.times(n, func() {
		x := m.attempt64(q, m.numbers(m.next(first, span{n: 4})), m.numbers(m.next(second, span{n: 4})))
		if low {
			w := m.uzp(1, m.numbers(m.next(boost, span{n: 4})))
			m.scaleBy(x, m.boost64(m.div(m.ln53(w), m.param64(q, "Shape", len(w)))))
		}
		m.scaleBy(x, m.param64(q, "Mul", len(x)))
		m.put(m.div(x, m.param64(q, "Div", len(x))), dst, span{n: len(x)})
	})
	m.end()
}

// attempt64 returns d·t³ of the numbers of both blocks, −1 where the attempt is
// rejected and NaN where that is open.
func (m *machine) attempt64(q gp, a, b value) value {
	n := len(a) / 2
	c := m.cosPi2(m.unit53(m.uzp(2, a), false))
	z := m.mul(m.op1("FSQRT", m.mul(m.ln53(m.uzp(1, a)), m.same(-2, n))), c)
	t := m.add(m.mul(z, m.param64(q, "C", n)), m.same(1, n))
	cube, zz := m.mul(m.mul(t, t), t), m.mul(z, z)
	value := m.mul(cube, m.param64(q, "D", n))
	w := m.uzp(1, b)
	squeezed := m.op2("FCMGT", m.unit53(w, true), m.mul(m.mul(zz, m.same(0.0331, n)), zz))
	left, right := m.ln64(m.unit53(w, false)), m.mul(m.ln64(t), m.same(3, n))
	right = m.add(m.sub(m.same(1, n), cube), right)
	m.scaleBy(right, m.param64(q, "D", n))
	right = m.add(m.mul(zz, m.same(0.5, n)), right)
	tol := m.param64(q, "Tol", n)
	far := m.op2("FCMGT", left, m.add(right, tol))
	proven := m.op2("FCMGT", right, m.add(left, tol))
	x := m.freshBits64(defs.NaN, n)
	no := m.same(-1, n)
	m.choose(x, no, far)
	m.choose(x, value, m.or(proven, squeezed))
	m.choose(x, no, m.op2("FCMGE", m.zero(n), t))
	return x
}

// ln64 is the natural logarithm of noise64Split.
func (m *machine) ln64(x value) value {
	e, s, p := m.split64(x)
	m.fma(e, s, p)
	return m.mul(e, m.same(defs.Ln2, len(x)))
}

// unit53 is u of gamma64Units, or its complement.
func (m *machine) unit53(w value, complement bool) value {
	n, k := len(w), m.new(len(w))
	for i := range w {
		m.ins("VUSHR $11, %s, %s", w[i], k[i])
	}
	if complement {
		k = m.xor(k, m.sameBits(1<<53-1, n))
	}
	return m.mul(m.add(m.op1("SCVTF", k), m.same(0.5, n)), m.same(0x1p-53, n))
}

// twoSum returns fl(a+b) and its error.
func (m *machine) twoSum(a, b value) (s, e value) {
	s = m.add(a, b)
	bb := m.sub(s, a)
	return s, m.add(m.sub(a, m.sub(s, bb)), m.sub(b, bb))
}

// ln53 is ln u of gamma64Exp for the number w.
func (m *machine) ln53(w value) value {
	n, u := len(w), m.unit53(w, false)
	low := m.op2("FCMGT", m.same(0.5, n), u)
	x, c := m.twoSum(m.same(1, n), m.op1("FNEG", m.unit53(w, true)))
	m.choose(x, u, low)
	m.choose(c, m.same(0, n), low)
	hi, lo := m.logDD(x)
	return m.add(hi, m.add(lo, m.div(c, x)))
}

// logDD is dmath's for normal x.
func (m *machine) logDD(x value) (hi, lo value) {
	w := len(x)
	k := m.shiftRight(m.subInt(x, m.sameBits(defs.Half, w)), 52)
	mant, one := m.subInt(x, m.shiftLeft(k, 52)), m.same(1, w)
	f, n := m.sub(mant, one), m.op1("SCVTF", k)
	d, dl := m.twoSum(mant, one)
	s := m.div(f, d)
	m.fms(f, s, d) // −s·d + f
	m.fms(f, s, dl)
	sl := m.div(f, d)
	t := m.mul(s, s)
	tl := m.op1("FNEG", t)
	m.fma(tl, s, s)
	two := m.add(s, s)
	m.fma(tl, two, sl)
	c := m.mul(s, t)
	cl := m.op1("FNEG", c)
	m.fma(cl, s, t)
	m.fma(cl, sl, t)
	m.fma(cl, s, tl)
	thd := m.same(defs.TwoThd, w)
	g := m.mul(c, thd)
	gl := m.op1("FNEG", g)
	m.fma(gl, c, thd)
	m.fma(gl, c, m.same(defs.TwoThL, w))
	m.fma(gl, cl, thd)
	p := m.mul(m.mul(c, t), m.polynomial(t, defs.Log))
	p = m.add(p, m.add(gl, m.add(sl, sl)))
	m.fma(p, n, m.same(defs.Ln2Mid, w))
	a, al := m.twoSum(m.mul(n, m.same(defs.Ln2Hi, w)), two)
	b, bl := m.twoSum(a, g)
	r := m.add(m.add(al, bl), p)
	hi = m.add(b, r)
	return hi, m.add(m.sub(b, hi), r)
}

// cosPi2 is dmath.CosPi(2v) for 0 < v ≤ 1.
func (m *machine) cosPi2(v value) value {
	w := len(v)
	x := m.add(v, v)
	magic := m.same(defs.Magic, w)
	z := m.add(m.add(x, x), magic)
	x = m.sub(x, m.mul(m.sub(z, magic), m.same(0.5, w)))
	p := m.mul(x, m.same(defs.PiHi, w)) // mulDD
	e := m.op1("FNEG", p)
	m.fma(e, x, m.same(defs.PiHi, w))
	m.fma(e, x, m.same(defs.PiLo, w))
	y := m.add(p, e)
	l := m.add(m.sub(p, y), e)
	t := m.mul(y, y)
	c := m.cosKernel(y, l, t)
	m.choose(c, m.sinKernel(y, l, t), m.shiftRight(m.shiftLeft(z, 63), 63)) // quadrant q+1 is even
	return m.flip(c, m.shiftLeft(m.addInt(z, m.sameBits(1, w)), 62))
}

// sinKernel is dmath's, its parts added.
func (m *machine) sinKernel(y, l, t value) value {
	c := m.copy(l)
	m.fma(c, m.mul(t, m.same(-0.5, len(y))), l)
	m.fma(c, m.mul(t, y), m.polynomial(t, defs.Sin))
	return m.add(y, c)
}

// cosKernel is dmath's, its parts added.
func (m *machine) cosKernel(y, l, t value) value {
	w := len(y)
	tl, half, one := m.op1("FNEG", t), m.same(0.5, w), m.same(1, w)
	m.fma(tl, y, y)
	m.scaleBy(tl, half)
	m.fma(tl, y, l) // y·l + ½tl
	h := m.mul(t, half)
	k := m.sub(one, h)
	e := m.sub(m.sub(m.sub(one, k), h), tl)
	m.fma(e, m.mul(t, t), m.polynomial(t, defs.Cos))
	return m.add(k, e)
}

// boost64 is the factor dmath.Exp(x), NaN where x is below gamma64MinExp.
func (m *machine) boost64(x value) value {
	w := len(x)
	fine := m.op2("FCMGT", x, m.same(-700, w))
	magic := m.same(defs.Magic, w)
	z := m.add(m.mul(x, m.same(defs.Log2E, w)), magic)
	n := m.op1("FNEG", m.sub(z, magic))
	m.fma(x, n, m.same(defs.Ln2Hi, w))
	h, e := m.twoSum(x, m.mul(n, m.same(defs.Ln2Mid, w)))
	q := m.mul(e, h)
	m.fma(q, m.mul(h, h), m.polynomial(h, defs.Exp))
	q = m.add(e, q)
	one := m.same(1, w)
	s := m.add(one, h)
	s = m.add(s, m.add(m.add(m.sub(one, s), h), q))
	m.scaleBy(s, m.addInt(m.shiftLeft(z, 52), one))
	x = m.freshBits64(defs.NaN, w)
	m.choose(x, s, fine)
	return x
}
