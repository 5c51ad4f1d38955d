package main

import "math"

// elementwise writes the elementwise kernels, the sums and the optimiser's step.
func elementwise(f *file) {
	kernels(f, "vec", func(m *machine) {
		m.binary("add", "dst_i = a_i + b_i", m.add)
		m.binary("sub", "dst_i = a_i - b_i", m.sub)
		m.binary("mul", "dst_i = a_i * b_i", m.mul)
		m.scaled()
		m.axpby()
		m.linComb3()
		m.clamp()
		m.huber()
		m.dropped()
		m.widenAdd()
		m.sums()
		m.adamw()
		m.transpose()
	})
}

func (m *machine) binary(name, doc string, f func(a, b value) value) {
	m.begin(name, "dst, a, b []float32", "", doc)
	dst, a, b, n := m.base("dst"), m.base("a"), m.base("b"), m.length("a")
	m.loop(n, 4, func(x span) { m.put(f(m.next(a, x), m.next(b, x)), dst, x) })
	m.end()
}

func (m *machine) scaled() {
	m.begin("scale", "dst, x []float32, s float32", "", "dst_i = x_i * s")
	dst, px, n, s := m.base("dst"), m.base("x"), m.length("x"), m.spread("s")
	m.loop(n, 4, func(x span) { m.put(m.mul(m.next(px, x), all(s, x.n)), dst, x) })
	m.end()
}

func (m *machine) axpby() {
	m.begin("axpby", "dst []float32, a float32, x []float32, b float32, y []float32", "", "dst_i = fma(a, x_i, b * y_i)")
	dst, px, py, n := m.base("dst"), m.base("x"), m.base("y"), m.length("x")
	a, b := m.spread("a"), m.spread("b")
	m.loop(n, 4, func(x span) {
		v := m.mul(m.next(py, x), all(b, x.n))
		m.fma(v, m.next(px, x), all(a, x.n))
		m.put(v, dst, x)
	})
	m.end()
}

func (m *machine) linComb3() {
	m.begin("linComb3", "dst []float32, a float32, x []float32, b float32, y []float32, c float32, z []float32", "",
		"dst_i = fma(c, z_i, fma(b, y_i, a * x_i))")
	dst, px, py, pz, n := m.base("dst"), m.base("x"), m.base("y"), m.base("z"), m.length("x")
	a, b, c := m.spread("a"), m.spread("b"), m.spread("c")
	m.loop(n, 4, func(x span) {
		v := m.mul(m.next(px, x), all(a, x.n))
		m.fma(v, m.next(py, x), all(b, x.n))
		m.fma(v, m.next(pz, x), all(c, x.n))
		m.put(v, dst, x)
	})
	m.end()
}

// clamp compares, because a bound may be zero, whose sign FMAX would mind, or NaN.
func (m *machine) clamp() {
	m.begin("clamp", "dst, x []float32, lo, hi float32", "", "dst_i = atMost(atLeast(x_i, lo), hi)")
	dst, px, n, lo, hi := m.base("dst"), m.base("x"), m.length("x"), m.spread("lo"), m.spread("hi")
	m.loop(n, 4, func(x span) {
		v, l, h := m.next(px, x), all(lo, x.n), all(hi, x.n)
		m.choose(v, l, m.op2("FCMGT", l, v))
		m.choose(v, h, m.op2("FCMGT", v, h))
		m.put(v, dst, x)
	})
	m.end()
}

func (m *machine) huber() {
	m.begin("huber", "dst, x []float32", "", "m = min(|x_i|, 1); dst_i = m * (|x_i| - m*0.5)")
	dst, px, n, one, half := m.base("dst"), m.base("x"), m.length("x"), m.float(1), m.float(0.5)
	m.loop(n, 4, func(x span) {
		a := m.op1("FABS", m.next(px, x))
		lim := m.min(a, one)
		v := m.sub(a, m.mul(lim, all(half, x.n)))
		m.scaleBy(v, lim)
		m.put(v, dst, x)
	})
	m.end()
}

// dropped writes the kernel of dropout, mask.
func (m *machine) dropped() {
	m.begin("mask", "dst, x []float32, words []uint32, limit uint32, s float32", "",
		"dst_i = x_i * s where words_i >= limit (unsigned), else 0")
	dst, px, words, n := m.base("dst"), m.base("x"), m.base("words"), m.length("x")
	limit, s := m.spread("limit"), m.spread("s")
	m.loop(n, 4, func(x span) {
		keep := m.op2("CMHS", m.next(words, x), all(limit, x.n))
		m.put(m.and(m.mul(m.next(px, x), all(s, x.n)), keep), dst, x)
	})
	m.end()
}

