package main

import (
	"heavytail/asm/internal/defs"
	"heavytail/asm/internal/formula"
)

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
		half := func(words gp) func() formula.Value {
			return func() formula.Value { return out(m.uzp(1, m.numbers(m.next(words, span{n: 4})))) }
		}
		var third func() formula.Value
		if low {
			third = half(boost)
		}
		x := formula.Noise64{Machine: m.withParams(q, defs.Gamma64Fields)}.Gamma(func() (w0, w1 formula.Value) {
			w := m.numbers(m.next(first, span{n: 4}))
			return out(m.uzp(1, w)), out(m.uzp(2, w))
		}, half(second), third, func(v formula.Value) func() formula.Value { return func() formula.Value { return v } })
		m.put(registersOf(x), dst, span{n: len(x)})
	})
	m.end()
}
