package main

import (
	"strings"

	"heavytail/asm/internal/formula"
)

// activations writes the elementary functions on float32.
func activations(f *file) {
	kernels(f, "act", func(m *machine) {
		for _, f := range formula.Acts {
			m.function(f, func(body func()) { m.hoist(body) })
		}
		m.siluBackward()
		m.softmax()
		m.columns()
	})
}

// quick writes the elementary functions on float64, which have more constants than
// registers hold.
func quick(f *file) {
	kernels(f, "quick", func(m *machine) {
		m.double = true
		for _, f := range formula.Quicks {
			m.function(f, func(func()) { m.fresh(1, 1) }) // the table of constants
		}
	})
}

// function writes a kernel of one variable; prepare is called with its body before
// the loop.
func (m *machine) function(f formula.Function, prepare func(body func())) {
	typ := map[bool]string{false: "float32", true: "float64"}[m.double]
	m.begin(f.Name, f.Args+" []"+typ, "", f.Doc)
	var base []gp
	names := strings.Split(f.Args, ", ")
	for _, n := range names {
		base = append(base, m.base(n))
	}
	n, wide := m.length(names[0]), 2
	if f.Name == "sinCos" { // more would not fit the registers
		wide = 1
	}
	of := func(x value) []formula.Value { return f.Of(language{machine: m}, out(x)) }
	prepare(func() { of(m.new(1)) })
	m.loop(n, wide, func(x span) {
		for i, y := range of(m.next(base[len(base)-1], x)) {
			m.put(registersOf(y), base[i], x)
		}
	})
	m.end()
}

// hoist loads the constants that the body of a loop needs: body is written once for
// that, and forgotten.
func (m *machine) hoist(body func()) {
	ops, table := m.ops, m.table
	m.asked = nil
	body()
	m.ops, m.table = ops, table
	for _, b := range m.asked {
		m.bits64(b)
	}
}

// hoisted returns a function of formula.Act whose constants are loaded here.
func (m *machine) hoisted(f func(m formula.Act, x formula.Value) formula.Value) func(x value) value {
	of := func(x value) value { return registersOf(f(formula.Act{Machine: language{machine: m}}, out(x))) }
	m.hoist(func() { of(m.new(1)) })
	return of
}

func (m *machine) siluBackward() {
	m.begin("siluBackward", "dx, dy, x []float32", "", "dx_i = dy_i * siluGrad1(x_i)")
	dx, dy, x, n := m.base("dx"), m.base("dy"), m.base("x"), m.length("x")
	grad := m.hoisted(formula.Act.SiLUGrad)
	m.loop(n, 2, func(s span) {
		g := grad(m.next(x, s))
		m.scaleBy(g, m.next(dy, s))
		m.put(g, dx, s)
	})
	m.end()
}

func (m *machine) softmax() {
	m.begin("softmaxExp", "row []float32, max float32", " float32", "row_i = exp1(row_i - max); returns the sum of the new row in 16 lanes.")
	row, n, top := m.base("row"), m.length("row"), m.spread("max")
	f, acc := m.hoisted(formula.Act.Exp), m.zero(4)
	m.lanes(n, 2, func(x span) {
		v := f(m.sub(m.peek(row, x), all(top, x.n)))
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
