package main

import (
	"strings"

	"heavytail/asm/internal/formula"
)

// quick writes the elementary functions on float64.
func quick(f *file) {
	kernels(f, "quick", func(m *machine) {
		m.double = true
		for _, f := range formula.Functions {
			m.function(f)
		}
	})
}

func (m *machine) function(f formula.Function) {
	m.begin(f.Name, f.Args+" []float64", "", f.Doc)
	var base []gp
	names := strings.Split(f.Args, ", ")
	for _, n := range names {
		base = append(base, m.base(n))
	}
	n := m.length(names[0])
	m.fresh(1, 1) // the table of constants
	m.loop(n, 2, func(x span) {
		v := out(m.next(base[len(base)-1], x))
		for i, y := range f.Of(formula.Quick{Machine: language{machine: m}}, v) {
			m.put(registersOf(y), base[i], x)
		}
	})
	m.end()
}
