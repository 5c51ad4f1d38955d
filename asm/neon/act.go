package main

import (
	"strings"

	"heavytail/asm/internal/formula"
)

// activations writes the elementary functions on float32.
func activations(f *file) {
	kernels(f, "act", func(m *machine) {
		m.maps(formula.Acts)
		m.maps(formula.Grads)
		m.softmax()
		m.columns()
	})
}

// quick writes the elementary functions on float64.
func quick(f *file) {
	kernels(f, "quick", func(m *machine) {
		m.double = true
		m.maps(formula.Quicks)
	})
}

// maps writes kernels without memory.
func (m *machine) maps(list []formula.Map) {
	for _, f := range list {
		m.begin(f.Name, f.Params, "", f.Doc)
		pointers := func(names string) (p []gp) {
			for _, n := range strings.Fields(names) {
				p = append(p, m.base(n))
			}
			return p
		}
		to, from := pointers(f.Out), pointers(f.In)
		n, wide := m.length(strings.Fields(f.In)[0]), 4
		switch { // what registers hold
		case f.Name == "sinCos":
			wide = 1
		case f.Unroll == 0:
			wide = 2
		}
		var k, x []formula.Value
		for _, name := range strings.Fields(f.Spread) {
			k = append(k, formula.Value{m.spread(name)})
		}
		for range from {
			x = append(x, formula.Value{m.vec()})
		}
		if m.double { // more constants than registers
			m.fresh(1, 1) // their table
		} else {
			m.hoist(func() { f.Of(language{machine: m}, x, k) })
		}
		m.loop(n, wide, func(s span) {
			var x []formula.Value
			for _, p := range from {
				x = append(x, out(m.next(p, s)))
			}
			for j, y := range f.Of(language{machine: m}, x, k) {
				m.put(registersOf(y), to[j], s)
			}
		})
		m.end()
	}
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
}
