package main

import "math"

const (
	tanhHi    = 30
	absBits   = 1<<31 - 1
	signBit   = 1 << 31
	sqrtHalf  = 0x3f3504f3
	minNormal = 0x1p-126
	twoOver   = 0.636619772
	sinMax    = 1 << 21
)

var (
	logC = [9]float32{0.333333135, -0.250000089, 0.20002073, -0.166679963, 0.142203271,
		-0.124060318, 0.11883568, -0.116714492, 0.0675095618}
	sinC = [3]float32{-0.166666552, 0.00833219104, -0.000195186003}
	cosC = [3]float32{0.0416666456, -0.00138873013, 2.44306611e-05}
	pi2  = [3]float32{1.57079637, -4.37113883e-8, -1.71512451e-15}
	inf  = float32(math.Inf(1))
	nan  = float32(math.NaN())
)

// activations writes the elementary functions, as simd/act_generic.go has them.
func activations(f *file) {
	kernels(f, "act", func(m *machine) {
		sig := func() *exponential { return m.exponential(sigLo, sigHi) }
		m.unary("exp", "dst_i = exp1(x_i)", func() func(value) value { return m.exponential(expLo, expHi).exp })
		m.unary("silu", "dst_i = silu1(x_i)", func() func(value) value { return sig().silu })
		m.unary("sigmoid", "dst_i = sigmoid1(x_i)", func() func(value) value { return sig().logistic })
		m.siluBackward()
		m.unary("tanh", "As tanhGeneric.", m.tanh)
		m.unary("log", "As logGeneric.", m.log)
		m.sinCos()
		m.softmax()
	})
}

// unary writes dst = f(x).
func (m *machine) unary(name, doc string, prepare func() func(value) value) {
	typ := "float32"
	if m.double {
		typ = "float64"
	}
	m.begin(name, "dst, x []"+typ, "", doc)
	dst, x, n := m.base("dst"), m.base("x"), m.length("x")
	f := prepare()
	m.loop(n, 2, func(s span) { m.put(f(m.next(x, s)), dst, s) })
	m.end()
}

func (m *machine) siluBackward() {
	m.begin("siluBackward", "dx, dy, x []float32", "", "dx_i = dy_i * siluGrad1(x_i)")
	dx, dy, x, n := m.base("dx"), m.base("dy"), m.base("x"), m.length("x")
	e := m.exponential(sigLo, sigHi)
	m.loop(n, 2, func(s span) {
		g := e.siluGrad(m.next(x, s))
		m.scaleBy(g, m.next(dy, s))
		m.put(g, dx, s)
	})
	m.end()
}

func (m *machine) tanh() func(value) value {
	e := m.exponential(tanhHi, tanhHi) // limited from above only
	abs, sign, two := m.bits(absBits), m.bits(signBit), m.float(2)
	return func(x value) value {
		n := len(x)
		a := m.and(x, all(abs, n))
		t, p := e.parts(m.min(m.add(a, a), e.most))
		pow := m.mul(p.a, p.b)
		q := m.sub(pow, all(e.one, n))
		m.fma(q, pow, t) // e^{2|x|} − 1
		return m.or(m.and(x, all(sign, n)), m.div(q, m.add(q, all(two, n))))
	}
}

