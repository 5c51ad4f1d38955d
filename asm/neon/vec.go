package main

import (
	"math"

	"heavytail/asm/internal/formula"
)

// elementwise writes the elementwise kernels, the sums and the optimiser's step.
func elementwise(f *file) {
	kernels(f, "vec", func(m *machine) {
		m.maps(formula.Elementwise)
		m.widenAdd()
		m.sums()
		m.adamw()
		m.transpose()
	})
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