// widenAdd writes the only kernel with float64: sums in float32 join running
// sums.
func (m *machine) widenAdd() {
	m.begin("widenAdd", "sum []float64, x []float32", "", "sum_i += float64(x_i)")
	sum, x, n := m.base("sum"), m.base("x"), m.length("x")
	next, last, done := "next", "last", "done"
	m.ins("SUBS $4, %s", n)
	m.branch(next, "BLT")
	m.mark("loop")
	v, lo, hi, a, b := m.vec(), m.vec(), m.vec(), m.vec(), m.vec()
	m.ins("FMOVQ.P 16(%s), %s", x, v.f())
	m.ins("FLDPQ (%s), (%s, %s)", sum, a.f(), b.f())
	m.word("FCVTL", lo, v)
	m.word("FCVTL2", hi, v)
	m.word("FADD.2D", a, a, lo)
	m.word("FADD.2D", b, b, hi)
	m.ins("FSTPQ.P (%s, %s), 32(%s)", a.f(), b.f(), sum)
	m.ins("SUBS $4, %s", n)
	m.branch("loop", "BGE")
	m.mark(next)
	m.ins("ADDS $4, %s", n)
	m.branch(done, "BEQ")
	m.mark(last)
	s, t := m.vec(), m.vec()
	m.ins("FMOVS.P 4(%s), %s", x, s.f())
	m.ins("FCVTSD %s, %s", s.f(), s.f())
	m.ins("FMOVD (%s), %s", sum, t.f())
	m.ins("FADDD %s, %s, %s", s.f(), t.f(), t.f())
	m.ins("FMOVD.P %s, 8(%s)", t.f(), sum)
	m.ins("SUBS $1, %s", n)
	m.branch(last, "BNE")
	m.mark(done)
	m.end()
}

func (m *machine) sums() {
	m.begin("sum", "x []float32", " float32", "Sum of x in 16 lanes.")
	px, n, acc := m.base("x"), m.length("x"), m.zero(4)
	m.lanes(n, 4, func(x span) { m.addTo(x.of(acc), m.next(px, x)) })
	m.result(m.fold(acc))
	m.end()

	m.begin("dot", "a, b []float32", " float32", "Sum of a*b (fused) in 16 lanes.")
	pa, pb, n := m.base("a"), m.base("b"), m.length("a")
	acc = m.zero(4)
	m.lanes(n, 4, func(x span) { m.fma(x.of(acc), m.next(pa, x), m.next(pb, x)) })
	m.result(m.fold(acc))
	m.end()

	m.begin("vmax", "x []float32", " float32", "Maximum of x in 16 lanes; NaN is passed over.")
	px, n = m.base("x"), m.length("x")
	acc = m.copies(m.float(float32(math.Inf(-1))), 4)
	m.lanes(n, 4, func(x span) {
		v := m.next(px, x)
		above := m.op2("FCMGT", v, x.of(acc))
		m.clean(above, x)
		m.choose(x.of(acc), v, above)
	})
	m.result(m.folded(acc, func(a, b vec) vec { // b where it is larger, as vmaxGeneric
		m.choose(value{a}, value{b}, m.op2("FCMGT", value{b}, value{a}))
		return a
	}))
	m.end()
}

// adamw reads the constants in the order of simd.AdamW's fields.
func (m *machine) adamw() {
	m.begin("adamw", "p, g, m, v []float32, k *float32", "", "One step of simd.AdamW; k points at its first field.")
	pp, pg, pm, pv, n, at := m.base("p"), m.base("g"), m.base("m"), m.base("v"), m.length("g"), m.arg("k")
	var k []vec
	for range 9 {
		v := m.vec()
		m.ins("VLD1R.P 4(%s), [%s]", at, v)
		k = append(k, v)
	}
	m.loop(n, 2, func(x span) {
		of := func(i int) value { return all(k[i], x.n) }
		g := m.mul(m.next(pg, x), of(0))
		v := m.mul(g, of(4))
		m.scaleBy(v, g)
		m.fma(v, m.peek(pv, x), of(2))
		m.put(v, pv, x)
		m.scaleBy(g, of(3)) // g becomes the new m
		m.fma(g, m.peek(pm, x), of(1))
		m.put(g, pm, x)
		d := m.copies(k[8], x.n)
		m.fma(d, m.op1("FSQRT", v), of(7))
		p := m.mul(m.peek(pp, x), of(5))
		m.fms(p, m.div(g, d), of(6))
		m.put(p, pp, x)
	})
	m.end()
}