func (m *machine) log() func(value) value {
	c := m.floats(logC[:]...)
	tiny, up, down, big := m.float(minNormal), m.float(1<<23), m.float(-23), m.float(math.MaxFloat32)
	base, one, half := m.bits(sqrtHalf), m.float(1), m.float(0.5)
	hi, lo, ninf, nans, zero := m.float(ln2Hi), m.float(ln2Lo), m.float(-inf), m.float(nan), m.float(0)
	return func(x value) value {
		n := len(x)
		of := func(v vec) value { return all(v, n) }
		small := m.op2("FCMGT", of(tiny), x)
		s := m.copy(x)
		m.choose(s, m.mul(x, of(up)), small)
		e := m.shiftRight(m.subInt(s, of(base)), 23)
		f := m.sub(m.subInt(s, m.shiftLeft(e, 23)), of(one))
		k := m.add(m.and(of(down), small), m.op1("SCVTF", e))
		q := of(c[8])
		for i := 7; i >= 0; i-- {
			next := m.copies(c[i], n)
			m.fma(next, q, f)
			q = next
		}
		z := m.mul(f, f)
		m.scaleBy(q, f)
		m.scaleBy(q, z)
		m.fma(q, k, of(lo))
		m.fms(q, z, of(half))
		q = m.add(f, q)
		m.fma(q, k, of(hi))
		y := m.copy(x) // what is above the largest number, and NaN, stays
		m.choose(y, q, m.op2("FCMGE", of(big), x))
		m.choose(y, of(ninf), m.op2("FCMEQ", x, of(zero)))
		m.choose(y, of(nans), m.op2("FCMGT", of(zero), x))
		return y
	}
}

func (m *machine) sinCos() {
	m.begin("sinCos", "s, c, x []float32", "", "As sinCosGeneric.")
	ps, pc, px, n := m.base("s"), m.base("c"), m.base("x"), m.length("x")
	abs, limit, nans, sign := m.bits(absBits), m.float(sinMax), m.float(nan), m.bits(signBit)
	over, big, one, oneInt, half := m.float(twoOver), m.float(magic), m.float(1), m.bits(1), m.float(0.5)
	pi, sc, cc := m.floats(pi2[:]...), m.floats(sinC[:]...), m.floats(cosC[:]...)
	m.loop(n, 1, func(x span) {
		of := func(v vec) value { return all(v, x.n) }
		horner := func(c []vec, z value) value {
			q := m.copies(c[1], x.n)
			m.fma(q, z, of(c[2]))
			p := m.copies(c[0], x.n)
			m.fma(p, q, z)
			return p
		}
		v := m.next(px, x)
		r := m.copies(nans, x.n)
		m.choose(r, v, m.op2("FCMGE", of(limit), m.and(v, of(abs))))
		u := m.copies(big, x.n)
		m.fma(u, r, of(over))
		k := m.sub(u, of(big))
		for _, p := range pi {
			m.fms(r, k, of(p))
		}
		z := m.mul(r, r)
		rz := m.mul(r, z)
		m.fma(r, rz, horner(sc, z)) // the sine
		cs := m.copies(one, x.n)
		m.fms(cs, z, of(half))
		m.fma(cs, m.mul(z, z), horner(cc, z))
		odd := m.shiftRight(m.shiftLeft(u, 31), 31)
		a, b := m.copy(r), m.copy(cs)
		m.choose(a, cs, odd)
		m.choose(b, r, odd)
		flip := func(u, v value) value { return m.xor(m.and(m.shiftLeft(u, 30), of(sign)), v) }
		m.put(flip(u, a), ps, x)
		m.put(flip(m.addInt(u, of(oneInt)), b), pc, x)
	})
	m.end()
}

func (m *machine) softmax() {
	m.begin("softmaxExp", "row []float32, max float32", " float32", "row_i = exp1(row_i - max); returns the sum of the new row in 16 lanes.")
	row, n, top := m.base("row"), m.length("row"), m.spread("max")
	e, acc := m.exponential(expLo, expHi), m.zero(4)
	m.lanes(n, 2, func(x span) {
		v := e.exp(m.sub(m.peek(row, x), all(top, x.n)))
		m.put(v, row, x)
		m.clean(v, x)
		m.addTo(x.of(acc), v)
	})
	m.result(m.fold(acc))
	m.end()

	m.begin("softmaxGrad", "ds, p, dp []float32, d float32", "", "ds_i = p_i * (dp_i - d)")
	ds, p, dp, n, d := m.base("ds"), m.base("p"), m.base("dp"), m.length("p"), m.spread("d")
	m.loop(n, 4, func(x span) {
		v := m.sub(m.next(dp, x), all(d, x.n))
		m.scaleBy(v, m.next(p, x))
		m.put(v, ds, x)
	})
	m.end()
}
